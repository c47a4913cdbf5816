//! Connections are bounded in number and in time, and those that we make are kept alive.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE};

const OPTIONS: &str = "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5062;branch=z9hG4bKa1\r\n\
                       From: <sip:a@127.0.0.1>;tag=x\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\n\
                       Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

fn open(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// What came until `enough`, or until the connection was closed.
fn read(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    while !enough(&all) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => all.push_str(&String::from_utf8_lossy(&buffer[..length])),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}; so far {all:?}"),
        }
    }
    all
}

fn closed(stream: &mut TcpStream) {
    assert_eq!(read(stream, |_| false), "");
}

#[test]
fn one_source_has_so_many_connections_and_no_more() {
    let daemon = Daemon::with(&[("SIP__CONNECTIONS_PER_SOURCE_MAX", "3")]);
    let tcp = daemon.tcp.expect("TCP is listened on");
    let mut held: Vec<TcpStream> = (0..3).map(|_| open(tcp)).collect();
    for stream in &mut held {
        stream.write_all(OPTIONS.as_bytes()).expect("sent");
        assert!(read(stream, |text| text.ends_with("\r\n\r\n")).starts_with("SIP/2.0 200"));
    }
    closed(&mut open(tcp));
    drop(held.pop());
    daemon.wait_for("room again", || {
        let mut stream = open(tcp);
        stream.write_all(OPTIONS.as_bytes()).ok()?;
        read(&mut stream, |text| text.ends_with("\r\n\r\n")).starts_with("SIP/2.0 200").then_some(())
    });
}

#[test]
fn a_message_that_trickles_is_not_waited_for_and_a_ping_is_answered() {
    let daemon = Daemon::start();
    let tcp = daemon.tcp.expect("TCP is listened on");
    let mut stream = open(tcp);
    stream.write_all(b"\r\n\r\n").expect("sent");
    assert_eq!(read(&mut stream, |text| text.len() >= 2), "\r\n");
    let began = Instant::now();
    let mut letters = OPTIONS.bytes();
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out");
    loop {
        assert!(began.elapsed() < PATIENCE, "it is still open");
        if stream.write_all(&[letters.next().expect("it is long")]).is_err() {
            break;
        }
        match stream.read(&mut [0; 16]) {
            Ok(0) => break,
            Ok(_) => panic!("nothing is answered yet"),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
}

/// A server that the desk connects to: it answers pings twice, then nothing any more.
#[test]
fn a_connection_that_we_made_is_pinged_and_given_up_when_its_peer_is_gone() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = server.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let people = folder.path().join("people.toml");
    let place = format!("sip:201@{at};transport=tcp");
    fs::write(&people, format!("[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"{place}\"]\n"))
        .expect("written");
    let people = people.to_str().expect("text");
    let daemon = Daemon::with(&[("PEOPLE__FILE", people), ("SIP__KEEP_ALIVE_S", "5")]);
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwwwww", "--hangup-after", "4"]);
    let (mut stream, _) = server.accept().expect("the desk comes");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    assert!(read(&mut stream, |text| text.contains("\r\n\r\n")).starts_with("INVITE sip:201@"));
    for _ in 0..2 {
        read(&mut stream, |text| text.ends_with("\r\n\r\n\r\n") || text == "\r\n\r\n");
        stream.write_all(b"\r\n").expect("sent");
    }
    let unanswered = read(&mut stream, |_| false);
    assert!(unanswered.contains("\r\n\r\n"), "{unanswered:?}");
    let _ = caller.kill();
    let _ = caller.wait();
}

#[test]
fn garbage_at_tls_and_websocket_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = crate::certificates::Authority::new(folder.path(), "ca");
    let [certificate, key] = ca.certifies("desk", &["localhost"], crate::certificates::Valid::Now);
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("text"));
    let listen = r#"["udp:127.0.0.1:0", "tls:127.0.0.1:0", "ws:127.0.0.1:0"]"#;
    let mut daemon = Daemon::with(&[("SIP__LISTEN", listen), ("TLS__CERTIFICATES", certificate), ("TLS__KEYS", key)]);
    let ports = [daemon.tls.expect("TLS"), daemon.ws.expect("WebSocket")];
    let mut random = frontdesk::types::Random::for_testing(5922);
    let hello = [0x16, 0x03, 0x01, 0x00, 0x50, 0x01, 0x00, 0x00, 0x4C, 0x03, 0x03];
    let upgrade =
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    for round in 0..300 {
        let begin: &[u8] = if round % 2 == 0 { &hello } else { upgrade };
        let noise: Vec<u8> = (0..random.u32() % 600).map(|_| random.u32() as u8).collect();
        for port in ports {
            let mut stream = TcpStream::connect(port).expect("it listens");
            let _ = stream.write_all(&[begin, &noise].concat());
        }
    }
    assert!(daemon.lives());
    let ca = ca.file.to_str().expect("text");
    daemon.dial(&format!("sips:desk@localhost:{}", ports[0].port()), &["--tls-ca", ca, "--hangup-after", "0.5"]);
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}
