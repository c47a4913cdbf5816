//! Linphone on the command line, a real telephone of another make than baresip: its settings, and how it is told what to do.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;

use crate::audio::at_rate;
use crate::daemon::{Daemon, peer};

/// At which it writes down what it hears in the codecs that it knows out of the box.
const HEARD_HZ: u32 = 8_000;

pub struct Linphone {
    child: Child,
    /// Where it takes calls.
    pub sip: SocketAddr,
    folder: PathBuf,
}

impl Linphone {
    /// A telephone that is called by this name without registering anywhere, with a file for a microphone; it writes what it
    /// hears into the folder.
    pub fn start(folder: &Path, user: &str) -> Self {
        Self::with(folder, user, "")
    }

    /// The same that takes no call and makes none whose audio is in the clear.
    pub fn encrypting(folder: &Path, user: &str) -> Self {
        Self::with(folder, user, "media_encryption=srtp\nmedia_encryption_mandatory=1\n")
    }

    fn with(folder: &Path, user: &str, sip_settings: &str) -> Self {
        // Held only until it is known: Linphone binds it itself, and any port for its audio.
        let sip = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let config = format!(
            "[sip]\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\ndefault_proxy=-1\n\
             contact=\"Wang Fang\" <sip:{user}@127.0.0.1>\nguess_hostname=0\nipv6_migration_done=1\nuse_ipv6=0\n{sip_settings}\
             [rtp]\naudio_rtp_port=-1\n",
            port = sip.port()
        );
        let trusted =
            fs::read_to_string(folder.join("trusted")).map(|ca| format!("root_ca={ca}\n")).unwrap_or_default();
        let config = config.replacen("[sip]\n", &format!("[sip]\n{trusted}"), 1);
        let config = if trusted.is_empty() { config } else { config.replacen("sip_tls_port=0", "sip_tls_port=-1", 1) };
        fs::write(folder.join("linphonerc"), config).expect("written");
        fs::create_dir_all(folder.join(".local/share/linphone")).expect("a folder");
        let log = fs::File::create(folder.join("phone.log")).expect("a log");
        let child = peer("linphonec")
            .arg("-c")
            .arg(folder.join("linphonerc"))
            .env("HOME", folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .current_dir(folder)
            .spawn()
            .expect("linphonec starts");
        let mut phone = Self { child, sip, folder: folder.to_owned() };
        phone.told("soundcard use files");
        phone.told("ipv6 disable");
        phone.told(&format!("record {}", phone.heard_file().display()));
        phone
    }

    /// The same, trusting this authority when it speaks over TLS.
    pub fn over_tls(folder: &Path, user: &str, ca: &Path) -> Self {
        fs::write(folder.join("trusted"), ca.to_str().expect("text")).expect("written");
        Self::start(folder, user)
    }

    /// Both: over TLS, and no audio in the clear.
    pub fn over_tls_encrypting(folder: &Path, user: &str, ca: &Path) -> Self {
        fs::write(folder.join("trusted"), ca.to_str().expect("text")).expect("written");
        Self::encrypting(folder, user)
    }

    /// A line as it would be typed.
    pub fn told(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{line}").expect("Linphone runs");
    }

    /// Registers with the desk, and is called there from now on.
    pub fn registers(&mut self, daemon: &Daemon, user: &str, password: &str) {
        self.told(&format!("register sip:{user}@{desk} sip:{desk} {password}", desk = daemon.udp));
        daemon.logs(&["phone registered", &format!("user=\"{user}\"")], 1);
    }

    /// In the call that it has now it says this.
    pub fn says(&mut self, spoken: &Clip) {
        let path = self.folder.join("speech.wav");
        wav::write(fs::File::create(&path).expect("a file"), &at_rate(spoken, HEARD_HZ)).expect("written");
        self.told(&format!("play {}", path.display()));
    }

    /// What it heard in its last call, so far: the header of the WAV file is written last.
    pub fn heard(&self) -> Option<Clip> {
        let bytes = fs::read(self.heard_file()).ok()?;
        let samples = bytes.get(44..)?.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(Clip { rate_hz: HEARD_HZ, samples })
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("phone.log")).unwrap_or_default()
    }

    /// Waits until it says all these words in one line.
    pub fn shows(&self, daemon: &Daemon, words: &[&str]) {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        let what = format!("line of Linphone with {words:?}");
        daemon.wait_for(&what, || self.log().lines().any(holds).then_some(()));
    }

    fn heard_file(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of Linphone:\n{}", self.log());
        }
    }
}
