//! Reports from rows as the daemon writes them, and how SQLite finds the rows of lists and reports.

use rusqlite::params_from_iter;

use super::*;
use crate::desk::call_record::{LegEnd, LegRecord};
use crate::desk::report::Step;
use crate::desk::report::calls::CallRules;
use crate::desk::ticket::Status;
use crate::store::filter::{Clause, Place};
use crate::store::{call_rows, connection, message_rows, report_rows, ticket_reads};

fn leg(at_ms: u64, ring_ms: u64, talk_ms: Option<u64>) -> LegRecord {
    LegRecord {
        leg: 1,
        extension: "201".into(),
        place: "sip:201@desk".into(),
        at_ms,
        ring_ms,
        talk_ms,
        end: Some(if talk_ms.is_some() { LegEnd::Talked } else { LegEnd::NoAnswer }),
        status: None,
        codec: None,
        rtp: RtpStats::default(),
    }
}

fn step(at_ms: u64, node: &str, input: Option<&str>) -> PathStep {
    PathStep { at_ms, node: node.into(), input: input.map(Into::into) }
}

#[test]
fn what_reports_need_of_a_call_is_kept_with_its_row() {
    let desk = Desk::open();
    let path = vec![
        step(0, "welcome", None),
        step(10, "main", Some("8")),
        step(20, "language", None),
        step(30, "main", Some("4")),
        step(40, "person", None),
        step(50, "confirm", Some("1")),
    ];
    let led = CallRecord { legs: vec![leg(5_000, 20_000, None), leg(5_500, 9_000, Some(3_000))], path, ..ended(1) };
    // Who calls back after the caller is gone is not whom they reached.
    let gone = CallRecord { legs: vec![leg(5_000, 10, None), leg(400_000, 9_000, Some(3_000))], ..ended(2) };
    for record in [led.clone(), gone.clone(), CallRecord { direction: Direction::Out, ..ended(3) }] {
        desk.put(&record);
    }
    assert_eq!((led.sought_ms(), led.person_ms(), led.branch()), (Some(5_000), Some(14_500), Some("person")));
    assert_eq!((gone.sought_ms(), gone.person_ms()), (Some(5_000), None));
    let folder = desk.closed();
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("it opens");
    let report = reader.calls_report(ReportPeriod::default(), CallRules::default(), SHANGHAI).expect("a report");
    let people = &report.totals.people;
    assert_eq!((report.totals.offered, report.outgoing.made), (2, 1));
    assert_eq!((people.sought, people.reached, people.mean_wait_ms), (2, 1, Some(9_500)));
    assert!(report.branches.iter().any(|branch| branch.name == "person" && branch.figures.offered == 1));
    let none = ReportPeriod { since: Some(led.started_at + TimeDelta::hours(1)), until: None };
    assert_eq!(reader.calls_report(none, CallRules::default(), SHANGHAI).expect("a report").totals.offered, 0);
}

/// A call's id and what reports need of it.
type Kept = (i64, Option<i64>, Option<i64>, Option<String>);

/// The step to this form finds the same in the JSON of rows that were there before.
#[test]
fn rows_of_older_forms_get_what_reports_need() {
    let records = [
        CallRecord {
            legs: vec![leg(5_000, 20_000, None), leg(5_500, 9_000, Some(3_000)), leg(6_000, 1, Some(9))],
            path: vec![
                step(0, "main", Some("8")),
                step(1, "language", None),
                step(2, "main", Some("4")),
                step(3, "who", None),
            ],
            ..ended(1)
        },
        CallRecord { legs: vec![leg(5_000, 10, None), leg(400_000, 9_000, Some(3_000))], ..ended(2) },
        CallRecord { legs: vec![], path: vec![step(0, "main", None), step(9, "by-hand", None)], ..ended(3) },
        CallRecord { path: vec![step(0, "main", Some("1"))], ..call(4) },
        CallRecord { path: vec![], ..call(5) },
    ];
    let desk = Desk::open();
    records.iter().for_each(|record| desk.put(record));
    let folder = desk.closed();
    let db = rusqlite::Connection::open(folder.path().join("frontdesk.db")).expect("it opens");
    let sql = super::super::schema::MIGRATIONS.iter().find(|m| m.name == "0019_reports.sql").expect("it is there").sql;
    let kept = || -> Vec<Kept> {
        let mut statement = db.prepare("SELECT id, sought_ms, person_ms, branch FROM calls ORDER BY id").expect("SQL");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    };
    let by_the_writer = kept();
    db.execute_batch("UPDATE calls SET sought_ms = NULL, person_ms = NULL, branch = NULL").expect("SQL");
    let whole = |(at, _): (usize, &str)| sql[at..].split_inclusive(";\n").next().expect("it ends");
    let updates: Vec<&str> = sql.match_indices("UPDATE calls SET").map(whole).collect();
    assert_eq!(updates.len(), 2);
    updates.iter().for_each(|update| db.execute_batch(update).expect("SQL"));
    assert_eq!(kept(), by_the_writer);
    assert!(by_the_writer.iter().any(|(_, sought, person, _)| sought.is_some() && person.is_some()));
    // What is no JSON harms nothing.
    db.execute_batch("UPDATE calls SET legs = '{', path = 'x' WHERE id = 1").expect("SQL");
    updates.iter().for_each(|update| db.execute_batch(update).expect("SQL"));
}

