//! Residents: their list, one of them, changes, and lists from a spreadsheet.

use serde_json::{Value, json};

use super::api_test::{Answer, Desk};

fn import(desk: &Desk, token: &str, query: &str, headers: &[(&str, &str)], csv: &str) -> Answer {
    let headers = [headers, &[("Content-Type", "text/csv; charset=utf-8")]].concat();
    desk.send(token, "POST", &format!("/residents/import{query}"), &headers, Some(csv))
}

fn li_si() -> Value {
    json!({"building": "3", "room": "1201", "name": "李四", "numbers": ["138 0013-8000", "+86 138 0013 8000"]})
}

#[test]
fn a_resident_is_added_found_by_number_changed_and_taken_out() {
    let desk = Desk::start();
    let admin = desk.admin();
    let added = desk.post(&admin, "/residents", &[("Idempotency-Key", "r-1")], &li_si());
    assert_eq!((added.status, &added.json()["numbers"]), (201, &json!(["13800138000"])), "{added:?}");
    let again = desk.post(&admin, "/residents", &[("Idempotency-Key", "r-1")], &li_si());
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    let twice = desk.post(&admin, "/residents", &[], &li_si());
    assert!(twice.status == 409 && twice.detail().contains("resident 1"), "{twice:?}");
    let path = added.header("location").replace("/api/v1", "");
    let put = |path: &str, body: &Value| {
        desk.send(&admin, "PUT", path, &[("Content-Type", "application/json")], Some(&body.to_string()))
    };
    let other = json!({"building": "3", "room": "1202", "name": "王五"});
    let other = desk.post(&admin, "/residents", &[], &other).header("location").replace("/api/v1", "");
    assert_eq!(put(&other, &li_si()).status, 409, "that is somebody else's place and name");
    let moved =
        json!({"building": "5", "room": "101", "name": "李四", "numbers": ["13900139000"], "note": "钥匙在前台"});
    let changed = put(&path, &moved);
    assert_eq!((changed.status, &changed.json()["note"]), (200, &json!("钥匙在前台")), "{changed:?}");
    let find = |query: &str| desk.get(&admin, &format!("/residents?{query}")).json()["items"].clone();
    assert_eq!(find("number=138%200013%208000"), json!([]), "that number is nobody's any more");
    assert_eq!(find("number=%2B8613900139000"), json!([changed.json()]));
    assert_eq!(find("building=5&room=101"), json!([changed.json()]));
    assert_eq!(put(&path, &json!({"building": "5", "room": "101", "name": "李四"})).json()["numbers"], json!([]));
    assert_eq!(desk.send(&admin, "DELETE", &path, &[], None).status, 204);
    assert_eq!(desk.get(&admin, &path).status, 404);
    assert_eq!(desk.send(&admin, "DELETE", &path, &[], None).status, 404);
    assert_eq!(put(&path, &moved).status, 404);
    let wrong = json!({"building": "3", "room": "1", "name": "x", "numbers": ["=1+1"]});
    let wrong = desk.post(&admin, "/residents", &[], &wrong);
    assert!(wrong.status == 422 && wrong.detail().contains("no telephone number"), "{wrong:?}");
    assert_eq!(desk.post(&admin, "/residents", &[], &json!({"building": "3", "room": "1"})).status, 422);
}

#[test]
fn pages_of_residents_neither_repeat_nor_skip_while_some_are_taken_out() {
    let desk = Desk::start();
    let admin = desk.admin();
    let csv = "building,room,name\n1,101,a\n1,102,b\n1,103,c\n1,104,d\n";
    assert_eq!(import(&desk, &admin, "", &[], csv).json()["added"], 4);
    let first = desk.get(&admin, "/residents?limit=2").json();
    assert_eq!(first["items"][1]["name"], "b");
    assert_eq!(desk.send(&admin, "DELETE", &format!("/residents/{}", first["items"][1]["id"]), &[], None).status, 204);
    let next = first["next_cursor"].as_str().unwrap();
    let second = desk.get(&admin, &format!("/residents?limit=2&cursor={next}")).json();
    let names: Vec<&Value> = second["items"].as_array().unwrap().iter().map(|resident| &resident["name"]).collect();
    assert_eq!((names, &second["next_cursor"]), (vec![&json!("c"), &json!("d")], &Value::Null));
    assert_eq!(desk.get(&admin, "/residents?cursor=1~1").status, 400);
}

