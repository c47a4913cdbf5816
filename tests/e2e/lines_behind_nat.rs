//! A desk behind the NAT of its router, on lines of a carrier in the internet: in network namespaces, so it needs root.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::audio::{SPOKEN, likeness, read};
use crate::certificates::{Authority, Valid};
use crate::daemon::{Daemon, peer};
use crate::kamailio::{DOMAIN, Kamailio, PASSWORD, USER};
use crate::nat::run;

/// How often the lines are kept open, and what else a change may take until it is noticed and mended.
const KEEP_ALIVE_S: u64 = 5;
const SOON: Duration = Duration::from_secs(KEEP_ALIVE_S + 5);

/// The desk's network and its router, which writes its own address over the desk's:
///
/// ```text
/// carrier .1 <-> .2 (or .3) router .9 <-> .10 (or .11) desk
/// ```
pub struct Site {
    /// No other test or run has it at the same time.
    id: u32,
}

impl Site {
    pub fn new(number: u32) -> Self {
        let this = Self { id: (std::process::id() % (1 << 12)) * 8 + number };
        let (router, desk) = (this.router(), this.desk());
        let (ours, outside, inside, theirs) = (this.link('h'), this.link('o'), this.link('i'), this.link('d'));
        let address = |host| format!("{}/29", this.address(host));
        // What a run that was killed left.
        this.remove();
        run(&["ip", "netns", "add", &router]);
        run(&["ip", "netns", "add", &desk]);
        run(&["ip", "link", "add", &ours, "type", "veth", "peer", "name", &outside, "netns", &router]);
        run(&["ip", "-n", &router, "link", "add", &inside, "type", "veth", "peer", "name", &theirs, "netns", &desk]);
        run(&["ip", "address", "add", &address(1), "dev", &ours]);
        run(&["ip", "-n", &router, "address", "add", &address(2), "dev", &outside]);
        run(&["ip", "-n", &router, "address", "add", &address(9), "dev", &inside]);
        run(&["ip", "-n", &desk, "address", "add", &address(10), "dev", &theirs]);
        run(&["ip", "link", "set", &ours, "up"]);
        run(&["ip", "-n", &router, "link", "set", &outside, "up"]);
        run(&["ip", "-n", &router, "link", "set", &inside, "up"]);
        run(&["ip", "-n", &desk, "link", "set", &theirs, "up"]);
        run(&["ip", "-n", &desk, "link", "set", "lo", "up"]);
        this.leads_out();
        run(&["ip", "netns", "exec", &router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
        // Ports are kept where they are free, as most routers do.
        let rules = format!(
            "add table ip nat; add chain ip nat out {{ type nat hook postrouting priority 100; }}; \
             add rule ip nat out oifname {outside} masquerade; "
        );
        run(&["ip", "netns", "exec", &router, "nft", &rules]);
        this
    }

    fn leads_out(&self) {
        run(&["ip", "-n", &self.desk(), "route", "replace", "default", "via", &self.address(9).to_string()]);
    }

    /// The provider gives the router another address; what it knew of connections is gone.
    pub fn router_moves(&self) {
        let (router, outside) = (self.router(), self.link('o'));
        run(&["ip", "-n", &router, "address", "add", &format!("{}/29", self.address(3)), "dev", &outside]);
        run(&["ip", "-n", &router, "address", "del", &format!("{}/29", self.address(2)), "dev", &outside]);
        // The second address went with the first, of whose network it was.
        run(&["ip", "-n", &router, "address", "replace", &format!("{}/29", self.address(3)), "dev", &outside]);
        run(&["ip", "netns", "exec", &router, "conntrack", "-F"]);
    }

    /// The desk's machine gets another lease.
    pub fn desk_moves(&self) {
        let (desk, link) = (self.desk(), self.link('d'));
        run(&["ip", "-n", &desk, "address", "del", &format!("{}/29", self.address(10)), "dev", &link]);
        run(&["ip", "-n", &desk, "address", "replace", &format!("{}/29", self.address(11)), "dev", &link]);
        self.leads_out();
    }

    pub fn router(&self) -> String {
        format!("frontdesk{}nr", self.id)
    }

    pub fn desk(&self) -> String {
        format!("frontdesk{}nd", self.id)
    }

    fn link(&self, end: char) -> String {
        format!("fdn{}{end}", self.id)
    }

    /// Sixteen of 100.64.0.0/10 (RFC 6598) for each, beyond those of the weather.
    pub fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 80, 0, 0)) + self.id * 16 + host)
    }

    fn remove(&self) {
        // The links between them go with them.
        for namespace in [self.desk(), self.router()] {
            let _ = peer("ip").args(["netns", "delete", &namespace]).output();
        }
        let _ = peer("ip").args(["link", "delete", &self.link('h')]).output();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.remove();
    }
}

struct Line {
    daemon: Daemon,
    carrier: Kamailio,
    site: Site,
    _folder: TempDir,
}

