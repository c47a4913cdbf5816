//! A running daemon in a folder of its own, on ports of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const BIN: &str = env!("CARGO_BIN_EXE_frontdesk");
/// The machine may be busy with other tests; nothing here takes that long by itself.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Daemon {
    child: Child,
    pub folder: TempDir,
    namespace: Option<String>,
    settings: Vec<(String, String)>,
    pub ready: String,
    pub udp: SocketAddr,
    pub tcp: Option<SocketAddr>,
    pub tls: Option<SocketAddr>,
    pub ws: Option<SocketAddr>,
    pub console: SocketAddr,
}

impl Daemon {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A daemon with these settings (`SECTION__KEY`, value) beside the free ports.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::inside(None, settings)
    }

    /// The same in a network namespace.
    pub fn inside(namespace: Option<&str>, settings: &[(&str, &str)]) -> Self {
        let mut all: Vec<(String, String)> = [
            ("SIP__LISTEN", r#"["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]"#),
            ("RTP__PORTS", "0"),
            ("CONSOLE__LISTEN", "127.0.0.1:0"),
            // A repair would have an engineer called: tests of that turn it on.
            ("DISPATCH__CALLS", "off"),
        ]
        .iter()
        .filter(|(key, _)| !settings.iter().any(|(k, _)| k == key))
        .chain(settings)
        .map(|(key, value)| (format!("FRONTDESK_{key}"), (*value).to_owned()))
        .collect();
        all.push(("NO_COLOR".to_owned(), "1".to_owned()));
        Self::launch(tempfile::tempdir().expect("a folder"), namespace.map(str::to_owned), all)
    }

    fn launch(folder: TempDir, namespace: Option<String>, settings: Vec<(String, String)>) -> Self {
        let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("a log");
        let mut command = match &namespace {
            Some(namespace) => {
                let mut command = peer("ip");
                command.args(["netns", "exec", namespace, BIN]);
                command
            }
            None => Command::new(BIN),
        };
        let mut child = command
            .args(["serve", "--data"])
            .arg(folder.path().join("data"))
            .envs(settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut ready).expect("text");
        let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(ready.starts_with("ready "), "no ready line but {ready:?}; log:\n{}", log());
        let part = |name: &str| ready.split_whitespace().find_map(|word| word.strip_prefix(name));
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        Self {
            udp: address(part("sip=udp:").expect("UDP is listened on")),
            tcp: part("sip=tcp:").map(address),
            tls: part("sip=tls:").map(address),
            ws: part("sip=ws:").map(address),
            console: address(part("console=http://").or(part("console=https://")).expect("a console")),
            child,
            folder,
            namespace,
            settings,
            ready,
        }
    }

    /// As a power cut: no time to write anything.
    pub fn kill_and_restart(mut self) -> Self {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it has ended");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        Self::launch(folder, self.namespace.clone(), self.settings.clone())
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn uri(&self) -> String {
        format!("sip:desk@{}", self.udp)
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < until, "the daemon does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a command on this daemon's data.
    pub fn cli(&self, args: &[&str]) -> Output {
        self.cli_with(args, &[])
    }

    /// The same with settings in its environment.
    pub fn cli_with(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = Command::new(BIN);
        command.envs(env.iter().copied()).args(args).arg("--data").arg(self.data()).env("NO_COLOR", "1");
        command.output().expect("it runs")
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.cli(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn rows(&self, what: &str) -> Vec<Value> {
        self.json(&[what, "--json", "--limit", "0"]).as_array().expect("a list").clone()
    }

    /// Those that came in; the desk makes calls of its own about what they leave.
    pub fn calls(&self) -> Vec<Value> {
        self.rows("calls").into_iter().filter(|call| call["direction"] == "in").collect()
    }

    pub fn tickets(&self) -> Vec<Value> {
        self.rows("tickets")
    }

    pub fn messages(&self) -> Vec<Value> {
        self.rows("messages")
    }

    /// The only call, once it is over and written.
    pub fn ended_call(&self) -> Value {
        self.wait_for("one ended call", || {
            let calls = self.calls();
            assert!(calls.len() <= 1, "{calls:?}");
            calls.into_iter().find(|call| !call["ended_at"].is_null())
        })
    }

    /// Starts the built-in caller.
    pub fn dialling(&self, uri: &str, args: &[&str]) -> Child {
        Command::new(BIN)
            .args(["dial", uri, "--json"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the caller starts")
    }

    /// Calls and gives what `dial --json` tells.
    pub fn dial(&self, uri: &str, args: &[&str]) -> Value {
        let output = self.dialling(uri, args).wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}\nlog:\n{}", self.log());
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Waits for this many lines of the log that hold all these words.
    pub fn logs(&self, words: &[&str], times: usize) {
        let holds = |line: &&str| words.iter().all(|word| line.contains(word));
        let what = format!("{times} lines with {words:?}");
        self.wait_for(&what, || (self.log().lines().filter(holds).count() >= times).then_some(()));
    }

    /// What `look` finds, as soon as it finds it.
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.wait_within(PATIENCE, what, look)
    }

    /// The same of what takes its time by itself: the shortest clocks are a minute.
    pub fn wait_within<T>(&self, patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + patience;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < until, "no {what}; log:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn recording(&self, id: &Value) -> PathBuf {
        self.data().join("recordings").join(id.as_str().expect("a recording"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
        }
    }
}

/// A port of loopback that both UDP and TCP have free, for peers that can't say which they took.
pub fn free() -> SocketAddr {
    free_at([127, 0, 0, 1].into())
}

/// The same of another address of this machine. The one above it is free too: telephones take it for TLS. Below those that
/// the system gives away by itself, and each once, so that tests beside each other get others.
pub fn free_at(ip: IpAddr) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const PAIRS: u16 = 6_000;
    let free = |port: u16| UdpSocket::bind((ip, port)).is_ok() && TcpListener::bind((ip, port)).is_ok();
    let begin = std::process::id() as u16;
    for _ in 0..PAIRS {
        let pair = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PAIRS;
        let port = FIRST + 2 * pair;
        if free(port) && free(port + 1) {
            return SocketAddr::new(ip, port);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// A peer that the tests call with.
pub fn peer(name: &str) -> Command {
    let found =
        ["/usr/bin", "/usr/local/bin", "/usr/sbin"].iter().map(|dir| Path::new(dir).join(name)).find(|p| p.exists());
    Command::new(
        found.unwrap_or_else(|| panic!("{name} is missing: run tests/run, it installs what the tests call with")),
    )
}
