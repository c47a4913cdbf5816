//! The store on real files, through its public face. `work`: tickets on their way; `seen_through`: what the desk does by
//! itself over hours and days; `shifts`: handovers and the journal; `privacy`: age, holds,
//! audit; `notifications`: the outbox; `reports`: what they are made of, and how rows are found.

mod accounts;
mod board;
mod call_log;
mod clocks;
mod errands;
mod notifications;
mod privacy;
mod reports;
mod seen_through;
mod shifts;
mod work;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::backup::copy_database;
use super::*;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::ban::Ban;
use crate::desk::call_back::{CallBackState, CallBackWord};
use crate::desk::call_record::{Direction, Outcome, PathStep, RtpStats};
use crate::desk::ladder::{CallLadder, LadderMessage};
use crate::desk::message::{Attempt, MessageChange, MessageDraft, Relay};
use crate::desk::presence::{Notice, Whereabouts};
use crate::desk::request::{Done, RequestId};
use crate::desk::ticket::{Class, Kind, Ticket, TicketChange, TicketDraft, Urgency};
use crate::desk::ticket_edit::{Closing, TicketEdit};
use crate::desk::workflow::Advance;
use crate::types::{Codec, MessageId, RecordingId, TicketNumber};

const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;
/// How long a test waits for what must come; it only passes when the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

struct Desk {
    folder: TempDir,
    store: Store,
    replies: Receiver<DeskReply>,
    opened: Opened,
    asked: u32,
}

impl Desk {
    fn open() -> Self {
        Self::open_in(tempfile::tempdir().expect("a folder"), |_| {})
    }

    fn open_in(folder: TempDir, adjust: impl FnOnce(&mut StoreOptions)) -> Self {
        let mut options = StoreOptions::new(folder.path().join("frontdesk.db"), SHANGHAI);
        options.gather = Duration::from_millis(1);
        options.retry = Duration::from_millis(5);
        adjust(&mut options);
        let (tell, replies) = channel();
        let reply = Box::new(move |reply| drop(tell.send(reply)));
        let (store, opened) = Store::open(options, reply).expect("the store opens");
        Self { folder, store, replies, opened, asked: 0 }
    }

    /// Ends this run in good order, and begins another one.
    fn again(self) -> Self {
        assert_eq!(self.store.shutdown(), 0);
        Self::open_in(self.folder, |_| {})
    }

    /// Ends this run in good order: everything is written.
    fn closed(self) -> TempDir {
        assert_eq!(self.store.shutdown(), 0);
        self.folder
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("frontdesk.db")
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path()).expect("the reader opens")
    }

    fn editor(&self) -> Editor {
        Editor::open(&self.path()).expect("the editor opens")
    }

    fn put(&self, record: &CallRecord) {
        let at = record.ended_at.or(record.answered_at).unwrap_or(record.started_at);
        self.store.submit(record.id, at, DeskRequest::PutCall(Box::new(record.clone()))).expect("there is room");
    }

    fn ask(&mut self, at: DateTime<Utc>, make: impl FnOnce(RequestId) -> DeskRequest) -> Result<Done, DeskError> {
        self.asked += 1;
        let id = RequestId(self.asked);
        self.store.submit(CallId(1), at, make(id))?;
        let reply = self.replies.recv_timeout(DEADLINE).expect("every request is replied to");
        assert_eq!((reply.call, reply.id), (CallId(1), id));
        reply.result
    }

    fn open_ticket(&mut self, at: DateTime<Utc>, draft: TicketDraft) -> TicketNumber {
        match self.ask(at, |id| DeskRequest::OpenTicket { id, draft }) {
            Ok(Done::TicketOpened(number)) => number,
            other => panic!("{other:?}"),
        }
    }

    fn change(&mut self, at: DateTime<Utc>, number: &TicketNumber, change: TicketChange) -> Result<Done, DeskError> {
        self.ask(at, |id| DeskRequest::ChangeTicket { id, number: number.clone(), change })
    }

    fn ticket(&self, number: &TicketNumber, now: DateTime<Utc>) -> Ticket {
        self.reader().ticket(number, now).expect("readable").expect("the ticket is there")
    }

    /// Waits until a condition on the counters holds.
    fn until(&self, what: &str, holds: impl Fn(&StoreCounters) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(&self.store.counters()) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.store.counters());
            std::thread::yield_now();
        }
    }

    fn written(&self) {
        self.until("everything is written", |c| c.calls_waiting == 0 && !c.failing);
        // The counter of waiting rows falls as they are taken: what a later request's reply says is on disk comes after.
        self.store
            .submit(
                CallId(1),
                noon(),
                DeskRequest::ChangeMessage {
                    id: RequestId(0),
                    message: MessageId(-1),
                    change: MessageChange::default(),
                },
            )
            .expect("there is room");
        self.replies.recv_timeout(DEADLINE).expect("a reply");
    }
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().expect("a time")
}

fn call(id: i64) -> CallRecord {
    CallRecord {
        direction: Direction::In,
        id: CallId(id),
        caller: Some("13800138000".into()),
        caller_name: Some("张伟".into()),
        callee: "desk".into(),
        started_at: noon(),
        answered_at: None,
        ended_at: None,
        answer_ms: None,
        answer_rings: None,
        outcome: None,
        path: vec![],
        handled_by: None,
        legs: vec![],
        trunk: None,
        diverted_from: None,
        tickets: vec![],
        messages: vec![],
        recording: None,
        codec: None,
        rtp: RtpStats::default(),
        end_reason: None,
        sip_call_id: format!("{id}@test"),
    }
}

fn ended(id: i64) -> CallRecord {
    CallRecord {
        answered_at: Some(noon() + TimeDelta::milliseconds(12)),
        ended_at: Some(noon() + TimeDelta::seconds(30)),
        answer_ms: Some(12),
        answer_rings: Some(1),
        outcome: Some(Outcome::Completed),
        path: vec![
            PathStep { at_ms: 0, node: "greeting".into(), input: None },
            PathStep { at_ms: 4_200, node: "main".into(), input: Some("1".into()) },
        ],
        handled_by: Some("201".into()),
        messages: vec![MessageId(3)],
        recording: Some(RecordingId("2026/11/23/000001-1.wav".into())),
        codec: Some(Codec::Pcma),
        rtp: RtpStats { sent: 1500, received: 1490, lost: 10, jitter_ms: 2.5, mos: Some(4.1) },
        end_reason: Some("caller_hung_up".into()),
        ..call(id)
    }
}

