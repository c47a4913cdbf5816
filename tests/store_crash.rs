//! What the store promised is there after the process was killed, and after a disk refused to take more.
//!
//! Each test runs itself again as a child process that does the writing, told by an environment variable.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};

use frontdesk::desk::call_record::{CallRecord, Outcome, RtpStats};
use frontdesk::desk::request::{DeskRequest, Done, RequestId};
use frontdesk::desk::ticket::{Class, Kind, TicketDraft};
use frontdesk::store::{CallFilter, Opened, Reader, Store, StoreOptions, TicketFilter};
use frontdesk::types::{CallId, TicketNumber};

const FOLDER: &str = "FRONTDESK_STORE_TEST_FOLDER";
const SHANGHAI: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

#[test]
fn r9_every_reply_that_was_given_is_on_disk_after_a_kill() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        open_tickets_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = again("r9_every_reply_that_was_given_is_on_disk_after_a_kill", folder.path());
    let lines = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut promised: Vec<TicketNumber> = Vec::new();
    for line in lines.lines() {
        let line = line.expect("text");
        if let Some(number) = line.strip_prefix("promised ") {
            promised.push(TicketNumber(number.to_owned()));
        }
        // The child is killed in the middle of its work; what it still said before that counts, too.
        if promised.len() == 300 {
            child.kill().expect("it lives");
        }
    }
    let status = child.wait().expect("it has ended");
    assert_eq!(status.signal(), Some(9), "it was killed: {status}");
    assert!(promised.len() >= 300);

    let (store, opened) = open(folder.path());
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("readable");
    for number in &promised {
        let ticket = reader.ticket(number, noon()).expect("readable").expect("a number that was told exists");
        assert!(ticket.incomplete && ticket.due.contains_key("reply"), "{ticket:?}");
    }
    assert!(!opened.interrupted.is_empty());
    for call in reader.calls(&CallFilter::default()).expect("readable") {
        assert_eq!(call.end_reason.as_deref(), Some("interrupted"), "no call stays open for ever");
        let outcome = if call.tickets.is_empty() { Outcome::Failed } else { Outcome::Ticket };
        assert_eq!(call.outcome, Some(outcome), "what is known of it: {call:?}");
    }
    assert_eq!(store.shutdown(), 0);
}

#[test]
fn a_disk_that_takes_no_more_loses_no_call_and_no_promise() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_into_a_limit(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = again("a_disk_that_takes_no_more_loses_no_call_and_no_promise", folder.path());
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it has ended").code(), Some(0), "{said}");
    let told: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("promised ")).collect();
    assert!(said.contains("refused") && !told.is_empty(), "{said}");

    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("readable");
    let tickets = reader.tickets(&TicketFilter::default(), noon()).expect("readable");
    assert_eq!(tickets.len(), told.len(), "what was refused is not there, what was promised is");
    assert_eq!(reader.calls(&CallFilter::default()).expect("readable").len(), 200);
}

/// The child of the first test: promises tickets until it is killed.
fn open_tickets_for_ever(folder: &Path) -> ! {
    let (store, _opened) = open(folder);
    for n in 1.. {
        store.submit(CallId(n), noon(), DeskRequest::PutCall(Box::new(call(n, false)))).expect("there is room");
        while ask(&store, n).is_err() {
            std::thread::yield_now();
        }
    }
    unreachable!("it is killed before")
}

/// The child of the second test: no file of it may grow beyond a limit, as on a full disk, until the limit is lifted.
fn write_into_a_limit(folder: &Path) -> ! {
    let (tell, replies) = std::sync::mpsc::channel();
    let mut options = StoreOptions::new(folder.join("frontdesk.db"), SHANGHAI);
    options.retry = Duration::from_millis(5);
    let (store, _) = Store::open(options, Box::new(move |reply| drop(tell.send(reply)))).expect("it opens");
    limit_file_size(256 * 1024);
    let mut refused = 0;
    for n in 1..=200 {
        store.submit(CallId(n), noon(), DeskRequest::PutCall(Box::new(call(n, true)))).expect("there is room");
        ask(&store, n).expect("there is room");
        match replies.recv_timeout(Duration::from_secs(60)).expect("a reply").result {
            Ok(Done::TicketOpened(number)) => eprintln!("promised {number}"),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => {
                refused += 1;
                eprintln!("refused: {fault}");
            }
        }
        if n == 150 {
            assert!(refused > 0, "the limit was reached");
            assert!(store.counters().failing);
            limit_file_size(libc::RLIM_INFINITY);
        }
    }
    assert_eq!(store.shutdown(), 0, "the rows that were kept are written");
    std::process::exit(0)
}

fn ask(store: &Store, n: i64) -> Result<(), frontdesk::desk::request::DeskError> {
    let draft = TicketDraft {
        kind: Kind::Inquiry,
        class: Class::D,
        urgency: None,
        category: None,
        caller: Some("13800138000".into()),
        call: CallId(n),
        language: None,
    };
    store.submit(CallId(n), noon(), DeskRequest::OpenTicket { id: RequestId(1), draft })
}

fn limit_file_size(bytes: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls take plain values and a pointer to a local that outlives them. A write beyond the limit is then
    // an error (EFBIG) instead of a signal.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

/// Starts one test of this binary again, with the folder to write into.
fn again(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// Opens the store, saying each promise on stderr.
fn open(folder: &Path) -> (Store, Opened) {
    let options = StoreOptions::new(folder.join("frontdesk.db"), SHANGHAI);
    let reply = Box::new(|reply: frontdesk::desk::request::DeskReply| {
        if let Ok(Done::TicketOpened(number)) = reply.result {
            // In one write, so that the kill never leaves half a number.
            let line = format!("promised {number}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("the parent listens");
        }
    });
    Store::open(options, reply).expect("it opens")
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().expect("a time")
}

fn call(id: i64, ended: bool) -> CallRecord {
    CallRecord {
        direction: frontdesk::desk::call_record::Direction::In,
        id: CallId(id),
        caller: Some("13800138000".into()),
        caller_name: None,
        callee: "desk".into(),
        started_at: noon(),
        answered_at: Some(noon()),
        ended_at: ended.then(noon),
        answer_ms: Some(0),
        answer_rings: Some(1),
        outcome: ended.then_some(Outcome::Completed),
        path: vec![],
        handled_by: None,
        trunk: None,
        diverted_from: None,
        legs: vec![],
        tickets: vec![],
        messages: vec![],
        recording: None,
        codec: None,
        rtp: RtpStats::default(),
        end_reason: None,
        sip_call_id: format!("{id}@test"),
    }
}
