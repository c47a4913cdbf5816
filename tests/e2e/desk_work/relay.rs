//! A message that was left is passed on by the desk's own calls until somebody has it (R5).

use std::path::Path;

use serde_json::Value;

use super::house::{House, Person};
use crate::audio::{SPOKEN, likeness, read};
use crate::phone::Phone;

/// Called at once, and others at once when the first call is in vain.
const AT_ONCE: [(&str, &str); 2] = [("RELAY__AFTER_MIN", r#"["0", "0"]"#), ("RELAY__HOURS", "00:00-24:00")];

fn hears_the_message(house: &House, phone: &Phone) {
    let spoken = read(Path::new(SPOKEN));
    house
        .daemon
        .wait_for("telephone that hears the message", || phone.heard().filter(|heard| likeness(&spoken, heard) > 0.8));
}

/// The message, once it is passed on.
fn confirmed(house: &House) -> Value {
    house.daemon.wait_for("message that is confirmed", || {
        house.daemon.messages().pop().filter(|message| message["relay"] == "confirmed")
    })
}

fn attempts(message: &Value) -> Vec<String> {
    let attempts = message["attempts"].as_array().expect("a list").iter();
    attempts.map(|a| format!("{} {}", a["channel"], a["result"]).replace('"', "")).collect()
}

#[test]
fn a_person_who_was_out_is_called_by_the_desk_hears_their_message_and_confirms_it() {
    let mut house = House::new(&[Person::new("302", "")], &AT_ONCE);
    let message = house.leaves_a_message_for("302");
    assert_eq!((&message["for_person"], &message["relay"]), (&"302".into(), &"pending".into()), "{message:#}");
    house.staff[0].lifts(&house.daemon);
    hears_the_message(&house, &house.staff[0].phone);
    house.staff[0].keys("1");
    let message = confirmed(&house);
    assert_eq!(attempts(&message), ["phone: 302 confirmed"], "{message:#}");
    assert_eq!(house.errands().len(), 1, "nobody is called twice");
    assert_eq!(house.open_alarms(), Vec::<Value>::new());
}

#[test]
fn a_message_whose_person_does_not_answer_goes_to_a_colleague_and_the_supervisor() {
    let staff = [
        Person { ring_s: 3, ..Person::new("303", "") },
        Person { phone: false, ..Person::new("304", "") },
        Person { department: "管理处", ..Person::new("801", "\"supervisor\"") },
    ];
    let mut house = House::new(&staff, &AT_ONCE);
    house.leaves_a_message_for("303");
    house.staff[0].rings(&house.daemon);
    house.staff[1].lifts(&house.daemon);
    let message = house.daemon.messages().pop().expect("it is there");
    assert_eq!(message["relay"], "escalated", "{message:#}");
    let alarms = house.open_alarms();
    assert_eq!((alarms.len(), &alarms[0]["kind"]), (1, &"message_unconfirmed".into()), "{alarms:#?}");
    hears_the_message(&house, &house.staff[1].phone);
    house.staff[1].keys("1");
    let message = confirmed(&house);
    let attempts = attempts(&message);
    assert_eq!(attempts.len(), 3, "{message:#}");
    assert_eq!(attempts[0], "phone: 303 not_reached (no_answer)");
    assert!(attempts[1].starts_with("phone: 304 not_reached"), "{attempts:?}");
    assert_eq!(attempts[2], "phone: 801 confirmed");
}