fn draft(kind: Kind, urgency: Option<Urgency>) -> TicketDraft {
    TicketDraft {
        kind,
        class: match kind {
            Kind::Repair => Class::B,
            Kind::Complaint => Class::C,
            Kind::Inquiry | Kind::Help => Class::D,
        },
        urgency,
        category: None,
        caller: Some("13800138000".into()),
        call: CallId(1),
        language: None,
    }
}

fn complete() -> TicketChange {
    TicketChange { complete: Some(true), ..TicketChange::default() }
}

#[test]
fn a_call_is_read_as_it_was_put_and_the_last_one_counts() {
    let desk = Desk::open();
    desk.put(&call(1));
    desk.written();
    assert_eq!(desk.reader().call(CallId(1)).unwrap(), Some(call(1)));
    desk.put(&ended(1));
    desk.written();
    assert_eq!(desk.reader().call(CallId(1)).unwrap(), Some(ended(1)));
    assert_eq!(desk.reader().call(CallId(2)).unwrap(), None);
}

#[test]
fn ten_thousand_calls_of_three_rows_each_are_all_there() {
    let desk = Desk::open();
    for id in 1..=10_000 {
        desk.put(&call(id));
        desk.put(&CallRecord { answered_at: Some(noon()), ..call(id) });
        desk.put(&ended(id));
    }
    desk.written();
    let calls = desk.reader().calls(&CallFilter::default()).unwrap();
    assert_eq!(calls.len(), 10_000);
    assert!(calls.iter().all(|c| *c == ended(c.id.0)));
    let counters = desk.store.counters();
    assert_eq!(counters.calls_written + counters.calls_coalesced, 30_000);
    assert_eq!(counters.calls_refused, 0);
}

#[test]
fn ticket_numbers_count_from_one_each_day_of_the_desk() {
    let mut desk = Desk::open();
    // 16:00 UTC is midnight in Shanghai.
    let midnight = "2026-11-23T16:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let before = midnight - TimeDelta::milliseconds(1);
    let mut open = |at| desk.open_ticket(at, draft(Kind::Inquiry, None)).0;
    assert_eq!(open(before), "20261123-0001");
    assert_eq!(open(before), "20261123-0002");
    assert_eq!(open(midnight), "20261124-0001");
    assert_eq!(open(before), "20261123-0003");
    let mut desk = desk.again();
    assert_eq!(desk.open_ticket(midnight, draft(Kind::Inquiry, None)).0, "20261124-0002");
}

#[test]
fn a_day_with_more_than_9999_tickets_goes_on_counting() {
    let mut desk = Desk::open();
    desk.open_ticket(noon(), draft(Kind::Inquiry, None));
    let beside = rusqlite::Connection::open(desk.path()).unwrap();
    beside.execute("UPDATE ticket_days SET last = 9998", []).unwrap();
    let mut open = || desk.open_ticket(noon(), draft(Kind::Inquiry, None)).0;
    assert_eq!([open(), open(), open()], ["20261123-9999", "20261123-10000", "20261123-10001"]);
}

#[test]
fn r13_a_ticket_has_an_owner_and_a_stage_from_acceptance() {
    let mut desk = Desk::open();
    for (kind, stage) in [
        (Kind::Repair, "reported"),
        (Kind::Complaint, "receive"),
        (Kind::Inquiry, "received"),
        (Kind::Help, "received"),
    ] {
        let number = desk.open_ticket(noon(), draft(kind, None));
        let ticket = desk.ticket(&number, noon());
        assert_eq!((ticket.status.as_str(), ticket.stage.as_str()), ("open", stage));
        assert_eq!(ticket.owner.as_deref(), Some("desk"));
        assert!(ticket.incomplete, "R24: until the report is complete");
        assert_eq!(ticket.call, Some(CallId(1)));
        assert_eq!(ticket.events.len(), 1);
        assert_eq!((ticket.events[0].who.as_str(), ticket.events[0].what.as_str()), ("system", "opened"));
    }
}

#[test]
fn r23_the_clocks_start_when_the_report_is_complete() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    assert!(desk.ticket(&number, noon()).due.is_empty());
    let place = TicketChange {
        building: Some("3".into()),
        room: Some("1201".into()),
        category: Some("burst_pipe".into()),
        ..TicketChange::default()
    };
    let later = noon() + TimeDelta::minutes(2);
    desk.change(noon(), &number, place).unwrap();
    desk.change(later, &number, complete()).unwrap();
    let ticket = desk.ticket(&number, later);
    assert!(!ticket.incomplete);
    assert_eq!((ticket.building.as_deref(), ticket.room.as_deref()), (Some("3"), Some("1201")));
    assert_eq!(ticket.due["on_site"].at, later + TimeDelta::hours(2));
    assert_eq!(ticket.due["repaired"].at, later + TimeDelta::hours(24));
    let late = desk.ticket(&number, later + TimeDelta::hours(3));
    assert!(late.due["on_site"].breached && !late.due["repaired"].breached);
    let history: Vec<_> = ticket.events.iter().map(|e| (e.what.as_str(), e.note.as_deref())).collect();
    assert_eq!(
        history,
        [("opened", Some("desk")), ("added", Some("category, building, room")), ("report_complete", None)]
    );
}

#[test]
fn r24_an_incomplete_report_starts_its_clocks_at_the_calls_end() {
    let mut desk = Desk::open();
    let told = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let end = noon() + TimeDelta::minutes(1);
    desk.change(end, &told, TicketChange { complete: Some(false), ..TicketChange::default() }).unwrap();
    let untold = desk.open_ticket(noon(), draft(Kind::Inquiry, None));
    desk.put(&CallRecord { tickets: vec![told.clone(), untold.clone()], ended_at: Some(end), ..ended(1) });
    desk.written();
    for (number, clock, due) in [(&told, "repaired", TimeDelta::hours(72)), (&untold, "reply", TimeDelta::minutes(5))] {
        let ticket = desk.ticket(number, end);
        assert!(ticket.incomplete);
        assert_eq!(ticket.due[clock].at, end + due);
    }
}

