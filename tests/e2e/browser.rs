//! A caller in a web page: Chromium, with SIP over WebSocket and audio by WebRTC (ICE, DTLS-SRTP), told what to do by ChromeDriver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, peer};

const PAGE: &str = include_str!("browser.html");
/// For a browser to start on a machine that does other things too.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A browser with one page; both end with it.
struct Browser {
    driver: Child,
    at: SocketAddr,
    session: String,
    _folder: tempfile::TempDir,
}

impl Browser {
    fn start(page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port");
        let mut command: Command = peer("chromedriver");
        command.arg(format!("--port={}", at.port())).env("HOME", folder.path());
        let driver =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tests/run installs chromedriver");
        let mut browser = Self { driver, at, session: String::new(), _folder: folder };
        let until = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(at).is_err() {
            assert!(Instant::now() < until, "chromedriver does not start");
            thread::sleep(Duration::from_millis(50));
        }
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            // There is nothing but loopback here.
            "--allow-loopback-in-peer-connection",
            &format!("--user-data-dir={}", browser._folder.path().join("profile").display()),
        ];
        let wish = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}}}});
        let session = browser.ask("/session", &wish);
        browser.session = session["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {session}")).to_owned();
        browser.ask(&format!("/session/{}/url", browser.session), &json!({ "url": page }));
        browser
    }

    /// What a script in the page comes to.
    fn run(&self, script: &str) -> Value {
        self.ask(&format!("/session/{}/execute/sync", self.session), &json!({"script": script, "args": []}))
    }

    fn state(&self) -> Value {
        self.run("return state")
    }

    fn ask(&self, path: &str, wish: &Value) -> Value {
        let mut driver = TcpStream::connect(self.at).expect("chromedriver listens");
        driver.set_read_timeout(Some(STARTS_WITHIN)).expect("a limit");
        let wish = wish.to_string();
        let length = wish.len();
        write!(driver, "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{wish}", self.at)
            .expect("it is sent");
        let answer: Value = serde_json::from_slice(&read_body(driver)).expect("JSON");
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Ok(mut driver) = TcpStream::connect(self.at) {
            let _ = write!(driver, "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\n\r\n", self.session, self.at);
            let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = driver.read(&mut [0; 64]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The body of one HTTP answer.
fn read_body(stream: TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a whole answer");
    body
}

/// Gives the page to whoever asks, from an address that a browser lets use the microphone.
fn serve_page() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let length = PAGE.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
            );
        }
    });
    port
}

/// A desk that pages call, and the page.
fn desk_and_page(more: &str) -> (Daemon, Browser) {
    let daemon = Daemon::with(&[("SIP__LISTEN", "[\"udp:127.0.0.1:0\", \"ws:127.0.0.1:0\"]")]);
    let desk = daemon.ws.expect("it listens for WebSockets");
    let browser = Browser::start(&format!("http://localhost:{}/?ws=ws://{desk}/{more}", serve_page()));
    (daemon, browser)
}

#[test]
fn a_caller_in_a_web_page_hears_the_desk_and_reports_a_lift() {
    let (daemon, browser) = desk_and_page("&video");
    let state = daemon.wait_for("sound in the page", || {
        let state = browser.state();
        assert!(state["step"] != "failed" && state["step"] != "refused", "{state:#}\n{}", daemon.log());
        (state["energy"].as_f64() > Some(0.0) && state["packets"].as_u64() > Some(50)).then_some(state)
    });
    assert_eq!(state["connection"], "connected", "{state:#}");
    daemon.logs(&["audio is encrypted"], 1);
    browser.run("state.press('115')");
    let ticket = daemon.wait_for("ticket", || daemon.tickets().pop());
    assert_eq!((&ticket["category"], &ticket["caller"]), (&"lift".into(), &"13900139000".into()), "{ticket:#}");
    browser.run("state.hangUp()");
    let call = daemon.ended_call();
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 50, "{call:#}");
    assert!(crate::encrypted::dropped(&daemon.log()) < 5, "{}", daemon.log());
}
