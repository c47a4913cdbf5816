//! Lists and reports of a desk that has worked for two years, and calls that are written meanwhile (R42).
//!
//! `cargo bench --bench reports`: makes the database once under the temporary folder (`TMPDIR` chooses the disk; 900 MB), then
//! measures. Every figure is the time that a caller of the store waits, the database in the page cache.

mod fill;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Asia::Shanghai;
use frontdesk::desk::call_record::{CallRecord, Direction, Outcome, PathStep, RtpStats};
use frontdesk::desk::report::Step;
use frontdesk::desk::report::calls::CallRules;
use frontdesk::desk::request::{DeskRequest, RequestId};
use frontdesk::desk::ticket::{Class, Kind, Status, TicketDraft};
use frontdesk::store::{
    CallFilter, CallState, MessageFilter, Reader, ReportPeriod, Store, StoreError, StoreOptions, TicketFilter,
};
use frontdesk::types::CallId;

const PAGE: Option<u32> = Some(100);
const TRIES: usize = 15;

fn main() {
    let folder = std::env::temp_dir().join("frontdesk-bench-reports");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("frontdesk.db");
    let begun = Instant::now();
    fill::fill(&path);
    let megabytes = std::fs::metadata(&path).expect("it is there").len() / 1_000_000;
    println!("database: {megabytes} MB, ready after {:.1} s\n", begun.elapsed().as_secs_f64());
    let reader = Reader::open(&path).expect("it opens");
    println!("| what | median ms | slowest ms |\n|---|---|---|");
    lists(&reader);
    reports(&reader);
    drop(reader);
    writer_under_load(&path);
    start_up(&folder);
}