#[test]
fn r18_an_emergencys_clock_runs_from_its_opening() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), TicketDraft { class: Class::F, ..draft(Kind::Help, None) });
    assert_eq!(desk.ticket(&number, noon()).due["reply"].at, noon() + TimeDelta::minutes(5));
    desk.change(noon() + TimeDelta::minutes(1), &number, complete()).unwrap();
    assert_eq!(desk.ticket(&number, noon()).due["reply"].at, noon() + TimeDelta::minutes(5), "it is not set back");
}

#[test]
fn a_repair_that_turns_out_urgent_gets_the_urgent_clocks_from_the_same_start() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::General)));
    desk.change(noon(), &number, complete()).unwrap();
    let edit = TicketEdit { urgency: Some(Urgency::Urgent), ..TicketEdit::default() };
    desk.editor().edit(&number, "王芳", noon() + TimeDelta::hours(1), &edit).unwrap();
    let due = desk.ticket(&number, noon()).due;
    assert_eq!(due["on_site"].at, noon() + TimeDelta::hours(2));
    assert_eq!(due["repaired"].at, noon() + TimeDelta::hours(24));
}

#[test]
fn messages_are_begun_kept_and_confirmed() {
    let mut desk = Desk::open();
    let draft = MessageDraft {
        for_person: Some("201".into()),
        from_number: Some("13800138000".into()),
        from_name: None,
        call: CallId(1),
        language: None,
    };
    let Ok(Done::MessageOpened(id)) = desk.ask(noon(), |id| DeskRequest::OpenMessage { id, draft }) else {
        panic!("the message was not opened")
    };
    let begun = desk.reader().message(id).unwrap().unwrap();
    assert!(begun.incomplete && begun.relay == Relay::Pending && begun.duration_ms == 0);
    let change = MessageChange {
        recording: Some(RecordingId("a.wav".into())),
        duration_ms: Some(4_200),
        complete: Some(true),
        ..MessageChange::default()
    };
    desk.ask(noon(), |request| DeskRequest::ChangeMessage { id: request, message: id, change }).unwrap();
    let unconfirmed = MessageFilter { unconfirmed: true, ..MessageFilter::default() };
    assert_eq!(desk.reader().messages(&unconfirmed).unwrap().len(), 1);
    desk.editor().confirm(id, "王芳", noon()).unwrap();
    desk.editor().confirm(id, "王芳", noon()).unwrap();
    let kept = desk.reader().message(id).unwrap().unwrap();
    assert!(!kept.incomplete && kept.relay == Relay::Confirmed && kept.duration_ms == 4_200);
    assert_eq!(kept.attempts.len(), 1, "confirming twice is confirming once");
    assert_eq!(desk.reader().messages(&unconfirmed).unwrap().len(), 0);
}

/// A message that was kept, from this number for this extension.
fn leave(desk: &mut Desk, for_person: &str, from: &str, at: DateTime<Utc>) -> MessageId {
    let (for_person, from_number) = (Some(for_person.to_owned()), Some(from.to_owned()));
    let draft = MessageDraft { for_person, from_number, from_name: None, call: CallId(1), language: None };
    let Ok(Done::MessageOpened(message)) = desk.ask(at, |id| DeskRequest::OpenMessage { id, draft }) else {
        panic!("the message was not opened")
    };
    let change = MessageChange { complete: Some(true), ..MessageChange::default() };
    desk.ask(at, |id| DeskRequest::ChangeMessage { id, message, change }).unwrap();
    message
}

fn attempt(result: &str) -> Vec<Attempt> {
    vec![Attempt { at: noon(), channel: "phone".into(), result: result.into() }]
}

