//! Tasks, and the calls that the desk makes about its work.

use serde_json::{Value, json};

use super::api_test::Desk;

#[test]
fn what_the_desk_sees_to_by_itself_is_listed() {
    let desk = Desk::start();
    let admin = desk.admin();
    assert_eq!(desk.get(&admin, "/tasks").json(), json!({"items": [], "next_cursor": null}));
    desk.look_after_work();
    let all = desk.get(&admin, "/tasks?open=true").json();
    let kinds: Vec<&str> = all["items"].as_array().unwrap().iter().map(|t| t["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"dispatch") && kinds.contains(&"relay"), "{kinds:?}");
    let dispatch = desk.get(&admin, "/tasks?kind=dispatch").json();
    let [task] = dispatch["items"].as_array().unwrap().as_slice() else { panic!("{dispatch}") };
    assert_eq!((&task["subject"], &task["ended_at"]), (&json!(desk.ticket), &Value::Null));
    assert_eq!(desk.get(&admin, &format!("/tasks/{}", task["id"])).json(), *task);
    let mut seen = Vec::new();
    let mut path = "/tasks?limit=1".to_owned();
    while let Some(next) = {
        let page = desk.get(&admin, &path).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|task| task["kind"].as_str().unwrap().to_owned()));
        page["next_cursor"].as_str().map(str::to_owned)
    } {
        path = format!("/tasks?limit=1&cursor={next}");
    }
    assert_eq!(seen, kinds, "one after the other, none twice");
    assert_eq!(desk.get(&admin, "/tasks/999").status, 404);
    for wrong in ["kind=dispatched", "cursor=x", "cursor=%2B1", "open=1"] {
        assert_eq!(desk.get(&admin, &format!("/tasks?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn a_call_about_work_is_asked_for_once_and_taken_back() {
    let desk = Desk::start();
    let admin = desk.admin();
    let body = json!({"kind": "follow_up", "number": "13800138000", "ticket": desk.ticket});
    let key = [("Idempotency-Key", "call-1")];
    let asked = desk.post(&admin, "/errands", &key, &body);
    assert_eq!((asked.status, &asked.json()["state"]), (201, &json!("waiting")), "{asked:?}");
    let again = desk.post(&admin, "/errands", &key, &body);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", asked.json()));
    let path = asked.header("location").replace("/api/v1", "");
    assert_eq!(desk.get(&admin, &path).json(), asked.json());
    let of_ticket = desk.get(&admin, &format!("/errands?ticket={}&state=waiting&kind=follow_up", desk.ticket)).json();
    assert_eq!(of_ticket["items"].as_array().unwrap().len(), 1, "{of_ticket}");
    assert_eq!(desk.get(&admin, "/errands?ticket=20000101-0001").json()["items"], json!([]));
    let to_person = desk.post(&admin, "/errands", &[], &json!({"kind": "relay", "person": "201", "message": 1}));
    assert_eq!((to_person.status, &to_person.json()["extension"]), (201, &json!("201")));
    let newest = desk.get(&admin, "/errands?limit=1").json();
    assert_eq!(newest["items"][0]["extension"], "201", "the newest first");
    let next = newest["next_cursor"].as_str().unwrap();
    assert_eq!(desk.get(&admin, &format!("/errands?cursor={next}")).json()["items"][0], asked.json());
    let cancelled = desk.send(&admin, "POST", &format!("{path}/cancel"), &[], None);
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (200, &json!("ended")), "{cancelled:?}");
    assert_eq!(desk.send(&admin, "POST", &format!("{path}/cancel"), &[], None).status, 409);
    assert_eq!(desk.send(&admin, "POST", "/errands/99/cancel", &[], None).status, 404);
    assert_eq!(desk.get(&admin, "/errands/99").status, 404);
}

#[test]
fn a_call_that_can_not_be_made_is_not_asked_for() {
    let desk = Desk::start();
    let admin = desk.admin();
    for (body, why) in [
        (json!({"kind": "notice"}), "either person or number"),
        (json!({"kind": "notice", "person": "201", "number": "13800138000"}), "either person or number"),
        (json!({"kind": "notice", "person": "999"}), "no extension 999"),
        (json!({"kind": "follow_up", "number": "nobody"}), "no telephone number"),
        (json!({"kind": "relay", "person": "201"}), "which message"),
        (json!({"kind": "relay", "person": "201", "message": 99}), "no message 99"),
        (json!({"kind": "dispatch", "person": "201", "ticket": "20000101-0001"}), "no ticket"),
        (json!({"kind": "call", "person": "201"}), "unknown variant"),
    ] {
        let refused = desk.post(&admin, "/errands", &[], &body);
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.detail().contains(why), "{refused:?}");
    }
    assert_eq!(desk.get(&admin, "/errands").json()["items"], json!([]));
}

#[test]
fn numbers_of_calls_about_work_are_masked_by_role() {
    let desk = Desk::start();
    let writes = desk.token(&["work:write"], "receptionist");
    desk.post(&writes, "/errands", &[], &json!({"kind": "follow_up", "number": "13800138000"}));
    for (role, list, one) in [
        ("engineer", "138****8000", "138****8000"),
        ("receptionist", "138****8000", "13800138000"),
        ("supervisor", "13800138000", "13800138000"),
    ] {
        let token = desk.token(&["work:read"], role);
        assert_eq!(desk.get(&token, "/errands").json()["items"][0]["number"], list, "{role}");
        assert_eq!(desk.get(&token, "/errands/1").json()["number"], one, "{role}");
        let refused = desk.post(&token, "/errands", &[], &json!({"kind": "follow_up", "number": "13800138000"}));
        assert!(refused.status == 403 && refused.detail().contains("work:write"), "{refused:?}");
    }
}
