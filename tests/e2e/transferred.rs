//! Callers are handed on from one real telephone to another: transferred by the telephone itself, blind and announced, or by
//! keys, parked and picked up; and they come back to whoever gave them away when nobody else takes them.

use std::fs;
use std::path::PathBuf;

use frontdesk::media::clip::Clip;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::audio::{likeness, voices};
use crate::daemon::Daemon;
use crate::linphone::Linphone;
use crate::phone::{Phone, command, press};
use crate::talker::{Talker, talk, was_heard};

/// A folder for telephones, and what their people and the caller say.
struct Office {
    folder: TempDir,
    voices: [Clip; 3],
}

impl Office {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), voices: voices() }
    }

    fn of(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        folder
    }

    /// The desk with these people.
    fn desk(&self, people: &str) -> Daemon {
        let file = self.folder.path().join("people.toml");
        fs::write(&file, people).expect("written");
        Daemon::with(&[("PEOPLE__FILE", file.to_str().expect("text"))])
    }

    fn callers_voice(&self) -> &Clip {
        &self.voices[0]
    }

    fn receptionists_voice(&self) -> &Clip {
        &self.voices[1]
    }

    fn engineers_voice(&self) -> &Clip {
        &self.voices[2]
    }
}

fn person(extension: &str, name: &str, place: &str, more: &str) -> String {
    format!("[[person]]\nextension = \"{extension}\"\nname = \"{name}\"\nhunt = [{place}]\n{more}\n")
}

/// Who was rung, and what came of it.
fn ways_of(call: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let legs = call["legs"].as_array().expect("legs").iter();
    legs.map(|leg| format!("{} {}", text(&leg["extension"]), text(&leg["end"]))).collect()
}

/// One engineer does not answer: the caller is back with the receptionist. The other one takes the call.
#[test]
fn a_telephone_transfers_a_caller_who_comes_back_when_nobody_answers() {
    let office = Office::new();
    let engineers = Phone::start(&office.of("baresip"), &["201", "202"], "g711", 8_000);
    engineers.says(office.engineers_voice());
    let mut receptionist = Linphone::start(&office.of("linphone"), "100");
    let daemon = office.desk(
        &[
            person("100", "王芳", &format!("\"sip:100@{}\"", receptionist.sip), "duty = [\"receptionist\"]"),
            person("201", "张伟", &format!("\"sip:201@{}\"", engineers.sip), ""),
            person("202", "李明", &format!("{{ uri = \"sip:202@{}\", ring_s = 2 }}", engineers.sip), ""),
        ]
        .concat(),
    );
    let mut control = engineers.connect(&daemon);
    let caller = Talker::calls(&daemon, "0", office.callers_voice(), &[]);
    receptionist.shows(&daemon, &["Receiving new incoming call"]);
    receptionist.told("answer");
    daemon.logs(&["put through", "extension=\"100\""], 1);

    receptionist.told(&format!("transfer sip:202@{}", daemon.udp));
    engineers.rings(&daemon, 1);
    daemon.logs(&["stopped ringing", "extension=\"202\"", "end=\"no_answer\""], 1);
    receptionist.says(office.receptionists_voice());
    talk(&daemon, "the caller", office.callers_voice(), || receptionist.heard());

    receptionist.told(&format!("transfer sip:201@{}", daemon.udp));
    engineers.rings(&daemon, 2);
    command(&mut control, "accept", "");
    engineers.is_spoken_to(&daemon, 1);
    press(&mut control, "1");
    daemon.logs(&["put through", "extension=\"201\""], 1);
    receptionist.shows(&daemon, &["transfer"]);
    receptionist.shows(&daemon, &["Call 1", "ended"]);
    talk(&daemon, "the caller", office.callers_voice(), || engineers.heard());
    command(&mut control, "hangup", "");

    let (call, heard) = caller.over();
    assert_eq!(ways_of(&call), ["100 talked", "202 no_answer", "201 talked"], "{call:#}");
    assert_eq!((&call["outcome"], &call["handled_by"]), (&json!("transferred"), &json!("201")), "{call:#}");
    was_heard("the receptionist", office.receptionists_voice(), &heard);
    was_heard("the engineer", office.engineers_voice(), &heard);
}

