//! baresip, a real telephone: its settings, and how it is told what to do.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;

use crate::audio::{SPOKEN, read};
use crate::daemon::{Daemon, peer};

/// The pace of a person's keys: baresip does not queue them.
pub const PRESS_EVERY: Duration = Duration::from_millis(400);

pub struct Phone {
    child: Child,
    control: SocketAddr,
    /// Where it takes calls.
    pub sip: SocketAddr,
    folder: PathBuf,
}

impl Phone {
    /// A phone of these users that knows only this codec, with a file for a microphone, that writes what it hears into the folder.
    pub fn start(folder: &Path, users: &[&str], codec: &str, rate_hz: u32) -> Self {
        let accounts: String = users.iter().map(|user| format!("<sip:{user}@127.0.0.1>;regint=0\n")).collect();
        Self::with_accounts(folder, &accounts, codec, rate_hz)
    }

    /// The same with baresip's own lines for its accounts, which may register.
    pub fn with_accounts(folder: &Path, accounts: &str, codec: &str, rate_hz: u32) -> Self {
        speech(&folder.join("speech.wav"), rate_hz, 1);
        let held = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port"));
        let [sip, control] = held.map(|socket| socket.local_addr().expect("an address"));
        let modules = "/usr/lib/baresip/modules";
        let config = format!(
            "sip_listen {sip}\naudio_source aufile,{speech}\n\
             audio_player aufile,{heard}\naudio_alert aufile,{heard}\naudio_srate {rate_hz}\naudio_channels 1\nctrl_tcp_listen {control}\n\
             snd_path {folder}\nmodule_path {modules}\nmodule stdio.so\nmodule {codec}.so\nmodule aufile.so\n\
             module sndfile.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n",
            speech = folder.join("speech.wav").display(),
            heard = folder.join("player.wav").display(),
            folder = folder.display(),
        );
        fs::write(folder.join("config"), config).expect("written");
        fs::write(folder.join("accounts"), accounts).expect("written");
        fs::write(folder.join("contacts"), "").expect("written");
        let log = fs::File::create(folder.join("phone.log")).expect("a log");
        let child = peer("baresip")
            .arg("-f")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .current_dir(folder)
            .spawn()
            .expect("baresip starts");
        Self { child, control, sip, folder: folder.to_owned() }
    }

    /// Its microphone is a file, at whose end it hangs up: so often it speaks in the calls from now on.
    pub fn speaks_times(&self, times: usize, rate_hz: u32) {
        speech(&self.folder.join("speech.wav"), rate_hz, times);
    }

    /// What came out of its decoder in its last call.
    pub fn heard(&self) -> Option<Clip> {
        heard(&self.folder)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("phone.log")).unwrap_or_default()
    }

    pub fn connect(&self, daemon: &Daemon) -> TcpStream {
        daemon.wait_for("control port of baresip", || TcpStream::connect(self.control).ok())
    }
}

/// A command in a netstring, as `ctrl_tcp` takes it.
pub fn command(control: &mut TcpStream, command: &str, params: &str) {
    let text = format!(r#"{{"command":"{command}","params":"{params}"}}"#);
    write!(control, "{}:{text},", text.len()).expect("sent");
    let mut reply = [0; 4096];
    assert!(control.read(&mut reply).expect("a reply") > 0);
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The spoken fault at the rate of the codec: baresip does not resample it.
fn speech(path: &Path, rate_hz: u32, times: usize) {
    let spoken = read(Path::new(SPOKEN));
    let step = (spoken.rate_hz / rate_hz) as usize;
    let once: Vec<i16> = spoken.samples.iter().copied().step_by(step).collect();
    let samples = once.repeat(times);
    wav::write(fs::File::create(path).expect("a file"), &Clip { rate_hz, samples }).expect("written");
}

/// What came out of the phone's decoder.
pub fn heard(folder: &Path) -> Option<Clip> {
    let files = fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|file| file.path());
    let file = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).max()?;
    wav::read(fs::File::open(file).ok()?).ok()
}
