//! baresip, a real telephone: its settings, and how it is told what to do.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;

use crate::audio::{SPOKEN, at_rate, read};
use crate::daemon::{Daemon, free, peer};

/// The pace of a person's keys: baresip does not queue them.
pub const PRESS_EVERY: Duration = Duration::from_millis(400);

pub struct Phone {
    child: Child,
    control: SocketAddr,
    /// Where it takes calls.
    pub sip: SocketAddr,
    rate_hz: u32,
    folder: PathBuf,
}

impl Phone {
    /// A phone of these users that knows only this codec, with a file for a microphone, that writes what it hears into the folder.
    pub fn start(folder: &Path, users: &[&str], codec: &str, rate_hz: u32) -> Self {
        let accounts: String = users.iter().map(|user| format!("<sip:{user}@127.0.0.1>;regint=0\n")).collect();
        Self::with_accounts(folder, &accounts, codec, rate_hz)
    }

    /// The same with baresip's own lines for its accounts, which may register.
    pub fn with_accounts(folder: &Path, accounts: &str, codec: &str, rate_hz: u32) -> Self {
        Self::run(peer("baresip"), [free(), free()], folder, accounts, codec, rate_hz)
    }

    /// The same over TLS, trusting this authority.
    pub fn over_tls(folder: &Path, accounts: &str, ca: &Path) -> Self {
        fs::write(folder.join("more"), format!("sip_cafile {}\n", ca.display())).expect("written");
        Self::with_accounts(folder, accounts, "g711", 8_000)
    }

    /// The same by this command, at these addresses: where it takes calls, and where commands.
    pub fn run(
        mut baresip: Command,
        [sip, control]: [SocketAddr; 2],
        folder: &Path,
        accounts: &str,
        codec: &str,
        rate_hz: u32,
    ) -> Self {
        says(folder, &read(Path::new(SPOKEN)), rate_hz);
        let modules = "/usr/lib/baresip/modules";
        let config = format!(
            "sip_listen {sip}\naudio_source aufile,{speech}\n\
             audio_player aufile,{heard}\naudio_alert aufile,{heard}\naudio_srate {rate_hz}\naudio_channels 1\nctrl_tcp_listen {control}\n\
             snd_path {folder}\nmodule_path {modules}\nmodule stdio.so\nmodule {codec}.so\nmodule aufile.so\n\
             module sndfile.so\nmodule srtp.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n",
            speech = folder.join("speech.wav").display(),
            heard = folder.join("player.wav").display(),
            folder = folder.display(),
        );
        let more = fs::read_to_string(folder.join("more")).unwrap_or_default();
        fs::write(folder.join("config"), config + &more).expect("written");
        fs::write(folder.join("accounts"), accounts).expect("written");
        fs::write(folder.join("contacts"), "").expect("written");
        let log = fs::File::create(folder.join("phone.log")).expect("a log");
        let child = baresip
            .arg("-f")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .current_dir(folder)
            .spawn()
            .expect("baresip starts");
        Self { child, control, sip, rate_hz, folder: folder.to_owned() }
    }

    /// From its next call on it says this, over and over: at the end of its file baresip hangs up.
    pub fn says(&self, spoken: &Clip) {
        self.says_times(spoken, 50);
    }

    /// The same so often, before it hangs up.
    pub fn says_times(&self, spoken: &Clip, times: usize) {
        let Clip { rate_hz, samples } = spoken;
        says(&self.folder, &Clip { rate_hz: *rate_hz, samples: samples.repeat(times) }, self.rate_hz);
    }

    /// What came out of its decoder in its last call, so far.
    pub fn heard(&self) -> Option<Clip> {
        heard(&self.folder)
    }

    /// Waits until it hears something in this many-th call that it has.
    pub fn is_spoken_to(&self, daemon: &Daemon, times: usize) {
        daemon.wait_for("sound at the telephone", || {
            let had = recorded(&self.folder).count() >= times;
            self.heard().filter(|clip| had && clip.peak_dbfs() > -30.0)
        });
    }

    /// Tells it to end: it hangs up and takes its leave.
    pub fn quit(&self) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("phone.log")).unwrap_or_default()
    }

    /// Waits until it rings for this many-th time.
    pub fn rings(&self, daemon: &Daemon, times: usize) {
        let rung = || self.log().matches("Incoming call").count();
        daemon.wait_for("ringing telephone", || (rung() >= times).then_some(()));
    }

    pub fn connect(&self, daemon: &Daemon) -> TcpStream {
        daemon.wait_for("control port of baresip", || TcpStream::connect(self.control).ok())
    }
}

/// Keys, one after the other, at a person's pace.
pub fn press(control: &mut TcpStream, keys: &str) {
    for key in keys.chars() {
        thread::sleep(PRESS_EVERY);
        command(control, "sndcode", &key.to_string());
    }
}

/// A command in a netstring, as `ctrl_tcp` takes it.
pub fn command(control: &mut TcpStream, command: &str, params: &str) {
    let text = format!(r#"{{"command":"{command}","params":"{params}"}}"#);
    write!(control, "{}:{text},", text.len()).expect("sent");
    let mut reply = [0; 4096];
    assert!(control.read(&mut reply).expect("a reply") > 0);
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("log of baresip:\n{}", self.log());
        }
    }
}

/// At the rate of the codec: baresip does not resample it.
fn says(folder: &Path, spoken: &Clip, rate_hz: u32) {
    let file = fs::File::create(folder.join("speech.wav")).expect("a file");
    wav::write(file, &at_rate(spoken, rate_hz)).expect("written");
}

/// What came out of the phone's decoder.
pub fn heard(folder: &Path) -> Option<Clip> {
    wav::read(fs::File::open(recorded(folder).max()?).ok()?).ok()
}

/// A file of each call, named by when it began.
fn recorded(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|file| file.path());
    files.filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
}
