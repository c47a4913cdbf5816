//! Telephones that register with the running daemon: a real one by MD5, and one that asks for SHA-256 itself.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};

use frontdesk::sip::digest::{Algorithm, Challenge};
use tempfile::TempDir;

use crate::daemon::{Daemon, PATIENCE, peer};

const PHONES: &str = r#"
[[phone]]
user = "100"
password = "k9fjw-2xq7m"
extension = "201"

[[phone]]
user = "old"
password = "rr4tz-77qpx"
md5_only = true
"#;

/// A daemon with these accounts, and the folder of their file.
fn with_phones(text: &str) -> (Daemon, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("phones.toml");
    fs::write(&file, text).expect("written");
    (Daemon::with(&[("PHONES__FILE", &file.to_string_lossy())]), folder)
}

fn wait_for_line(daemon: &Daemon, words: &[&str]) {
    daemon.wait_for(&format!("line with {words:?}"), || {
        daemon.log().lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    });
}

/// One connection of a telephone.
struct Phone {
    stream: BufReader<TcpStream>,
    user: &'static str,
    cseq: u32,
}

impl Phone {
    fn connect(daemon: &Daemon, user: &'static str) -> Phone {
        let stream = TcpStream::connect(daemon.tcp.expect("TCP is listened on")).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Phone { stream: BufReader::new(stream), user, cseq: 0 }
    }