/// `EXPLAIN QUERY PLAN`, one line each.
pub(super) fn plan(db: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("SQL");
    let values = vec![0; statement.parameter_count()];
    let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// A whole table or index is read, or everything is found first and then sorted.
pub(super) fn is_slow(line: &str) -> bool {
    let scans = line.starts_with("SCAN")
        && !line.contains("USING")
        && !line.contains("CONSTANT")
        && !line.starts_with("SCAN (subquery");
    scans || line == "USE TEMP B-TREE FOR ORDER BY"
}

#[test]
fn no_list_reads_a_whole_table_or_sorts_it() {
    let folder = Desk::open().closed();
    let db = connection::for_reading(&folder.path().join("frontdesk.db")).expect("it opens");
    let at = noon();
    let mut faults = Vec::new();
    let mut look = |what: &str, table: &str, columns: &str, order: &str, mut clause: Clause| {
        // The next page begins behind the last row of this one.
        clause.beyond(order, Some(Place { at, id: 7 }));
        let rest = clause.sql(&format!("{order} DESC, id DESC"), Some(100), 0);
        let lines = plan(&db, &format!("SELECT {columns} FROM {table} {rest}"));
        // What is overdue is found first: it is little of what is open.
        let found_first =
            what.starts_with("overdue") && lines.iter().any(|line| line.contains("ticket_clocks_running"));
        if lines.iter().any(|line| is_slow(line)) && !found_first {
            faults.push(format!("{what}: {}", lines.join("; ")));
        }
    };
    let mut calls =
        |what, filter: CallFilter| look(what, "calls", call_rows::COLUMNS, "started_at_ms", filter.clause());
    calls("all", CallFilter::default());
    calls("of a day", CallFilter { since: Some(at), until: Some(at), ..CallFilter::default() });
    calls("of a caller", CallFilter { caller: Some("13800138000".into()), ..CallFilter::default() });
    calls("of last digits", CallFilter { caller: Some("8000".into()), ..CallFilter::default() });
    calls("of a short number", CallFilter { caller: Some("201".into()), ..CallFilter::default() });
    calls("failed", CallFilter { outcome: Some(Outcome::Failed), ..CallFilter::default() });
    calls("outgoing", CallFilter { direction: Some(Direction::Out), ..CallFilter::default() });
    calls("ended", CallFilter { state: Some(CallState::Ended), ..CallFilter::default() });
    let mut tickets =
        |what, filter: TicketFilter| look(what, "tickets", ticket_reads::COLUMNS, "opened_at_ms", filter.clause(at));
    tickets("all tickets", TicketFilter::default());
    tickets("tickets of a caller", TicketFilter { caller: Some("13800138000".into()), ..TicketFilter::default() });
    tickets("open tickets", TicketFilter { status: Some(Status::Open), ..TicketFilter::default() });
    tickets("tickets of an owner", TicketFilter { owner: Some("201".into()), ..TicketFilter::default() });
    tickets("complaints", TicketFilter { kind: Some(Kind::Complaint), ..TicketFilter::default() });
    tickets("incomplete tickets", TicketFilter { incomplete: Some(true), ..TicketFilter::default() });
    tickets("overdue tickets", TicketFilter { overdue: true, ..TicketFilter::default() });
    let mut messages =
        |what, filter: MessageFilter| look(what, "messages", message_rows::COLUMNS, "left_at_ms", filter.clause());
    messages("all messages", MessageFilter::default());
    messages("for a person", MessageFilter { for_person: Some("201".into()), ..MessageFilter::default() });
    messages("unconfirmed", MessageFilter { unconfirmed: true, ..MessageFilter::default() });
    messages("from a number", MessageFilter { caller: Some("13800138000".into()), ..MessageFilter::default() });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_report_reads_a_whole_table() {
    let folder = Desk::open().closed();
    let db = connection::for_reading(&folder.path().join("frontdesk.db")).expect("it opens");
    for (what, sql) in report_rows::QUERIES {
        let lines = plan(&db, sql);
        assert!(!lines.is_empty() && !lines.iter().any(|line| is_slow(line)), "{what}: {}", lines.join("; "));
    }
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("it opens");
    let all = ReportPeriod::default();
    assert_eq!(reader.tickets_report(all, Step::Day, SHANGHAI, noon()).expect("a report").totals.opened, 0);
    assert_eq!(reader.satisfaction_report(all, Step::Day, SHANGHAI).expect("a report").rows, []);
    assert_eq!(reader.messages_report(all, Step::Day, SHANGHAI).expect("a report").rows, []);
}

/// A promise that was broken stays broken in the figures, whatever was promised after it (R36, R42).
#[test]
fn a_clock_that_was_over_before_it_was_promised_anew_is_not_counted_as_kept() {
    use super::work::{minutes, nobody};
    let desk = Desk::open();
    let complaint = crate::desk::ticket_edit::HandTicket::new(Kind::Complaint, crate::desk::ticket::Channel::Letter);
    let number = desk.by_hand(&complaint);
    let day = 24 * 60;
    desk.clerk().look(minutes(day + 1), &nobody()).expect("it looks");
    let told = crate::desk::ticket_edit::Progress { note: "parts".into(), until: Some(minutes(3 * day)) };
    desk.editor().progress(&number, "王芳", minutes(day + 2), &told).expect("it is noted");
    desk.editor().meet_clock(&number, "王芳", minutes(2 * day), "reply").expect("they were answered");
    let all = ReportPeriod::default();
    let report = desk.reader().tickets_report(all, Step::Day, SHANGHAI, minutes(2 * day)).expect("a report");
    let reply = report.clocks.iter().find(|clock| clock.clock == "reply").expect("it is counted");
    assert_eq!((reply.figures.counts.kept, reply.figures.counts.breached), (0, 1));
}

/// A message is escalated when others had to be told, however it ended; who is told that theirs has arrived is its caller.
#[test]
fn a_message_that_others_had_to_be_told_of_is_counted_so_and_no_other() {
    let mut desk = Desk::open();
    let messages: Vec<_> =
        ["201", "202"].iter().map(|person| leave(&mut desk, person, "13800138000", noon())).collect();
    let connection = rusqlite::Connection::open(desk.path()).expect("it opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("it may wait");
    let errand = |message: MessageId, kind: &str, to: &str| {
        let sql = format!(
            "INSERT INTO errands (kind, {to}, message, not_before_ms, state, created_at_ms)
             VALUES ('{kind}', '801', {}, 1, 'ended', 1)",
            message.0
        );
        connection.execute(&sql, []).expect("it is kept");
    };
    // The first is passed on at once, and its caller is told; the second goes to the supervisor, who confirms it.
    errand(messages[0], "relay", "to_extension");
    connection.execute("UPDATE errands SET to_extension = '201'", []).expect("it is kept");
    errand(messages[0], "notice", "to_number");
    errand(messages[1], "relay", "to_extension");
    for message in &messages {
        desk.editor().confirm(*message, "201", noon()).expect("it is kept");
    }
    let report = desk.reader().messages_report(ReportPeriod::default(), Step::Day, SHANGHAI).expect("a report");
    let people: Vec<_> = report.people.iter().map(|p| (&*p.name, p.figures.confirmed, p.figures.escalated)).collect();
    assert_eq!(people, [("201", 1, 0), ("202", 1, 1)]);
}

#[test]
fn what_goes_by_age_is_found_without_reading_a_whole_table() {
    let folder = Desk::open().closed();
    let db = connection::for_reading(&folder.path().join("frontdesk.db")).expect("it opens");
    for sql in crate::store::due_recordings::queries() {
        let lines = plan(&db, &sql);
        // Holds are few.
        let reads_all = |line: &&String| line.starts_with("SCAN") && !line.contains("holds") && !line.contains(" h ");
        let slow: Vec<_> = lines.iter().filter(|line| is_slow(line) || reads_all(line)).collect();
        let slow: Vec<_> =
            slow.into_iter().filter(|line| !line.contains("CONSTANT") && !line.contains("subquery")).collect();
        assert!(lines.len() > 3 && slow.is_empty(), "{slow:?}: {}", lines.join("; "));
    }
}
