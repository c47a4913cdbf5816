//! Registrars that ask in circles, refuse, say nothing, hang up or talk nonsense: each gets a bounded number of requests, the
//! desk says what is wrong with it, and calls go on meanwhile.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::Daemon;

/// What is answered to the so-manieth REGISTER, from 1 on: status line and further fields.
type Answers = fn(usize, &str) -> Option<String>;

/// One that answers by rule; `asked` counts the REGISTERs, `came` the connections.
struct Registrar {
    name: &'static str,
    uri: String,
    asked: Arc<AtomicUsize>,
    came: Arc<AtomicUsize>,
}

/// A response with the request's own fields and these.
fn response(request: &str, first: &str, more: &str) -> String {
    let kept = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        ["via", "from", "to", "call-id", "cseq"].contains(&name.as_str())
    };
    let fields: Vec<&str> = request.lines().filter(kept).collect();
    format!("SIP/2.0 {first}\r\n{}\r\n{more}Content-Length: 0\r\n\r\n", fields.join("\r\n"))
}

fn contact(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("Contact: ")).expect("it has one")
}

impl Registrar {
    fn udp(name: &'static str, answers: Answers) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let this = Self::at(name, socket.local_addr().expect("an address"), "udp");
        let asked = Arc::clone(&this.asked);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if request.starts_with("REGISTER ") {
                    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    if let Some(answer) = answers(number, &request) {
                        let _ = socket.send_to(answer.as_bytes(), from);
                    }
                } else if request.starts_with("OPTIONS ") {
                    let _ = socket.send_to(response(&request, "200 OK", "").as_bytes(), from);
                }
            }
        });
        this
    }

    /// `serve` has each connection, and counts what it reads.
    fn tcp(name: &'static str, serve: fn(TcpStream, &AtomicUsize)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let this = Self::at(name, listener.local_addr().expect("an address"), "tcp");
        let (asked, came) = (Arc::clone(&this.asked), Arc::clone(&this.came));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                came.fetch_add(1, Ordering::SeqCst);
                let asked = Arc::clone(&asked);
                thread::spawn(move || serve(stream, &asked));
            }
        });
        this
    }

    fn at(name: &'static str, address: SocketAddr, transport: &str) -> Self {
        let uri = format!("sip:{address};transport={transport}");
        Self { name, uri, asked: Arc::default(), came: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// Reads and says nothing.
fn says_nothing(mut stream: TcpStream, asked: &AtomicUsize) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        asked.fetch_add(usize::from(buffer[..length].starts_with(b"REGISTER ")), Ordering::SeqCst);
    }
}