impl Line {
    fn new(number: u32, transport: &str, trunk: &str, settings: &[(&str, &str)]) -> Self {
        let site = Site::new(number);
        let folder = tempfile::tempdir().expect("a folder");
        let ca = Authority::new(folder.path(), "ca");
        ca.certifies("carrier", &[DOMAIN], Valid::Now);
        let carrier = Kamailio::start_at(site.address(1), folder.path(), 600, None);
        let server = if transport == "tls" { carrier.tls } else { carrier.sip };
        let trunks = format!(
            "[[trunk]]\nname = \"carrier\"\nregistrar = \"sip:{server};transport={transport}\"\ndomain = \"{DOMAIN}\"\n\
             user = \"{USER}\"\npassword = \"{PASSWORD}\"\nkeep_alive_s = {KEEP_ALIVE_S}\n{trunk}"
        );
        let file = folder.path().join("trunks.toml");
        fs::write(&file, trunks).expect("written");
        let (file, trust) = (file.to_string_lossy().into_owned(), ca.file.to_string_lossy().into_owned());
        let own = [("TRUNKS__FILE", file.as_str()), ("TLS__TRUST", trust.as_str())];
        let listen = [("SIP__LISTEN", "[\"udp:0.0.0.0:0\"]")];
        let all: Vec<_> = own.into_iter().chain(listen).chain(settings.iter().copied()).collect();
        let daemon = Daemon::inside(Some(&site.desk()), &all);
        Self { daemon, carrier, site, _folder: folder }
    }

    fn trunk(&self) -> Value {
        self.daemon.json(&["trunks", "--json"])[0].clone()
    }

    /// Waits until the carrier sees the line at that address of the router.
    fn is_up_at(&self, host: u32) -> String {
        let prefix = format!("{}:", self.site.address(host));
        self.daemon.wait_for(&format!("trunk that is up at {prefix}"), || {
            let trunk = self.trunk();
            let external = trunk["external"].as_str().filter(|at| at.starts_with(&prefix))?.to_owned();
            (trunk["state"] == "up").then_some(external)
        })
    }

    /// The carrier's customer calls the service number, and both hear each other.
    fn is_called(&self, number: usize) {
        let heard = self.daemon.path("heard.wav");
        let args = [
            "--keys",
            "2,1,2,p,s,#",
            "--hangup-after",
            "25",
            "--say",
            SPOKEN,
            "--record",
            heard.to_str().expect("text"),
        ];
        self.daemon.dial(&format!("sip:{USER}@{}", self.carrier.sip), &args);
        let calls = self.daemon.wait_for("ended calls", || {
            let calls = self.daemon.calls();
            (calls.len() == number && calls.iter().all(|call| !call["ended_at"].is_null())).then_some(calls)
        });
        assert!(calls.iter().all(|call| call["trunk"] == "carrier" && call["callee"] == USER), "{calls:#?}");
        let loud = read(&heard).samples.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
        assert!(loud > 8_000, "the caller did not hear the desk: {loud} {calls:#?}");
        let tickets = self.daemon.tickets();
        assert_eq!(tickets.len(), number, "{calls:#?}");
        let spoken = tickets.iter().map(|ticket| read(&self.daemon.recording(&ticket["recording"])));
        let alike: Vec<f64> = spoken.map(|clip| likeness(&read(Path::new(SPOKEN)), &clip)).collect();
        assert!(alike.iter().all(|alike| *alike > 0.8), "the desk did not hear the caller: {alike:?} {calls:#?}");
    }

    /// Runs `change` and tells how long it took until the line is up at that address of the router.
    fn moves(&self, host: u32, change: impl FnOnce(&Site)) {
        change(&self.site);
        let changed = Instant::now();
        self.is_up_at(host);
        let took = changed.elapsed();
        assert!(took <= SOON, "it took {took:?}");
    }
}

fn keeps_its_line(number: u32, transport: &str, trunk: &str) {
    let line = Line::new(number, transport, trunk, &[]);
    line.is_up_at(2);
    line.is_called(1);
    line.moves(3, Site::router_moves);
    line.is_called(2);
}

#[test]
fn over_udp_it_is_called_behind_nat_and_follows_the_routers_address() {
    keeps_its_line(0, "udp", "");
}

/// The router's own notion of connections is gone with its address: the connection is broken, or speaks from elsewhere.
#[test]
fn over_tls_it_is_called_behind_nat_and_follows_the_routers_address() {
    keeps_its_line(1, "tls", "srtp = \"off\"\n");
}

#[test]
fn over_tcp_it_is_called_behind_nat_and_follows_the_routers_address() {
    keeps_its_line(2, "tcp", "");
}

#[test]
fn stun_shows_the_routers_new_address_too() {
    keeps_its_line(3, "udp", "keep_alive = \"stun\"\n");
}

#[test]
fn a_desk_that_gets_another_lease_is_called_at_the_new_address() {
    for (number, transport) in [(4, "udp"), (5, "tls")] {
        let line = Line::new(number, transport, "", &[]);
        let before = line.is_up_at(2);
        line.site.desk_moves();
        let moved = Instant::now();
        // To the router it is another connection.
        line.daemon.wait_for("trunk that is up elsewhere", || Some(line.is_up_at(2)).filter(|now| *now != before));
        assert!(moved.elapsed() <= SOON, "it took {:?}", moved.elapsed());
        line.is_called(1);
    }
}

/// No line at all: a STUN server, which Kamailio is too, says what the desk is called from outside.
#[test]
fn the_external_address_is_asked_of_a_stun_server_and_followed() {
    let site = Site::new(6);
    let folder = tempfile::tempdir().expect("a folder");
    let carrier = Kamailio::start_at(site.address(1), folder.path(), 600, None);
    let external = format!("stun:{}", carrier.sip);
    let settings = [("SIP__LISTEN", "[\"udp:0.0.0.0:0\"]"), ("SIP__EXTERNAL_ADDRESS", external.as_str())];
    let daemon = Daemon::inside(Some(&site.desk()), &settings);
    let seen = |host| format!("address={}:", site.address(host));
    daemon.logs(&["the network outside sees this machine there", &seen(2)], 1);
    site.router_moves();
    daemon.logs(&["the network outside sees this machine there", &seen(3)], 1);
}