#[test]
fn r5_messages_are_listed_heard_confirmed_deleted_and_forwarded() {
    let mut desk = Desk::open();
    let hour = TimeDelta::hours(1);
    let [first, second, third] =
        [0, 1, 2].map(|n| leave(&mut desk, "201", &format!("1380013800{n}"), noon() + hour * n));
    leave(&mut desk, "202", "13800138009", noon());
    let listed = |desk: &mut Desk, for_person: &str| {
        let for_person = for_person.to_owned();
        match desk.ask(noon(), |id| DeskRequest::ListMessages { id, for_person }).unwrap() {
            Done::Messages { list, waiting } => {
                let ids = list.iter().map(|m| m.id).collect::<Vec<_>>();
                assert_eq!(desk.reader().messages_waiting(&waiting.extension).unwrap(), waiting);
                (ids, waiting.new, waiting.old)
            }
            other => panic!("{other:?}"),
        }
    };
    let change = |desk: &mut Desk, message, change| match desk
        .ask(noon(), |id| DeskRequest::ChangeMessage { id, message, change })
        .unwrap()
    {
        Done::MessageChanged(waiting) => waiting.into_iter().map(|w| (w.extension, w.new, w.old)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(&mut desk, "201"), (vec![first, second, third], 3, 0));

    let heard = MessageChange { relay: Some(Relay::Heard), attempts: attempt("heard by 201"), ..Default::default() };
    assert_eq!(change(&mut desk, first, heard.clone()), [("201".to_owned(), 2, 1)]);
    assert_eq!(listed(&mut desk, "201"), (vec![second, third, first], 2, 1));
    let confirmed = MessageChange { relay: Some(Relay::Confirmed), ..Default::default() };
    assert_eq!(change(&mut desk, second, confirmed), [("201".to_owned(), 1, 2)]);
    assert_eq!(change(&mut desk, second, heard), [], "confirmed stays confirmed");

    let deleted = MessageChange { deleted_by: Some("201".into()), ..Default::default() };
    assert_eq!(change(&mut desk, first, deleted), [("201".to_owned(), 1, 1)]);
    assert_eq!(listed(&mut desk, "201"), (vec![third, second], 1, 1));
    let kept = desk.reader().message(first).unwrap().expect("nothing is ever really deleted");
    assert_eq!(kept.deleted.map(|d| (d.at, d.by)), Some((noon(), "201".to_owned())));
    assert_eq!(kept.attempts, attempt("heard by 201"));
    let all = MessageFilter { deleted_too: true, ..MessageFilter::default() };
    assert_eq!(desk.reader().messages(&all).unwrap().len(), 4);
    assert_eq!(desk.reader().messages(&MessageFilter::default()).unwrap().len(), 3);

    let to = Some("202".to_owned());
    let forwarded = MessageChange { for_person: to, attempts: attempt("forwarded by 201"), ..Default::default() };
    assert_eq!(change(&mut desk, second, forwarded), [("201".to_owned(), 1, 0), ("202".to_owned(), 2, 0)]);
    assert_eq!(desk.reader().message(second).unwrap().unwrap().relay, Relay::Pending);
}

#[test]
fn what_does_not_exist_is_answered_as_unknown_and_harms_nothing_else() {
    let mut desk = Desk::open();
    let number = TicketNumber("20261123-0009".into());
    assert_eq!(desk.change(noon(), &number, complete()), Err(DeskError::Unknown("ticket 20261123-0009".into())));
    let change = MessageChange::default();
    let lost = desk.ask(noon(), |id| DeskRequest::ChangeMessage { id, message: MessageId(5), change });
    assert_eq!(lost, Err(DeskError::Unknown("message 5".into())));
    assert_eq!(desk.open_ticket(noon(), draft(Kind::Inquiry, None)).0, "20261123-0001");
    assert_eq!(desk.store.counters().requests_failed, 2);
}

#[test]
fn requests_of_one_call_are_carried_out_in_their_order() {
    let desk = Desk::open();
    let number = TicketNumber("20261123-0001".into());
    let submit = |request| desk.store.submit(CallId(1), noon(), request).expect("there is room");
    submit(DeskRequest::OpenTicket { id: RequestId(1), draft: draft(Kind::Repair, None) });
    for n in 2..200 {
        let change = TicketChange { room: Some(n.to_string()), ..TicketChange::default() };
        submit(DeskRequest::ChangeTicket { id: RequestId(n), number: number.clone(), change });
    }
    for n in 1..200 {
        let reply = desk.replies.recv_timeout(DEADLINE).expect("a reply");
        assert_eq!(reply.id, RequestId(n));
        assert!(reply.result.is_ok(), "{reply:?}");
    }
    assert_eq!(desk.ticket(&number, noon()).room.as_deref(), Some("199"));
}

#[test]
fn calls_of_an_earlier_run_are_ended_as_interrupted() {
    let mut desk = Desk::open();
    let answered = |id| CallRecord { answered_at: Some(noon()), answer_ms: Some(0), ..call(id) };
    let number = desk.open_ticket(noon() + TimeDelta::seconds(20), draft(Kind::Repair, None));
    let message =
        MessageDraft { for_person: None, from_number: None, from_name: None, call: CallId(2), language: None };
    desk.ask(noon(), |id| DeskRequest::OpenMessage { id, draft: message }).unwrap();
    desk.put(&answered(1));
    desk.put(&answered(2));
    desk.put(&answered(3));
    desk.put(&call(4));
    desk.put(&ended(5));
    let desk = desk.again();
    assert_eq!(desk.opened.next_call_id, 6);
    let outcomes: Vec<_> = desk.opened.interrupted.iter().map(|c| (c.id.0, c.outcome.unwrap())).collect();
    let expected = [(1, Outcome::Ticket), (2, Outcome::Voicemail), (3, Outcome::Failed), (4, Outcome::Failed)];
    assert_eq!(outcomes, expected);
    let first = desk.reader().call(CallId(1)).unwrap().unwrap();
    assert_eq!(first.end_reason.as_deref(), Some("interrupted"));
    assert_eq!(first.ended_at, Some(noon() + TimeDelta::seconds(20)), "the last thing known of it");
    assert_eq!(first.tickets, std::slice::from_ref(&number));
    let ticket = desk.ticket(&number, noon());
    assert!(ticket.incomplete);
    assert_eq!(ticket.due["repaired"].at, noon() + TimeDelta::seconds(20) + TimeDelta::hours(72));
    assert_eq!(ticket.events.last().unwrap().what, "call_interrupted");
    let desk = desk.again();
    assert!(desk.opened.interrupted.is_empty(), "once is enough");
    assert_eq!(desk.ticket(&number, noon()).events, ticket.events);
}

#[test]
fn an_emergency_that_still_rang_when_the_run_was_cut_off_is_an_alarm_with_its_ticket() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Help, None));
    let word = |state| AlarmWord {
        kind: AlarmKind::MissedEmergency,
        about: String::new(),
        call: CallId(1),
        state,
        caller: None,
        ticket: None,
        note: "duty officers are rung".into(),
    };
    desk.ask(noon(), |id| DeskRequest::PutAlarm { id, word: word(AlarmState::Watched) }).expect("it is kept");
    assert_eq!(desk.reader().alarms(&AlarmFilter::default()).unwrap(), []);
    let desk = desk.again();
    assert_eq!(desk.opened.missed_emergencies, 1);
    let alarms = desk.reader().alarms(&AlarmFilter { open: true, ..AlarmFilter::default() }).unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!((&alarms[0].ticket, alarms[0].state), (&Some(number), AlarmState::Open));
    desk.editor().acknowledge(alarms[0].id, " 王芳 ", noon()).expect("it is open");
    assert!(desk.editor().acknowledge(alarms[0].id, "李娜", noon()).is_err());
    assert!(desk.editor().acknowledge(alarms[0].id, "  ", noon()).is_err());
    assert_eq!(desk.reader().alarms(&AlarmFilter { open: true, ..AlarmFilter::default() }).unwrap(), []);
    let seen = &desk.reader().alarms(&AlarmFilter::default()).unwrap()[0];
    assert_eq!(seen.acknowledged.as_ref().map(|a| a.by.as_str()), Some("王芳"));
    assert_eq!(desk.again().opened.missed_emergencies, 0);
}

