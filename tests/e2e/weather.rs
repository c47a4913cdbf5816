//! Networks that lose packets, and, where the kernel can, delay and reorder them: in network namespaces, so they need root.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::audio::voices;
use crate::daemon::{Daemon, peer};
use crate::nat::run;
use crate::phone::{Phone, command, press};

/// A link to a namespace over which UDP is lost: `desk .1 <-> .2 telephone`.
struct Link {
    /// No other test or run has it at the same time.
    id: u32,
}

impl Link {
    fn new(number: u32) -> Self {
        let this = Self { id: (std::process::id() % (1 << 13)) * 8 + number };
        let (namespace, ours, theirs) = (this.namespace(), this.end('h'), this.end('p'));
        // What a run that was killed left.
        this.remove();
        run(&["ip", "netns", "add", &namespace]);
        run(&["ip", "link", "add", &ours, "type", "veth", "peer", "name", &theirs, "netns", &namespace]);
        run(&["ip", "address", "add", &format!("{}/30", this.address(1)), "dev", &ours]);
        run(&["ip", "-n", &namespace, "address", "add", &format!("{}/30", this.address(2)), "dev", &theirs]);
        run(&["ip", "link", "set", &ours, "up"]);
        run(&["ip", "-n", &namespace, "link", "set", &theirs, "up"]);
        run(&["ip", "-n", &namespace, "link", "set", "lo", "up"]);
        this
    }

    /// So many of a hundred datagrams are lost from now on, each way; each takes 30 ms, and some overtake others.
    fn bad_weather(&self, loss_percent: u32) {
        // Where they come in: a sender would be told of what is dropped as it goes out.
        let lose = |end: &str| {
            format!(
                "add table ip {table}; add chain ip {table} lose {{ type filter hook input priority 0; }}; add rule ip {table} \
                 lose iifname {end} meta l4proto udp numgen random mod 100 < {loss_percent} drop",
                table = self.namespace()
            )
        };
        run(&["nft", &lose(&self.end('h'))]);
        run(&["ip", "netns", "exec", &self.namespace(), "nft", &lose(&self.end('p'))]);
        let (inside, end) = (self.namespace(), self.end('p'));
        let delay = ["tc", "qdisc", "add", "dev", &end, "root", "netem", "delay", "30ms", "10ms", "reorder", "95%"];
        let delayed = peer("ip").args(["netns", "exec", &inside]).args(delay).output().expect("it runs");
        let told = String::from_utf8_lossy(&delayed.stderr);
        if told.contains("qdisc kind is unknown") {
            eprintln!("this kernel has no netem (modprobe sch_netem): packets are lost, but not delayed or reordered");
        } else {
            assert!(delayed.status.success(), "{told}");
        }
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = peer("ip");
        command.args(["netns", "exec", &self.namespace(), program]);
        command
    }

    fn namespace(&self) -> String {
        format!("frontdesk{}w", self.id)
    }

    fn end(&self, end: char) -> String {
        format!("fdw{}{end}", self.id)
    }

    /// Of 100.64.0.0/10 (RFC 6598), four for each link.
    fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 0)) + self.id * 4 + host)
    }

    fn remove(&self) {
        let _ = peer("nft").args(["delete", "table", "ip", &self.namespace()]).output();
        let _ = peer("ip").args(["netns", "delete", &self.namespace()]).output();
        let _ = peer("ip").args(["link", "delete", &self.end('h')]).output();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.remove();
    }
}

/// When a line with these words was logged, and the line.
fn logged(daemon: &Daemon, words: &[&str]) -> (DateTime<Utc>, String) {
    let holds = |line: &&str| words.iter().all(|word| line.contains(word));
    let line = daemon.wait_for(&format!("{words:?}"), || daemon.log().lines().find(holds).map(str::to_owned));
    let at = line.split_whitespace().next().and_then(|at| at.parse().ok());
    (at.unwrap_or_else(|| panic!("a line begins with its time: {line}")), line)
}