#[test]
fn a_list_is_tried_and_imported_and_what_it_does_not_mention_taken_out() {
    let desk = Desk::start();
    let admin = desk.admin();
    let csv = "\u{feff}楼号,房号,姓名,电话,车位\n3,1201,李四,13800138000,A1\n3,1202,王五,13800138000,\n";
    let tried = import(&desk, &admin, "?dry_run=true", &[("Idempotency-Key", "list")], csv);
    assert_eq!((tried.status, &tried.json()["added"], &tried.json()["dry_run"]), (200, &json!(2), &json!(true)));
    let notes = tried.json()["notes"].to_string();
    assert!(notes.contains("车位") && notes.contains("is not guessed"), "{notes}");
    assert_eq!(desk.get(&admin, "/residents").json()["items"], json!([]), "nothing is written");
    let other = import(&desk, &admin, "", &[("Idempotency-Key", "list")], csv);
    assert_eq!(other.status, 422, "the key of a dry run does not stand for the import: {other:?}");
    let imported = import(&desk, &admin, "", &[("Idempotency-Key", "list-2")], csv).json();
    assert_eq!((&imported["added"], &imported["dry_run"]), (&json!(2), &json!(false)));
    let both = desk.get(&admin, "/residents?number=13800138000").json();
    assert_eq!(both["items"].as_array().unwrap().len(), 2, "{both}");
    let replaced = import(&desk, &admin, "?replace=true", &[], "building,room,name\n3,1201,李四\n").json();
    let counts = ["added", "changed", "left", "removed"].map(|name| replaced[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 0, 1], "{replaced}");
    assert_eq!(desk.get(&admin, "/residents").json()["items"][0]["numbers"], json!([]));
    let nobody = import(&desk, &admin, "?replace=true", &[], "building,room,name\n");
    assert!(nobody.status == 409 && nobody.detail().contains("take everybody out"), "{nobody:?}");
    assert_eq!(desk.get(&admin, "/residents").json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_list_with_faults_changes_nothing_and_each_fault_has_its_line() {
    let desk = Desk::start();
    let admin = desk.admin();
    let csv = "building,room,name,phone\n3,1201,李四,13800138000\n3,,王五,139\n1,2,赵六,abc\n";
    let refused = import(&desk, &admin, "", &[("Idempotency-Key", "k")], csv);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.detail().contains("nothing was changed: 2 faults"), "{refused:?}");
    let faults = refused.json()["faults"].clone();
    assert_eq!((&faults[0]["line"], &faults[1]["line"]), (&json!(3), &json!(4)), "{faults}");
    assert!(faults[1]["what"].as_str().unwrap().starts_with("`abc` is no telephone number"), "{faults}");
    assert_eq!(desk.get(&admin, "/residents").json()["items"], json!([]));
    let mended = import(&desk, &admin, "", &[("Idempotency-Key", "k")], "building,room,name\n3,1201,李四\n");
    assert_eq!(mended.status, 200, "what was refused left its key free: {mended:?}");
    assert_eq!(import(&desk, &admin, "", &[], "").json()["faults"][0]["line"], 1);
    assert_eq!(import(&desk, &admin, "?dry_run=yes", &[], csv).status, 400);
    assert_eq!(desk.post(&admin, "/residents/import", &[], &json!({})).status, 415);
    let too_long = "x".repeat(9 * 1024 * 1024);
    assert_eq!(import(&desk, &admin, "", &[], &too_long).status, 413);
}

#[test]
fn numbers_of_residents_are_masked_by_role_and_who_saw_them_is_written_down() {
    let desk = Desk::start();
    let admin = desk.admin();
    for _ in 0..2 {
        let added = desk.post(&admin, "/residents", &[("Idempotency-Key", "r")], &li_si());
        assert_eq!((added.status, added.header("shows")), (201, ""), "{added:?}");
    }
    for (role, list, one) in [
        ("engineer", "138****8000", "138****8000"),
        ("receptionist", "138****8000", "13800138000"),
        ("supervisor", "13800138000", "13800138000"),
    ] {
        let token = desk.token(&["residents:read"], role);
        assert_eq!(desk.get(&token, "/residents").json()["items"][0]["numbers"][0], list, "{role}");
        assert_eq!(desk.get(&token, "/residents/1").json()["numbers"][0], one, "{role}");
        let refused = desk.send(&token, "DELETE", "/residents/1", &[], None);
        assert!(refused.status == 403 && refused.detail().contains("residents:write"), "{refused:?}");
    }
    let written = [
        "api 127.0.0.1 test shown: resident 1",
        "api 127.0.0.1 test shown: resident 1",
        "api 127.0.0.1 test shown: resident 1",
        "api 127.0.0.1 test shown: list of residents, 1 rows",
        "api 127.0.0.1 test shown: resident 1",
    ];
    assert_eq!(
        desk.written_down(),
        written,
        "who adds one, and sends it again; a receptionist's one, a supervisor's list and one"
    );
}