#[test]
fn call_backs_wait_over_a_restart_until_they_are_over_their_ticket_is_closed_or_they_are_too_old() {
    let mut desk = Desk::open();
    let now = Utc::now();
    let word = |call, state| CallBackWord { call: CallId(call), state, say: format!("say {call}") };
    let mut numbers = Vec::new();
    for (call, at) in [(1, now), (2, now - TimeDelta::minutes(5)), (3, now), (4, now), (5, now - TimeDelta::hours(5))] {
        desk.put(&ended(call));
        numbers.push(desk.open_ticket(at, TicketDraft { call: CallId(call), ..draft(Kind::Inquiry, None) }));
        desk.ask(at, |id| DeskRequest::PutCallBack { id, word: word(call, CallBackState::Waiting) })
            .expect("it is kept");
    }
    desk.ask(now, |id| DeskRequest::PutCallBack { id, word: word(3, CallBackState::Over) }).expect("it is kept");
    let closing = Closing::Done { note: "spoken to".into() };
    desk.editor().close(&numbers[3], "王芳", now, &closing).expect("it is open");
    let desk = desk.again();
    let waiting: Vec<_> = desk.opened.call_backs.iter().map(|w| (w.record.id.0, w.say.as_str())).collect();
    assert_eq!(waiting, [(2, "say 2"), (1, "say 1")], "in the order of their places");
}

#[test]
fn a_ticket_whose_calls_row_was_never_written_still_gets_its_clocks_and_its_calls_id_is_not_reused() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), TicketDraft { call: CallId(77), ..draft(Kind::Inquiry, None) });
    let desk = desk.again();
    assert_eq!(desk.opened.next_call_id, 78);
    assert_eq!(desk.ticket(&number, noon()).due["reply"].at, noon() + TimeDelta::minutes(5));
}

#[test]
fn whoever_changes_a_message_its_person_is_told_of_once() {
    let mut desk = Desk::open();
    let draft = MessageDraft {
        for_person: Some("201".into()),
        from_number: None,
        from_name: None,
        call: CallId(1),
        language: None,
    };
    let Ok(Done::MessageOpened(message)) = desk.ask(noon(), |id| DeskRequest::OpenMessage { id, draft }) else {
        panic!("it is kept")
    };
    let mut watch = MessageWatch::open(&desk.path()).expect("it opens");
    let mut changed = || watch.look().expect("readable").into_iter().collect::<Vec<_>>();
    assert!(changed().is_empty());
    let complete = MessageChange { complete: Some(true), ..MessageChange::default() };
    desk.ask(noon(), |id| DeskRequest::ChangeMessage { id, message, change: complete }).expect("it is kept");
    assert_eq!(changed(), ["201"]);
    assert!(changed().is_empty());
    desk.editor().confirm(message, "201", noon()).expect("it is kept");
    assert_eq!(changed(), ["201"]);
}

#[test]
fn the_newest_word_of_a_persons_presence_is_kept_and_every_writer_is_noticed() {
    let desk = Desk::open();
    let mut watch = PresenceWatch::open(&desk.path()).expect("it opens");
    assert_eq!(watch.look().expect("it reads"), Some(vec![]), "at the first look");
    assert_eq!(watch.look().expect("it reads"), None);
    let notice =
        |state, until| Notice { extension: "201".to_owned(), state, until, set_at: noon(), set_by: "wang".to_owned() };
    let mut editor = desk.editor();
    editor.set_presence(&notice(Whereabouts::Out, Some(noon() + TimeDelta::hours(2)))).expect("it is written");
    let last = notice(Whereabouts::Dnd, None);
    editor.set_presence(&last).expect("it is written");
    assert_eq!(watch.look().expect("it reads"), Some(vec![last.clone()]));
    // The writer's own work is none of it.
    desk.put(&ended(1));
    desk.written();
    assert_eq!(watch.look().expect("it reads"), None);
    let desk = desk.again();
    assert_eq!(desk.reader().presences().expect("it reads"), [last]);
    let mut editor = desk.editor();
    assert!(editor.clear_presence("201").expect("it is written"));
    assert!(!editor.clear_presence("201").expect("it is written"));
    assert_eq!(desk.reader().presences().expect("it reads"), []);
}

