//! The commands on the store, from arguments to output, against a real database.

mod reports;

use std::sync::mpsc::channel;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use tempfile::TempDir;

use super::context::{CliError, Context};
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::answer_time::Cadence;
use crate::desk::ban::Ban;
use crate::desk::call_record::{CallRecord, Direction, Outcome, PathStep, RtpStats};
use crate::desk::ladder::CallLadder;
use crate::desk::ladder::tests::message;
use crate::desk::message::{MessageChange, MessageDraft};
use crate::desk::privacy::Role;
use crate::desk::request::{DeskRequest, Done, RequestId};
use crate::desk::ticket::{Class, Kind, TicketChange, TicketDraft, Urgency};
use crate::store::{Store, StoreOptions};
use crate::types::{CallId, Codec, MessageId, RecordingId, TicketNumber};

#[derive(Parser)]
#[command(name = "frontdesk")]
enum Line {
    Calls(super::calls::Args),
    Tickets(super::tickets::Args),
    Messages(super::messages::Args),
    Alarms(super::alarms::Args),
    Errands(super::errands::Args),
    Journal(super::journal::Args),
    Handover(super::handover::Args),
    Audit(super::audit::Args),
    Hold(super::hold::Args),
    Residents(super::residents::Args),
    Bans(super::bans::Args),
    Report(super::report::Args),
}

/// A desk with one call, its ticket and a message, and what its day is asked about at noon.
struct Shell {
    _folder: TempDir,
    context: Context,
}

impl Shell {
    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let context = Context {
            db_path: folder.path().join("frontdesk.db"),
            time_zone: chrono_tz::Asia::Shanghai,
            cadence: Cadence::default(),
            now: noon() + TimeDelta::hours(3),
            clocks: Ok(std::sync::Arc::default()),
            owner: "desk".to_owned(),
            desk_names: [(String::new(), "光明物业".to_owned())].into(),
            people: [("301".to_owned(), "李强".to_owned())].into(),
            who: "wang".into(),
            role: crate::desk::privacy::Role::Administrator,
            desk: "物业管理处".into(),
        };
        Self { _folder: folder, context }
    }

    fn with(requests: Vec<DeskRequest>) -> Self {
        let shell = Self::empty();
        let (tell, replies) = channel();
        let options = StoreOptions::new(&shell.context.db_path, shell.context.time_zone);
        let (store, _) = Store::open(options, Box::new(move |r| drop(tell.send(r)))).expect("the store opens");
        for request in requests {
            store.submit(CallId(42), noon(), request).expect("there is room");
        }
        assert_eq!(store.shutdown(), 0);
        for reply in replies {
            assert!(matches!(
                reply.result,
                Ok(Done::Changed | Done::MessageChanged(_) | Done::TicketOpened(_) | Done::MessageOpened(_))
            ));
        }
        shell
    }

    fn run(&self, line: &str) -> Result<String, (String, u8)> {
        let words = std::iter::once("frontdesk").chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|f| (f.to_string(), f.exit_code() as u8))?;
        let mut out = Vec::new();
        let ran = match &parsed {
            Line::Calls(args) => super::calls::run(args, &self.context, &mut out),
            Line::Tickets(args) => super::tickets::run(args, &self.context, &mut out),
            Line::Messages(args) => super::messages::run(args, &self.context, &mut out),
            Line::Errands(args) => super::errands::run(args, &self.context, &mut out),
            Line::Audit(args) => super::audit::run(args, &self.context, &mut out),
            Line::Hold(args) => super::hold::run(args, &self.context, &mut out),
            Line::Residents(args) => {
                let numbers = crate::types::NumberPlan::default();
                super::residents::run(args, &numbers, &self.context, &mut out)
            }
            Line::Bans(args) => super::bans::run(args, &self.context, &mut out),
            Line::Alarms(args) => super::alarms::run(args, &self.context, &mut out),
            Line::Journal(args) => super::journal::run(args, &self.context, &mut out),
            Line::Handover(args) => super::handover::run(args, &self.context, || Ok(Vec::new()), &mut out),
            Line::Report(args) => super::report::run(args, &self.context, &mut out),
        };
        ran.map_err(|fault: CliError| (fault.to_string(), fault.exit_code()))?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    fn ok(&self, line: &str) -> String {
        self.run(line).unwrap_or_else(|fault| panic!("{line}: {fault:?}"))
    }
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().expect("a time")
}

