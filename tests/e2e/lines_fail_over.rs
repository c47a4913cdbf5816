//! Lines whose carrier has two servers, loses power, or is changed while the desk runs.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::kamailio::{DOMAIN, Kamailio, PASSWORD, USER};
use crate::servers::Dns;

/// A desk with the trunks of a file that can be written anew.
struct Desk {
    daemon: Daemon,
    file: PathBuf,
    folder: TempDir,
}

/// Each has a user of its own, and `carrier` and `kept` the service number.
fn trunk(name: &str, registrar: &str, more: &str) -> String {
    let user = if ["carrier", "kept"].contains(&name) { USER } else { name };
    format!(
        "[[trunk]]\nname = \"{name}\"\nregistrar = \"{registrar}\"\ndomain = \"{DOMAIN}\"\nuser = \"{user}\"\n\
         password = \"{PASSWORD}\"\nkeep_alive_s = 5\n{more}\n"
    )
}

impl Desk {
    fn new(trunks: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trunks.toml");
        fs::write(&file, trunks).expect("written");
        let own = [("TRUNKS__FILE", file.to_str().expect("text"))];
        let daemon = Daemon::with(&own.into_iter().chain(settings.iter().copied()).collect::<Vec<_>>());
        Self { daemon, file, folder }
    }

    fn trunk(&self, name: &str) -> Option<Value> {
        let trunks = self.daemon.json(&["trunks", "--json"]);
        trunks.as_array().expect("a list").iter().find(|trunk| trunk["name"] == name).cloned()
    }

    fn is(&self, name: &str, state: &str) -> Value {
        let what = format!("trunk {name} that is {state}");
        self.daemon.wait_for(&what, || self.trunk(name).filter(|trunk| trunk["state"] == state))
    }

    fn is_up_at(&self, name: &str, carrier: &Kamailio) {
        let server = carrier.sip.to_string();
        self.daemon.wait_for(&format!("trunk {name} that is up at {server}"), || {
            self.trunk(name).filter(|trunk| trunk["state"] == "up" && trunk["server"] == server)
        });
    }

    fn reloads(&self, trunks: &str) {
        let before = self.daemon.log().lines().count();
        fs::write(&self.file, trunks).expect("written");
        self.daemon.signal(libc::SIGHUP);
        self.daemon.wait_for("reload", || (self.daemon.log().lines().count() > before).then_some(()));
    }
}

fn carriers() -> (TempDir, [Kamailio; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let carriers = ["first", "second"].map(|name| {
        let at = folder.path().join(name);
        fs::create_dir(&at).expect("a folder");
        Kamailio::start_at(Ipv4Addr::LOCALHOST, &at, 60, None)
    });
    (folder, carriers)
}

#[test]
fn the_second_server_of_a_domain_serves_while_the_first_is_away() {
    for transport in ["udp", "tcp"] {
        let (_folder, [mut first, second]) = carriers();
        let dns = Dns::serve(vec![
            format!("_sip._{transport}.line.example SRV 10 0 {} a.line.example", first.sip.port()),
            format!("_sip._{transport}.line.example SRV 20 0 {} a.line.example", second.sip.port()),
            "a.line.example A 127.0.0.1".to_owned(),
        ]);
        let server = format!("[\"{}\"]", dns.address);
        let registrar = format!("sip:line.example;transport={transport}");
        let desk = Desk::new(&trunk("carrier", &registrar, ""), &[("SIP__DNS", &server)]);
        desk.is_up_at("carrier", &first);
        first.cut();
        let away = Instant::now();
        desk.is_up_at("carrier", &second);
        assert!(away.elapsed() < Duration::from_secs(18), "{transport}: the second serves after {:?}", away.elapsed());
        desk.daemon.dial(&format!("sip:{USER}@{}", second.sip), &["--keys", "1,1,5", "--hangup-after", "2"]);
        desk.daemon.wait_for("ended call", || {
            desk.daemon.calls().into_iter().find(|call| !call["ended_at"].is_null() && call["trunk"] == "carrier")
        });
        // A registration lasts a minute here: its renewal goes back to the first choice.
        first.begin();
        let back = Instant::now();
        let returned = || back.elapsed() > Duration::from_secs(20);
        desk.daemon.wait_for("half of the time until the renewal", || returned().then_some(()));
        desk.is_up_at("carrier", &first);
    }
}

#[test]
fn a_carrier_that_loses_power_for_a_quarter_of_a_minute_is_back_on_the_line_within_ten_seconds() {
    for transport in ["udp", "tcp"] {
        let (_folder, [mut carrier, _]) = carriers();
        let registrar = format!("sip:{};transport={transport}", carrier.sip);
        let desk = Desk::new(&trunk("carrier", &registrar, ""), &[]);
        desk.is("carrier", "up");
        carrier.cut();
        let cut = Instant::now();
        desk.is("carrier", "down");
        desk.daemon.wait_for("15 s", || (cut.elapsed() >= Duration::from_secs(15)).then_some(()));
        carrier.begin();
        let back = Instant::now();
        desk.is("carrier", "up");
        assert!(back.elapsed() < Duration::from_secs(10), "{transport}: up after {:?}", back.elapsed());
        desk.daemon.dial(&format!("sip:{USER}@{}", carrier.sip), &["--keys", "1,1,5", "--hangup-after", "2"]);
    }
}

#[test]
fn trunks_are_changed_while_the_desk_runs() {
    let (_folder, [first, second]) = carriers();
    let at = |carrier: &Kamailio| format!("sip:{};transport=udp", carrier.sip);
    let (kept, changed) = (trunk("kept", &at(&first), ""), trunk("changed", &at(&second), ""));
    let desk = Desk::new(&format!("{kept}{changed}{}", trunk("removed", &at(&second), "expires_s = 120")), &[]);
    let since = ["kept", "changed", "removed"].map(|name| desk.is(name, "up")["since"].clone());

    desk.reloads(&format!("{kept}{}", trunk("changed", &at(&first), "")));
    desk.is_up_at("changed", &first);
    desk.daemon.wait_for("trunk that is left", || desk.trunk("removed").is_none().then_some(()));
    assert_eq!(desk.is("kept", "up")["since"], since[0], "what stays is left alone");

    // A faulty file is told, and changes nothing.
    desk.reloads("[[trunk]]\nname = \"kept\"\nregistar = \"sip:x\"\n");
    desk.daemon.logs(&["registar"], 1);
    assert_eq!(desk.is("kept", "up")["since"], since[0]);
    desk.is_up_at("changed", &first);

    // Over TLS no connection can be made from here before a restart: that is said, and harms nobody.
    desk.reloads(&format!("{kept}{}", trunk("secure", &format!("sip:{};transport=tls", first.tls), "")));
    let down = desk.is("secure", "down");
    assert!(down["note"].as_str().expect("a note").contains("[sip] listen"), "{down:#}");
    desk.daemon.logs(&["restart", "tls"], 1);
    assert_eq!(desk.is("kept", "up")["since"], since[0]);
    desk.daemon.dial(&format!("sip:{USER}@{}", first.sip), &["--keys", "1,1,5", "--hangup-after", "2"]);
    drop(desk.folder);
}
