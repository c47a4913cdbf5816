//! Callers reach people at real telephones: rung, told who calls, put through, and heard on both sides.

use std::path::Path;
use std::{fs, thread};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::audio::{SPOKEN, voices};
use crate::daemon::Daemon;
use crate::linphone::Linphone;
use crate::phone::{PRESS_EVERY, Phone, command, press};
use crate::talker::{Talker, talk, was_heard};

const CALLER: &str = "13800138000";

/// A desk whose people have this one telephone, and a folder for it.
pub struct Desk {
    pub daemon: Daemon,
    pub phone: Phone,
    /// Of both; dropped last.
    _folder: TempDir,
}

impl Desk {
    /// `codec` and its rate are the telephone's.
    pub fn new(codec: &str, rate_hz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().join("phone");
        fs::create_dir(&at).expect("a folder");
        let phone = Phone::start(&at, &["100", "201"], codec, rate_hz);
        let people = folder.path().join("people.toml");
        let text = format!(
            "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:100@{sip}\"]\nduty = [\"receptionist\"]\n\
             [[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [{{ uri = \"sip:201@{sip}\", ring_s = 8 }}]\n\
             duty = [\"emergency\"]\n",
            sip = phone.sip
        );
        fs::write(&people, text).expect("written");
        let daemon = Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text"))]);
        Self { daemon, phone, _folder: folder }
    }

    pub fn calling(&self, keys: &str, heard: &Path, more: &[&str]) -> std::process::Child {
        let heard = heard.to_str().expect("text");
        let mut args = vec!["--keys", keys, "--say", SPOKEN, "--from", CALLER, "--record", heard];
        args.extend(more);
        self.daemon.dialling(&self.daemon.uri(), &args)
    }

    pub fn wait_for_ring(&self) {
        self.daemon.wait_for("ringing telephone", || self.phone.log().contains("Incoming call").then_some(()));
    }
}

/// A person takes the call with 1 and both hear each other, in this codec of the telephone against that of the caller.
fn talk_both_ways(module: &str, rate_hz: u32, caller_codec: &str) {
    let desk = Desk::new(module, rate_hz);
    let [callers_voice, persons_voice, _] = voices();
    desk.phone.says(&persons_voice);
    let mut control = desk.phone.connect(&desk.daemon);
    let caller = Talker::calls(&desk.daemon, "4,201#", &callers_voice, &["--codec", caller_codec]);
    desk.wait_for_ring();
    command(&mut control, "accept", "");
    desk.phone.is_spoken_to(&desk.daemon, 1);
    press(&mut control, "1");
    desk.daemon.logs(&["put through", "extension=\"201\""], 1);
    talk(&desk.daemon, "the caller", &callers_voice, || desk.phone.heard());
    command(&mut control, "hangup", "");
    let (call, heard) = caller.over();
    assert_eq!(call["outcome"], "transferred", "{call:#}");
    assert_eq!(call["handled_by"], "201");
    let legs = call["legs"].as_array().expect("legs");
    assert_eq!(legs.len(), 1, "{call:#}");
    assert_eq!(legs[0]["end"], "talked");
    assert!(legs[0]["talk_ms"].as_u64().expect("a time") > 3_000, "{call:#}");
    assert!(legs[0]["rtp"]["received"].as_u64().expect("a count") > 100, "{call:#}");
    was_heard("the telephone", &persons_voice, &heard);
}

#[test]
fn a_person_takes_the_call_and_both_hear_each_other_in_one_codec() {
    talk_both_ways("g711", 8_000, "pcma");
}

#[test]
fn a_person_takes_the_call_and_both_hear_each_other_across_codecs() {
    talk_both_ways("g711", 8_000, "g722");
}

#[test]
fn a_telephone_that_hangs_up_during_the_whisper_is_nobody() {
    let desk = Desk::new("g711", 8_000);
    let heard = desk.daemon.path("heard.wav");
    let caller = desk.calling("4,201#", &heard, &["--hangup-after", "14"]);
    let mut control = desk.phone.connect(&desk.daemon);
    desk.wait_for_ring();
    command(&mut control, "accept", "");
    thread::sleep(PRESS_EVERY);
    command(&mut control, "hangup", "");
    let call = desk.daemon.ended_call();
    drop(caller.wait_with_output());
    assert_eq!(call["legs"][0]["end"], "no_consent", "{call:#}");
    let nodes: Vec<&Value> = call["path"].as_array().expect("steps").iter().map(|step| &step["node"]).collect();
    assert!(nodes.contains(&&json!("absent-choice")), "{nodes:?}");
}

#[test]
fn a_receptionist_lifts_and_has_the_caller_at_once() {
    let desk = Desk::new("g722", 16_000);
    let [callers_voice, receptionists_voice, _] = voices();
    desk.phone.says(&receptionists_voice);
    let caller = Talker::calls(&desk.daemon, "0", &callers_voice, &[]);
    let mut control = desk.phone.connect(&desk.daemon);
    desk.wait_for_ring();
    command(&mut control, "accept", "");
    talk(&desk.daemon, "the caller", &callers_voice, || desk.phone.heard());
    command(&mut control, "hangup", "");
    let (call, heard) = caller.over();
    assert_eq!(call["outcome"], "transferred", "{call:#}");
    assert_eq!(call["handled_by"], "100");
    was_heard("the receptionist", &receptionists_voice, &heard);
}

