//! The pages, from tickets as the store gives them.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::desk::ticket::{Channel, Class, Clock, Kind, TicketEvent, Urgency, Work};
use crate::desk::workflow::{Nature, Satisfaction, WorkSheet};
use crate::types::TicketNumber;

fn at(minutes: i64) -> DateTime<Utc> {
    "2026-11-23T01:00:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::minutes(minutes)
}

fn head(tongue: Tongue) -> Letterhead {
    let desk = Both::new("光明物业项目服务机构", "Guangming Property Services").of(tongue).to_owned();
    Letterhead { desk, tongue, time_zone: chrono_tz::Asia::Shanghai, printed_at: at(3_000) }
}

fn names(extension: &str) -> Option<String> {
    (extension == "301").then(|| "李强".to_owned())
}

pub(crate) fn ticket(kind: Kind) -> Ticket {
    Ticket {
        number: TicketNumber("20261123-0007".to_owned()),
        kind,
        class: Class::B,
        urgency: Some(Urgency::Urgent),
        category: Some("burst_pipe".to_owned()),
        channel: Channel::Phone,
        status: "closed".to_owned(),
        stage: "closed".to_owned(),
        owner: Some("201".to_owned()),
        caller: Some("13800138000".to_owned()),
        callback_number: Some("13900139000".to_owned()),
        building: Some("3".to_owned()),
        room: Some("1201".to_owned()),
        resident: Some("张伟".to_owned()),
        wanted_time: Some("下午".to_owned()),
        key_left: None,
        description: Some("厨房水管 <b>爆裂</b> & 漏水".to_owned()),
        recording: None,
        transcript: None,
        opened_at: at(0),
        due: [(
            "on_site".to_owned(),
            Clock { at: at(120), met_at: None, breached: false, warned_at: None, paused: None },
        )]
        .into(),
        events: vec![],
        incomplete: false,
        call: None,
        version: 1,
        work: Work {
            engineer: Some("301".to_owned()),
            sheet: WorkSheet {
                work_done: Some("更换水管".to_owned()),
                materials: Some("PPR 管 2 米".to_owned()),
                material_cents: Some(3_550),
                labour_cents: Some(8_000),
            },
            satisfaction: Some(Satisfaction::Satisfied),
            repaired_at: Some(at(95)),
            ..Work::default()
        },
    }
}

fn complaint() -> Ticket {
    let event = |minutes, what: &str, note: &str| TicketEvent {
        at: at(minutes),
        who: if minutes == 0 { "system".to_owned() } else { "301".to_owned() },
        what: what.to_owned(),
        note: Some(note.to_owned()).filter(|note| !note.is_empty()),
    };
    let events = vec![
        event(0, "opened", ""),
        event(1, "judging", "记录完整"),
        event(2, "judged", "valid: 属实"),
        event(3, "analysed", "保安态度"),
        event(4, "assigned", "安保部: 今日办理"),
        event(5, "handled", "初次处理"),
        event(6, "reopened_not_satisfied", "not_satisfied: 未道歉"),
        event(7, "handled", "当面道歉"),
        event(8, "followed_up", "satisfied: 认可"),
        event(9, "archived", "加强培训"),
    ];
    Ticket {
        category: Some("attitude".to_owned()),
        events,
        work: Work {
            serious: true,
            nature: Some(Nature::Valid),
            responsible: Some("安保部".to_owned()),
            ..ticket(Kind::Complaint).work
        },
        ..ticket(Kind::Complaint)
    }
}

#[test]
fn r29_the_work_sheet_has_every_field_and_its_signatures() {
    let zh = of_ticket(&ticket(Kind::Repair), &head(Tongue::Zh), names).expect("a repair");
    let all = [
        "维修服务任务单",
        "报修人",
        "张伟",
        "楼号-房号",
        "3-1201",
        "联系电话",
        "13900139000",
        "报修时间",
        "2026-11-23 09:00",
        "完成时间",
        "2026-11-23 10:35",
        "故障情况",
        "水泵故障、水管爆裂",
        "维修内容",
        "更换水管",
        "使用材料",
        "PPR 管 2 米",
        "维修人员",
        "李强 (301)",
        "业主反馈",
        "☑ 满意",
        "☐ 不满意",
        "材料费",
        "35.50",
        "人工费",
        "80.00",
        "合计",
        "115.50",
        "财务",
        "统计",
        "光明物业项目服务机构",
        "20261123-0007",
    ];
    for word in all {
        assert!(zh.contains(word), "{word} is missing");
    }
    let en = of_ticket(&ticket(Kind::Repair), &head(Tongue::En), names).expect("a repair");
    for word in ["Work sheet", "Reporter", "Building-room", "Work done", "Finance", "burst pipe", "on site by"] {
        assert!(en.contains(word), "{word} is missing");
    }
}

#[test]
fn what_callers_say_is_text_and_no_page_needs_anything_from_elsewhere() {
    let page = of_ticket(&ticket(Kind::Repair), &head(Tongue::Zh), names).expect("a repair");
    assert!(!page.contains("<b>爆裂"), "a description is no markup");
    assert!(page.contains("&#60;b&#62;爆裂&#60;/b&#62; &#38; 漏水"), "{page}");
    for page in [page, of_ticket(&complaint(), &head(Tongue::En), names).expect("a complaint")] {
        for foreign in ["http:", "https:", "src=", "url(", "<script", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}

#[test]
fn r38_the_complaint_report_has_eight_stages_each_with_its_last_word() {
    let page = of_ticket(&complaint(), &head(Tongue::Zh), names).expect("a complaint");
    let stages = page.split("处理过程").nth(1).and_then(|rest| rest.split("全部记录").next()).expect("the table");
    let order = ["接诉", "辩诉", "析诉", "定责", "处理", "回访", "总结", "归档"];
    let places: Vec<_> = order.iter().map(|stage| stages.find(&format!(">{stage}<"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    assert!(stages.contains("当面道歉") && !stages.contains("初次处理"), "what was done again counts");
    assert!(stages.contains("保安态度") && stages.contains("加强培训"));
    assert!(page.contains("有效投诉：属实") && page.contains("不满意：未道歉") && page.contains("已定责"));
    assert!(page.contains("重大投诉") && page.contains("有效投诉") && page.contains("初次处理"));
    let mild = Ticket { work: Work::default(), ..complaint() };
    assert!(!of_ticket(&mild, &head(Tongue::Zh), names).expect("a complaint").contains("重大投诉"));
}

#[test]
fn an_inquiry_has_no_form() {
    let fault = of_ticket(&ticket(Kind::Inquiry), &head(Tongue::En), names).unwrap_err();
    let expected = "ticket 20261123-0007 is an inquiry: work sheets are for repairs, reports for complaints";
    assert_eq!(fault.to_string(), expected);
}