fn call(id: i64, answer_ms: Option<u64>, outcome: Outcome) -> CallRecord {
    CallRecord {
        direction: Direction::In,
        id: CallId(id),
        caller: Some("+8613800138000".into()),
        caller_name: Some("=张伟".into()),
        callee: "desk".into(),
        started_at: noon(),
        answered_at: answer_ms.map(|ms| noon() + TimeDelta::milliseconds(ms as i64)),
        ended_at: Some(noon() + TimeDelta::seconds(95)),
        answer_ms,
        answer_rings: answer_ms.map(|ms| Cadence::default().rings_begun(ms)),
        outcome: Some(outcome),
        path: vec![
            PathStep { at_ms: 0, node: "main".into(), input: Some("1".into()) },
            PathStep { at_ms: 12_345, node: "repair_urgent".into(), input: None },
        ],
        handled_by: None,
        legs: vec![],
        trunk: None,
        diverted_from: None,
        tickets: vec![TicketNumber("20261123-0001".into())],
        messages: vec![MessageId(1)],
        recording: Some(RecordingId("2026/11/23/000042-1.wav".into())),
        codec: Some(Codec::G722),
        rtp: RtpStats { sent: 4_000, received: 3_990, lost: 10, jitter_ms: 1.7, mos: Some(4.123_4) },
        end_reason: Some("caller_hung_up".into()),
        sip_call_id: "abc@host".into(),
    }
}

fn a_day() -> Shell {
    let draft = TicketDraft {
        kind: Kind::Repair,
        class: Class::B,
        urgency: Some(Urgency::Urgent),
        category: Some("burst_pipe".into()),
        caller: Some("+8613800138000".into()),
        call: CallId(42),
        language: None,
    };
    let told = TicketChange {
        callback_number: Some("13800138000".into()),
        building: Some("3".into()),
        room: Some("1201".into()),
        recording: Some(RecordingId("2026/11/23/000042-1.wav".into())),
        complete: Some(true),
        ..TicketChange::default()
    };
    let message = MessageDraft {
        for_person: Some("201".into()),
        from_number: Some("13800138000".into()),
        from_name: Some("张伟".into()),
        call: CallId(42),
        language: None,
    };
    let kept = MessageChange {
        recording: Some(RecordingId("2026/11/23/000042-2.wav".into())),
        duration_ms: Some(4_200),
        complete: Some(true),
        ..MessageChange::default()
    };
    Shell::with(vec![
        DeskRequest::OpenTicket { id: RequestId(1), draft },
        DeskRequest::ChangeTicket { id: RequestId(2), number: TicketNumber("20261123-0001".into()), change: told },
        DeskRequest::OpenMessage { id: RequestId(3), draft: message },
        DeskRequest::ChangeMessage { id: RequestId(4), message: MessageId(1), change: kept },
        DeskRequest::PutCall(Box::new(call(42, Some(5), Outcome::Ticket))),
    ])
}

#[test]
fn the_json_of_a_call_is_the_contracts() {
    insta::assert_snapshot!(a_day().ok("calls --json"));
}

#[test]
fn the_json_of_a_ticket_is_the_contracts() {
    insta::assert_snapshot!(a_day().ok("tickets --json"));
}

#[test]
fn the_json_of_a_message_is_the_contracts() {
    insta::assert_snapshot!(a_day().ok("messages --json"));
}

#[test]
fn show_gives_one_object_and_lists_give_arrays() {
    let shell = a_day();
    for (list, show) in [("calls", "42"), ("tickets", "20261123-0001"), ("messages", "1")] {
        let all: serde_json::Value = serde_json::from_str(&shell.ok(&format!("{list} list --json"))).unwrap();
        let one: serde_json::Value = serde_json::from_str(&shell.ok(&format!("{list} show {show} --json"))).unwrap();
        assert_eq!(all, serde_json::json!([one]));
    }
}

