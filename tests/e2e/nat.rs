//! A telephone behind the NAT of a router, which the desk can reach at nothing that the telephone says of itself: in network
//! namespaces, so it needs root.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::Command;

use crate::audio::voices;
use crate::daemon::{Daemon, peer};
use crate::phone::Phone;
use crate::talker::{Talker, talk, was_heard};

const PASSWORD: &str = "rr4tz-77qpx";

/// A telephone's network and its router, which joins it to ours and writes its own address and ports over the telephone's:
///
/// ```text
/// desk .1 <-> .2 router .5 <-> .6 telephone
/// ```
pub struct Behind {
    /// Four digits, and the network's number; no other run has it at the same time.
    id: u32,
}

impl Behind {
    pub fn new() -> Self {
        let this = Self { id: std::process::id() % (1 << 14) };
        let (router, phone) = (this.router(), this.phone());
        let (ours, outside, inside, theirs) = (this.link('h'), this.link('o'), this.link('i'), this.link('p'));
        let address = |host| format!("{}/30", this.address(host));
        // What a run that was killed left.
        this.remove();
        run(&["ip", "netns", "add", &router]);
        run(&["ip", "netns", "add", &phone]);
        run(&["ip", "link", "add", &ours, "type", "veth", "peer", "name", &outside, "netns", &router]);
        run(&["ip", "-n", &router, "link", "add", &inside, "type", "veth", "peer", "name", &theirs, "netns", &phone]);
        run(&["ip", "address", "add", &address(1), "dev", &ours]);
        run(&["ip", "-n", &router, "address", "add", &address(2), "dev", &outside]);
        run(&["ip", "-n", &router, "address", "add", &address(5), "dev", &inside]);
        run(&["ip", "-n", &phone, "address", "add", &address(6), "dev", &theirs]);
        run(&["ip", "link", "set", &ours, "up"]);
        run(&["ip", "-n", &router, "link", "set", &outside, "up"]);
        run(&["ip", "-n", &router, "link", "set", &inside, "up"]);
        run(&["ip", "-n", &phone, "link", "set", &theirs, "up"]);
        run(&["ip", "-n", &phone, "route", "add", "default", "via", &this.address(5).to_string()]);
        run(&["ip", "netns", "exec", &router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
        let rules = format!(
            "add table ip nat; add chain ip nat out {{ type nat hook postrouting priority 100; }}; \
             add rule ip nat out oifname {outside} meta l4proto udp masquerade to :40000-49999 random; "
        );
        run(&["ip", "netns", "exec", &router, "nft", &rules]);
        this
    }

    /// Commands get through to the telephone; audio still does not before the telephone has sent some.
    pub fn let_commands_in(&self) {
        let network = format!("{}/30", self.address(4));
        run(&["ip", "route", "add", &network, "via", &self.address(2).to_string()]);
        let rules = format!(
            "add chain ip nat in {{ type filter hook forward priority 0; }}; \
             add rule ip nat in iifname {} meta l4proto udp ct state new drop; ",
            self.link('o')
        );
        run(&["ip", "netns", "exec", &self.router(), "nft", &rules]);
    }

    fn router(&self) -> String {
        format!("frontdesk{}r", self.id)
    }

    pub fn phone(&self) -> String {
        format!("frontdesk{}p", self.id)
    }

    fn link(&self, end: char) -> String {
        format!("fdesk{}{end}", self.id)
    }

    /// Eight addresses of 198.18.0.0/15 (RFC 2544: for tests of networks) are this run's.
    pub fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + self.id * 8 + host)
    }

    fn remove(&self) {
        // The links between them go with them.
        for namespace in [self.phone(), self.router()] {
            let _ = peer("ip").args(["netns", "delete", &namespace]).output();
        }
        let _ = peer("ip").args(["link", "delete", &self.link('h')]).output();
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Runs one of the commands that make networks.
pub fn run(command: &[&str]) {
    let done = peer(command[0]).args(&command[1..]).output().expect("it runs");
    assert!(
        done.status.success(),
        "{}: {}\nthis test makes network namespaces: it needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN), and iproute2, nftables \
         and procps, which tests/run installs",
        command.join(" "),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// RFC 3581: it is answered, and called, where its messages come from, and its audio is sent to where its audio comes from.
#[test]
fn a_telephone_behind_nat_registers_is_rung_and_both_hear_each_other() {
    let behind = Behind::new();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let account = format!("[[phone]]\nuser = \"desk\"\npassword = \"{PASSWORD}\"\nmd5_only = true\n");
    let accounts = write("phones.toml", &account);
    let person = "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:desk@frontdesk\"]\nduty = [\"receptionist\"]\n";
    let people = write("people.toml", person);
    let listen = format!("[\"udp:{}:0\"]", behind.address(1));
    let daemon = Daemon::with(&[("SIP__LISTEN", &listen), ("PHONES__FILE", &accounts), ("PEOPLE__FILE", &people)]);

    let mut baresip: Command = peer("ip");
    baresip.args(["netns", "exec", &behind.phone(), "/usr/bin/baresip"]);
    let at = folder.path().join("phone");
    fs::create_dir(&at).expect("a folder");
    let place = |port| SocketAddr::V4(SocketAddrV4::new(behind.address(6), port));
    let account = format!("<sip:desk@{}>;auth_pass={PASSWORD};regint=60;answermode=auto\n", daemon.udp);
    let phone = Phone::run(baresip, [5060, 4444].map(place), &at, &account, "g711", 8_000);
    let [callers_voice, phones_voice, _] = voices();
    phone.says(&phones_voice);
    daemon.logs(&["phone registered", "user=\"desk\"", &format!("source={}:4", behind.address(2))], 1);

    let caller = Talker::calls(&daemon, "0", &callers_voice, &[]);
    talk(&daemon, "the caller", &callers_voice, || phone.heard());
    phone.quit();
    let (call, heard) = caller.over();
    assert_eq!((&call["outcome"], &call["handled_by"]), (&"transferred".into(), &"100".into()), "{call:#}");
    was_heard("the telephone", &phones_voice, &heard);
}