    /// Sends a REGISTER and gives the status and the challenge that come back.
    fn register(&mut self, authorization: Option<&str>) -> (String, Option<Challenge>) {
        self.cseq += 1;
        let Phone { user, cseq, .. } = self;
        let us = self.stream.get_ref().local_addr().expect("an address");
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!(
            "REGISTER sip:frontdesk SIP/2.0\r\nVia: SIP/2.0/TCP {us};branch=z9hG4bK{cseq}\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@frontdesk>;tag=t\r\nTo: <sip:{user}@frontdesk>\r\nCall-ID: {us}\r\n\
             CSeq: {cseq} REGISTER\r\nContact: <sip:{user}@{us};transport=tcp>\r\n{authorization}Content-Length: 0\r\n\r\n"
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("sent");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a line");
            match line.trim_end() {
                "" if lines.is_empty() => {}
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let challenge =
            lines.iter().filter_map(|line| line.strip_prefix("WWW-Authenticate: ")).find_map(Challenge::read);
        (lines.swap_remove(0), challenge)
    }

    /// Reads until this line comes; all that were read.
    fn is_told(&mut self, wanted: &str) -> Vec<String> {
        let mut told = Vec::new();
        while !told.iter().any(|line: &String| line.starts_with(wanted)) {
            let mut line = String::new();
            match self.stream.read_line(&mut line) {
                Ok(read) if read > 0 => told.push(line.trim_end().to_owned()),
                end => panic!("no {wanted} but {end:?} after {told:#?}"),
            }
        }
        told
    }

    fn prove(&mut self, challenge: &Challenge, password: &str) -> String {
        let answer = challenge.answer("REGISTER", "sip:frontdesk", self.user, password, "c0ffee", 1);
        self.register(Some(&answer.to_string())).0
    }
}

#[test]
fn a_telephone_registers_by_sha_256_and_is_gone_with_its_connection() {
    let (daemon, _folder) = with_phones(PHONES);
    let mut phone = Phone::connect(&daemon, "100");
    let (status, challenge) = phone.register(None);
    let challenge = challenge.expect("a challenge");
    assert_eq!((status.as_str(), challenge.algorithm), ("SIP/2.0 401 Unauthorized", Algorithm::Sha256));
    assert_eq!(phone.prove(&challenge, "wrong"), "SIP/2.0 403 Forbidden");
    wait_for_line(&daemon, &["phone refused", "user=\"100\""]);
    phone.stream.get_mut().write_all(b"\r\n\r\n").expect("a keep-alive");
    let mut pong = String::new();
    phone.stream.read_line(&mut pong).expect("its answer");
    assert_eq!(pong, "\r\n");
    let challenge = phone.register(None).1.expect("a challenge");
    assert_eq!(phone.prove(&challenge, "k9fjw-2xq7m"), "SIP/2.0 200 OK");
    wait_for_line(&daemon, &["phone registered", "user=\"100\""]);
    drop(phone);
    wait_for_line(&daemon, &["phone is gone", "user=\"100\"", "why=\"connection_closed\""]);
}

#[test]
fn accounts_are_read_again_while_the_line_runs() {
    let (daemon, folder) = with_phones(PHONES);
    let mut phone = Phone::connect(&daemon, "old");
    let challenge = phone.register(None).1.expect("a challenge");
    assert_eq!(challenge.algorithm, Algorithm::Md5);
    assert_eq!(phone.prove(&challenge, "rr4tz-77qpx"), "SIP/2.0 200 OK");
    fs::write(folder.path().join("phones.toml"), "[[phone]]\nuser = \"new\"\npassword = \"p5nxd-8wq2c\"\n")
        .expect("written");
    daemon.signal(libc::SIGHUP);
    wait_for_line(&daemon, &["phone is gone", "user=\"old\"", "why=\"account_gone\""]);
    let mut phone = Phone::connect(&daemon, "new");
    let challenge = phone.register(None).1.expect("a challenge");
    assert_eq!(phone.prove(&challenge, "p5nxd-8wq2c"), "SIP/2.0 200 OK");
}

/// baresip 1.0 knows MD5 alone, and gives up where SHA-256 is asked for first.
#[test]
fn a_real_telephone_registers_and_takes_its_leave() {
    let (daemon, folder) = with_phones(PHONES);
    let mut baresip = baresip(&daemon, folder.path());
    wait_for_line(&daemon, &["phone registered", "user=\"old\""]);
    // It takes its leave only once it knows that it was let in.
    daemon.wait_for("registration at the telephone", || {
        fs::read_to_string(folder.path().join("phone.log")).ok().filter(|log| log.contains("200 OK"))
    });
    let pid = i32::try_from(baresip.0.id()).expect("a pid");
    // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    wait_for_line(&daemon, &["phone is gone", "user=\"old\"", "why=\"asked\""]);
    daemon.wait_for("end of baresip", || baresip.0.try_wait().expect("a child"));
}

/// A person whose only place is a telephone that registers here.
#[test]
fn a_registered_telephone_is_rung() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let phones = file("phones.toml", PHONES);
    let person =
        "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [{ uri = \"sip:old@frontdesk\", ring_s = 5 }]\n";
    let people = file("people.toml", person);
    let daemon = Daemon::with(&[("PHONES__FILE", &phones), ("PEOPLE__FILE", &people)]);
    let _baresip = baresip(&daemon, folder.path());
    wait_for_line(&daemon, &["phone registered", "user=\"old\""]);
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwww", "--hangup-after", "20"]);
    daemon.wait_for("ringing telephone", || {
        fs::read_to_string(folder.path().join("phone.log")).ok().filter(|log| log.contains("Incoming call"))
    });
    let _ = caller.kill();
    let _ = caller.wait();
}

/// RFC 3428: a real telephone shows what its person is told, once.
#[test]
fn a_registered_telephone_shows_a_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let phones = file(
        "phones.toml",
        &PHONES.replace("md5_only = true", "md5_only = true\nextension = \"202\"").replace("\"201\"", "\"202\""),
    );
    let person = "[[person]]\nextension = \"202\"\nname = \"张伟\"\nnotify = [\"sip\"]\n";
    let settings = [
        ("PHONES__FILE", phones),
        ("PEOPLE__FILE", file("people.toml", person)),
        ("NOTIFICATIONS__AGAIN_S", r#"["1"]"#.to_owned()),
    ];
    let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
    let daemon = Daemon::with(&settings);
    let environment = settings.map(|(key, value)| (format!("FRONTDESK_{key}"), value));
    let environment = environment.each_ref().map(|(key, value)| (key.as_str(), *value));
    let trial = || {
        let output = daemon.cli_with(&["notifications", "trial", "202"], &environment);
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(trial(), "sip to 202: none of their telephones is registered\n");
    let _baresip = baresip(&daemon, folder.path());
    wait_for_line(&daemon, &["phone registered", "user=\"old\""]);
    let shown = || fs::read_to_string(folder.path().join("phone.log")).unwrap_or_default();
    daemon.wait_for("text that waited", || shown().contains("这是 光明物业项目服务机构 的测试通知").then_some(()));
    assert_eq!(trial(), "sip to 202: sent\n");
    assert_eq!(shown().matches("张伟，您好：").count(), 2, "{}", shown());
}

/// RFC 3261 section 16.6: all telephones of an account ring.
#[test]
fn both_telephones_of_one_account_ring() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let phones = file("phones.toml", PHONES);
    let people =
        file("people.toml", "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:old@frontdesk\"]\n");
    let daemon = Daemon::with(&[("PHONES__FILE", &phones), ("PEOPLE__FILE", &people)]);
    let folders = ["one", "two"].map(|name| folder.path().join(name));
    let _phones = folders.each_ref().map(|at| {
        fs::create_dir(at).expect("a folder");
        baresip(&daemon, at)
    });
    daemon.wait_for("both registrations", || (daemon.log().matches("phone registered").count() >= 2).then_some(()));
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwww", "--hangup-after", "20"]);
    for at in &folders {
        daemon.wait_for("ringing telephone", || {
            fs::read_to_string(at.join("phone.log")).ok().filter(|log| log.contains("Incoming call"))
        });
    }
    let _ = caller.kill();
    let _ = caller.wait();
}

/// A telephone's program: it ends with the test, however that ends.
struct Baresip(Child);

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn baresip(daemon: &Daemon, folder: &Path) -> Baresip {
    // The port is held only until it is known: baresip binds it itself.
    let sip = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    // With a terminal of its own (an open pipe), where it shows texts.
    let config = format!(
        "sip_listen {sip}\nmodule_path /usr/lib/baresip/modules\nmodule stdio.so\nmodule g711.so\nmodule_tmp account.so\n\
         module_app menu.so\n"
    );
    let account = format!("<sip:old@{}>;auth_pass=rr4tz-77qpx;regint=60\n", daemon.udp);
    for (name, text) in [("config", config), ("accounts", account), ("contacts", String::new())] {
        fs::write(folder.join(name), text).expect("written");
    }
    let log = fs::File::create(folder.join("phone.log")).expect("a log");
    let mut baresip = peer("baresip");
    baresip.arg("-f").arg(folder).current_dir(folder).stdin(Stdio::piped());
    Baresip(baresip.stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("baresip starts"))
}

/// The lamp of a person's telephone: off when nothing waits, on once a message was left (RFC 3842).
#[test]
fn the_lamp_of_a_registered_telephone_tells_of_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let phones = file("phones.toml", PHONES);
    let people = file("people.toml", "[[person]]\nextension = \"201\"\nname = \"张伟\"\npresent = false\n");
    let daemon = Daemon::with(&[("PHONES__FILE", &phones), ("PEOPLE__FILE", &people)]);
    let mut phone = Phone::connect(&daemon, "100");
    let challenge = phone.register(None).1.expect("a challenge");
    assert_eq!(phone.prove(&challenge, "k9fjw-2xq7m"), "SIP/2.0 200 OK");
    daemon.dial(&daemon.uri(), &["--keys", "4,p,201#,p,1,p,s,#", "--say", crate::audio::SPOKEN]);
    let told = phone.is_told("Voice-Message: 1/0");
    assert!(told.iter().any(|line| line == "Messages-Waiting: yes"), "{told:#?}");
    // Another process than the line's notes that they have it.
    let id = daemon.messages()[0]["id"].to_string();
    assert!(daemon.cli(&["messages", "confirm", &id, "--by", "201"]).status.success());
    let told = phone.is_told("Voice-Message: 0/1");
    assert!(told.iter().any(|line| line == "Messages-Waiting: no"), "{told:#?}");
}
