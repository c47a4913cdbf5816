//! Reports in every form, and forms of tickets.

use super::*;

/// Two calls, one of which came over a trunk with a name that a spreadsheet would run.
fn two_calls() -> Shell {
    let led = CallRecord { trunk: Some("=cmd|' /C calc'!A0".into()), ..call(42, Some(5), Outcome::Ticket) };
    Shell::with(vec![
        DeskRequest::PutCall(Box::new(led)),
        DeskRequest::PutCall(Box::new(call(43, None, Outcome::Abandoned))),
    ])
}

#[test]
fn r42_every_report_has_every_form_in_both_languages() {
    let shell = a_day();
    for report in ["calls", "tickets", "satisfaction", "messages"] {
        for step in ["", "--hour", "--day", "--week", "--month"] {
            let json: serde_json::Value =
                serde_json::from_str(&shell.ok(&format!("report {report} {step} --json"))).expect("JSON");
            assert!(json["totals"].is_object() && json["rows"].is_array(), "{report}: {json}");
        }
        let csv = shell.ok(&format!("report {report} --csv"));
        assert!(csv.starts_with("\u{feff}part,name,") && csv.contains("\r\ntotal,"), "{csv}");
        let zh = shell.ok(&format!("report {report} --csv --lang zh"));
        assert!(zh.starts_with("\u{feff}项目,名称,") && zh.contains("\r\n合计,"), "{zh}");
        let en = shell.ok(&format!("report {report} --csv --lang en"));
        assert!(en.starts_with("\u{feff}Part,Name,") && en.contains("\r\nTotal,"), "{en}");
        assert!(shell.ok(&format!("report {report}")).starts_with("part"));
        let page = shell.ok(&format!("report {report} --html --lang zh --since 2026-11-01 --until 2026-11-30"));
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("2026-11-01 00:00 – 2026-12-01 00:00"), "{page}");
        assert!(page.contains("光明物业") && page.contains("合计") && page.contains("Asia/Shanghai"));
    }
}

#[test]
fn every_row_of_a_reports_csv_has_every_column_and_none_runs() {
    let csv = two_calls().ok("report calls --csv");
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let columns = reader.headers().expect("a header").len();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("as many cells as columns")).collect();
    assert!(columns > 25 && rows.iter().all(|row| row.len() == columns));
    let names: Vec<_> = rows.iter().map(|row| (&row[0], &row[1], &row[2])).collect();
    assert!(names.contains(&("total", "", "2")) && names.contains(&("time", "2026-11-23", "2")), "{names:?}");
    assert!(names.contains(&("trunk", "'=cmd|' /C calc'!A0", "1")), "{names:?}");
}

#[test]
fn r29_a_work_sheet_is_printed_in_both_languages() {
    let shell = a_day();
    let zh = shell.ok("tickets print 20261123-0001");
    for word in ["维修服务任务单", "光明物业", "20261123-0001", "3-1201", "13800138000", "水泵故障、水管爆裂"]
    {
        assert!(zh.contains(word), "{word}");
    }
    assert!(shell.ok("tickets print 20261123-0001 --lang en").contains("Work sheet"));
    assert_eq!(shell.run("tickets print 20261123-0009"), Err(("there is no ticket 20261123-0009".to_owned(), 1)));
    assert_eq!(shell.run("tickets print 20261123-0001 --lang fr").map_err(|(_, code)| code), Err(2));
}
