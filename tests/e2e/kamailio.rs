//! Kamailio, as a carrier: registrar, proxy and TLS edge, that asks for a password.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemon::{PATIENCE, free_at, peer};

pub const DOMAIN: &str = "carrier.test";
pub const USER: &str = "057188880000";
pub const PASSWORD: &str = "k2fjw-9xq7m";

pub struct Kamailio {
    child: Option<Child>,
    folder: PathBuf,
    /// UDP and TCP.
    pub sip: SocketAddr,
    pub tls: SocketAddr,
}

impl Kamailio {
    /// A carrier that keeps registrations for so many seconds and sends calls for numbers to `gateway`. With TLS it shows
    /// `carrier.pem` of the folder.
    pub fn start(folder: &Path, expires_s: u32, gateway: Option<SocketAddr>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, folder, expires_s, gateway)
    }

    /// The same at another address of this machine.
    pub fn start_at(ip: Ipv4Addr, folder: &Path, expires_s: u32, gateway: Option<SocketAddr>) -> Self {
        let (sip, tls) = (free_at(ip.into()), free_at(ip.into()));
        let certificate = |end: &str| folder.join(format!("carrier.{end}")).display().to_string();
        let secure = folder.join("carrier.pem").exists();
        let (listen, load) = match secure {
            true => (
                format!("enable_tls=yes\nlisten=tls:{tls}\n"),
                format!(
                    "loadmodule \"tls.so\"\nmodparam(\"tls\", \"private_key\", \"{}\")\n\
                     modparam(\"tls\", \"certificate\", \"{}\")\nmodparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n",
                    certificate("key"),
                    certificate("pem")
                ),
            ),
            false => (String::new(), String::new()),
        };
        let out = gateway.map_or_else(|| "127.0.0.1:9".to_owned(), |gateway| gateway.to_string());
        let config = CONFIG
            .replace("@LISTEN@", &format!("listen=udp:{sip}\nlisten=tcp:{sip}\n{listen}"))
            .replace("@TLS@", &load)
            .replace("@DOMAIN@", DOMAIN)
            .replace("@USER@", USER)
            .replace("@PASSWORD@", PASSWORD)
            .replace("@EXPIRES@", &expires_s.to_string())
            .replace("@GATEWAY@", &out);
        fs::write(folder.join("kamailio.cfg"), config).expect("written");
        let mut carrier = Self { child: None, folder: folder.to_owned(), sip, tls };
        carrier.begin();
        carrier
    }

    /// Starts it, and waits until it listens.
    pub fn begin(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("kamailio.log")).expect("a log");
        let child = peer("kamailio")
            .args(["-DD", "-E", "-w"])
            .arg(&self.folder)
            .arg("-Y")
            .arg(&self.folder)
            .arg("-f")
            .arg(self.folder.join("kamailio.cfg"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("kamailio starts");
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(self.sip).is_err() {
            assert!(Instant::now() < until, "kamailio does not listen:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it as an operator would; its memory of registrations is gone.
    pub fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own.
        unsafe { libc::kill(i32::try_from(child.id()).expect("a pid"), libc::SIGTERM) };
        let until = Instant::now() + Duration::from_secs(10);
        while child.try_wait().expect("a child").is_none() {
            if Instant::now() > until {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// As a power cut.
    pub fn cut(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Its processes are its own group; none of them is to say goodbye.
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its group is its own.
        unsafe { libc::kill(-i32::try_from(child.id()).expect("a pid"), libc::SIGKILL) };
        let _ = child.wait();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("kamailio.log")).unwrap_or_default()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("log of Kamailio:\n{}", self.log());
        }
        self.end();
    }
}

const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
alias="@DOMAIN@"
@LISTEN@
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
loadmodule "stun.so"
@TLS@
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", @EXPIRES@)
modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")
modparam("auth", "nonce_expire", 300)
modparam("auth", "algorithm", "SHA-256")
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    force_rport();
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
        sl_send_reply("404", "Not here");
        exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
    t_check_trans();
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    if (is_method("REGISTER")) {
        if (!pv_www_authenticate("@DOMAIN@", "@PASSWORD@", "0")) { www_challenge("@DOMAIN@", "1"); exit; }
        fix_nated_register();
        save("location");
        exit;
    }
    if (is_method("INVITE") && $fU == "@USER@") {
        # A customer's line: it proves itself, and its calls go out to the telephone network.
        if (!pv_proxy_authenticate("@DOMAIN@", "@PASSWORD@", "0")) { proxy_challenge("@DOMAIN@", "1"); exit; }
        consume_credentials();
        record_route();
        $ru = "sip:" + $rU + "@@GATEWAY@";
        t_relay();
        exit;
    }
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Nobody"); exit; }
    t_relay();
}
"#;