#[test]
fn one_daemon_owns_a_database() {
    let desk = Desk::open();
    let second = Store::open(StoreOptions::new(desk.path(), SHANGHAI), Box::new(|_| {}));
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    let desk = desk.again();
    assert_eq!(desk.opened.next_call_id, 1, "the lock goes with its owner");
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let desk = Desk::open();
    let path = desk.path();
    let folder = desk.folder;
    assert_eq!(desk.store.shutdown(), 0);
    let beside = rusqlite::Connection::open(&path).unwrap();
    beside.pragma_update(None, "user_version", 99).unwrap();
    drop(beside);
    let before = std::fs::read(&path).unwrap();
    let fault = Store::open(StoreOptions::new(&path, SHANGHAI), Box::new(|_| {})).err().expect("it is refused");
    assert!(fault.to_string().contains("form 99"), "{fault}");
    assert!(matches!(Reader::open(&path), Err(StoreError::Newer { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    drop(folder);
}

#[test]
fn a_missing_folder_or_a_strangers_file_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: PathBuf| Store::open(StoreOptions::new(path, SHANGHAI), Box::new(|_| {})).err().unwrap();
    assert!(matches!(open(folder.path().join("no/frontdesk.db")), StoreError::NoFile { .. }));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, however long it is meant to be ".repeat(100)).unwrap();
    assert!(matches!(open(text), StoreError::Sqlite { .. }));
    assert!(matches!(Reader::open(&folder.path().join("none.db")), Err(StoreError::Missing { .. })));
}

#[test]
fn a_full_queue_refuses_and_says_so() {
    let desk = Desk::open_in(tempfile::tempdir().unwrap(), |o| {
        o.queue_max = 4;
        o.calls_max = 8;
    });
    // While another process holds the database, nothing leaves the queue but the batch in the writer's hands.
    let other = rusqlite::Connection::open(desk.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let open = |n| {
        desk.store.submit(
            CallId(1),
            noon(),
            DeskRequest::OpenTicket { id: RequestId(n), draft: draft(Kind::Inquiry, None) },
        )
    };
    open(0).unwrap();
    desk.until("the writer has taken the first", |c| c.requests_waiting == 0);
    for n in 1..=4 {
        open(n).unwrap();
    }
    assert_eq!(open(5), Err(DeskError::Overloaded(4)));
    for id in 1..=6 {
        desk.put(&call(id));
    }
    let put = |record| desk.store.submit(CallId(7), noon(), DeskRequest::PutCall(Box::new(record)));
    assert_eq!(put(call(7)), Err(DeskError::Overloaded(6)), "the last quarter is for ended calls");
    put(ended(7)).unwrap();
    put(ended(8)).unwrap();
    assert_eq!(put(ended(9)), Err(DeskError::Overloaded(8)));
    put(ended(1)).expect("a newer row takes the older one's place");
    other.execute_batch("COMMIT").unwrap();
    for n in 0..=4 {
        assert_eq!(desk.replies.recv_timeout(DEADLINE).unwrap().id, RequestId(n));
    }
    desk.written();
    assert_eq!(desk.reader().calls(&CallFilter::default()).unwrap().len(), 8);
    let counters = desk.store.counters();
    assert_eq!((counters.requests_refused, counters.calls_refused), (1, 2));
}

#[test]
fn a_full_disk_fails_requests_keeps_call_rows_and_recovers() {
    let mut desk = Desk::open_in(tempfile::tempdir().unwrap(), |o| o.pages_max = Some(400));
    let other = rusqlite::Connection::open(desk.path()).unwrap();
    other.busy_timeout(Duration::from_secs(30)).unwrap();
    // Fills the database to its ceiling, and leaves room for nothing.
    other.execute_batch("CREATE TABLE ballast (x)").unwrap();
    let page_size = 4096;
    loop {
        let pages: i64 = other.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        if pages >= 400 {
            break;
        }
        other.execute("INSERT INTO ballast VALUES (zeroblob(?1))", [page_size]).unwrap();
    }
    let mut opened = 0;
    let fault = loop {
        match desk.ask(noon(), |id| DeskRequest::OpenTicket { id, draft: draft(Kind::Repair, None) }) {
            Ok(_) => opened += 1,
            Err(fault) => break fault,
        }
        assert!(opened < 10_000, "the ceiling holds");
    };
    assert!(matches!(&fault, DeskError::NotWritten(why) if why.contains("full")), "{fault}");
    for id in 1..=500 {
        desk.put(&ended(id));
    }
    desk.until("the rows are tried and kept", |c| c.failing && c.calls_put_back >= 500);
    other.execute_batch("DROP TABLE ballast").unwrap();
    desk.written();
    assert_eq!(desk.reader().calls(&CallFilter::default()).unwrap().len(), 500, "no call is lost");
    let number = desk.open_ticket(noon(), draft(Kind::Repair, None));
    assert_eq!(number.0, format!("20261123-{:04}", opened + 1), "a ticket that failed took no number");
    assert_eq!(desk.reader().tickets(&TicketFilter::default(), noon()).unwrap().len(), opened + 1);
    assert_eq!(desk.store.shutdown(), 0);
}

#[test]
fn call_rows_that_never_fit_are_reported_at_the_end() {
    let desk = Desk::open_in(tempfile::tempdir().unwrap(), |o| o.pages_max = Some(1));
    for id in 1..=5_000 {
        desk.put(&ended(id));
    }
    let lost = desk.store.shutdown();
    assert!(lost > 0 && lost <= 5_000, "{lost}");
}

#[test]
fn the_shell_changes_tickets_while_the_daemon_writes() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let path = desk.path();
    let shells: Vec<_> = (0..4)
        .map(|shell| {
            let (path, number) = (path.clone(), number.clone());
            std::thread::spawn(move || {
                let mut editor = Editor::open(&path).unwrap();
                for n in 0..25 {
                    editor.note(&number, "shell", noon(), &format!("{shell}/{n}")).unwrap();
                }
            })
        })
        .collect();
    let mut id = 0;
    while shells.iter().any(|s| !s.is_finished()) {
        id += 1;
        desk.put(&ended(id));
        desk.open_ticket(noon(), draft(Kind::Inquiry, None));
    }
    for shell in shells {
        shell.join().unwrap();
    }
    desk.written();
    let notes = desk.ticket(&number, noon()).events.iter().filter(|e| e.what == "note").count();
    assert_eq!(notes, 100);
    assert_eq!(desk.reader().calls(&CallFilter::default()).unwrap().len() as i64, id);
    assert_eq!(desk.reader().tickets(&TicketFilter::default(), noon()).unwrap().len() as i64, id + 1);
    assert_eq!(desk.store.counters().commits_failed, 0);
}

#[test]
fn r13_a_handover_is_explicit_and_logged() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let edit = TicketEdit { owner: Some("工程部".into()), room: Some("1201".into()), ..TicketEdit::default() };
    desk.editor().edit(&number, "王芳", noon(), &edit).unwrap();
    let ticket = desk.ticket(&number, noon());
    assert_eq!(ticket.owner.as_deref(), Some("工程部"));
    let last: Vec<_> = ticket.events.iter().skip(1).map(|e| (&*e.who, &*e.what, e.note.as_deref())).collect();
    assert_eq!(last, [("王芳", "handed_over", Some("desk -> 工程部")), ("王芳", "changed", Some("room"))]);
}

#[test]
fn r20_a_ticket_is_closed_once_and_with_a_note_and_its_clocks_are_met() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    desk.change(noon(), &number, complete()).unwrap();
    let mut editor = desk.editor();
    let arrived = noon() + TimeDelta::hours(1);
    let done = noon() + TimeDelta::hours(25);
    editor.meet_clock(&number, "李强", arrived, "on_site").unwrap();
    assert!(matches!(editor.meet_clock(&number, "李强", arrived, "on_site"), Err(StoreError::Refused(_))));
    assert!(matches!(editor.meet_clock(&number, "李强", arrived, "on_mars"), Err(StoreError::Unknown(_))));
    let close = |note: &str| Closing::Done { note: note.into() };
    assert!(matches!(editor.close(&number, "李强", done, &close(" ")), Err(StoreError::Refused(_))));
    let early = editor.close(&number, "李强", done, &close("pipe replaced")).expect_err("nobody was there yet");
    assert_eq!(
        early.to_string(),
        "a repair does not go from `reported` to `closed`; it goes on to dispatched, accepted"
    );
    let way = [("accepted", done), ("on_site", done), ("repaired", done), ("accepted_by_customer", done)];
    for (stage, at) in way {
        editor.advance(&number, "李强", at, None, &Advance::to(stage).by_engineer("301")).unwrap();
    }
    editor.close(&number, "李强", done, &close("pipe replaced")).unwrap();
    assert!(matches!(editor.close(&number, "李强", done, &close("again")), Err(StoreError::Refused(_))));
    let ticket = desk.ticket(&number, done + TimeDelta::days(9));
    assert_eq!(ticket.status, "closed");
    assert_eq!((ticket.due["on_site"].met_at, ticket.due["on_site"].breached), (Some(arrived), false));
    assert_eq!((ticket.due["repaired"].met_at, ticket.due["repaired"].breached), (Some(done), true));
    let unknown = TicketNumber("20261123-0404".into());
    assert!(matches!(editor.close(&unknown, "李强", done, &close("x")), Err(StoreError::Unknown(_))));
}

#[test]
fn lists_are_narrowed_by_what_was_asked() {
    let mut desk = Desk::open();
    let hour = |h| noon() + TimeDelta::hours(h);
    desk.put(&CallRecord { started_at: hour(0), caller: Some("+8613800138000".into()), ..ended(1) });
    desk.put(&CallRecord { started_at: hour(1), outcome: Some(Outcome::Abandoned), ..ended(2) });
    desk.put(&CallRecord { started_at: hour(2), caller: None, ..call(3) });
    desk.written();
    let ids = |filter: CallFilter| desk.reader().calls(&filter).unwrap().iter().map(|c| c.id.0).collect::<Vec<_>>();
    let all = CallFilter::default;
    assert_eq!(ids(all()), [3, 2, 1]);
    assert_eq!(ids(CallFilter { since: Some(hour(1)), until: Some(hour(2)), ..all() }), [2]);
    assert_eq!(ids(CallFilter { caller: Some("13800138000".into()), ..all() }), [2, 1]);
    assert_eq!(ids(CallFilter { caller: Some("+8613800138000".into()), ..all() }), [1]);
    assert_eq!(ids(CallFilter { caller: Some("000".into()), ..all() }), [0; 0]);
    assert_eq!(ids(CallFilter { outcome: Some(Outcome::Abandoned), ..all() }), [2]);
    assert_eq!(ids(CallFilter { state: Some(CallState::Live), ..all() }), [3]);
    assert_eq!(ids(CallFilter { state: Some(CallState::Ended), ..all() }), [2, 1]);
    assert_eq!(ids(CallFilter { limit: Some(1), offset: 1, ..all() }), [2]);

    let overdue = desk.open_ticket(hour(0), draft(Kind::Inquiry, None));
    desk.change(hour(0), &overdue, complete()).unwrap();
    let running = desk.open_ticket(hour(1), draft(Kind::Repair, None));
    let now = hour(2);
    let numbers = |filter: TicketFilter| {
        desk.reader().tickets(&filter, now).unwrap().into_iter().map(|t| t.number).collect::<Vec<_>>()
    };
    let all = TicketFilter::default;
    assert_eq!(numbers(all()), [running.clone(), overdue.clone()]);
    assert_eq!(numbers(TicketFilter { overdue: true, ..all() }), std::slice::from_ref(&overdue));
    assert_eq!(numbers(TicketFilter { incomplete: Some(true), ..all() }), std::slice::from_ref(&running));
    assert_eq!(numbers(TicketFilter { kind: Some(Kind::Repair), ..all() }), [running]);
    assert_eq!(
        numbers(TicketFilter { caller: Some("8000".into()), since: Some(hour(0)), until: Some(hour(1)), ..all() }),
        [overdue]
    );
}

#[test]
fn a_hostile_caller_is_stored_as_text() {
    let desk = Desk::open();
    let evil = "'; DROP TABLE calls; -- \u{202e}\u{1b}[2J";
    let record = CallRecord { caller: Some(evil.into()), caller_name: Some(format!("{evil}\0x")), ..call(1) };
    desk.put(&record);
    desk.written();
    let filter = CallFilter { caller: Some(evil.into()), ..CallFilter::default() };
    assert_eq!(desk.reader().calls(&filter).unwrap(), [record]);
}

#[test]
fn numbers_that_a_column_cannot_hold_do_not_cost_the_row() {
    let desk = Desk::open();
    let rtp = RtpStats { sent: u64::MAX, jitter_ms: f64::NAN, mos: Some(f64::NAN), ..RtpStats::default() };
    desk.put(&CallRecord { rtp, answer_ms: Some(u64::MAX), ..ended(1) });
    desk.written();
    let read = desk.reader().call(CallId(1)).unwrap().unwrap();
    assert_eq!((read.rtp.sent, read.rtp.jitter_ms, read.rtp.mos), (i64::MAX as u64, 0.0, None));
}

#[test]
fn a_backup_is_whole_while_the_writer_works() {
    let mut desk = Desk::open();
    desk.put(&ended(1));
    let number = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let copy = desk.folder.path().join("copy.db");
    copy_database(&desk.path(), &copy).unwrap();
    assert!(copy_database(&desk.path(), &copy).is_err(), "never written over");
    let copied = Reader::open(&copy).unwrap();
    assert_eq!(copied.call(CallId(1)).unwrap(), Some(ended(1)));
    assert_eq!(copied.ticket(&number, noon()).unwrap().unwrap(), desk.ticket(&number, noon()));
}

#[test]
fn after_the_end_nothing_more_is_taken() {
    let desk = Desk::open();
    let clone = desk.store.clone();
    desk.put(&ended(1));
    assert_eq!(desk.store.shutdown(), 0);
    let refused = clone.submit(CallId(1), noon(), DeskRequest::PutCall(Box::new(ended(2))));
    assert!(matches!(refused, Err(DeskError::NotWritten(_))));
    assert!(!desk.folder.path().join("frontdesk.db-wal").exists(), "the journal is folded in");
    drop(clone);
    assert_eq!(
        Reader::open(&desk.folder.path().join("frontdesk.db")).unwrap().call(CallId(1)).unwrap(),
        Some(ended(1))
    );
}

fn ladder(id: i64, began_at: DateTime<Utc>, bytes: usize) -> CallLadder {
    let message = LadderMessage {
        at_ms: 0,
        out: false,
        leg: 0,
        transport: "UDP".into(),
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.7:5060".parse().unwrap(),
        bytes: vec![b'x'; bytes],
    };
    CallLadder { call: CallId(id), began_at, messages: vec![message], left_out: 0, gap_at: 1 }
}

/// Ladders of these calls, put at these times, by one run after the other.
fn with_ladders(adjust: impl Fn(&mut StoreOptions), ladders: &[CallLadder]) -> Desk {
    let mut desk = Desk::open_in(tempfile::tempdir().expect("a folder"), &adjust);
    for ladder in ladders {
        let request = DeskRequest::PutLadder(Box::new(ladder.clone()));
        desk.store.submit(ladder.call, ladder.began_at, request).expect("there is room");
        assert_eq!(desk.store.shutdown(), 0);
        desk = Desk::open_in(desk.folder, &adjust);
    }
    desk
}

#[test]
fn ladders_are_kept_for_their_days_and_go_with_their_call() {
    let (old, new) = (ladder(1, noon(), 10), ladder(2, noon() + TimeDelta::days(29), 10));
    let desk = with_ladders(|_| {}, &[old.clone(), new.clone()]);
    assert_eq!(desk.reader().ladder(CallId(1)).unwrap(), Some(old));
    let late = ladder(3, noon() + TimeDelta::days(31), 10);
    let desk = {
        desk.store.submit(CallId(3), late.began_at, DeskRequest::PutLadder(Box::new(late))).expect("there is room");
        desk.put(&ended(2));
        desk.again()
    };
    assert_eq!(desk.reader().ladder(CallId(1)).unwrap(), None);
    assert_eq!(desk.reader().ladder(CallId(2)).unwrap(), Some(new));
    rusqlite::Connection::open(desk.path()).unwrap().execute("DELETE FROM calls WHERE id = 2", []).unwrap();
    assert_eq!(desk.reader().ladder(CallId(2)).unwrap(), None);
    assert!(desk.reader().ladder(CallId(3)).unwrap().is_some());
}

#[test]
fn all_ladders_together_have_their_size() {
    let adjust = |options: &mut StoreOptions| options.ladder_bytes_max = 100_000;
    let ladders: Vec<_> = (1..=130).map(|n| ladder(n, noon() + TimeDelta::seconds(n), 1_000)).collect();
    let desk = Desk::open_in(tempfile::tempdir().expect("a folder"), adjust);
    for ladder in &ladders {
        let request = DeskRequest::PutLadder(Box::new(ladder.clone()));
        desk.store.submit(ladder.call, ladder.began_at, request).expect("there is room");
    }
    let desk = desk.again();
    let kept: Vec<i64> = (1..=130).filter(|n| desk.reader().ladder(CallId(*n)).unwrap().is_some()).collect();
    assert!((30..=98).contains(&kept.len()) && *kept.last().unwrap() == 130, "{kept:?}");
    assert_eq!(kept[0], 131 - kept.len() as i64, "the oldest went");
    let none = with_ladders(|options| options.ladder_days = 0, &ladders[..1]);
    assert_eq!(none.reader().ladder(CallId(1)).unwrap(), None);
}

#[test]
fn a_ban_is_listed_until_it_ends_and_one_that_is_lifted_is_noticed() {
    let desk = Desk::open();
    let ban = |network: &str, minutes| Ban {
        network: network.parse().unwrap(),
        since: noon(),
        until: noon() + TimeDelta::minutes(minutes),
        failures: 10,
    };
    let (one, other) = (ban("192.0.2.66", 60), ban("2001:db8::1", 30));
    for ban in [&one, &other] {
        desk.store.submit(CallId(0), noon(), DeskRequest::PutBan(ban.clone())).expect("there is room");
    }
    let desk = desk.again();
    assert_eq!(desk.reader().bans(noon()).unwrap(), [one.clone(), other.clone()]);
    let mut watch = BanWatch::open(&desk.path()).unwrap();
    assert_eq!(watch.held(noon()).unwrap().len(), 2);
    assert_eq!(watch.lifted(noon()).unwrap(), []);
    assert!(desk.editor().lift_ban(one.network).unwrap());
    assert!(!desk.editor().lift_ban(one.network).unwrap());
    assert_eq!(watch.lifted(noon()).unwrap(), [one.network]);
    assert_eq!(watch.lifted(noon()).unwrap(), []);
    let later = noon() + TimeDelta::minutes(30);
    desk.store.submit(CallId(0), later, DeskRequest::PutBan(Ban { since: later, ..ban("192.0.2.9", 99) })).unwrap();
    let desk = desk.again();
    assert_eq!(watch.lifted(later).unwrap(), [], "that one ended by itself");
    assert_eq!(desk.reader().bans(later).unwrap().len(), 1);
}

/// R41 and what notifications stand on: whoever changes something, it is told once, in order, with ids that only go up.
#[test]
fn what_happens_is_kept_with_the_change_itself() {
    let mut desk = Desk::open();
    let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let number = desk.open_ticket(at, draft(Kind::Repair, None));
    desk.change(at, &number, TicketChange { complete: Some(true), ..TicketChange::default() }).expect("it is kept");
    desk.editor().note(&number, "wang", at, "on the way").expect("it is kept");
    let word =
        AlarmWord { note: "x".into(), ..AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(1), AlarmState::Open) };
    desk.ask(at, |id| DeskRequest::PutAlarm { id, word }).expect("it is kept");
    let told = |after| -> Vec<String> {
        let happened = desk.reader().happenings(after, 100).expect("they are read");
        happened.iter().map(|h| format!("{} {} {} {}", h.id, h.kind, h.what, h.about)).collect()
    };
    let n = &number.0;
    let wanted = [
        format!("1 ticket opened {n}"),
        format!("2 ticket report_complete {n}"),
        format!("3 ticket note {n}"),
        "4 journal missed_emergency 1".to_owned(),
        "5 alarm raised 1".to_owned(),
    ];
    assert_eq!(told(0), wanted);
    assert_eq!(told(3), wanted[3..]);
    assert_eq!(desk.reader().last_happening().expect("it is read"), 5);
}