#[test]
fn people_read_tables_and_the_path_of_a_call() {
    let shell = a_day();
    let all = ["calls", "calls show 42", "tickets", "tickets show 20261123-0001", "messages", "messages show 1"];
    insta::assert_snapshot!(all.map(|line| format!("$ {line}\n{}", shell.ok(line))).join("\n"));
}

#[test]
fn spreadsheets_get_every_field_and_no_formula() {
    let csv = a_day().ok("calls --csv");
    assert!(csv.starts_with("\u{feff}id,started_at,caller,"));
    assert!(csv.contains(",'+8613800138000,'=张伟,desk,"), "{csv}");
}

#[test]
fn filters_narrow_and_wrong_ones_are_usage_errors() {
    let shell = a_day();
    let count = |line: &str| {
        let list: serde_json::Value = serde_json::from_str(&shell.ok(line)).unwrap();
        list.as_array().unwrap().len()
    };
    assert_eq!(count("calls --json --since 2026-11-23 --until 2026-11-23 --caller 13800138000"), 1);
    assert_eq!(count("calls --json --since 2026-11-24"), 0);
    assert_eq!(count("calls --json --outcome abandoned"), 0);
    assert_eq!(count("calls --json --state ended --limit 0"), 1);
    assert_eq!(count("tickets --json --overdue"), 1, "on site within 2 hours, and it is 3 hours later");
    assert_eq!(count("tickets --json --incomplete"), 0);
    assert_eq!(count("tickets --json --open --kind repair"), 1);
    assert_eq!(count("messages --json --unconfirmed --for 201"), 1);
    for line in [
        "calls --outcome answered",
        "calls --since yesteryear",
        "calls --since 2026-11-24 --until 2026-11-23",
        "calls --json --csv",
        "calls show x",
        "calls --limit -1",
        "tickets --kind repairs",
        "tickets close 20261123-0001",
        "tickets close 20261123-0001 --referred-to street",
        "messages --relay lost",
        "report answer --by week",
        "report",
    ] {
        let (text, code) = shell.run(line).expect_err(line);
        assert_eq!(code, 2, "{line}: {text}");
    }
    let (text, _) = shell.run("calls --outcome answered").expect_err("no such outcome");
    assert!(text.contains("completed, abandoned, rejected"), "{text}");
}

#[test]
fn what_is_not_there_is_a_failure_with_a_reason() {
    let shell = a_day();
    for line in ["calls show 7", "tickets show 20261123-0404", "tickets note 20261123-0404 x", "messages confirm 9"] {
        let (text, code) = shell.run(line).expect_err(line);
        assert_eq!(code, 1, "{line}: {text}");
    }
    let (text, code) = Shell::empty().run("calls").expect_err("there is no database");
    assert!(text.starts_with("no calls yet: ") && text.contains("start `frontdesk serve`"), "{text}");
    assert_eq!(code, 1);
}

