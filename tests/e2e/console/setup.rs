//! Set-up at the console, with a telephone on which a prompt is said.

use std::fs;
use std::path::Path;

use super::{address, desk, script};
use crate::audio::{SPOKEN, read};
use crate::phone::{Phone, press};

/// A desk with files of its own, and a telephone for 201.
#[test]
fn content_is_changed_at_the_console_and_by_telephone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let people = include_str!("../../../config/people.toml").replace("sip:201@127.0.0.1:5080", "sip:201@frontdesk");
    let phones = "[[phone]]\nuser = \"201\"\npassword = \"rr4tz-77qpx\"\nextension = \"201\"\nmd5_only = true\n";
    let daemon = desk(&[
        ("PEOPLE__FILE", &file("people.toml", &people)),
        ("HOURS__FILE", &file("hours.toml", include_str!("../../../config/hours.toml"))),
        ("PHONES__FILE", &file("phones.toml", phones)),
    ]);
    let at = folder.path().join("phone");
    fs::create_dir(&at).expect("a folder");
    let account = format!("<sip:201@{}>;auth_pass=rr4tz-77qpx;regint=60;answermode=auto\n", daemon.udp);
    let phone = Phone::with_accounts(&at, &account, "g711", 8_000);
    phone.says(&read(Path::new(SPOKEN)));
    daemon.wait_for("registered telephone", || phone.log().contains("200 OK").then_some(()));
    script("setup", &address(&daemon), |wish| {
        assert_eq!(wish, "says a prompt");
        phone.is_spoken_to(&daemon, 1);
        let mut control = phone.connect(&daemon);
        press(&mut control, "1");
        // Its microphone speaks all the while: two seconds of it.
        daemon.wait_for("what is said", || (bytes_in(&daemon.data().join("recordings")) > 32_000).then_some(()));
        press(&mut control, "#");
        "done".to_owned()
    });
}

/// Bytes of all files below a folder.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_in(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
