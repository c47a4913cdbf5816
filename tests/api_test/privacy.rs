//! The audit log, what is written in it of whoever asks the API, and what is held back from deletion (R12).

use serde_json::{Value, json};

use super::api_test::Desk;

#[test]
fn what_is_held_stays_until_it_is_let_go_and_both_are_written_down() {
    let desk = Desk::start();
    let supervisor = desk.token(&["privacy:read", "privacy:write"], "supervisor");
    let hold = |key: &str, body: &Value| desk.post(&supervisor, "/holds", &[("Idempotency-Key", key)], body);
    let body = json!({"what": "ticket", "about": desk.ticket, "why": "诉讼"});
    let held = hold("a", &body);
    assert_eq!((held.status, &held.json()["by"]), (201, &json!("test")), "{held:?}");
    assert_eq!(hold("a", &body).header("idempotency-replayed"), "true");
    assert_eq!(hold("b", &body).status, 409, "once is enough");
    let none = hold("c", &json!({"what": "call", "about": "999", "why": "x"}));
    assert!(none.status == 422 && none.detail().contains("call 999"), "{none:?}");
    assert_eq!(hold("d", &json!({"what": "call", "about": "2", "why": " "})).status, 409);
    assert_eq!(hold("e", &json!({"what": "person", "about": "2", "why": "x"})).status, 422);
    let path = held.header("location").replace("/api/v1", "");
    assert_eq!(desk.get(&supervisor, &path).json(), held.json());
    let lift = |path: &str| desk.post(&supervisor, &format!("{path}/lift"), &[], &json!({"why": "结案"}));
    let lifted = lift(&path);
    assert_eq!((lifted.status, &lifted.json()["lifted_why"]), (200, &json!("结案")), "{lifted:?}");
    assert_eq!((lift(&path).status, lift("/holds/99").status), (409, 404));
    assert_eq!(desk.get(&supervisor, "/holds").json()["items"], json!([]));
    let all = desk.get(&supervisor, "/holds?lifted=true&limit=1").json();
    assert_eq!((&all["items"][0], &all["next_cursor"]), (&lifted.json(), &Value::Null));
    assert_eq!(desk.get(&supervisor, "/holds/99").status, 404);
    let written = ["held", "released"].map(|word| format!("api 127.0.0.1 test {word}: ticket {}", desk.ticket));
    assert_eq!(desk.written_down(), written);
}

#[test]
fn the_audit_log_is_for_supervisors_and_says_who_asked_in_vain() {
    let desk = Desk::start();
    let receptionist = desk.token(&["privacy:read", "privacy:write"], "receptionist");
    let body = json!({"what": "call", "about": "2", "why": "x"});
    for refused in [
        desk.get(&receptionist, "/audit"),
        desk.get(&receptionist, "/holds"),
        desk.get(&receptionist, "/holds/1"),
        desk.post(&receptionist, "/holds", &[], &body),
        desk.post(&receptionist, "/holds/1/lift", &[], &json!({"why": "x"})),
    ] {
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.detail().contains("receptionist"), "{refused:?}");
    }
    let written = ["audit", "holds", "holds/1", "holds", "holds/1/lift"];
    assert_eq!(desk.written_down(), written.map(|what| format!("api 127.0.0.1 test refused: {what}")));
    let supervisor = desk.token(&["privacy:read"], "supervisor");
    let log = desk.get(&supervisor, "/audit?what=refused&limit=2").json();
    assert_eq!(log["items"][0]["about"], "holds/1/lift", "the newest first: {log}");
    let next = log["next_cursor"].as_str().unwrap();
    let second = desk.get(&supervisor, &format!("/audit?what=refused&limit=2&cursor={next}")).json();
    assert_eq!(second["items"][0]["about"], "holds/1", "{second}");
    let about = desk.get(&supervisor, "/audit?about=audit&who=test&since=2020-01-01T00:00:00Z").json();
    assert_eq!(about["items"].as_array().unwrap().len(), 1, "{about}");
    assert_eq!(desk.post(&supervisor, "/holds", &[], &body).status, 403, "it may read alone");
}

#[test]
fn who_is_shown_numbers_or_recordings_is_written_down_and_nobody_else() {
    let desk = Desk::start();
    let scopes = ["calls:read", "tickets:read", "messages:read", "alarms:read", "people:read"];
    let paths = ["/calls", "/calls/2", "/calls/1", "/tickets", "/messages", "/messages/1", "/alarms/1", "/people"];
    let ask = |role: &str| {
        let token = desk.token(&scopes, role);
        let before = desk.audit().len();
        for path in paths {
            assert_eq!(desk.get(&token, path).status, 200, "{path}");
        }
        let written = desk.written_down().split_off(before);
        written.iter().map(|line| line.replace("api 127.0.0.1 test shown: ", "")).collect::<Vec<_>>()
    };
    assert_eq!(ask("engineer"), Vec::<String>::new(), "an engineer sees nothing of callers");
    assert_eq!(ask("receptionist"), ["call 2", "call 1", "message 1"], "lists are masked for a receptionist");
    let supervisor = [
        "list of calls, 3 rows",
        "call 2",
        "call 1",
        "list of tickets, 2 rows",
        "list of messages, 1 rows",
        "message 1",
    ];
    assert_eq!(ask("supervisor")[..6], supervisor);
}

/// What the masks look for in texts is looked for here too.
#[test]
fn a_number_that_stands_in_a_text_alone_is_written_down() {
    let desk = Desk::start();
    let scopes = ["tickets:write", "tickets:read"];
    let (supervisor, engineer) = (desk.token(&scopes, "supervisor"), desk.token(&scopes, "engineer"));
    let told = |text: &str| json!({"kind": "help", "class": "G", "channel": "visit", "description": text});
    let without = desk.post(&supervisor, "/tickets", &[], &told("a key was found")).json()["number"].clone();
    let with = desk.post(&supervisor, "/tickets", &[], &told("call 13800138000")).json()["number"].clone();
    let noted = format!("/tickets/{}/notes", without.as_str().unwrap());
    assert_eq!(desk.change(&engineer, "POST", &noted, "*", &json!({"text": "13900139000 rang"})).status, 200);
    assert_eq!(desk.get(&supervisor, &format!("/tickets/{}", without.as_str().unwrap())).status, 200);
    let shown = |number: &Value| format!("api 127.0.0.1 test shown: ticket {}", number.as_str().unwrap());
    assert_eq!(desk.written_down(), [shown(&with), shown(&without)]);
}

#[test]
fn a_change_that_shows_its_ticket_is_written_down_with_it_or_not_made() {
    let desk = Desk::start();
    let supervisor = desk.token(&["tickets:write", "tickets:read"], "supervisor");
    let path = format!("/tickets/{}", desk.ticket);
    assert_eq!(desk.change(&supervisor, "PATCH", &path, "*", &json!({"room": "502"})).status, 200);
    assert_eq!(desk.change(&supervisor, "PATCH", &path, "\"1\"", &json!({"room": "503"})).status, 412);
    assert_eq!(desk.written_down(), [format!("api 127.0.0.1 test shown: ticket {}", desk.ticket)]);
}
