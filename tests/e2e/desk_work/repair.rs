//! An urgent repair from its report to its end, and one that nobody comes for (R19, R23, R26, R30, R37).

use std::time::Duration;

use serde_json::Value;

use super::house::{House, PIN, Person, history};

/// The shortest clock is a minute, and calls take their time.
const A_CLOCK: Duration = Duration::from_secs(120);

#[test]
fn an_urgent_repair_by_telephone_is_seen_through_until_the_customer_is_satisfied() {
    let engineers = [
        Person { pin: true, ..Person::new("201", "\"engineer\"") },
        Person { pin: true, ..Person::new("202", "\"engineer\"") },
    ];
    let mut house = House::new(&engineers, &[]);
    let number = house.reports_a_burst_pipe();

    // The first one passes it on, the second one takes it.
    house.staff[0].lifts(&house.daemon);
    house.staff[0].keys("2");
    house.staff[1].lifts(&house.daemon);
    house.staff[1].keys("1");
    let ticket = house.at_stage(&number, "accepted");
    assert_eq!(ticket["engineer"], "202", "{ticket:#}");
    house.staff[1].hangs_up();

    // The engineer reports by telephone: extension, PIN, the number's serial, on site.
    let serial = number.rsplit('-').next().expect("a serial").trim_start_matches('0').to_owned();
    house.staff[1].calls(&house.daemon);
    house.staff[1].keys(&format!("6202#{PIN}#{serial}#2"));
    let ticket = house.at_stage(&number, "on_site");
    assert!(ticket["due"]["on_site"]["met_at"].is_string(), "{ticket:#}");
    house.staff[1].hangs_up();
    house.staff[1].calls(&house.daemon);
    house.staff[1].keys(&format!("6202#{PIN}#{serial}#3"));
    house.at_stage(&number, "repaired");
    house.staff[1].hangs_up();

    // The customer signs the sheet, and is asked by telephone whether they are satisfied.
    house.advances(&number, "accepted_by_customer", &[]);
    house.customer.lifts(&house.daemon);
    house.customer.keys("1");
    house.answered("follow_up", "satisfied");
    // They have nothing more to say.
    house.customer.hangs_up();
    let ticket = house.at_stage(&number, "closed");
    assert_eq!((&ticket["status"], &ticket["satisfaction"]), (&"closed".into(), &"satisfied".into()), "{ticket:#}");
    let told = history(&ticket);
    let way = [
        "report_complete",
        "dispatched",
        "declined",
        "dispatched",
        "accepted",
        "on_site",
        "repaired",
        "accepted_by_customer",
        "followed_up",
        "closed",
    ];
    let told: Vec<&str> = told.into_iter().filter(|what| way.contains(what)).collect();
    assert_eq!(told, way, "{ticket:#}");
    let who = |what: &str| {
        let events = ticket["events"].as_array().expect("a history");
        events.iter().find(|event| event["what"] == what).map(|event| event["who"].clone()).expect("it is there")
    };
    assert_eq!([who("accepted"), who("on_site"), who("repaired")], ["202", "202", "202"].map(Value::from));
    let errand = house.ended_errand("follow_up");
    assert_eq!(errand["result"], "satisfied", "{errand:#}");
    let results: Vec<Value> = house.errands().iter().rev().map(|errand| errand["result"].clone()).collect();
    assert_eq!(results, ["declined", "accepted", "satisfied"].map(Value::from), "nobody else is called");
    assert_eq!(house.open_alarms(), Vec::<Value>::new());
}

#[test]
fn a_repair_that_nobody_comes_for_is_an_alarm_and_the_supervisors_telephone_rings() {
    let staff = [Person::new("201", "\"engineer\""), Person::new("801", "\"supervisor\"")];
    let mut house = House::new(&staff, &[("CLOCKS__URGENT_ON_SITE_MIN", "1")]);
    let number = house.reports_a_burst_pipe();
    house.staff[0].lifts(&house.daemon);
    house.staff[0].keys("1");
    house.at_stage(&number, "accepted");
    house.staff[0].hangs_up();

    let alarm = house.daemon.wait_within(A_CLOCK, "alarm", || house.open_alarms().pop());
    assert_eq!((&alarm["kind"], &alarm["ticket"]), (&"overdue".into(), &number.clone().into()), "{alarm:#}");
    house.staff[1].lifts(&house.daemon);
    house.staff[1].keys("1");
    let errand = house.ended_errand("notice");
    assert_eq!((&errand["result"], &errand["note"]), (&"confirmed".into(), &"overdue on_site".into()), "{errand:#}");
    let told = house.daemon.wait_for("line of it in the history", || {
        let ticket = house.ticket(&number);
        history(&ticket).contains(&"supervisor_told").then_some(ticket)
    });
    let told = history(&told);
    let at = |word| told.iter().position(|what| *what == word).unwrap_or_else(|| panic!("no {word} in {told:?}"));
    assert!(at("clock_warned") < at("clock_breached") && at("clock_breached") < at("supervisor_told"), "{told:?}");
}

/// R10: nobody is woken for what somebody else has taken.
#[test]
fn a_telephone_stops_ringing_as_soon_as_somebody_else_takes_the_repair() {
    let mut house = House::new(&[Person::new("201", "\"engineer\"")], &[]);
    let number = house.opens_a_burst_pipe();
    house.staff[0].rings(&house.daemon);
    house.advances(&number, "accepted", &["--engineer", "202"]);
    let errand = house.ended_errand("dispatch");
    assert_eq!((&errand["result"], &errand["why"]), (&"not_reached".into(), &"overtaken".into()), "{errand:#}");
    let call = house.daemon.json(&["calls", "--direction", "out", "--json"])[0].clone();
    assert_eq!(call["legs"][0]["end"], "cancelled", "{call:#}");
    let phone = &house.staff[0].phone;
    house.daemon.wait_for("end of ringing", || phone.log().contains("session closed").then_some(()));
    assert_eq!(house.ticket(&number)["engineer"], "202");
}
