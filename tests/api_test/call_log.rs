//! The call log's details: filters, tables, timelines, SIP messages, waveforms, and the reports that go with them.

use serde_json::json;

use super::api_test::Desk;

#[test]
fn the_list_is_narrowed_to_the_nodes_that_calls_went_through() {
    let desk = Desk::start();
    let admin = desk.admin();
    let ids = |query: &str| -> Vec<i64> {
        let page = desk.get(&admin, &format!("/calls?{query}")).json();
        page["items"].as_array().unwrap().iter().map(|call| call["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("through=repair"), [2]);
    assert_eq!(ids("through=nowhere"), [0_i64; 0]);
    assert_eq!(ids("handler=201"), [0_i64; 0]);
    assert_eq!(ids("through=main&caller=8000&outcome=ticket"), [2]);
}

#[test]
fn the_log_leaves_as_a_table_as_its_reader_may_see_it_and_that_is_written_down() {
    let desk = Desk::start();
    let supervisor = desk.token(&["calls:read"], "supervisor");
    let csv = desk.get(&supervisor, "/calls/export?lang=zh");
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = String::from_utf8(csv.body).unwrap();
    assert!(text.starts_with("\u{feff}编号,来电时间,方向,主叫号码,"), "{text}");
    // A number that begins with + is no formula.
    assert!(text.contains("\r\n2,2026-11-23 12:01:00,呼入,'+8613800138000,"), "{text}");
    assert!(text.contains(",welcome > main > repair,") && text.lines().count() == 4, "{text}");
    let receptionist = desk.token(&["calls:read"], "receptionist");
    let masked = String::from_utf8(desk.get(&receptionist, "/calls/export?through=repair").body).unwrap();
    assert!(masked.contains("\r\n2,2026-11-23 12:01:00,in,'+86138****8000,"), "{masked}");
    assert!(masked.starts_with("\u{feff}id,") && masked.lines().count() == 2, "{masked}");
    assert_eq!(
        desk.written_down(),
        ["api 127.0.0.1 test exported: calls as CSV, 3 rows", "api 127.0.0.1 test exported: calls as CSV, 1 rows"]
    );
    assert_eq!(desk.get(&supervisor, "/calls/export?limit=7").status, 400);
}

#[test]
fn a_call_is_told_in_the_order_of_time_and_in_sip_to_administrators_alone() {
    let desk = Desk::start();
    let admin = desk.admin();
    let moments = desk.get(&admin, "/calls/2/timeline").json();
    let words: Vec<_> = moments["moments"].as_array().unwrap().iter().map(|m| m["what"].as_str().unwrap()).collect();
    assert_eq!(words, ["began", "answered", "node", "node", "keys", "node", "ended"]);
    assert_eq!(moments["moments"][4], json!({"at_ms": 5_009, "what": "keys", "node": "main", "keys": "1"}));
    assert_eq!(desk.get(&admin, "/calls/99/timeline").status, 404);
    let supervisor = desk.token(&["calls:read"], "supervisor");
    assert_eq!(desk.get(&supervisor, "/calls/2/ladder").status, 403);
    let ladder = desk.get(&admin, "/calls/2/ladder").json();
    assert_eq!(ladder["parties"][0], json!({"name": "caller", "address": "192.0.2.7:5062"}));
    assert_eq!(ladder["messages"][0]["summary"], "INVITE");
    assert_eq!(desk.get(&admin, "/calls/1/ladder").status, 404, "nothing was kept");
    let written = desk.written_down();
    assert_eq!(
        written[1..],
        ["api 127.0.0.1 test refused: calls/2/ladder", "api 127.0.0.1 test shown: SIP messages of call 2"]
    );
    assert_eq!(written[0], "api 127.0.0.1 test shown: call 2", "it leads to a recording");
}

#[test]
fn a_recording_is_drawn_for_who_may_hear_it_and_that_is_written_down_as_heard() {
    let desk = Desk::start();
    let receptionist = desk.token(&["recordings:read"], "receptionist");
    let engineer = desk.token(&["recordings:read"], "engineer");
    let mut wav =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0".to_vec();
    wav.extend([0, 64].repeat(8_000));
    desk.record(&wav);
    let wave = desk.get(&receptionist, "/calls/2/recording/peaks").json();
    assert_eq!(
        (&wave["duration_ms"], &wave["rate_hz"], &wave["peaks"][799]),
        (&json!(1_000), &json!(8_000), &json!([0, 64]))
    );
    assert_eq!(desk.get(&engineer, "/calls/2/recording/peaks").status, 403);
    // Never a way to another file.
    assert_eq!(desk.get(&receptionist, "/calls/3/recording/peaks").status, 404);
    desk.record(b"it is none");
    let none = desk.get(&receptionist, "/calls/2/recording/peaks");
    assert!(none.status == 404 && none.detail().contains("to be drawn"), "{none:?}");
    let heard = "api 127.0.0.1 test heard: call 2";
    assert_eq!(desk.written_down(), [heard, "api 127.0.0.1 test refused: call 2", heard]);
}

#[test]
fn answer_times_and_ways_are_reports() {
    let desk = Desk::start();
    let reads = desk.token(&["reports:read"], "receptionist");
    let times = desk.get(&reads, "/reports/answer-times?step=week&within=10").json();
    assert_eq!((&times["totals"]["offered"], &times["rules"]["within_ms"]), (&json!(3), &json!(10_000)));
    assert_eq!(times["spread"][0], json!({"to_ms": 20, "machine": 3, "person": 0}));
    assert_eq!(times["rings"][0]["machine"], 3);
    // Monday, noon in Shanghai.
    assert_eq!((&times["week"][12]["hour"], &times["week"][12]["offered"]), (&json!(12), &json!(3)));
    let flow = desk.get(&reads, "/reports/flow").json();
    assert_eq!((&flow["ways"]["calls"], &flow["ways"]["cut"]), (&json!(3), &json!(false)));
    let main = flow["ways"]["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "main").unwrap();
    assert_eq!(main["ways"], json!([{"to": "repair", "taken": 1}]));
    let cut = desk.get(&reads, "/reports/flow?calls=2").json();
    assert_eq!((&cut["ways"]["calls"], &cut["ways"]["cut"]), (&json!(2), &json!(true)));
}