/// The receptionist's telephone holds the caller and calls the engineer through the desk, which knows it by its address.
#[test]
fn a_telephone_asks_on_its_second_line_and_puts_the_two_together() {
    let office = Office::new();
    let engineer = Phone::start(&office.of("baresip"), &["201"], "g711", 8_000);
    engineer.says(office.engineers_voice());
    let mut receptionist = Linphone::start(&office.of("linphone"), "100");
    let daemon = office.desk(
        &[
            person("100", "王芳", &format!("\"sip:100@{}\"", receptionist.sip), "duty = [\"receptionist\"]"),
            person("201", "张伟", &format!("\"sip:201@{}\"", engineer.sip), ""),
        ]
        .concat(),
    );
    let mut control = engineer.connect(&daemon);
    let caller = Talker::calls(&daemon, "0", office.callers_voice(), &[]);
    receptionist.shows(&daemon, &["Receiving new incoming call"]);
    receptionist.told("answer");
    receptionist.shows(&daemon, &["Call 1", "connected"]);
    daemon.logs(&["put through", "extension=\"100\""], 1);

    receptionist.told("pause");
    receptionist.shows(&daemon, &["Call 1", "is now paused"]);
    receptionist.told(&format!("call sip:201@{}", daemon.udp));
    engineer.rings(&daemon, 1);
    command(&mut control, "accept", "");
    receptionist.shows(&daemon, &["Call 2", "connected"]);
    receptionist.says(office.receptionists_voice());
    talk(&daemon, "the receptionist", office.receptionists_voice(), || engineer.heard());

    receptionist.told("transfer 1 --to-call 2");
    daemon.logs(&["put through", "extension=\"201\""], 1);
    for ended in ["Call 1", "Call 2"] {
        receptionist.shows(&daemon, &[ended, "ended"]);
    }
    talk(&daemon, "the caller", office.callers_voice(), || engineer.heard());
    command(&mut control, "hangup", "");

    let (call, heard) = caller.over();
    // The second line of the receptionist is a leg of this call, too.
    assert_eq!(ways_of(&call), ["100 talked", "201 talked", "100 talked"], "{call:#}");
    assert_eq!((&call["outcome"], &call["handled_by"]), (&json!("transferred"), &json!("201")), "{call:#}");
    was_heard("the engineer", office.engineers_voice(), &heard);
    let alike = likeness(office.receptionists_voice(), &heard);
    assert!(alike < 0.8, "the caller, who was held, heard the receptionist: {alike:.3}");
}

/// By keys: a colleague declines, so the receptionist is rung again; the colleague's telephone picks up whom she then parks.
#[test]
fn a_receptionist_hands_a_caller_on_by_keys_and_parks_the_one_who_came_back() {
    let office = Office::new();
    let [receptionist, colleague] = ["100", "201"].map(|user| Phone::start(&office.of(user), &[user], "g711", 8_000));
    receptionist.says(office.receptionists_voice());
    colleague.says(office.engineers_voice());
    let daemon = office.desk(
        &[
            person("100", "王芳", &format!("\"sip:100@{}\"", receptionist.sip), "duty = [\"receptionist\"]"),
            person("201", "张伟", &format!("\"sip:201@{}\"", colleague.sip), ""),
        ]
        .concat(),
    );
    let mut reception = receptionist.connect(&daemon);
    let mut elsewhere = colleague.connect(&daemon);
    let caller = Talker::calls(&daemon, "0", office.callers_voice(), &[]);
    receptionist.rings(&daemon, 1);
    command(&mut reception, "accept", "");
    daemon.logs(&["put through", "extension=\"100\""], 1);

    press(&mut reception, "*2201#");
    daemon.logs(&["caller handed on", "from=100", "to=201"], 1);
    colleague.rings(&daemon, 1);
    command(&mut elsewhere, "accept", "");
    colleague.is_spoken_to(&daemon, 1);
    press(&mut elsewhere, "2");
    daemon.logs(&["rung to take the caller back", "extension=\"100\""], 1);
    receptionist.rings(&daemon, 2);
    command(&mut reception, "accept", "");
    receptionist.is_spoken_to(&daemon, 2);
    press(&mut reception, "1");
    daemon.logs(&["put through", "extension=\"100\""], 2);
    talk(&daemon, "the caller", office.callers_voice(), || receptionist.heard());

    press(&mut reception, "*4");
    daemon.logs(&["caller parked", "slot=7001"], 1);
    command(&mut elsewhere, "dial", &format!("sip:7001@{}", daemon.udp));
    daemon.logs(&["put through", "extension=\"201\""], 1);
    talk(&daemon, "the caller", office.callers_voice(), || colleague.heard());
    command(&mut elsewhere, "hangup", "");

    let (call, heard) = caller.over();
    let ways = ["100 talked", "201 declined", "100 talked", "201 talked"];
    assert_eq!(ways_of(&call), ways, "{call:#}");
    assert_eq!((&call["outcome"], &call["handled_by"]), (&json!("transferred"), &json!("201")), "{call:#}");
    was_heard("the receptionist", office.receptionists_voice(), &heard);
    was_heard("the colleague", office.engineers_voice(), &heard);
}
