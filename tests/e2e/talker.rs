//! A caller who keys and then talks all the time, and how one knows that two have talked.

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;
use serde_json::Value;

use crate::audio::{likeness, read};
use crate::daemon::Daemon;

const NUMBER: &str = "13800138000";

/// The built-in caller, on the phone until the desk hangs up.
pub struct Talker<'a> {
    daemon: &'a Daemon,
    child: Child,
    heard: PathBuf,
}

impl<'a> Talker<'a> {
    /// `more`: further arguments of `dial`.
    pub fn calls(daemon: &'a Daemon, keys: &str, voice: &Clip, more: &[&str]) -> Self {
        let [speech, heard] = ["speech.wav", "heard.wav"].map(|name| daemon.path(name));
        wav::write(fs::File::create(&speech).expect("a file"), voice).expect("written");
        let keys = format!("{keys}{}", "s".repeat(60));
        let files = ["--say", speech.to_str().expect("text"), "--record", heard.to_str().expect("text")];
        let args = [&["--keys", &keys, "--from", NUMBER], &files[..], more].concat();
        Self { child: daemon.dialling(&daemon.uri(), &args), heard, daemon }
    }

    /// The record of the call, and what was heard in it, once it is over.
    pub fn over(self) -> (Value, Clip) {
        let report = self.child.wait_with_output().expect("it ends");
        assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
        let call = self.daemon.wait_for("record of the caller's call", || {
            self.daemon.calls().into_iter().find(|call| call["caller"] == NUMBER && !call["ended_at"].is_null())
        });
        (call, read(&self.heard))
    }
}

/// Waits until a telephone has heard this voice, and then as much again, so that the other side has heard something as well.
pub fn talk(daemon: &Daemon, whose: &str, voice: &Clip, heard: impl Fn() -> Option<Clip>) {
    let ms = |clip: &Clip| clip.samples.len() * 1000 / clip.rate_hz as usize;
    let mut looked_at = 0;
    // Compared twice a second: that takes its time.
    let mut more = || heard().filter(|heard| ms(heard) >= looked_at + 500).inspect(|heard| looked_at = ms(heard));
    let at = daemon.wait_for(&format!("voice of {whose}"), || more().filter(|heard| likeness(voice, heard) > 0.8));
    let until = ms(&at) + ms(voice);
    daemon.wait_for("more of it", || heard().filter(|heard| ms(heard) >= until));
}

pub fn was_heard(whose: &str, voice: &Clip, by_caller: &Clip) {
    let alike = likeness(voice, by_caller);
    assert!(alike > 0.8, "the caller did not hear {whose}: {alike:.3}");
}