/// R16: no message that the caller gets names the place that was rung.
#[test]
fn the_caller_never_sees_where_a_person_was_rung() {
    let desk = Desk::new("g711", 8_000);
    let heard = desk.daemon.path("heard.wav");
    let caller = desk.calling("4,201#", &heard, &["--hangup-after", "3"]);
    desk.wait_for_ring();
    let call = desk.daemon.ended_call();
    let told = caller.wait_with_output().expect("it ends");
    let ladder = [told.stdout, told.stderr].concat();
    let ladder = String::from_utf8_lossy(&ladder);
    let place = desk.phone.sip.port().to_string();
    assert!(!ladder.contains(&place), "{ladder}");
    assert_eq!(call["outcome"], "abandoned", "{call:#}");
    assert_eq!(call["legs"][0]["end"], "cancelled");
}

/// The system's resolver is asked beside the SIP thread's work: a name that nobody has, then one that everybody has.
#[test]
fn a_place_is_rung_by_its_hosts_name_and_one_that_is_not_found_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("phone");
    fs::create_dir(&at).expect("a folder");
    let phone = Phone::start(&at, &["201"], "g711", 8_000);
    let people = folder.path().join("people.toml");
    let places = format!("[\"sip:201@nobody.invalid\", \"sip:201@localhost:{}\"]", phone.sip.port());
    let text = format!("[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = {places}\n");
    fs::write(&people, text).expect("written");
    let daemon = Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text"))]);
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwwwww", "--hangup-after", "20"]);
    daemon.wait_for("ringing telephone", || phone.log().contains("Incoming call").then_some(()));
    let _ = caller.kill();
    let _ = caller.wait();
    assert!(daemon.log().contains("no server of it was found that a listener leads to"), "{}", daemon.log());
}

/// RFC 3261 section 16.7: the first telephone of an account that answers has the call, the other is told to stop.
#[test]
fn of_two_telephones_of_one_account_the_first_to_answer_has_the_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let accounts = write("phones.toml", "[[phone]]\nuser = \"desk\"\npassword = \"rr4tz-77qpx\"\nmd5_only = true\n");
    let person = "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:desk@frontdesk\"]\nduty = [\"receptionist\"]\n";
    let people = write("people.toml", person);
    let daemon = Daemon::with(&[("PHONES__FILE", &accounts), ("PEOPLE__FILE", &people)]);
    let account = format!("<sip:desk@{}>;auth_pass=rr4tz-77qpx;regint=60\n", daemon.udp);
    let phones = ["one", "two"].map(|name| {
        let at = folder.path().join(name);
        fs::create_dir(&at).expect("a folder");
        Phone::with_accounts(&at, &account, "g711", 8_000)
    });
    daemon.wait_for("both registrations", || (daemon.log().matches("phone registered").count() >= 2).then_some(()));
    let [callers_voice, receptionists_voice, _] = voices();
    phones[1].says(&receptionists_voice);
    let caller = Talker::calls(&daemon, "0", &callers_voice, &[]);
    for phone in &phones {
        phone.rings(&daemon, 1);
    }
    let mut control = phones[1].connect(&daemon);
    command(&mut control, "accept", "");
    talk(&daemon, "the caller", &callers_voice, || phones[1].heard());
    command(&mut control, "hangup", "");
    let (call, heard) = caller.over();
    assert_eq!((&call["outcome"], &call["handled_by"]), (&json!("transferred"), &json!("100")), "{call:#}");
    let mut ends: Vec<&str> =
        call["legs"].as_array().expect("legs").iter().filter_map(|leg| leg["end"].as_str()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["cancelled", "talked"], "{call:#}");
    was_heard("the one who answered", &receptionists_voice, &heard);
}

/// R17: one telephone registers by SHA-256, the other has an address and another maker; both ring.
#[test]
fn of_two_makes_of_telephones_in_a_ring_group_the_first_to_answer_has_the_caller() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = ["linphone", "baresip"].map(|name| {
        let at = folder.path().join(name);
        fs::create_dir(&at).expect("a folder");
        at
    });
    let other = Phone::start(&at[1], &["101"], "g711", 8_000);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    // Of desk:frontdesk:rr4tz-77qpx; without another hash there is no other way in.
    let hash = "b0216adb2e41c65ecacf84738cbff01861396cef9e1e215b00e5064490b873ec";
    let account = format!("[[phone]]\nuser = \"desk\"\nha1_sha256 = \"{hash}\"\nextension = \"100\"\n");
    let accounts = write("phones.toml", &account);
    let people = write(
        "people.toml",
        &format!(
            "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:desk@frontdesk\"]\nduty = [\"receptionist\"]\n\
             [[person]]\nextension = \"101\"\nname = \"李娜\"\nhunt = [\"sip:101@{}\"]\nduty = [\"receptionist\"]\n",
            other.sip
        ),
    );
    let daemon = Daemon::with(&[("PHONES__FILE", &accounts), ("PEOPLE__FILE", &people)]);
    let mut first = Linphone::start(&at[0], "desk");
    first.registers(&daemon, "desk", "rr4tz-77qpx");
    let [callers_voice, receptionists_voice, _] = voices();
    let caller = Talker::calls(&daemon, "0", &callers_voice, &[]);
    first.shows(&daemon, &["Receiving new incoming call"]);
    other.rings(&daemon, 1);
    first.told("answer");
    daemon.logs(&["put through", "extension=\"100\""], 1);
    daemon.wait_for("end of ringing", || other.log().contains("session closed").then_some(()));
    first.says(&receptionists_voice);
    talk(&daemon, "the caller", &callers_voice, || first.heard());
    assert!(!first.log().contains("Receiving tone"), "the caller's key was for the machine: {}", first.log());
    first.told("terminate");
    let (call, heard) = caller.over();
    assert_eq!((&call["outcome"], &call["handled_by"]), (&json!("transferred"), &json!("100")), "{call:#}");
    was_heard("the one who answered", &receptionists_voice, &heard);
}
