//! A customer who is not satisfied says so by telephone, and why: the work begins again (R37).

use std::path::Path;
use std::time::Duration;

use super::house::{CUSTOMER, House, Person, history};
use crate::audio::{SPOKEN, likeness, read};

/// The customer's words, over and over: all of them are in it once.
const TWICE: Duration = Duration::from_secs(15);

#[test]
fn a_customer_who_is_not_satisfied_says_why_and_the_engineer_is_called_again() {
    let mut house = House::new(&[Person::new("201", "\"engineer\"")], &[]);
    let number = house.opens_a_burst_pipe();
    house.staff[0].lifts(&house.daemon);
    house.staff[0].keys("1");
    house.at_stage(&number, "accepted");
    house.staff[0].hangs_up();
    for stage in ["on_site", "repaired", "accepted_by_customer"] {
        house.advances(&number, stage, &[]);
    }

    house.customer.lifts(&house.daemon);
    house.customer.keys("2");
    house.answered("follow_up", "not_satisfied");
    house.recorded(TWICE);
    house.customer.keys("#");
    let errand = house.ended_errand("follow_up");
    assert_eq!((&errand["result"], &errand["number"]), (&"not_satisfied".into(), &CUSTOMER.into()), "{errand:#}");
    let comment = read(&house.daemon.recording(&errand["comment"]));
    let alike = likeness(&read(Path::new(SPOKEN)), &comment);
    assert!(alike > 0.9, "the recording is not what the customer said: {alike:.3}");

    // The work begins again, with the same owner, and somebody is sent.
    house.staff[0].rings(&house.daemon);
    let ticket = house.ticket(&number);
    assert_eq!((&ticket["status"], &ticket["owner"]), (&"open".into(), &"100".into()), "{ticket:#}");
    assert_eq!(ticket["feedback"], errand["comment"], "{ticket:#}");
    assert_eq!(ticket["satisfaction"], "not_satisfied", "{ticket:#}");
    let told = history(&ticket);
    let at = |word| told.iter().rposition(|what| *what == word).unwrap_or_else(|| panic!("no {word} in {told:?}"));
    assert!(at("accepted_by_customer") < at("reopened_not_satisfied"), "{told:?}");
    assert!(at("reopened_not_satisfied") < at("dispatched"), "{told:?}");
}
