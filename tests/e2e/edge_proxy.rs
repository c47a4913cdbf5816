//! A telephone behind an edge proxy (Kamailio): it registers through the proxy, and is called through it (RFC 3327).

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE, free, peer};
use crate::phone::Phone;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        // It ends its own children on SIGTERM, which SIGKILL would leave behind.
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let until = Instant::now() + Duration::from_secs(5);
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Process {
    let log = fs::File::create(folder.join(format!("{program}.log"))).expect("a log");
    let mut command = peer(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    Process(command.stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("it starts"))
}

fn edge(folder: &Path) -> (Process, SocketAddr) {
    let at = free();
    let text = include_str!("edge_proxy.cfg").replace("[edge]", &at.to_string());
    fs::write(folder.join("edge.cfg"), text).expect("written");
    let here = folder.to_str().expect("text");
    let edge = run("kamailio", &["-f", "edge.cfg", "-DD", "-E", "-Y", here, "-w", here, "-m", "16", "-M", "4"], folder);
    let until = Instant::now() + PATIENCE;
    while UdpSocket::bind(at).is_ok() {
        let log = fs::read_to_string(folder.join("kamailio.log")).unwrap_or_default();
        assert!(Instant::now() < until, "Kamailio does not listen:\n{log}");
        thread::sleep(Duration::from_millis(20));
    }
    (edge, at)
}

#[test]
fn a_telephone_behind_an_edge_proxy_is_rung_and_answers_through_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let phones = folder.path().join("phones.toml");
    fs::write(&phones, "[[phone]]\nuser = \"old\"\npassword = \"rr4tz-77qpx\"\nmd5_only = true\n").expect("written");
    let people = folder.path().join("people.toml");
    fs::write(&people, "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:old@frontdesk\"]\n")
        .expect("written");
    let daemon = Daemon::with(&[
        ("PHONES__FILE", phones.to_str().expect("text")),
        ("PEOPLE__FILE", people.to_str().expect("text")),
    ]);
    let (_edge, at) = edge(folder.path());
    let account =
        format!("<sip:old@{}>;auth_pass=rr4tz-77qpx;regint=60;outbound=\"sip:{at}\";answermode=auto\n", daemon.udp);
    let phone = Phone::with_accounts(folder.path(), &account, "g711", 8_000);
    daemon.logs(&["phone registered", "user=\"old\"", &at.to_string()], 1);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#,wwww", "--hangup-after", "8"]);
    let call = daemon.ended_call();
    let proxy = fs::read_to_string(folder.path().join("kamailio.log")).unwrap_or_default();
    let log = format!("{proxy}\n{}", phone.log());
    assert_eq!(call["legs"][0]["codec"], "PCMA", "{call:#}\n{log}");
    assert_ne!(call["legs"][0]["end"], "failed", "{call:#}\n{log}");
}
