//! Reports as CSV and as pages, and the forms of tickets.

use serde_json::json;

use super::api_test::Desk;

#[test]
fn a_report_is_json_a_table_for_spreadsheets_or_a_page() {
    let desk = Desk::start();
    let reads = desk.token(&["reports:read"], "receptionist");
    for (report, title) in [("calls", "来电"), ("tickets", "报事统计"), ("satisfaction", "满意"), ("messages", "留言")]
    {
        let csv = desk.get(&reads, &format!("/reports/{report}?format=csv&step=month"));
        assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"), "{report}");
        let text = String::from_utf8(csv.body).unwrap();
        assert!(text.starts_with("\u{feff}part,name,") && text.contains("\r\ntotal,"), "{text}");
        let chinese = desk.get(&reads, &format!("/reports/{report}?format=csv&lang=zh"));
        assert!(String::from_utf8(chinese.body).unwrap().starts_with("\u{feff}项目,名称,"), "{report}");
        let page = desk.get(&reads, &format!("/reports/{report}?format=html"));
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{report}");
        let page = String::from_utf8(page.body).unwrap();
        assert!(page.contains("光明物业") && page.contains(title), "{page}");
        let english = desk.get(&reads, &format!("/reports/{report}?format=html&lang=en")).body;
        assert!(String::from_utf8(english).unwrap().contains("Guangming"), "{report}");
        assert!(desk.get(&reads, &format!("/reports/{report}?format=json")).json().is_object());
        assert_eq!(desk.get(&reads, &format!("/reports/{report}?format=pdf")).status, 400);
        assert_eq!(desk.get(&reads, &format!("/reports/{report}?lang=fr")).status, 400);
    }
    let calls = desk.get(&reads, "/reports/calls?format=csv").body;
    let calls = String::from_utf8(calls).unwrap();
    let total = calls.lines().find(|line| line.starts_with("total,")).unwrap();
    assert!(total.starts_with("total,,3,"), "three calls came in: {total}");
    let page = desk.get(&reads, "/reports/calls?format=html&within=30&short=3&lang=en").body;
    assert!(String::from_utf8(page).unwrap().contains("within 30 s"), "the rules stand below");
}

#[test]
fn the_forms_of_tickets_are_pages_to_sign() {
    let desk = Desk::start();
    let admin = desk.admin();
    let sheet = |token: &str, query: &str| desk.get(token, &format!("/tickets/{}/sheet{query}", desk.ticket));
    let chinese = sheet(&admin, "");
    assert_eq!((chinese.status, chinese.header("content-type")), (200, "text/html; charset=utf-8"));
    let text = String::from_utf8(chinese.body).unwrap();
    assert!(text.contains("维修服务任务单") && text.contains(&desk.ticket) && text.contains("13800138000"), "{text}");
    assert!(String::from_utf8(sheet(&admin, "?lang=en").body).unwrap().contains("Guangming"));
    let engineer = desk.token(&["tickets:read"], "engineer");
    let text = String::from_utf8(sheet(&engineer, "").body).unwrap();
    assert!(!text.contains("13800138000"), "{text}");
    let shown = format!("api 127.0.0.1 test shown: ticket {}", desk.ticket);
    assert_eq!(desk.written_down(), [shown.clone(), shown], "to the administrator, twice");
    let complaint = desk.post(&admin, "/tickets", &[], &json!({"kind": "complaint", "channel": "visit"}));
    let path = complaint.header("location").replace("/api/v1", "");
    assert_eq!(desk.get(&admin, &format!("{path}/sheet")).status, 200);
    let inquiry = desk.post(&admin, "/tickets", &[], &json!({"kind": "inquiry", "channel": "visit"}));
    let none = desk.get(&admin, &format!("{}/sheet", inquiry.header("location").replace("/api/v1", "")));
    assert!(none.status == 404 && none.detail().contains("an inquiry"), "{none:?}");
    assert_eq!(desk.get(&admin, "/tickets/20000101-0001/sheet").status, 404);
}