#[test]
fn tickets_and_messages_are_changed_from_a_shell() {
    let shell = a_day();
    shell.ok("tickets note 20261123-0001 called-back");
    shell.ok("tickets set 20261123-0001 --owner 工程部 --resident 张伟 --key-left true --by 李强");
    shell.ok("tickets met 20261123-0001 on_site");
    let (told, _) = shell.run("tickets close 20261123-0001 --note fixed").expect_err("nobody was there");
    assert!(told.contains("it goes on to dispatched, accepted"), "{told}");
    shell.ok("tickets advance 20261123-0001 accepted --engineer 301");
    shell.ok("tickets pause 20261123-0001 repaired --reason parts --note 阀门");
    shell.ok("tickets resume 20261123-0001 repaired");
    shell.ok("tickets sheet 20261123-0001 --work-done 换阀门 --material-cost 35.5");
    shell.ok("tickets close 20261123-0001 --withdrawn --note fixed");
    shell.ok("messages confirm 1");
    let ticket: serde_json::Value = serde_json::from_str(&shell.ok("tickets show 20261123-0001 --json")).unwrap();
    assert_eq!(ticket["status"], "closed");
    assert_eq!(ticket["key_left"], true);
    assert_eq!(ticket["due"]["on_site"]["breached"], true, "3 hours are more than 2");
    assert_eq!(ticket["due"]["repaired"]["breached"], false);
    assert_eq!((&ticket["material_cents"], &ticket["stage"]), (&3_550.into(), &"closed".into()));
    let opened = shell.ok("tickets open --kind complaint --channel letter --category attitude --serious --by 王芳");
    assert_eq!(opened, "ticket 20261123-0002 opened\n", "numbers go on");
    let events: Vec<_> =
        ticket["events"].as_array().unwrap().iter().skip(3).map(|e| format!("{} {}", e["who"], e["what"])).collect();
    assert_eq!(
        events,
        [
            r#""wang" "note""#,
            r#""李强" "handed_over""#,
            r#""李强" "changed""#,
            r#""wang" "clock_met""#,
            r#""wang" "accepted""#,
            r#""wang" "clock_paused""#,
            r#""wang" "clock_resumed""#,
            r#""wang" "work_sheet""#,
            r#""wang" "withdrawn""#
        ]
    );
    let message: serde_json::Value = serde_json::from_str(&shell.ok("messages show 1 --json")).unwrap();
    assert_eq!(message["relay"], "confirmed");
    assert_eq!(message["attempts"][0]["channel"], "by hand: wang");
}

#[test]
fn calls_of_the_desks_own_are_asked_for_listed_and_taken_back() {
    let shell = a_day();
    assert_eq!(shell.ok("errands add dispatch --person 201 --ticket 20261123-0001"), "errand 1 waits for the line\n");
    shell.ok("errands add relay --person 201 --message 1");
    shell.ok("errands cancel 2 --by 王芳");
    let list: serde_json::Value = serde_json::from_str(&shell.ok("errands --json")).unwrap();
    let of = |nth: usize, key: &str| list[nth][key].as_str().unwrap_or_default().to_owned();
    assert_eq!((of(0, "state"), of(0, "why")), ("ended".to_owned(), "cancelled by 王芳".to_owned()));
    assert_eq!((of(1, "state"), of(1, "extension")), ("waiting".to_owned(), "201".to_owned()));
    let waiting: serde_json::Value =
        serde_json::from_str(&shell.ok("errands --json --state waiting --ticket 20261123-0001")).unwrap();
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    assert!(shell.ok("errands show 1").contains("20261123-0001"));
    assert!(shell.ok("errands --csv").starts_with("\u{feff}id,created_at,kind,extension,number,ticket"));
    for (line, code) in [
        ("errands cancel 2", 1),
        ("errands show 9", 1),
        ("errands add dispatch --person 201 --ticket 20261123-0404", 1),
        ("errands add relay --person 201 --message 7", 1),
        ("errands add relay --person 201", 2),
        ("errands add visit --person 201", 2),
        ("errands add notice", 2),
        ("errands add notice --person 201 --number 138", 2),
    ] {
        let (text, told) = shell.run(line).expect_err(line);
        assert_eq!(told, code, "{line}: {text}");
    }
}

#[test]
fn r2_the_answer_report_agrees_with_a_count_by_hand() {
    let at = |hours: i64, record: CallRecord| {
        let started_at = noon() + TimeDelta::hours(hours);
        let answered_at = record.answer_ms.map(|ms| started_at + TimeDelta::milliseconds(ms as i64));
        let record = CallRecord { started_at, answered_at, tickets: vec![], ..record };
        DeskRequest::PutCall(Box::new(record))
    };
    let shell = Shell::with(vec![
        at(0, call(1, Some(5), Outcome::Completed)),
        at(0, call(2, Some(9_999), Outcome::Voicemail)),
        at(0, call(3, None, Outcome::Abandoned)),
        at(1, call(4, Some(10_000), Outcome::Abandoned)),
        at(1, call(5, None, Outcome::Rejected)),
        at(13, call(6, Some(7), Outcome::Ticket)),
        at(13, call(7, None, Outcome::Failed)),
    ]);
    insta::assert_snapshot!(
        ["report answer", "report answer --csv", "report answer --json --by day --until 2026-11-23"]
            .map(|line| format!("$ {line}\n{}", shell.ok(line)))
            .join("\n")
    );
}