/// Measures one question several times, after one that warms up.
fn measure<T>(what: &str, mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    let mut answer = ask().expect("an answer");
    let mut times: Vec<Duration> = (0..TRIES)
        .map(|_| {
            let begun = Instant::now();
            answer = ask().expect("an answer");
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!("| {what} | {:.2} | {:.2} |", ms(times[TRIES / 2]), ms(times[TRIES - 1]));
    answer
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn lists(reader: &Reader) {
    let now = fill::now();
    let deep = Some(now - TimeDelta::days(fill::DAYS - 10));
    let calls = |what: &str, filter: CallFilter| {
        let filter = CallFilter { limit: PAGE, ..filter };
        let found = measure(what, || reader.calls(&filter)).len();
        assert!(found > 0, "{what}: nothing found");
    };
    let tickets = |what: &str, filter: TicketFilter| {
        let filter = TicketFilter { limit: PAGE, ..filter };
        let found = measure(what, || reader.tickets(&filter, now)).len();
        assert!(found > 0, "{what}: nothing found");
    };
    let messages = |what: &str, filter: MessageFilter| {
        let filter = MessageFilter { limit: PAGE, ..filter };
        let found = measure(what, || reader.messages(&filter)).len();
        assert!(found > 0, "{what}: nothing found");
    };
    let caller = || Some(format!("138{:08}", 77_u64.wrapping_mul(7_654_321) % 100_000_000));
    let ending = || caller().map(|number| number[7..].to_owned());
    calls("calls, first page", CallFilter::default());
    calls("calls, a page two years back", CallFilter { until: deep, ..CallFilter::default() });
    calls("calls of a caller", CallFilter { caller: caller(), ..CallFilter::default() });
    calls("calls of a number's last four digits", CallFilter { caller: ending(), ..CallFilter::default() });
    calls("calls that failed", CallFilter { outcome: Some(Outcome::Failed), ..CallFilter::default() });
    calls(
        "calls that failed, two years back",
        CallFilter { outcome: Some(Outcome::Failed), until: deep, ..CallFilter::default() },
    );
    calls("calls that ended", CallFilter { state: Some(CallState::Ended), ..CallFilter::default() });
    calls("outgoing calls", CallFilter { direction: Some(Direction::Out), ..CallFilter::default() });
    let handler = || Some("201".to_owned());
    let through = |node: &str| Some(node.to_owned());
    calls("calls that came to a person", CallFilter { handler: handler(), ..CallFilter::default() });
    calls("calls through a node", CallFilter { through: through("complaint"), ..CallFilter::default() });
    calls(
        "calls through a node, two years back",
        CallFilter { through: through("complaint"), until: deep, ..CallFilter::default() },
    );
    calls(
        "calls through a node that failed",
        CallFilter { through: through("emergency"), outcome: Some(Outcome::Failed), ..CallFilter::default() },
    );
    calls(
        "calls through a node that came to a person",
        CallFilter { through: through("reception"), handler: handler(), ..CallFilter::default() },
    );
    measure("calls through a node to somebody who took none", || {
        reader.calls(&CallFilter {
            through: through("main"),
            handler: Some("999".to_owned()),
            limit: PAGE,
            ..CallFilter::default()
        })
    });
    measure("calls through a node that were rejected, of which there are none", || {
        reader.calls(&CallFilter {
            through: through("reception"),
            outcome: Some(Outcome::Rejected),
            limit: PAGE,
            ..CallFilter::default()
        })
    });
    measure("calls that came to a person and were rejected", || {
        reader.calls(&CallFilter {
            handler: handler(),
            outcome: Some(Outcome::Rejected),
            limit: PAGE,
            ..CallFilter::default()
        })
    });
    measure("calls that came to a person, through a node that none of theirs went through", || {
        reader.calls(&CallFilter {
            through: through("no such node"),
            handler: handler(),
            limit: PAGE,
            ..CallFilter::default()
        })
    });
    measure("live calls", || {
        reader.calls(&CallFilter { state: Some(CallState::Live), limit: PAGE, ..CallFilter::default() })
    });
    tickets("tickets, first page", TicketFilter::default());
    tickets("tickets, a page two years back", TicketFilter { until: deep, ..TicketFilter::default() });
    tickets("tickets of a caller", TicketFilter { caller: caller(), ..TicketFilter::default() });
    tickets("tickets of a number's last four digits", TicketFilter { caller: ending(), ..TicketFilter::default() });
    tickets("open tickets", TicketFilter { status: Some(Status::Open), ..TicketFilter::default() });
    tickets("closed tickets", TicketFilter { status: Some(Status::Closed), ..TicketFilter::default() });
    tickets("overdue tickets", TicketFilter { overdue: true, ..TicketFilter::default() });
    tickets("incomplete tickets", TicketFilter { incomplete: Some(true), ..TicketFilter::default() });
    tickets("tickets of an owner", TicketFilter { owner: Some("202".into()), ..TicketFilter::default() });
    tickets(
        "open tickets of an owner",
        TicketFilter { owner: Some("202".into()), status: Some(Status::Open), ..TicketFilter::default() },
    );
    tickets("complaints", TicketFilter { kind: Some(Kind::Complaint), ..TicketFilter::default() });
    tickets(
        "open complaints, two years back",
        TicketFilter {
            kind: Some(Kind::Complaint),
            status: Some(Status::Open),
            until: deep,
            ..TicketFilter::default()
        },
    );
    messages("messages, first page", MessageFilter::default());
    messages("messages for a person", MessageFilter { for_person: Some("202".into()), ..MessageFilter::default() });
    messages("unconfirmed messages", MessageFilter { unconfirmed: true, ..MessageFilter::default() });
    messages("messages of a number's last four digits", MessageFilter { caller: ending(), ..MessageFilter::default() });
}

/// The last whole month, and the first.
fn months() -> [(&'static str, ReportPeriod); 2] {
    let at = |text: &str| Some(text.parse::<DateTime<Utc>>().expect("a time"));
    let last = ReportPeriod { since: at("2026-09-30T16:00:00Z"), until: at("2026-10-31T16:00:00Z") };
    let first = ReportPeriod { since: at("2024-11-30T16:00:00Z"), until: at("2024-12-31T16:00:00Z") };
    [("last month", last), ("two years back", first)]
}

fn reports(reader: &Reader) {
    let now = fill::now();
    for (when, period) in months() {
        let rules = CallRules { step: Step::Hour, ..CallRules::default() };
        let report =
            measure(&format!("report of calls, {when}, by hour"), || reader.calls_report(period, rules, Shanghai));
        assert!(report.totals.offered > 30_000, "{}", report.totals.offered);
        let report =
            measure(&format!("report of tickets, {when}"), || reader.tickets_report(period, Step::Day, Shanghai, now));
        assert!(report.totals.opened > 8_000 && report.first_call.closed > 1_000, "{report:?}");
        let report = measure(&format!("report of satisfaction, {when}"), || {
            reader.satisfaction_report(period, Step::Day, Shanghai)
        });
        assert!(report.totals.calls.calls > 1_000);
        let report =
            measure(&format!("report of messages, {when}"), || reader.messages_report(period, Step::Day, Shanghai));
        assert!(report.totals.left > 1_000);
    }
    let year = ReportPeriod { since: Some(now - TimeDelta::days(365)), until: None };
    let rules = CallRules { step: Step::Month, ..CallRules::default() };
    measure("report of calls, a year by month", || reader.calls_report(year, rules, Shanghai));
    measure("report of tickets, a year by month", || reader.tickets_report(year, Step::Month, Shanghai, now));
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    ms(times[(times.len() * percent).div_ceil(100).max(1) - 1])
}

/// 50 calls begin, are answered and end each second, and a ticket is opened ten times a second, while one thread asks for
/// the reports of a month and pages of lists without pause.
fn writer_under_load(path: &Path) {
    let (tell, replies) = channel();
    let (store, _) = Store::open(StoreOptions::new(path, Shanghai), Box::new(move |reply| drop(tell.send(reply))))
        .expect("it opens");
    let stop = Arc::new(AtomicBool::new(false));
    let asker = std::thread::spawn({
        let (stop, path) = (Arc::clone(&stop), path.to_owned());
        move || ask_without_pause(&path, &stop)
    });
    let (mut submits, mut commits) = (Vec::new(), Vec::new());
    let first = fill::CALLS + 1 + Utc::now().timestamp();
    for round in 0..1_000_i64 {
        let next = Instant::now() + Duration::from_millis(20);
        let records: Vec<_> =
            (0..3_u8).map(|stage| Box::new(call(first + round - i64::from(stage) * 50, stage))).collect();
        for record in records {
            let (id, begun) = (record.id, Instant::now());
            store.submit(id, record.started_at, DeskRequest::PutCall(record)).expect("there is room");
            submits.push(begun.elapsed());
        }
        if round % 5 == 0 {
            let begun = Instant::now();
            store.submit(CallId(first), fill::now(), ticket(round as u32)).expect("there is room");
            replies.recv().expect("a reply").result.expect("a ticket");
            commits.push(begun.elapsed());
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    stop.store(true, Ordering::Relaxed);
    let asked = asker.join().expect("no panic");
    assert_eq!(store.shutdown(), 0);
    println!("\n| while {asked} reports and pages were read | p50 ms | p99 ms | slowest ms |\n|---|---|---|---|");
    for (what, times) in [("a call's row is handed over", &mut submits), ("a ticket is on disk", &mut commits)] {
        let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(times, percent));
        println!("| {what} ({}) | {p50:.3} | {p99:.3} | {max:.3} |", times.len());
    }
}

fn ask_without_pause(path: &Path, stop: &AtomicBool) -> u64 {
    let reader = Reader::open(path).expect("it opens");
    let (now, [(_, period), _]) = (fill::now(), months());
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        reader.calls_report(period, CallRules::default(), Shanghai).expect("an answer");
        reader.tickets_report(period, Step::Day, Shanghai, now).expect("an answer");
        reader.satisfaction_report(period, Step::Day, Shanghai).expect("an answer");
        reader.messages_report(period, Step::Day, Shanghai).expect("an answer");
        reader.calls(&CallFilter { limit: PAGE, ..CallFilter::default() }).expect("an answer");
        reader
            .tickets(&TicketFilter { limit: PAGE, overdue: true, ..TicketFilter::default() }, now)
            .expect("an answer");
        asked += 6;
    }
    asked
}

fn ticket(n: u32) -> DeskRequest {
    let draft = TicketDraft {
        kind: Kind::Repair,
        class: Class::B,
        urgency: None,
        category: Some("burst_pipe".into()),
        caller: Some("13800138000".into()),
        call: CallId(1),
        language: None,
    };
    DeskRequest::OpenTicket { id: RequestId(n), draft }
}

fn call(id: i64, stage: u8) -> CallRecord {
    let now = fill::now() + TimeDelta::milliseconds(id % 1_000_000);
    let step = |at_ms, node: &str| PathStep { at_ms, node: node.into(), input: Some("1".into()) };
    CallRecord {
        id: CallId(id),
        direction: Direction::In,
        caller: Some(format!("138{:08}", id.wrapping_mul(7_654_321) % 100_000_000)),
        caller_name: Some("张伟".into()),
        callee: "desk".into(),
        started_at: now,
        answered_at: (stage > 0).then_some(now),
        ended_at: (stage > 1).then_some(now + TimeDelta::seconds(60)),
        answer_ms: (stage > 0).then_some(5),
        answer_rings: (stage > 0).then_some(1),
        outcome: (stage > 1).then_some(Outcome::Completed),
        path: if stage > 1 { vec![step(0, "main"), step(4_000, "inquiry")] } else { vec![] },
        handled_by: None,
        trunk: Some("carrier".into()),
        diverted_from: None,
        legs: vec![],
        tickets: vec![],
        messages: vec![],
        recording: None,
        codec: None,
        rtp: RtpStats::default(),
        end_reason: (stage > 1).then(|| "caller_hung_up".into()),
        sip_call_id: format!("{id:016x}@192.0.2.1"),
    }
}

/// From the program's start to the line that answers.
fn start_up(folder: &Path) {
    let config = folder.join("frontdesk.toml");
    std::fs::write(&config, "[sip]\nlisten = [\"udp:127.0.0.1:0\"]\n[console]\nlisten = \"127.0.0.1:0\"\n")
        .expect("it is writable");
    let mut times: Vec<Duration> = (0..5).map(|_| one_start(folder, &config)).collect();
    println!(
        "\nthe daemon is ready {:.0} ms (median of 5) after its start, {:.0} ms at the slowest",
        percentile(&mut times, 50),
        percentile(&mut times, 100)
    );
}

fn one_start(folder: &Path, config: &PathBuf) -> Duration {
    use std::io::{BufRead, BufReader};
    let begun = Instant::now();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .arg("serve")
        .arg("--config")
        .arg(config)
        .arg("--data")
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut ready = String::new();
    BufReader::new(daemon.stdout.take().expect("it is piped")).read_line(&mut ready).expect("text");
    let took = begun.elapsed();
    assert!(ready.starts_with("ready "), "{ready}");
    let pid = rustix::process::Pid::from_child(&daemon);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    daemon.wait().expect("it ends");
    took
}
