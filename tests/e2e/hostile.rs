//! Hostile packets at every port while a caller reports a fault: the call goes on, the process lives.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;

use frontdesk::types::Random;

use crate::daemon::Daemon;

const ROUNDS: usize = 1500;

/// Messages that are wrong on purpose: our own, and those of RFC 4475 where they lie beside the repository.
fn torture() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("tests/torture/messages"), root.join("../shared/torture/rfc4475")];
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    let all: Vec<_> = files.filter_map(|file| fs::read(file.path()).ok()).collect();
    assert!(all.len() > 20, "the messages are missing");
    all
}

/// A torture message as it is, with bytes changed, cut, or nothing but noise.
fn garbage(random: &mut Random, torture: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = torture[random.u32() as usize % torture.len()].clone();
    match random.u32() % 4 {
        0 => {}
        1 => bytes.truncate(random.u32() as usize % (bytes.len() + 1)),
        2 => {
            for _ in 0..8 {
                let at = random.u32() as usize % bytes.len();
                bytes[at] = random.u32() as u8;
            }
        }
        _ => bytes = (0..random.u32() % 1400).map(|_| random.u32() as u8).collect(),
    }
    bytes.truncate(60_000);
    bytes
}

/// The UDP ports of the process but SIP's own: RTP and RTCP of the call.
fn media_ports(daemon: &Daemon) -> Vec<SocketAddr> {
    let links = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("its files").filter_map(Result::ok);
    let inodes: Vec<String> = links
        .filter_map(|link| fs::read_link(link.path()).ok())
        .filter_map(|name| Some(name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = fs::read_to_string("/proc/net/udp").expect("the sockets");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| inodes.iter().any(|inode| inode == row[9]))
        .filter_map(|row| u16::from_str_radix(row[1].split_once(':')?.1, 16).ok())
        .filter(|port| *port != daemon.udp.port())
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .collect()
}

#[test]
fn garbage_at_every_port_stops_neither_the_call_nor_the_process() {
    let mut daemon = Daemon::start();
    let caller = daemon.dialling(&daemon.uri(), &["--keys", "w,w,w,w,1,1,5", "--hangup-after", "8", "--from", "200"]);
    daemon.wait_for("live call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    let media = media_ports(&daemon);
    assert!(media.len() >= 2, "the call has ports for RTP and RTCP: {media:?}");

    let (mut random, torture) = (Random::for_testing(4475), torture());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let tcp = daemon.tcp.expect("TCP is listened on");
    for round in 0..ROUNDS {
        socket.send_to(&garbage(&mut random, &torture), daemon.udp).expect("sent");
        for port in &media {
            let mut packet = garbage(&mut random, &torture);
            packet.truncate(1400);
            // Half of them look like RTP or RTCP at their beginning.
            if let Some(first) = packet.first_mut().filter(|_| round % 2 == 0) {
                *first = 0x80 | (*first & 0x3F);
            }
            socket.send_to(&packet, port).expect("sent");
        }
        if round % 10 == 0 {
            let mut stream = TcpStream::connect(tcp).expect("TCP is open");
            // It may be closed in our face, that is an answer, too.
            let _ = stream.write_all(&garbage(&mut random, &torture));
        }
    }

    let output = caller.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let call = daemon.wait_for("ended call", || {
        daemon.calls().into_iter().find(|call| call["caller"] == "200" && !call["ended_at"].is_null())
    });
    assert_eq!(call["end_reason"], "caller_hung_up", "{call:#}");
    let tickets = daemon.tickets();
    assert!(tickets.iter().any(|t| call["tickets"][0] == t["number"] && t["category"] == "lift"), "{call:#}");
    assert!(daemon.lives());
    daemon.dial(&daemon.uri(), &["--hangup-after", "0.5"]);
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}