#[test]
fn r41_alarms_are_listed_and_acknowledged_by_name() {
    let word = AlarmWord {
        kind: AlarmKind::MissedEmergency,
        about: String::new(),
        call: CallId(42),
        state: AlarmState::Open,
        caller: Some("13800138000".into()),
        ticket: Some(TicketNumber("20261123-0001".into())),
        note: "no duty officer took the call".into(),
    };
    let shell = Shell::with(vec![DeskRequest::PutAlarm { id: RequestId(1), word }]);
    let list: serde_json::Value = serde_json::from_str(&shell.ok("alarms --json")).expect("JSON");
    assert_eq!(
        list,
        serde_json::json!([{
            "id": 1, "kind": "missed_emergency", "state": "open", "raised_at": "2026-11-23T12:00:00.000+08:00", "call": 42, "about": null,
            "caller": "13800138000", "ticket": "20261123-0001", "note": "no duty officer took the call",
            "acknowledged_at": null, "acknowledged_by": null,
        }])
    );
    assert!(shell.ok("alarms").contains("missed_emergency"));
    assert_eq!(shell.ok("alarms ack 1 王芳"), "alarm 1 acknowledged by 王芳\n");
    assert_eq!(shell.ok("alarms --open --csv").lines().count(), 1, "the heading alone");
    assert!(shell.ok("alarms list").contains("王芳"));
    let (fault, code) = shell.run("alarms ack 1 李娜").expect_err("it was acknowledged");
    assert!(fault.contains("before") && code == 1, "{fault}");
    assert_eq!(shell.run("alarms ack 7 李娜").expect_err("there is none").1, 1);
    assert_eq!(shell.run("alarms ack 1").expect_err("a name is needed").1, 2);
}

