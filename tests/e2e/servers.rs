//! Finding servers by a DNS server of the test's own (RFC 3263), and going on to the next one when one fails.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::daemon::Daemon;
use crate::phone::Phone;

/// Answers with these records: `name TYPE data`. Where a name has a CNAME that is given in its place, as a resolver does.
pub struct Dns {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

fn number(kind: &str) -> u16 {
    match kind {
        "A" => 1,
        "CNAME" => 5,
        "AAAA" => 28,
        "SRV" => 33,
        "NAPTR" => 35,
        other => panic!("{other} is not known here"),
    }
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("short"));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn data(kind: &str, words: &[&str]) -> Vec<u8> {
    let short = |text: &str| text.parse::<u16>().expect("a number").to_be_bytes();
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")][..], text.as_bytes()].concat();
    match (kind, words) {
        ("A", [ip]) => ip.parse::<std::net::Ipv4Addr>().expect("an address").octets().to_vec(),
        ("CNAME", [target]) => name(target),
        ("SRV", [priority, weight, port, target]) => {
            [&short(priority)[..], &short(weight), &short(port), &name(target)].concat()
        }
        ("NAPTR", [order, preference, flags, service, replacement]) => {
            let fixed = [short(order), short(preference)].concat();
            [fixed, text(flags), text(service), text(""), name(replacement)].concat()
        }
        other => panic!("{other:?} is no record"),
    }
}

/// The name and type of the question, and its bytes.
fn question(query: &[u8]) -> (String, u16, Vec<u8>) {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), query[12..at + 5].to_vec())
}

fn answer(query: &[u8], records: &[String]) -> Vec<u8> {
    let (asked, kind, bytes) = question(query);
    let mut answers = Vec::new();
    for record in records {
        let words: Vec<&str> = record.split_whitespace().collect();
        let found = words[0] == asked && (number(words[1]) == kind || words[1] == "CNAME");
        if found {
            let data = data(words[1], &words[2..]);
            let length = u16::try_from(data.len()).expect("short").to_be_bytes();
            let ttl = 60u32.to_be_bytes();
            let head = [&name(words[0])[..], &number(words[1]).to_be_bytes(), &[0, 1], &ttl, &length].concat();
            answers.push([head, data].concat());
        }
    }
    let code = if answers.is_empty() { 3 } else { 0 };
    let count = u16::try_from(answers.len()).expect("few").to_be_bytes();
    let head = [query[0], query[1], 0x81, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0];
    [&head[..], &bytes, &answers.concat()].concat()
}

impl Dns {
    pub fn serve(records: Vec<String>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let (name, kind, _) = question(&buffer[..length]);
                seen.lock().expect("whole").push(format!("{name} {kind}"));
                let _ = socket.send_to(&answer(&buffer[..length], &records), from);
            }
        });
        Self { address, asked }
    }

    fn asked(&self, what: &str) -> usize {
        self.asked.lock().expect("whole").iter().filter(|asked| *asked == what).count()
    }
}

/// A desk with one person at `place`, that asks this server.
fn desk(dns: &Dns, folder: &std::path::Path, place: &str) -> Daemon {
    let people = folder.join("people.toml");
    let text = format!("[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"{place}\"]\n");
    fs::write(&people, text).expect("written");
    let server = format!("[\"{}\"]", dns.address);
    Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text")), ("SIP__DNS", &server)])
}

/// A port where nobody is.
fn nobody() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

#[test]
fn a_domains_servers_are_found_and_the_next_one_is_tried_where_nobody_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("phone");
    fs::create_dir(&at).expect("a folder");
    let phone = Phone::start(&at, &["201"], "g711", 8_000);
    // The first server refuses TCP, the second refuses UDP, the third is the telephone.
    let dns = Dns::serve(vec![
        "trunk.example NAPTR 10 50 s SIP+D2T _sip._tcp.trunk.example".to_owned(),
        "trunk.example NAPTR 20 50 s SIP+D2U _sip._udp.trunk.example".to_owned(),
        "trunk.example NAPTR 5 50 s SIPS+D2T _sips._tcp.trunk.example".to_owned(),
        format!("_sip._tcp.trunk.example SRV 10 60 {} edge.trunk.example", nobody()),
        format!("_sip._udp.trunk.example SRV 20 0 {} edge.trunk.example", phone.sip.port()),
        format!("_sip._udp.trunk.example SRV 10 0 {} edge.trunk.example", nobody()),
        "edge.trunk.example CNAME host.trunk.example".to_owned(),
        "host.trunk.example A 127.0.0.1".to_owned(),
    ]);
    let daemon = desk(&dns, folder.path(), "sip:201@trunk.example");
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwwwww", "--hangup-after", "20"]);
    phone.rings(&daemon, 1);
    daemon.logs(&["a server failed: the next one is tried"], 2);
    let _ = caller.kill();
    let _ = caller.wait();
    // What was found is kept: another call asks nothing again.
    let before = dns.asked("trunk.example 35");
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwwwww", "--hangup-after", "20"]);
    phone.rings(&daemon, 2);
    assert_eq!((before, dns.asked("trunk.example 35")), (1, 1));
    let _ = caller.kill();
    let _ = caller.wait();
}

#[test]
fn a_domain_that_leads_round_in_a_circle_leads_nowhere_soon() {
    let folder = tempfile::tempdir().expect("a folder");
    let dns = Dns::serve(vec![
        "loop.example SRV 0 0 5060 loop.example".to_owned(),
        "_sip._udp.loop.example SRV 0 0 5060 a.loop.example".to_owned(),
        "a.loop.example CNAME b.loop.example".to_owned(),
        "b.loop.example CNAME a.loop.example".to_owned(),
    ]);
    let daemon = desk(&dns, folder.path(), "sip:201@loop.example");
    let caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwww", "--hangup-after", "8"]);
    daemon.logs(&["no server of it was found", "loop.example"], 1);
    daemon.logs(&["stopped ringing", "failed"], 1);
    assert!(dns.asked.lock().expect("whole").len() < 100, "{:?}", dns.asked.lock());
    assert!(caller.wait_with_output().expect("it ends").status.success());
}