fn hangs_up(mut stream: TcpStream, asked: &AtomicUsize) {
    let mut buffer = [0; 4096];
    if let Ok(1..) = stream.read(&mut buffer) {
        asked.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes each registration, and closes.
fn serves_for_a_moment(mut stream: TcpStream, asked: &AtomicUsize) {
    let mut buffer = [0; 4096];
    if let Ok(length @ 1..) = stream.read(&mut buffer) {
        asked.fetch_add(1, Ordering::SeqCst);
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let taken = format!("Contact: {}\r\n", contact(&request));
        let _ = stream.write_all(response(&request, "200 OK", &taken).as_bytes());
    }
}

/// Framing that can't be read, and hundreds of kilobytes of it.
fn talks_nonsense(mut stream: TcpStream, asked: &AtomicUsize) {
    let mut buffer = [0; 4096];
    if let Ok(1..) = stream.read(&mut buffer) {
        asked.fetch_add(1, Ordering::SeqCst);
        for _ in 0..4_096 {
            if stream.write_all(&[b'\xff'; 100]).is_err() {
                return;
            }
        }
    }
}

fn circles(number: usize, request: &str) -> Option<String> {
    let asks = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n{number}\", stale=true, algorithm=MD5\r\n");
    Some(response(request, "401 Unauthorized", &asks))
}

fn longer(number: usize, request: &str) -> Option<String> {
    match number {
        1 => Some(response(request, "423 Interval Too Brief", "Min-Expires: 1800\r\n")),
        _ => Some(response(request, "200 OK", &format!("Contact: {}\r\n", contact(request)))),
    }
}

fn trunk(daemon: &Daemon, name: &str) -> Value {
    let trunks = daemon.json(&["trunks", "--json"]);
    trunks.as_array().expect("a list").iter().find(|trunk| trunk["name"] == name).cloned().unwrap_or_default()
}

fn desk(registrars: &[&Registrar]) -> Daemon {
    let text: String = registrars
        .iter()
        .map(|registrar| {
            format!(
                "[[trunk]]\nname = \"{}\"\nregistrar = \"{}\"\nuser = \"desk\"\npassword = \"x\"\nkeep_alive_s = 5\n",
                registrar.name, registrar.uri
            )
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trunks.toml");
    fs::write(&file, text).expect("written");
    Daemon::with(&[("TRUNKS__FILE", file.to_str().expect("text")), ("DAEMON__SHUTDOWN_GRACE_S", "5")])
}

#[test]
fn each_odd_registrar_is_told_by_its_fault_asked_seldom_and_harms_no_call() {
    let longer = Registrar::udp("longer", longer);
    let bare = Registrar::udp("bare", |_, request| Some(response(request, "200 OK", "")));
    let forgetful = Registrar::udp("forgetful", |_, request| Some(response(request, "200 OK", "Expires: 0\r\n")));
    let circles = Registrar::udp("circles", circles);
    let refuses = Registrar::udp("refuses", |_, request| Some(response(request, "403 Forbidden", "")));
    let busy =
        Registrar::udp("busy", |_, request| Some(response(request, "503 Service Unavailable", "Retry-After: 120\r\n")));
    let noise = Registrar::udp("noise", |_, _| Some("SIP/2.0 200 \u{0}\r\n\r\n\u{7f}garbage".to_owned()));
    let foreign = Registrar::udp("foreign", |_, request| {
        Some(response(&request.replace("branch=z9hG4bK", "branch=z9hG4bKx"), "200 OK", ""))
    });
    let silent = Registrar::tcp("silent", says_nothing);
    let gone = Registrar::tcp("gone", hangs_up);
    let brief = Registrar::tcp("brief", serves_for_a_moment);
    let nonsense = Registrar::tcp("nonsense", talks_nonsense);
    let all =
        [&longer, &bare, &forgetful, &circles, &refuses, &busy, &noise, &foreign, &silent, &gone, &brief, &nonsense];
    let began = Instant::now();
    let mut daemon = desk(&all);
    // A call that lasts while all of that happens.
    let caller = daemon.dialling(&daemon.uri(), &["--keys", "1,1,5", "--hangup-after", "36"]);
    let is = |name: &str, state: &str, note: &str| {
        daemon.wait_for(&format!("trunk {name} that is {state} {note}"), || {
            let trunk = trunk(&daemon, name);
            (trunk["state"] == state && trunk["note"].as_str().unwrap_or_default().contains(note)).then_some(())
        });
    };
    for name in ["longer", "bare", "forgetful"] {
        is(name, "up", "");
    }
    is("circles", "down", "not understood");
    is("refuses", "down", "403");
    is("busy", "down", "503");
    // A connection that is closed is no reason to wait.
    is("gone", "down", "closed the connection");
    is("nonsense", "down", "closed the connection");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // These are waited for until a transaction's end.
    for name in ["noise", "foreign", "silent"] {
        is(name, "down", "do not answer");
    }
    let output = caller.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let call = daemon.ended_call();
    assert_eq!(call["end_reason"], "caller_hung_up", "{call:#}");
    assert_eq!(daemon.tickets().len(), 1);

    let passed = began.elapsed();
    println!("{:?}", all.map(|registrar| (registrar.name, registrar.asked(), registrar.came())));
    assert_eq!((longer.asked(), bare.asked()), (2, 1));
    assert_eq!((refuses.asked(), busy.asked()), (1, 1), "who refuses is left in peace");
    assert!(circles.asked() <= 6, "{}", circles.asked());
    // Never sooner than after ten seconds, or five sixths of them.
    assert!(forgetful.asked() as u64 <= 2 + passed.as_secs() / 6, "{} in {passed:?}", forgetful.asked());
    for registrar in [&gone, &nonsense, &silent, &brief] {
        let most = 8 + passed.as_secs() / 3;
        assert!(registrar.came() as u64 <= most && registrar.asked() as u64 <= most, "{}", registrar.name);
    }
    let journal = daemon.json(&["journal", "--json"]);
    let entries = journal.as_array().expect("a list").iter().filter(|entry| entry["about"] == "brief").count();
    assert!((2..40).contains(&entries), "{entries} entries of a line that comes and goes");
    let alarms = daemon.json(&["alarms", "--json"]);
    let mut about: Vec<&str> =
        alarms.as_array().expect("a list").iter().filter_map(|alarm| alarm["about"].as_str()).collect();
    about.sort_unstable();
    assert_eq!(about.iter().filter(|name| ["circles", "refuses"].contains(name)).count(), 2, "{alarms:#}");
    assert!(!about.contains(&"busy"), "it may be back within a minute: {alarms:#}");

    daemon.signal(libc::SIGTERM);
    let told = Instant::now();
    assert!(daemon.wait().success());
    assert!(told.elapsed() < Duration::from_secs(6), "{:?}", told.elapsed());
}
