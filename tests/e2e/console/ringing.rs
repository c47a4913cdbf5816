//! A receptionist whose telephone rings: who calls is on the screen before hello, and all is done by keys.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::live::new_call;
use super::{add_user_at, address, desk, script};
use crate::audio::{SPOKEN, read};
use crate::daemon::Daemon;
use crate::phone::{Phone, command, press};

const CALLER: &str = "13800138000";

/// A receptionist and an engineer at one telephone with two lines.
fn people(sip: &str) -> String {
    format!(
        "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:100@{sip}\"]\nduty = [\"receptionist\"]\n\
         [[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:201@{sip}\"]\nduty = [\"engineer\"]\n"
    )
}

/// Somebody who wants a human, and stays on the line.
fn calls(daemon: &Daemon) -> Value {
    let before = daemon.calls();
    let mut caller = daemon.dialling(&daemon.uri(), &["--from", CALLER, "--keys", "0", "--hangup-after", "100"]);
    let call = new_call(daemon, &before);
    std::thread::spawn(move || caller.wait());
    call
}

#[test]
fn a_caller_is_known_before_hello_and_handed_on_parked_and_given_back_by_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Phone::start(folder.path(), &["100", "201"], "g711", 8_000);
    let file = folder.path().join("people.toml");
    fs::write(&file, people(&phone.sip.to_string())).expect("written");
    let daemon = desk(&[("PEOPLE__FILE", file.to_str().expect("text"))]);
    add_user_at(&daemon, "wang", "receptionist", Some("100"));
    let list = folder.path().join("residents.csv");
    fs::write(&list, format!("楼号,房号,姓名,电话,备注\n3,1201,李四,{CALLER},\n")).expect("written");
    assert!(daemon.cli(&["residents", "import", list.to_str().expect("text")]).status.success());
    // Nobody hangs up because they have said their say.
    phone.says(&read(Path::new(SPOKEN)));
    let mut control = phone.connect(&daemon);
    let mut rung = 0;
    script("ringing", &address(&daemon), |wish| {
        match wish {
            "call" => {
                let call = calls(&daemon);
                rung += 1;
                phone.rings(&daemon, rung);
                return call.to_string();
            }
            "lift" => command(&mut control, "accept", ""),
            "rings again" => {
                rung += 1;
                phone.rings(&daemon, rung);
            }
            "lift and take" => {
                command(&mut control, "accept", "");
                phone.is_spoken_to(&daemon, rung);
                press(&mut control, "1");
            }
            "hang up" => command(&mut control, "hangup", ""),
            _ => match wish.strip_prefix("call ") {
                Some(id) => return daemon.json(&["calls", "show", id, "--json"]).to_string(),
                None => panic!("nobody does this: {wish}"),
            },
        }
        "done".to_owned()
    });
}
