//! What is kept of a call's SIP messages, and how the line bears scanners and guessed passwords.

use std::fs;
use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::process::Output;

use frontdesk::sip::digest::Challenge;
use tempfile::TempDir;

use crate::daemon::{Daemon, PATIENCE, peer};

#[test]
fn a_call_has_its_ladder_and_a_file_that_tshark_reads() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--from", "200", "--hangup-after", "0.5"]);
    let id = daemon.ended_call()["id"].to_string();
    let kept = daemon.wait_for("ladder", || {
        let shown = daemon.cli(&["calls", "show", &id, "--ladder", "--json"]);
        shown.status.success().then(|| serde_json::from_slice::<serde_json::Value>(&shown.stdout).expect("JSON"))
    });
    let kept = kept.as_array().expect("a list");
    let first_lines: Vec<&str> = kept.iter().filter_map(|m| m["first_line"].as_str()).collect();
    assert!(first_lines[0].starts_with("INVITE sip:desk@"), "{first_lines:?}");
    assert_eq!(first_lines.last(), Some(&"SIP/2.0 200 OK"));
    assert!(first_lines.iter().any(|line| line.starts_with("BYE ")), "{first_lines:?}");

    let file = daemon.path("call.pcap").to_string_lossy().into_owned();
    assert!(daemon.cli(&["calls", "pcap", &id, &file]).status.success());
    let read = peer("tshark")
        .args(["-r", &file, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields"])
        .args([
            "-e",
            "sip.Request-Line",
            "-e",
            "sip.Status-Line",
            "-e",
            "udp.checksum.status",
            "-e",
            "ip.checksum.status",
        ])
        .output()
        .expect("tshark runs");
    let read = String::from_utf8_lossy(&read.stdout);
    let lines: Vec<String> =
        read.lines().map(|line| line.split('\t').collect::<Vec<_>>().join(" ").trim().to_owned()).collect();
    let expected: Vec<String> = first_lines.iter().map(|line| format!("{line} 1 1")).collect();
    assert_eq!(lines.iter().map(|line| line.replace("  ", " ")).collect::<Vec<_>>(), expected);
}

/// Runs one of sipvicious' programs against the line.
fn scan(daemon: &Daemon, program: &str, args: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let port = daemon.udp.port().to_string();
    let Output { stdout, stderr, .. } = peer(program)
        .args(["-p", &port])
        .args(args)
        .arg("127.0.0.1")
        .current_dir(&folder)
        .env("HOME", folder.path())
        .output()
        .expect("it runs");
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

#[test]
fn a_scanner_finds_no_line_and_where_it_is_answered_no_account() {
    let (daemon, _folder) = with_phones(&[]);
    let found = scan(&daemon, "svmap", &[]);
    assert!(!found.contains(&daemon.udp.port().to_string()), "{found}");
    let (daemon, _folder) = with_phones(&[("GUARD__SCANNERS", "answer")]);
    let found = scan(&daemon, "svmap", &[]);
    assert!(found.contains(&daemon.udp.port().to_string()), "it was looked for as it should: {found}");
    // It names those that are answered otherwise than one that nobody has.
    let found = scan(&daemon, "svwar", &["-m", "REGISTER", "-e", "98-102"]);
    assert!(!found.contains("| 100"), "{found}");
}

fn with_phones(settings: &[(&str, &str)]) -> (Daemon, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("phones.toml");
    fs::write(&file, "[[phone]]\nuser = \"100\"\npassword = \"k9fjw-2xq7m\"\n").expect("written");
    let file = file.to_string_lossy().into_owned();
    let settings: Vec<_> = settings.iter().copied().chain([("PHONES__FILE", file.as_str())]).collect();
    (Daemon::with(&settings), folder)
}

/// A telephone over UDP; the first line of what comes back, and the challenge in it.
fn register(socket: &UdpSocket, n: u32, authorization: Option<&str>) -> Option<(String, Option<Challenge>)> {
    let us = socket.local_addr().expect("an address");
    let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!(
        "REGISTER sip:frontdesk SIP/2.0\r\nVia: SIP/2.0/UDP {us};rport;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n\
         From: <sip:100@frontdesk>;tag=t\r\nTo: <sip:100@frontdesk>\r\nCall-ID: {us}\r\nCSeq: {n} REGISTER\r\n\
         Contact: <sip:100@{us}>\r\n{authorization}Content-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).expect("sent");
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let challenge = text.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: ")).find_map(Challenge::read);
    Some((text.lines().next().unwrap_or_default().to_owned(), challenge))
}

/// Registers with this password; what is said in the end, nothing where nothing comes back.
fn prove(socket: &UdpSocket, n: u32, password: &str) -> Option<String> {
    let (_, challenge) = register(socket, 2 * n + 1, None)?;
    let answer = challenge?.answer("REGISTER", "sip:frontdesk", "100", password, "c0ffee", 1);
    register(socket, 2 * n + 2, Some(&answer.to_string())).map(|(line, _)| line)
}

#[test]
fn who_guesses_is_banned_also_over_a_restart_until_it_is_lifted() {
    let (daemon, _folder) = with_phones(&[("GUARD__ALLOW", "[]"), ("GUARD__BAN_AFTER", "3")]);
    let phone = |daemon: &Daemon| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(daemon.udp).expect("connected");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    };
    let socket = phone(&daemon);
    for n in 0..3 {
        assert_eq!(prove(&socket, n, "guess").as_deref(), Some("SIP/2.0 403 Forbidden"));
    }
    daemon.logs(&["banned", "network=127.0.0.1", "failures=3"], 1);
    let banned = |daemon: &Daemon| daemon.json(&["bans", "--json"]).as_array().expect("a list").len();
    daemon.wait_for("ban on disk", || (banned(&daemon) == 1).then_some(()));
    // Over TCP nothing is served either: the connection is closed at once.
    let mut stream = TcpStream::connect(daemon.tcp.expect("TCP")).expect("it is accepted");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(matches!(stream.read(&mut [0; 8]), Ok(0) | Err(_)));

    let daemon = daemon.kill_and_restart();
    daemon.logs(&["bans of an earlier run hold on", "bans=1"], 1);
    let socket = phone(&daemon);
    socket.send(b"\r\n\r\n").expect("sent");
    let lifted = daemon.cli(&["bans", "lift", "127.0.0.1"]);
    assert!(lifted.status.success(), "{}", String::from_utf8_lossy(&lifted.stderr));
    daemon.logs(&["ban lifted", "network=127.0.0.1"], 1);
    assert_eq!(banned(&daemon), 0);
    assert_eq!(prove(&socket, 9, "k9fjw-2xq7m").as_deref(), Some("SIP/2.0 200 OK"));
}