/// A real telephone complains and says what of; how long it spoke by the clock, and how long the recording is.
fn complains(number: u32, loss_percent: u32) -> (f64, f64) {
    let link = Link::new(number);
    let listen = format!("[\"udp:{}:0\"]", link.address(1));
    let daemon = Daemon::with(&[("SIP__LISTEN", &listen)]);
    let folder = daemon.path("phone");
    fs::create_dir(&folder).expect("a folder");
    let place = |port| SocketAddr::V4(SocketAddrV4::new(link.address(2), port));
    let account = format!("<sip:13700137000@{}>;regint=0\n", link.address(2));
    let baresip = link.inside("/usr/bin/baresip");
    let phone = Phone::run(baresip, [5060, 4444].map(place), &folder, &account, "g711", 8_000);
    phone.says(&voices()[0]);
    let mut control = phone.connect(&daemon);
    if loss_percent > 0 {
        link.bad_weather(loss_percent);
    }
    command(&mut control, "dial", &daemon.uri());
    daemon.wait_for("answered call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    press(&mut control, "212");
    let (began, _) = logged(&daemon, &["INFO", " recording "]);
    let spoke = || (Utc::now() - began).to_std().is_ok_and(|spoken| spoken > Duration::from_secs(8));
    daemon.wait_for("some seconds of speech", || spoke().then_some(()));
    press(&mut control, "#");
    let (ended, line) = logged(&daemon, &["INFO", " recorded "]);
    let ticket = daemon.wait_for("ticket", || daemon.tickets().pop());
    assert_eq!((&ticket["kind"], &ticket["category"]), (&"complaint".into(), &"equipment".into()), "{ticket:#}");
    command(&mut control, "hangup", "");
    let call = daemon.ended_call();
    assert_eq!(call["end_reason"], "caller_hung_up", "{call:#}");
    let keys: Vec<&str> = call["path"].as_array().expect("a path").iter().filter_map(|s| s["input"].as_str()).collect();
    assert_eq!(keys.concat().trim_end_matches('#'), "212", "{call:#}");
    let lost = call["rtp"]["lost"].as_u64().expect("a count");
    assert_eq!(lost > 20, loss_percent > 0, "the weather is as it should be: {call:#}");
    let (_, length_ms) = line.split_once("duration_ms=").expect("a length");
    let length_ms: f64 = length_ms.split_whitespace().next().and_then(|ms| ms.parse().ok()).expect("a number");
    ((ended - began).num_milliseconds() as f64, length_ms)
}

#[test]
fn with_every_fifth_packet_lost_keys_and_ticket_are_right_and_the_recording_keeps_its_length() {
    let [fine, bad] = [(0, 0), (1, 20)].map(|(number, loss_percent)| {
        let (spoken_ms, recorded_ms) = complains(number, loss_percent);
        recorded_ms / spoken_ms
    });
    assert!(
        (fine - bad).abs() <= 0.02 && fine > 0.95,
        "of what was said {fine:.3} are recorded, in bad weather {bad:.3}"
    );
}

#[test]
fn with_lost_signalling_every_call_has_one_row_and_one_end() {
    const CALLS: usize = 200;
    let link = Link::new(2);
    let listen = format!("[\"udp:{}:0\"]", link.address(1));
    let daemon = Daemon::with(&[("SIP__LISTEN", &listen), ("RTP__MEDIA_TIMEOUT_S", "10")]);
    link.bad_weather(5);
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sipp/plain.xml");
    let plain = fs::read_to_string(plain).expect("a scenario");
    // A 180 that is lost does not come again.
    let scenario = plain.replace("<recv response=\"180\" />", "<recv response=\"180\" optional=\"true\" />");
    assert_ne!(plain, scenario);
    fs::write(daemon.path("lossy.xml"), scenario).expect("written");
    let calls = CALLS.to_string();
    let output = link
        .inside("/usr/bin/sipp")
        .args(["-sf", "lossy.xml", "-m", &calls, "-r", "40", "-l", "100", "-nostdin", "-timeout", "90s"])
        .args(["-i", &link.address(2).to_string(), &daemon.udp.to_string()])
        .current_dir(daemon.folder.path())
        .output()
        .expect("SIPp runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = daemon.wait_for("rows that have all ended", || {
        let rows = daemon.calls();
        rows.iter().all(|row| !row["ended_at"].is_null() && !row["outcome"].is_null()).then_some(rows)
    });
    let mut ids: Vec<_> = rows.iter().map(|row| row["sip_call_id"].as_str().unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((rows.len(), ids.len()), (CALLS, CALLS), "{shown}");
    let hung_up = rows.iter().filter(|row| row["end_reason"] == "caller_hung_up").count();
    assert!(hung_up > CALLS * 9 / 10, "{hung_up}\n{shown}");
}
