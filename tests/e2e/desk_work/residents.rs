//! A resident's number is known: their place is offered, and a second call about the same is no second ticket (R11).

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::house::{CUSTOMER, House, history};

fn nodes(call: &Value) -> Vec<&str> {
    call["path"].as_array().expect("steps").iter().filter_map(|step| step["node"].as_str()).collect()
}

#[test]
fn a_resident_takes_their_own_place_with_one_key_and_hurries_the_repair_up_with_another() {
    let mut house = House::new(&[], &[("DISPATCH__CALLS", "off")]);
    let list = house.daemon.path("residents.csv");
    fs::write(&list, format!("楼号,房号,姓名,电话,备注\n3,1201,李四,{CUSTOMER},\n5,302,王五,13900139000,\n"))
        .expect("written");
    house.done(&["residents", "import", list.to_str().expect("text")]);

    // Urgent, burst pipe; that is the place; this is the number; and what has happened, until #.
    house.customer.calls(&house.daemon);
    house.customer.keys("11311");
    house.recorded(Duration::from_secs(3));
    house.customer.keys("#");
    let ticket = house
        .daemon
        .wait_for("complete ticket", || house.daemon.tickets().pop().filter(|ticket| ticket["incomplete"] == false));
    house.customer.hangs_up();
    for (field, value) in [("building", "3"), ("room", "1201"), ("resident", "李四"), ("callback_number", CUSTOMER)] {
        assert_eq!(ticket[field], value, "{field} of {ticket:#}");
    }
    let number = ticket["number"].as_str().expect("a number");

    // They call again about the same: 1 hurries it up.
    let caller = house.calling("1,1,3,1,p,1", "25");
    drop(caller.wait_with_output());
    let ticket = house.daemon.wait_for("repair that is hurried up", || {
        Some(house.ticket(number)).filter(|ticket| history(ticket).contains(&"urged"))
    });
    let tickets = house.daemon.tickets();
    let open: Vec<&Value> = tickets.iter().filter(|ticket| ticket["status"] == "open").collect();
    assert_eq!(open.len(), 1, "nobody is sent twice: {tickets:#?}");
    assert_eq!(open[0]["number"], ticket["number"]);
    let call = house.daemon.wait_for("end of the second call", || {
        house
            .daemon
            .calls()
            .into_iter()
            .max_by_key(|call| call["id"].as_i64())
            .filter(|call| !call["ended_at"].is_null())
    });
    assert!(nodes(&call).contains(&"repair-urged") && !nodes(&call).contains(&"repair-describe"), "{call:#}");
}
