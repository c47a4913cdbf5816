//! Handovers, the roster, and the journal by hand.

use serde_json::{Value, json};

use super::api_test::Desk;

#[test]
fn a_shift_is_handed_over_by_name_to_whoever_has_read_the_page() {
    let desk = Desk::start();
    let admin = desk.admin();
    let page = desk.get(&admin, "/handover").json();
    assert_eq!((&page["tickets"]["total"], &page["messages"]["total"]), (&json!(2), &json!(1)), "{page}");
    assert_eq!((&page["on_shift"], &page["desk"]), (&Value::Null, &json!("光明物业")));
    assert!(page["duty"].as_array().unwrap().iter().any(|duty| duty["group"] == "receptionist"), "{page}");
    let sign_on =
        |name: &str, read: &Value| desk.post(&admin, "/handover/sign-on", &[], &json!({"name": name, "read": read}));
    let on = sign_on("王芳", &page["read"]);
    assert_eq!((on.status, &on.json()["signed_on_by"]), (200, &json!("王芳")), "{on:?}");
    let off = |name: &str, key: &str| {
        let body = json!({"name": name, "note": "钥匙在前台"});
        desk.post(&admin, "/handover/sign-off", &[("Idempotency-Key", key)], &body)
    };
    let not_hers = off("李娜", "a");
    assert!(not_hers.status == 409 && not_hers.detail().contains("王芳 has the shift"), "{not_hers:?}");
    let gone = off("王芳", "b");
    assert_eq!((gone.status, &gone.json()["note"]), (201, &json!("钥匙在前台")), "{gone:?}");
    assert_eq!(off("王芳", "b").header("idempotency-replayed"), "true");
    assert_eq!(off("王芳", "c").status, 409);
    let stale = sign_on("李娜", &page["read"]);
    assert!(stale.status == 409 && stale.detail().contains("older"), "{stale:?}");
    assert_eq!(sign_on("李娜", &json!("H1")).status, 422);
    let page = desk.get(&admin, "/handover").json();
    assert_eq!(page["signed_off"]["note"], "钥匙在前台");
    assert_eq!(sign_on("李娜", &page["read"]).status, 200);
    let all = desk.get(&admin, "/handovers?limit=1").json();
    assert_eq!(all["items"][0]["signed_on_by"], "李娜");
    let next = all["next_cursor"].as_str().unwrap();
    assert_eq!(desk.get(&admin, &format!("/handovers?cursor={next}")).json()["items"][0]["signed_on_by"], "王芳");
    assert_eq!(desk.get(&admin, &gone.header("location").replace("/api/v1", "")).json(), all["items"][0]);
    assert_eq!(desk.get(&admin, "/handovers/99").status, 404);
}

#[test]
fn the_page_is_printed_with_its_code_and_shows_numbers_by_role() {
    let desk = Desk::start();
    let admin = desk.admin();
    let printed = desk.get(&admin, "/handover?format=html&rows=1");
    assert_eq!((printed.status, printed.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(printed.header("content-security-policy").contains("default-src 'none'"), "{printed:?}");
    let text = String::from_utf8(printed.body).unwrap();
    let code = desk.get(&admin, "/handover").json()["read"].as_str().unwrap().to_owned();
    assert!(text.contains(&code) && text.contains("还有 1 条"), "{text}");
    let english = String::from_utf8(desk.get(&admin, "/handover?format=html&rows=1&lang=en").body).unwrap();
    assert!(english.contains("and 1 more"), "{english}");
    let number = |role: &str| {
        let token = desk.token(&["shifts:read"], role);
        desk.get(&token, "/handover").json()["messages"]["list"][0]["from_number"].clone()
    };
    assert_eq!((number("engineer"), number("receptionist")), (json!("139****9000"), json!("13900139000")));
    let shown = ["api 127.0.0.1 test shown: handover page"; 4];
    assert_eq!(
        desk.written_down(),
        shown,
        "as HTML in both languages, as JSON, to the receptionist; the engineer saw none"
    );
    let reads = desk.token(&["shifts:read"], "supervisor");
    assert_eq!(desk.post(&reads, "/handover/sign-off", &[], &json!({"name": "王芳"})).status, 403);
    assert_eq!(desk.get(&admin, "/handover?rows=0").status, 400);
    assert_eq!(desk.get(&admin, "/handover?format=pdf").status, 400);
}

#[test]
fn the_roster_tells_who_is_on_duty_and_where_nobody_is() {
    let desk = Desk::start();
    let admin = desk.admin();
    let roster = desk.get(&admin, "/roster?at=2026-11-23T00:00:00%2B08:00&days=2&group=receptionist").json();
    let first = &roster["items"][0];
    assert_eq!((&first["group"], &first["from"]), (&json!("receptionist"), &json!("2026-11-23T00:00:00.000+08:00")));
    assert!(!first["people"].as_array().unwrap().is_empty() && first["gap"] == false, "{roster}");
    let groups: std::collections::BTreeSet<String> = desk.get(&admin, "/roster").json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["group"].to_string())
        .collect();
    assert_eq!(groups.len(), 4, "{groups:?}");
    let presence = r#"{"state": "out"}"#;
    let extension = first["people"][0]["extension"].as_str().unwrap();
    let path = format!("/people/{extension}/presence");
    desk.send(&admin, "PUT", &path, &[("Content-Type", "application/json")], Some(presence));
    let after = desk.get(&admin, "/roster?group=receptionist&days=1").json();
    assert!(!after["items"][0]["people"].to_string().contains(extension), "who is out is not on duty: {after}");
    for wrong in ["days=367", "group=cook", "at=today"] {
        assert_eq!(desk.get(&admin, &format!("/roster?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn the_journal_is_written_by_hand_and_corrected_by_another_entry() {
    let desk = Desk::start();
    let admin = desk.admin();
    let entry = json!({"text": "lift 2 stood still, called 13800138000", "kind": "equipment", "about": "lift 2"});
    let added = desk.post(&admin, "/journal", &[("Idempotency-Key", "j")], &entry);
    assert_eq!((added.status, &added.json()["who"]), (201, &json!("test")), "{added:?}");
    assert_eq!(desk.post(&admin, "/journal", &[("Idempotency-Key", "j")], &entry).json(), added.json());
    let path = added.header("location").replace("/api/v1", "");
    let corrected = desk.post(&admin, &format!("{path}/corrections"), &[], &json!({"text": "it was lift 3"}));
    assert_eq!((corrected.status, &corrected.json()["corrects"]), (201, &added.json()["id"]), "{corrected:?}");
    assert_eq!(desk.get(&admin, &path).json()["corrected_by"], corrected.json()["id"]);
    assert_eq!(desk.post(&admin, "/journal", &[], &json!({"text": "a parcel"})).json()["kind"], "note");
    let engineer = desk.token(&["alarms:read"], "engineer");
    let masked = desk.get(&engineer, &path).json();
    assert_eq!(masked["text"], "lift 2 stood still, called 138****8000");
    assert_eq!(desk.post(&engineer, "/journal", &[], &entry).status, 403);
    for (body, status) in [
        (json!({"text": " "}), 422),
        (json!({"text": "x", "kind": "line_down"}), 422),
        (json!({"text": "x", "about": "y".repeat(101)}), 422),
    ] {
        assert_eq!(desk.post(&admin, "/journal", &[], &body).status, status, "{body}");
    }
    assert_eq!(desk.post(&admin, "/journal/99/corrections", &[], &json!({"text": "x"})).status, 404);
    assert_eq!(desk.get(&admin, "/journal/99").status, 404);
}
