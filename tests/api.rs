//! The HTTP API over real connections, against a real database: each resource, each refusal.

#[path = "api_test/accounts.rs"]
mod accounts;
#[path = "api_test/mod.rs"]
mod api_test;
#[path = "api_test/call_log.rs"]
mod call_log;
#[path = "api_test/privacy.rs"]
mod privacy;
#[path = "api_test/reports.rs"]
mod reports;
#[path = "api_test/residents.rs"]
mod residents;
#[path = "api_test/shifts.rs"]
mod shifts;
#[path = "api_test/work.rs"]
mod work;

use api_test::{Answer, Desk};
use serde_json::{Value, json};

#[test]
fn without_a_token_it_says_how_to_make_one_and_a_wrong_one_is_counted() {
    let desk = Desk::start();
    let none = desk.get("", "/calls");
    assert_eq!(none.status, 401);
    assert!(none.header("www-authenticate").contains("Bearer"), "{none:?}");
    assert!(none.detail().contains("frontdesk tokens add"), "{none:?}");
    let reads = desk.token(&["calls:read"], "supervisor");
    assert_eq!(desk.get(&reads, "/calls").status, 200);
    let refused = desk.get(&reads, "/tickets");
    assert_eq!(refused.status, 403);
    assert!(refused.detail().contains("tickets:read"), "{refused:?}");
    // The secret of another token does not open this one.
    let other = desk.token(&["admin"], "administrator");
    let mixed = format!("fd_1_{}", other.rsplit('_').next().unwrap());
    let tries: Vec<u16> = (0..12).map(|_| desk.get(&mixed, "/calls").status).collect();
    assert_eq!(tries, [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    assert!(!desk.get(&mixed, "/calls").header("retry-after").is_empty());
    assert_eq!(desk.get(&other, "/calls").status, 200, "behind a proxy all have one address");
}

#[test]
fn a_token_that_is_over_or_revoked_opens_nothing() {
    let desk = Desk::start();
    let token = desk.token(&["admin"], "administrator");
    assert_eq!(desk.get(&token, "/calls").status, 200);
    desk.editor().revoke_token(1, chrono::Utc::now()).unwrap();
    let refused = desk.get(&token, "/calls");
    assert_eq!(refused.status, 401);
    assert!(refused.detail().contains("revoked"), "{refused:?}");
    let over = desk.token_until(&["admin"], "administrator", chrono::Utc::now() - chrono::TimeDelta::seconds(1));
    assert_eq!(desk.get(&over, "/calls").status, 401);
}

#[test]
fn records_are_those_of_the_command_line() {
    let desk = Desk::start();
    let admin = desk.admin();
    let calls = desk.get(&admin, "/calls").json();
    assert_eq!(calls["items"].as_array().unwrap().len(), 3);
    assert_eq!(calls["items"][0]["id"], 3, "the newest first");
    assert_eq!(calls["items"][0]["started_at"], "2026-11-23T12:02:00.000+08:00");
    assert_eq!(desk.get(&admin, "/calls/2").json()["caller"], "+8613800138000");
    assert_eq!(desk.get(&admin, "/calls/99").status, 404);
    assert_eq!(desk.get(&admin, "/calls/x").status, 400);
    let ticket = desk.get(&admin, &format!("/tickets/{}", desk.ticket));
    assert_eq!((ticket.status, &ticket.json()["kind"]), (200, &json!("repair")));
    assert_eq!(ticket.header("etag"), format!("\"{}\"", ticket.json()["version"]));
    let message = desk.get(&admin, "/messages/1").json();
    assert_eq!((&message["for_person"], &message["relay"]), (&json!("201"), &json!("pending")));
    let people = desk.get(&admin, "/people").json();
    assert!(people["items"].as_array().unwrap().iter().any(|person| person["extension"] == "201"), "{people}");
    assert_eq!(desk.get(&admin, "/alarms?open=true").json()["items"][0]["kind"], "missed_emergency");
    assert!(desk.get(&admin, "/journal").json()["items"].is_array());
    assert_eq!(desk.get(&admin, "/trunks").json(), json!({"items": [], "next_cursor": null}));
    assert_eq!(desk.get(&admin, "/reports/answer").json()["totals"]["offered"], 3);
    for report in ["calls", "tickets", "satisfaction", "messages"] {
        assert_eq!(desk.get(&admin, &format!("/reports/{report}?step=week")).status, 200, "{report}");
    }
    let answer = desk.get(&admin, "/calls");
    assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
}

#[test]
fn numbers_are_masked_for_who_may_not_see_them() {
    let desk = Desk::start();
    let engineer = desk.token(&["calls:read", "recordings:read"], "engineer");
    let receptionist = desk.token(&["calls:read", "recordings:read"], "receptionist");
    assert_eq!(desk.get(&engineer, "/calls/2").json()["caller"], "+86138****8000");
    assert_eq!(desk.get(&receptionist, "/calls").json()["items"][1]["caller"], "+86138****8000");
    assert_eq!(desk.get(&receptionist, "/calls/2").json()["caller"], "+8613800138000");
    assert_eq!(desk.get(&engineer, "/calls/2/recording").status, 403);
    assert_eq!(desk.get(&receptionist, "/calls/2/recording").status, 200);
    let audit: Vec<_> = desk.audit().into_iter().map(|entry| (entry.what, entry.about, entry.from_where)).collect();
    let entry = |what: &str| (what.to_owned(), "call 2".to_owned(), "api 127.0.0.1".to_owned());
    assert_eq!(audit, [entry("heard"), entry("refused"), entry("shown")], "the newest first");
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let desk = Desk::start();
    let admin = desk.admin();
    let mut seen = Vec::new();
    let mut path = "/calls?limit=1&since=2026-11-23T00:00:00%2B08:00".to_owned();
    loop {
        let answer = desk.get(&admin, &path);
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|call| call["id"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            None => break assert_eq!(answer.header("link"), ""),
            Some(_) => {
                let link = answer.header("link");
                let next = link.strip_prefix("</api/v1").and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
                path = next.unwrap_or_else(|| panic!("{link}")).to_owned();
            }
        }
    }
    assert_eq!(seen, [3, 2, 1]);
    let tickets = desk.get(&admin, "/tickets?limit=1").json();
    let next = tickets["next_cursor"].as_str().unwrap();
    let second = desk.get(&admin, &format!("/tickets?limit=1&cursor={next}")).json();
    assert_ne!(tickets["items"][0]["number"], second["items"][0]["number"]);
    assert_eq!(second["next_cursor"], Value::Null);
    for cursor in ["x", "1~", "1~x", "99999999999999999999~1"] {
        assert_eq!(desk.get(&admin, &format!("/calls?cursor={cursor}")).status, 400, "{cursor}");
    }
    // A ticket that is gone: the page begins with what was opened before it.
    let gone = desk.get(&admin, "/tickets?cursor=9999999999999~20000101-0001").json();
    assert_eq!(gone["items"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_not_understood_is_refused_with_what_is_meant() {
    let desk = Desk::start();
    let admin = desk.admin();
    let wrong = desk.get(&admin, "/tickets?statuss=open");
    assert_eq!(wrong.status, 400);
    assert!(wrong.detail().contains("did you mean `status`?"), "{wrong:?}");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    assert_eq!(desk.get(&admin, "/tickets?status=closd").status, 400);
    assert_eq!(desk.get(&admin, "/tickets?limit=501").status, 400);
    assert_eq!(desk.get(&admin, "/nothing").status, 404);
    let method = desk.send(&admin, "DELETE", "/tickets", &[], None);
    assert_eq!((method.status, method.header("allow")), (405, "GET,HEAD,POST"));
    let post = |headers: &[(&str, &str)], body: &str| desk.send(&admin, "POST", "/tickets", headers, Some(body));
    let json = [("Content-Type", "application/json")];
    assert_eq!(post(&[("Content-Type", "text/plain")], "{}").status, 415);
    assert_eq!(post(&json, "{").status, 400);
    assert_eq!(post(&json, "[]").status, 422);
    assert_eq!(post(&json, r#"{"kind": "repair"}"#).status, 422);
    assert_eq!(post(&json, r#"{"kind": "repair", "channel": "visit", "rom": "1"}"#).status, 422);
    assert_eq!(post(&json, r#"{"kind": "repair", "channel": "visit", "serious": true}"#).status, 422);
    assert_eq!(post(&json, &format!(r#"{{"kind": "{}"}}"#, "x".repeat(70_000))).status, 413);
}

#[test]
fn a_ticket_is_opened_once_however_often_it_is_sent_with_its_key() {
    let desk = Desk::start();
    let admin = desk.admin();
    let body = json!({"kind": "repair", "channel": "visit", "building": "3", "room": "1201", "category": "burst_pipe"});
    let open = |key: &str, body: &Value| desk.post(&admin, "/tickets", &[("Idempotency-Key", key)], body);
    let first = open("a-1", &body);
    assert_eq!(first.status, 201, "{first:?}");
    let ticket = first.json();
    assert_eq!((&ticket["urgency"], &ticket["channel"]), (&json!("urgent"), &json!("visit")));
    assert_eq!(first.header("location"), format!("/api/v1/tickets/{}", ticket["number"].as_str().unwrap()));
    let again = open("a-1", &body);
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!((again.json(), again.header("etag")), (ticket.clone(), first.header("etag")));
    let other = json!({"kind": "repair", "channel": "letter"});
    assert_eq!(open("a-1", &other).status, 422);
    assert_ne!(open("a-2", &body).json()["number"], ticket["number"]);
    // What was refused was not done: the key may be used for what is right.
    assert_eq!(open("a-3", &json!({"kind": "repair"})).status, 422);
    assert_eq!(open("a-3", &body).status, 201);
}

#[test]
fn a_change_names_the_version_that_it_was_made_from() {
    let desk = Desk::start();
    let admin = desk.admin();
    let path = format!("/tickets/{}", desk.ticket);
    let tag = desk.get(&admin, &path).header("etag").to_owned();
    let change = json!({"room": "502"});
    assert_eq!(desk.send(&admin, "PATCH", &path, &[("Content-Type", "application/json")], Some("{}")).status, 428);
    let changed = desk.change(&admin, "PATCH", &path, &tag, &change);
    assert_eq!((changed.status, &changed.json()["room"]), (200, &json!("502")), "{changed:?}");
    assert_ne!(changed.header("etag"), tag);
    let stale = desk.change(&admin, "PATCH", &path, &tag, &change);
    assert_eq!(stale.status, 412);
    assert!(stale.detail().contains(changed.header("etag")), "{stale:?}");
    assert_eq!(desk.change(&admin, "PATCH", &path, "7", &change).status, 400);
    assert_eq!(desk.change(&admin, "PATCH", &path, "*", &json!({})).status, 422);
    assert_eq!(desk.change(&admin, "PATCH", "/tickets/20000101-0001", "*", &change).status, 404);
}

#[test]
fn a_ticket_goes_its_way_to_the_end_and_begins_again() {
    let desk = Desk::start();
    let admin = desk.admin();
    let repair = json!({"kind": "repair", "channel": "phone", "urgency": "urgent"});
    let opened = desk.post(&admin, "/tickets", &[], &repair);
    let path = opened.header("location").replace("/api/v1", "");
    let mut tag = opened.header("etag").to_owned();
    let mut make = |method: &str, part: &str, body: Value| -> Answer {
        let answer = desk.change(&admin, method, &format!("{path}{part}"), &tag, &body);
        if answer.status == 200 {
            tag = answer.header("etag").to_owned();
        }
        answer
    };
    let illegal = make("POST", "/transitions", json!({"to": "closed", "note": "done"}));
    assert_eq!(illegal.status, 409);
    assert!(illegal.detail().contains("it goes on to dispatched, accepted"), "{illegal:?}");
    let good = |answer: Answer| {
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    good(make("PUT", "/owner", json!({"owner": "李四"})));
    good(make("POST", "/notes", json!({"text": "the valve is closed"})));
    assert_eq!(good(make("POST", "/transitions", json!({"to": "accepted", "engineer": "301"})))["stage"], "accepted");
    let paused = good(make("POST", "/clocks/on_site/pause", json!({"reason": "no_access"})));
    assert_eq!(paused["due"]["on_site"]["paused"]["reason"], "no_access");
    assert_eq!(make("POST", "/clocks/on_site/pause", json!({"reason": "no_access"})).status, 409);
    assert_eq!(make("POST", "/clocks/nothing/met", json!({})).status, 404);
    good(make("POST", "/clocks/on_site/resume", json!({})));
    good(make("POST", "/progress", json!({"note": "parts are on their way"})));
    good(make("POST", "/quote", json!({})));
    assert_eq!(make("PATCH", "/sheet", json!({"labour_cents": -1})).status, 422);
    good(make("PATCH", "/sheet", json!({"work_done": "washer", "labour_cents": 8000})));
    good(make("POST", "/clocks/on_site/met", json!({})));
    let closed = good(make("POST", "/close", json!({"how": "withdrawn", "note": "said twice"})));
    assert_eq!((&closed["status"], &closed["owner"]), (&json!("closed"), &json!("李四")));
    assert_eq!(make("POST", "/close", json!({"how": "withdrawn", "note": "again"})).status, 409);
    assert_eq!(make("POST", "/close", json!({"how": "withdrawn"})).status, 422);
    let again = good(make("POST", "/reopen", json!({"text": "it leaks again"})));
    assert_eq!((&again["status"], &again["reopened"]), (&json!("open"), &json!(1)));
    assert_eq!(make("POST", "/reopen", json!({"text": "it leaks again"})).status, 409);
    let who: Vec<&Value> = again["events"].as_array().unwrap().iter().map(|event| &event["who"]).collect();
    assert!(who.contains(&&json!("test")), "the token's name stands in the history: {who:?}");
}

#[test]
fn messages_alarms_and_presence_are_changed() {
    let desk = Desk::start();
    let admin = desk.admin();
    let confirmed = desk.send(&admin, "POST", "/messages/1/confirm", &[], None);
    assert_eq!((confirmed.status, &confirmed.json()["relay"]), (200, &json!("confirmed")));
    assert_eq!(desk.send(&admin, "POST", "/messages/99/confirm", &[], None).status, 404);
    let seen = desk.send(&admin, "POST", "/alarms/1/acknowledge", &[], None);
    assert_eq!((seen.status, &seen.json()["acknowledged_by"]), (200, &json!("test")));
    assert_eq!(desk.send(&admin, "POST", "/alarms/1/acknowledge", &[], None).status, 409);
    assert_eq!(desk.get(&admin, "/alarms/1").json()["state"], "acknowledged");
    let json = [("Content-Type", "application/json")];
    let out = desk.send(&admin, "PUT", "/people/201/presence", &json, Some(r#"{"state": "out"}"#));
    assert_eq!((out.status, &out.json()["present"]), (200, &json!(false)));
    assert_eq!(desk.get(&admin, "/people/201").json()["presence"], "out");
    let past = r#"{"state": "out", "until": "2020-01-01T00:00:00Z"}"#;
    assert_eq!(desk.send(&admin, "PUT", "/people/201/presence", &json, Some(past)).status, 422);
    assert_eq!(desk.send(&admin, "DELETE", "/people/201/presence", &[], None).status, 204);
    assert_eq!(desk.get(&admin, "/people/201").json()["presence"], "in");
    assert_eq!(desk.get(&admin, "/people/999").status, 404);
}

#[test]
fn a_recording_is_heard_whole_or_in_part() {
    let desk = Desk::start();
    let admin = desk.admin();
    let whole = desk.get(&admin, "/calls/2/recording");
    assert_eq!((whole.status, whole.header("content-type")), (200, "audio/wav"));
    assert_eq!(whole.body, desk.audio);
    let range = |range: &str| desk.send(&admin, "GET", "/calls/2/recording", &[("Range", range)], None);
    let part = range("bytes=100000-100009");
    assert_eq!((part.status, part.body.as_slice()), (206, &desk.audio[100_000..100_010]));
    assert_eq!(part.header("content-range"), format!("bytes 100000-100009/{}", desk.audio.len()));
    let beyond = range("bytes=9999999-");
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, format!("bytes */{}", desk.audio.len()).as_str())
    );
    assert_eq!(desk.get(&admin, "/calls/1/recording").status, 404, "nothing was recorded");
    assert_eq!(desk.get(&admin, "/calls/3/recording").status, 404, "its row leads out of the folder");
    assert_eq!(desk.get(&admin, "/calls/..%2F..%2Fsecret/recording").status, 400);
}

#[test]
fn events_are_told_once_each_from_where_one_left_off() {
    let desk = Desk::start();
    let admin = desk.admin();
    let mut stream = desk.listen(&admin, "/events?kinds=ticket", &[]);
    let number =
        desk.post(&admin, "/tickets", &[], &json!({"kind": "inquiry", "channel": "phone"})).json()["number"].clone();
    let (id, kind, data) = stream.event();
    assert_eq!((kind.as_str(), &data["what"], &data["about"]), ("ticket", &json!("opened"), &number));
    let before = (id - 1).to_string();
    let mut resumed = desk.listen(&admin, "/events", &[("Last-Event-ID", &before)]);
    assert_eq!(resumed.event().0, id);
    let from_the_first = desk.listen(&admin, "/events?kinds=alarm", &[("Last-Event-ID", "0")]).event();
    assert_eq!((from_the_first.1.as_str(), &from_the_first.2["what"]), ("alarm", &json!("raised")));
    let reads = desk.token(&["calls:read"], "supervisor");
    assert_eq!(desk.get(&reads, "/events?kinds=ticket").status, 403);
    assert_eq!(desk.get(&reads, "/events?kinds=tickets").status, 400);
    let wrong = desk.send(&admin, "GET", "/events", &[("Last-Event-ID", "x")], None);
    assert_eq!(wrong.status, 400);
    // A stream does not hold up the end of the server.
    desk.stop();
    assert!(stream.ends());
}

/// Every operation of the document, so that none is forgotten.
#[test]
fn nothing_is_done_or_told_without_a_token() {
    let desk = Desk::start();
    let document = desk.get("", "/openapi.json").json();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("/api/v1", "").replace("{id}", "1").replace("{number}", &desk.ticket);
        let path = path.replace("{extension}", "201").replace("{clock}", "on_site");
        for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let headers = [("Content-Type", "application/json"), ("If-Match", "*")];
            let none = desk.send("", &method, &path, &headers, Some("{}"));
            let basic = [&headers[..], &[("Authorization", "Basic YTpi")]].concat();
            let other = desk.send("", &method, &path, &basic, Some("{}"));
            assert_eq!(none.status, 401, "{method} {path}");
            assert!([401, 429].contains(&other.status), "{method} {path}: {other:?}");
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
}

/// Nor with a token that was made for something else.
#[test]
fn each_operation_asks_for_its_own_scope() {
    let desk = Desk::start();
    let reports = desk.token(&["reports:read"], "administrator");
    let calls = desk.token(&["calls:read"], "administrator");
    let document = desk.get("", "/openapi.json").json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(scope) = operation["security"][0]["token"][0].as_str() else {
                assert_eq!(path, "/api/v1/events", "it looks at the kinds itself");
                continue;
            };
            let token = if scope == "reports:read" { &calls } else { &reports };
            let path = path.replace("/api/v1", "").replace("{id}", "1").replace("{number}", &desk.ticket);
            let path = path.replace("{extension}", "201").replace("{clock}", "on_site");
            let headers = [("Content-Type", "application/json"), ("If-Match", "*")];
            let refused = desk.send(token, &method.to_uppercase(), &path, &headers, Some("{}"));
            assert_eq!(refused.status, 403, "{method} {path}: {refused:?}");
            assert!(refused.detail().contains(scope), "{method} {path}: {refused:?}");
        }
    }
}

#[test]
fn the_document_is_there_without_a_token() {
    let desk = Desk::start();
    let document = desk.get("", "/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/tickets"]["post"]["requestBody"].is_object());
}

#[test]
fn notifications_are_paged_filtered_and_sent_again() {
    let desk = Desk::start();
    let admin = desk.token(&["admin"], "administrator");
    let reads = desk.token(&["alarms:read"], "supervisor");
    for n in 0..3 {
        let new = frontdesk::desk::notifications::NewNotification {
            event: "trial".to_owned(),
            channel: frontdesk::desk::notifications::NotifyChannel::Webhook,
            recipient: format!("erp{n}"),
            about: n.to_string(),
            content: frontdesk::desk::notifications::NoticeContent::Payload("{}".to_owned()),
            not_before: chrono::Utc::now() + chrono::TimeDelta::days(1),
        };
        desk.editor().add_notification(chrono::Utc::now(), &new).unwrap();
    }
    let first = desk.get(&reads, "/notifications?limit=2").json();
    assert_eq!(first["items"][0]["recipient"], "erp2");
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = desk.get(&reads, &format!("/notifications?limit=2&cursor={cursor}")).json();
    assert_eq!((&second["items"][0]["recipient"], second["items"].as_array().unwrap().len()), (&json!("erp0"), 1));
    assert_eq!(desk.get(&reads, "/notifications?channel=email").json()["items"], json!([]));
    assert_eq!(desk.get(&reads, "/notifications?about=1&state=waiting").json()["items"][0]["id"], 2);
    assert_eq!(desk.send(&reads, "POST", "/notifications/2/retry", &[], None).status, 403);
    let before = desk.get(&reads, "/notifications/2").json();
    let again = desk.send(&admin, "POST", "/notifications/2/retry", &[], None).json();
    assert_eq!((&again["id"], &again["state"]), (&json!(2), &json!("waiting")));
    assert_ne!(again["next_at"], before["next_at"], "now, and not tomorrow");
    assert_eq!(desk.send(&admin, "POST", "/notifications/99/retry", &[], None).status, 404);
    assert_eq!(desk.get(&reads, "/notifications/99").status, 404);
}