#[test]
fn the_sip_messages_of_a_call_are_shown_and_exported() {
    let text = |first: &str, cseq: &str| format!("{first}\r\nCSeq: {cseq}\r\n\r\n");
    let messages = vec![
        message(0, false, 0, &text("INVITE sip:desk@192.0.2.1 SIP/2.0", "1 INVITE")),
        message(4, true, 0, &text("SIP/2.0 486 Busy Here", "1 INVITE")),
    ];
    let ladder = CallLadder { call: CallId(42), began_at: noon(), messages, left_out: 0, gap_at: 2 };
    let shell = Shell::with(vec![
        DeskRequest::PutCall(Box::new(call(42, Some(5), Outcome::Completed))),
        DeskRequest::PutCall(Box::new(call(43, Some(5), Outcome::Completed))),
        DeskRequest::PutLadder(Box::new(ladder)),
    ]);
    let drawn = shell.ok("calls show 42 --ladder");
    assert!(drawn.contains("0.004 s") && drawn.contains("486 Busy Here"), "{drawn}");
    assert!(shell.ok("calls show 42 --messages").contains("CSeq: 1 INVITE\n"));
    let json: serde_json::Value = serde_json::from_str(&shell.ok("calls show 42 --ladder --json")).expect("JSON");
    assert_eq!(
        (json[1]["first_line"].as_str(), json[1]["direction"].as_str()),
        (Some("SIP/2.0 486 Busy Here"), Some("out"))
    );
    let file = shell.context.db_path.with_extension("pcap");
    let export = format!("calls pcap 42 {}", file.display());
    assert!(shell.ok(&export).starts_with("2 SIP messages of call 42 are in "));
    assert_eq!(shell.run(&export).expect_err("it is never written over").1, 1);
    assert_eq!(std::fs::read(file).unwrap()[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let (fault, code) = shell.run("calls show 43 --ladder").expect_err("it has none");
    assert!(fault.contains("no SIP messages are kept of call 43") && code == 1, "{fault}");
    assert_eq!(shell.run("calls show 42 --ladder --messages").expect_err("one of them").1, 2);
}

#[test]
fn bans_are_listed_and_lifted() {
    let ban = |network: &str, hours| Ban {
        network: network.parse().expect("an address"),
        since: noon(),
        until: noon() + TimeDelta::hours(hours),
        failures: 10,
    };
    let shell = Shell::with(vec![
        DeskRequest::PutBan(ban("192.0.2.66", 9)),
        DeskRequest::PutBan(ban("2001:db8::7", 9)),
        DeskRequest::PutBan(ban("192.0.2.9", 1)),
    ]);
    let list: serde_json::Value = serde_json::from_str(&shell.ok("bans --json")).expect("JSON");
    assert_eq!(
        list,
        serde_json::json!([
            {"address": "192.0.2.66", "since": "2026-11-23T12:00:00.000+08:00", "until": "2026-11-23T21:00:00.000+08:00",
             "failures": 10},
            {"address": "2001:db8::/64", "since": "2026-11-23T12:00:00.000+08:00", "until": "2026-11-23T21:00:00.000+08:00",
             "failures": 10},
        ])
    );
    assert_eq!(shell.ok("bans lift 2001:db8::1"), "2001:db8::/64 is served again\n");
    assert_eq!(shell.ok("bans list").lines().count(), 2);
    assert_eq!(shell.run("bans lift 192.0.2.1").expect_err("not banned").1, 1);
    assert_eq!(shell.run("bans lift desk").expect_err("no address").1, 2);
}

#[test]
fn r41_the_journal_is_written_and_corrected_by_hand() {
    let shell = a_day();
    assert_eq!(
        shell.ok("journal add 门禁坏了,已报修 --kind equipment --about 3栋 --by 王芳"),
        "journal entry 1 written\n"
    );
    assert_eq!(shell.ok("journal correct 1 是4栋"), "journal entry 2 written: it corrects 1\n");
    insta::assert_snapshot!(shell.ok("journal"));
    let entries: serde_json::Value = serde_json::from_str(&shell.ok("journal list --json")).expect("JSON");
    assert_eq!((&entries[0]["corrects"], &entries[1]["corrected_by"]), (&1.into(), &2.into()));
    assert!(shell.run("journal add x --kind line_down").unwrap_err().0.contains("the system's own"));
    assert!(shell.run("journal correct 9 x").unwrap_err().0.contains("journal entry 9 does not exist"));
}

#[test]
fn r40_a_shift_is_handed_over_on_one_page() {
    let shell = a_day();
    shell.ok("journal add 门禁坏了 --by 王芳");
    let code = |shell: &Shell| {
        let page: serde_json::Value = serde_json::from_str(&shell.ok("handover show --json")).expect("JSON");
        page["read"].as_str().expect("a code").to_owned()
    };
    shell.ok(&format!("handover sign-on 王芳 --read {}", code(&shell)));
    assert_eq!(shell.ok("handover sign-off 王芳 --note 钥匙在前台"), "handover 2: 王芳 signed off\n");
    shell.ok("journal add 停电十分钟 --kind incident --by 王芳");
    insta::assert_snapshot!(shell.ok("handover show"));
    let html = shell.ok("handover show --html");
    let english = shell.ok("handover show --html --lang en");
    assert!(english.contains("<p>note: 钥匙在前台</p>") && english.contains("Signatures"), "{english}");
    assert!(html.contains("<p>交班说明：钥匙在前台</p>") && html.contains("签字"), "{html}");
    let (told, code_of_failure) = shell.run("handover sign-on 李娜 --read H1-0-0-0").unwrap_err();
    assert!(told.contains("older than the last handover") && code_of_failure == 1, "{told}");
    assert_eq!(shell.run("handover sign-on 李娜 --read 7").unwrap_err().1, 2);
    assert_eq!(shell.ok(&format!("handover sign-on 李娜 --read {}", code(&shell))), "李娜 has the shift\n");
    insta::assert_snapshot!(shell.ok("handover list"));
}

impl Shell {
    fn of_role(mut self, role: Role) -> Self {
        self.context.role = role;
        self
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.context.db_path.with_file_name(name)
    }
}

/// A spreadsheet that was saved empty is no order to forget everybody.
#[test]
fn an_empty_list_takes_nobody_out() {
    let shell = a_day();
    shell.ok("residents add --building 3 --room 1201 --name 李四 --number 13800138000");
    let file = shell.file("empty.csv");
    std::fs::write(&file, "building,room,name,phone\n").expect("a file");
    let told = shell.run(&format!("residents import --replace {}", file.display())).expect_err("it names nobody");
    assert!(told.0.contains("names nobody") && told.1 == 1, "{told:?}");
    assert!(shell.ok("residents").contains("李四"));
}

#[test]
fn r12_residents_and_customers_who_are_called_are_shown_by_role_too() {
    let shell = a_day();
    shell.ok("residents add --building 3 --room 1201 --name 李四 --number 13800138000");
    shell.ok("errands add follow_up --number 13800138000 --ticket 20261123-0001");
    let shell = shell.of_role(Role::Receptionist);
    for line in ["residents", "residents --json", "residents --csv", "errands --json"] {
        let text = shell.ok(line);
        assert!(text.contains("138****8000") && !text.contains("13800138000"), "{line}: {text}");
    }
}

#[test]
fn r12_each_role_sees_of_callers_what_its_work_needs() {
    let (whole, masked) = ("13800138000", "138****8000");
    let shows = |role: Role, line: &str| {
        let text = a_day().of_role(role).ok(line);
        (text.contains(whole), text.contains(masked))
    };
    for line in ["calls", "calls --json", "calls --csv", "tickets --csv", "messages --csv", "messages"] {
        assert_eq!(shows(Role::Administrator, line), (true, false), "{line}");
        assert_eq!(shows(Role::Supervisor, line), (true, false), "{line}");
        assert_eq!(shows(Role::Receptionist, line), (false, true), "{line}");
        assert_eq!(shows(Role::Engineer, line), (false, true), "{line}");
    }
    for line in ["calls show 42", "tickets show 20261123-0001", "messages show 1 --json"] {
        assert_eq!(shows(Role::Receptionist, line), (true, false), "{line}");
        assert_eq!(shows(Role::Engineer, line), (false, true), "{line}");
    }
    let engineer = a_day().of_role(Role::Engineer);
    assert!(!engineer.ok("tickets show 20261123-0001").contains(".wav"));
    // The ticket that they were sent for shows whom to call.
    engineer.ok("tickets set 20261123-0001 --owner wang");
    assert!(engineer.ok("tickets show 20261123-0001").contains(whole));
    for line in ["calls show 42 --messages", "audit", "hold list", "messages export 1 no.wav"] {
        let (told, code) = engineer.run(line).unwrap_err();
        assert!(told.contains("not for the role engineer") && code == 1, "{line}: {told}");
    }
}

#[test]
fn r12_who_gets_to_a_recording_is_written_down_before_they_do() {
    let shell = a_day();
    std::fs::create_dir_all(shell.file("recordings/2026/11/23")).expect("a folder");
    std::fs::write(shell.file("recordings/2026/11/23/000042-1.wav"), b"RIFF").expect("a file");
    let copy = shell.file("copy.wav");
    let line = format!("tickets export 20261123-0001 {}", copy.display());
    assert!(shell.ok(&line).starts_with("ticket 20261123-0001 is in "));
    assert_eq!(std::fs::read(&copy).expect("the copy"), b"RIFF");
    assert!(shell.run(&line).unwrap_err().0.contains("exists"), "nothing is written over");
    shell.ok("tickets show 20261123-0001");
    shell.ok("calls show 42 --json");
    shell.ok("calls --csv");
    shell.ok("calls --json");
    shell.ok("hold set ticket 20261123-0001 --why 诉讼 --by 王芳");
    insta::assert_snapshot!(shell.ok("hold list"));
    shell.ok("hold lift 1 --why 结案");
    insta::assert_snapshot!(shell.ok("audit --csv").replace(['\u{feff}', '\r'], ""));
    let entries: serde_json::Value = serde_json::from_str(&shell.ok("audit --json --what held")).expect("JSON");
    assert_eq!((entries.as_array().map(Vec::len), &entries[0]["who"]), (Some(1), &"王芳".into()));
}
