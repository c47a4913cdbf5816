//! What goes by age and what is held, in virtual time over months, through crashes and changed clocks; who heard what.

use std::collections::BTreeSet;

use super::*;
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::retention::{DueRecording, HeldKind, RecordingKind, Retention};

fn days(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

const RULES: Retention =
    Retention { ticket_days: 30, message_days: 10, call_days: 5, feedback_days: 30, numbers_days: 60, audit_days: 100 };

/// A desk whose recordings are files that a test can count.
struct Archive {
    desk: Desk,
    files: BTreeSet<String>,
}

impl Archive {
    fn new() -> Self {
        Self { desk: Desk::open(), files: BTreeSet::new() }
    }

    fn record(&mut self, path: &str) -> RecordingId {
        self.files.insert(path.to_owned());
        RecordingId(path.to_owned())
    }

    fn ticket(&mut self, path: &str) -> TicketNumber {
        let recording = Some(self.record(path));
        let draft = TicketDraft {
            kind: Kind::Inquiry,
            class: Class::C,
            urgency: None,
            category: None,
            caller: Some("13800138000".into()),
            call: CallId(1),
            language: None,
        };
        let number = self.desk.open_ticket(noon(), draft);
        let change = TicketChange { recording, complete: Some(true), ..TicketChange::default() };
        self.desk.change(noon(), &number, change).expect("it is kept");
        number
    }

    fn close(&self, number: &TicketNumber, at: DateTime<Utc>) {
        let note = "答复了 13800138000".to_owned();
        self.desk.editor().close(number, "王芳", at, &Closing::Withdrawn { note }).expect("it is closed");
    }

    fn message(&mut self, path: &str) -> MessageId {
        let recording = Some(self.record(path));
        let (for_person, from_number) = (Some("201".into()), Some("13800138000".into()));
        let draft =
            MessageDraft { for_person, from_number, from_name: Some("张伟".into()), call: CallId(1), language: None };
        let Ok(Done::MessageOpened(message)) = self.desk.ask(noon(), |id| DeskRequest::OpenMessage { id, draft })
        else {
            panic!("it is kept")
        };
        self.by_phone(message, MessageChange { recording, complete: Some(true), ..MessageChange::default() });
        message
    }

    fn by_phone(&mut self, message: MessageId, change: MessageChange) {
        self.desk.ask(noon(), |id| DeskRequest::ChangeMessage { id, message, change }).expect("it is kept");
    }

    fn hear(&mut self, message: MessageId) {
        let attempts = vec![Attempt { at: noon(), channel: "phone".into(), result: "heard by 201".into() }];
        self.by_phone(message, MessageChange { relay: Some(Relay::Heard), attempts, ..MessageChange::default() });
    }

    fn sweeper(&self) -> Sweeper {
        Sweeper::open(&self.desk.path()).expect("it opens")
    }

    /// A whole pass: what was deleted.
    fn sweep(&mut self, now: DateTime<Utc>) -> Vec<String> {
        let mut sweeper = self.sweeper();
        let due = sweeper.mark(now, &RULES, 100).expect("it is marked");
        let mut gone = Vec::new();
        for due in due {
            let remove = || {
                self.files.remove(&due.recording.0);
                Ok(())
            };
            if sweeper.delete(now, &RULES, &due, remove).expect("it is deleted") {
                gone.push(due.recording.0.clone());
            }
        }
        gone
    }

    fn audit(&self) -> Vec<String> {
        let mut entries = self.desk.reader().audit(&AuditFilter::default()).expect("it is read");
        entries.sort_by_key(|entry| entry.id);
        entries.iter().map(|e| format!("{} {} {} {}", e.who, e.what, e.about, e.from_where)).collect()
    }

    fn sql(&self, sql: &str) -> Result<usize, String> {
        let connection = rusqlite::Connection::open(self.desk.path()).expect("it opens");
        connection.execute(sql, []).map_err(|fault| fault.to_string())
    }
}

#[test]
fn each_sort_goes_after_its_days_and_what_is_still_needed_stays() {
    let mut archive = Archive::new();
    let closed = archive.ticket("t-closed.wav");
    archive.ticket("t-open.wav");
    archive.close(&closed, days(2));
    let heard = archive.message("m-heard.wav");
    archive.message("m-unheard.wav");
    archive.hear(heard);
    let recording = Some(archive.record("c.wav"));
    let shared = Some(RecordingId("t-open.wav".into()));
    archive.desk.put(&CallRecord { ended_at: Some(noon()), recording, ..call(42) });
    archive.desk.put(&CallRecord { ended_at: Some(noon()), recording: shared, ..call(43) });
    archive.desk.written();
    assert_eq!(archive.sweep(days(5)), [""; 0], "five days are not over at their end");
    assert_eq!(archive.sweep(days(6)), ["c.wav"]);
    assert_eq!(archive.sweep(days(11)), ["m-heard.wav"]);
    assert_eq!(archive.sweep(days(31)), [""; 0], "thirty days from when it was closed");
    assert_eq!(archive.sweep(days(33)), ["t-closed.wav"]);
    assert_eq!(archive.sweep(days(3_000)), [""; 0], "an open ticket, and a message that nobody heard");
    assert_eq!(archive.files, BTreeSet::from(["m-unheard.wav".to_owned(), "t-open.wav".to_owned()]));

    let ticket = archive.desk.ticket(&closed, days(40));
    let last = ticket.events.last().expect("it has a history");
    assert_eq!(
        (ticket.recording, last.what.as_str(), last.note.as_deref()),
        (None, "recording_deleted", Some("t-closed.wav"))
    );
    assert_eq!(archive.desk.reader().message(heard).expect("it is read").expect("it is there").recording, None);
    assert_eq!(archive.desk.reader().call(CallId(42)).expect("it is read").expect("it is there").recording, None);
    assert_eq!(
        archive.audit(),
        [
            "201 heard message 1 phone",
            "system deleted call 42 retention",
            "system deleted message 1 retention",
            "system deleted ticket 20261123-0001 retention"
        ]
    );
}

#[test]
fn zero_days_are_for_ever() {
    let mut archive = Archive::new();
    let heard = archive.message("m.wav");
    archive.hear(heard);
    let rules = Retention { message_days: 0, ..RULES };
    assert_eq!(archive.sweeper().mark(days(30_000), &rules, 100).expect("it is marked"), []);
}

#[test]
fn what_is_held_survives_by_whatever_leads_to_it_until_it_is_let_go() {
    let mut archive = Archive::new();
    let number = archive.ticket("t.wav");
    archive.close(&number, days(0));
    let (one, two) = (archive.message("m1.wav"), archive.message("m2.wav"));
    archive.hear(one);
    archive.hear(two);
    let recording = Some(archive.record("c.wav"));
    archive.desk.put(&CallRecord { ended_at: Some(noon()), recording, ..call(42) });
    archive.desk.written();
    let mut editor = archive.desk.editor();
    let held = [
        (HeldKind::Ticket, number.0.as_str()),
        (HeldKind::Message, "1"),
        (HeldKind::Recording, "m2.wav"),
        (HeldKind::Call, "42"),
    ];
    let holds =
        held.map(|(what, about)| editor.hold(what, about, ("王芳", "shell"), days(1), "诉讼").expect("it is held"));
    assert_eq!(archive.sweep(days(1_000)), [""; 0]);
    assert_eq!(archive.sweeper().anonymise(days(1_000), &RULES, 100).expect("it is done"), 1, "the second message");
    let told = editor.hold(HeldKind::Message, "1", ("李娜", "shell"), days(2), "x").expect_err("once is enough");
    assert_eq!(told.to_string(), "message 1 is held already, by 王芳");
    let told = editor.hold(HeldKind::Call, "999", ("李娜", "shell"), days(2), "x").expect_err("there is none");
    assert_eq!(told.to_string(), "call 999 does not exist");
    assert!(editor.hold(HeldKind::Call, "42", ("李娜", "shell"), days(2), " ").is_err());
    for hold in holds {
        editor.lift_hold(hold, ("王芳", "shell"), days(1_001), "结案").expect("it is lifted");
    }
    assert!(
        editor
            .lift_hold(holds[0], ("王芳", "shell"), days(1_001), "again")
            .unwrap_err()
            .to_string()
            .contains("lifted before")
    );
    assert_eq!(archive.sweep(days(1_002)), ["t.wav", "m1.wav", "m2.wav", "c.wav"]);
    assert!(archive.files.is_empty());
    assert!(archive.sql("DELETE FROM holds").unwrap_err().contains("never deleted"));
}

/// The program is cut off at each step of a pass: what was begun is finished by the next one, and no row leads nowhere.
#[test]
fn a_pass_that_is_cut_off_anywhere_is_finished_by_the_next() {
    let mut archive = Archive::new();
    for path in ["a.wav", "b.wav", "c.wav"] {
        let message = archive.message(path);
        archive.hear(message);
    }
    let now = days(20);
    // Marked, and nothing else.
    let due = archive.sweeper().mark(now, &RULES, 100).expect("they are marked");
    assert_eq!(due.len(), 3);
    // The file is gone, and the row does not know: the transaction never came to its end.
    let cut = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut sweeper = archive.sweeper();
        sweeper.delete(now, &RULES, &due[0], || {
            archive.files.remove("a.wav");
            panic!("the power goes")
        })
    }));
    assert!(cut.is_err());
    assert_eq!(archive.files.len(), 2);
    assert!(archive.desk.reader().message(MessageId(1)).expect("it is read").expect("it is there").recording.is_some());
    // A disk that refuses: the row stays, and it is tried again.
    let refused = archive.sweeper().delete(now, &RULES, &due[1], || Err(std::io::Error::other("read-only")));
    assert_eq!(refused.expect_err("it is told").to_string(), "b.wav: read-only");
    assert_eq!(archive.sweep(now), ["a.wav", "b.wav", "c.wav"]);
    assert!(archive.files.is_empty());
    assert_eq!(archive.sweep(now), [""; 0]);
}

#[test]
fn what_is_held_between_the_mark_and_the_deletion_is_kept() {
    let mut archive = Archive::new();
    let message = archive.message("m.wav");
    archive.hear(message);
    let due = archive.sweeper().mark(days(20), &RULES, 100).expect("it is marked");
    let hold =
        archive.desk.editor().hold(HeldKind::Message, "1", ("王芳", "shell"), days(20), "投诉").expect("it is held");
    let deleted =
        archive.sweeper().delete(days(20), &RULES, &due[0], || panic!("nothing is removed")).expect("it is told");
    assert!(!deleted);
    assert_eq!(archive.sweep(days(21)), [""; 0]);
    archive.desk.editor().lift_hold(hold, ("王芳", "shell"), days(22), "结案").expect("it is lifted");
    assert_eq!(archive.sweep(days(23)), ["m.wav"]);
}

#[test]
fn a_pass_does_no_more_than_it_may() {
    let mut archive = Archive::new();
    for n in 0..7 {
        let message = archive.message(&format!("{n}.wav"));
        archive.hear(message);
    }
    let marked = archive.sweeper().mark(days(20), &RULES, 3).expect("they are marked");
    assert_eq!(marked.len(), 3);
    assert_eq!(archive.sweeper().mark(days(20), &RULES, 3).expect("they are marked"), marked, "those go first");
    let first =
        DueRecording { recording: RecordingId("0.wav".into()), kind: RecordingKind::Message, about: "1".into() };
    assert_eq!(marked[0], first);
}

/// A clock that goes back keeps everything longer; over the change of winter time days are of 24 hours.
#[test]
fn days_are_counted_the_same_whatever_clocks_do() {
    let mut archive = Archive::new();
    let message = archive.message("m.wav");
    archive.hear(message);
    assert_eq!(archive.sweep(days(-1)), [""; 0]);
    assert_eq!(archive.sweep(days(10) + TimeDelta::milliseconds(0)), [""; 0]);
    assert_eq!(archive.sweep(days(10) + TimeDelta::milliseconds(1)), ["m.wav"]);
}

#[test]
fn numbers_and_names_go_and_the_rows_are_counted_still() {
    let mut archive = Archive::new();
    let number = archive.ticket("t.wav");
    archive.close(&number, days(1));
    let open = archive.ticket("o.wav");
    let message = archive.message("m.wav");
    archive.hear(message);
    let path = vec![
        PathStep { at_ms: 1, node: "main".into(), input: Some("1".into()) },
        PathStep { at_ms: 2, node: "number".into(), input: Some("13800138000".into()) },
    ];
    archive.desk.put(&CallRecord { ended_at: Some(noon()), path, ..call(42) });
    archive.desk.put(&CallRecord { caller: None, ended_at: Some(noon()), ..call(43) });
    archive.desk.written();
    let mut sweeper = archive.sweeper();
    assert_eq!(sweeper.anonymise(days(59), &RULES, 100).expect("it is done"), 0);
    assert_eq!(sweeper.anonymise(days(62), &RULES, 100).expect("it is done"), 4, "two calls, a ticket, a message");
    assert_eq!(sweeper.anonymise(days(62), &RULES, 100).expect("it is done"), 0);

    let reader = archive.desk.reader();
    let nobody = Some("*".to_owned());
    let known = reader.call(CallId(42)).expect("it is read").expect("it is there");
    assert_eq!((known.caller.clone(), known.caller_name.clone()), (nobody.clone(), nobody.clone()));
    let keys: Vec<_> = known.path.iter().map(|step| step.input.as_deref()).collect();
    assert_eq!(keys, [Some("1"), Some("*")]);
    let withheld = reader.call(CallId(43)).expect("it is read").expect("it is there");
    assert_eq!(withheld.caller, None, "a number that was withheld is counted as one still");
    let ticket = archive.desk.ticket(&number, days(62));
    assert_eq!(ticket.caller, nobody);
    assert_eq!(ticket.events.last().and_then(|e| e.note.as_deref()), Some("答复了 138****8000"));
    assert_eq!(archive.desk.ticket(&open, days(62)).caller.as_deref(), Some("13800138000"), "it is worked on");
    let left = reader.message(message).expect("it is read").expect("it is there");
    assert_eq!((left.from_number, left.from_name), (nobody.clone(), nobody));
    assert_eq!(reader.calls(&CallFilter::default()).expect("they are read").len(), 2);
    assert_eq!(
        archive.audit().last().map(String::as_str),
        Some("system anonymised 2 calls, 1 tickets, 1 messages, 0 alarms, 0 errands, 0 notifications retention")
    );
}

#[test]
fn the_audit_log_is_added_to_and_goes_by_age_alone() {
    let archive = Archive::new();
    let entry = |at, about: &str| AuditEntry {
        at,
        who: "wang".into(),
        what: Deed::Exported,
        about: about.into(),
        from_where: "shell".into(),
    };
    archive.desk.editor().audit(&entry(noon(), "message 1")).expect("it is kept");
    archive.desk.editor().audit(&entry(days(50), "message 2")).expect("it is kept");
    assert!(archive.sql("UPDATE audit SET who = 'li'").unwrap_err().contains("never changed"));
    assert!(archive.sql("DELETE FROM audit").unwrap_err().contains("kept for as long"));
    assert_eq!(archive.sweeper().trim_audit(days(100), &RULES, 10).expect("it is done"), 0);
    assert_eq!(archive.sweeper().trim_audit(days(101), &RULES, 10).expect("it is done"), 1);
    assert_eq!(archive.audit(), ["wang exported message 2 shell"]);
    assert!(archive.sql("DELETE FROM audit").unwrap_err().contains("kept for as long"), "the rest stays");
}

/// A file that resists keeps its recording marked for weeks; meanwhile its ticket is opened again.
#[test]
fn what_is_needed_again_between_the_mark_and_the_deletion_is_kept() {
    let mut archive = Archive::new();
    let number = archive.ticket("t.wav");
    archive.close(&number, days(0));
    let due = archive.sweeper().mark(days(31), &RULES, 100).expect("it is marked");
    let refused = archive.sweeper().delete(days(31), &RULES, &due[0], || Err(std::io::Error::other("read-only")));
    assert!(refused.is_err());
    let again = Advance::to("received").with_note("the customer asks again");
    archive.desk.editor().advance(&number, "王芳", days(32), None, &again).expect("it is opened again");
    assert_eq!(archive.sweep(days(33)), [""; 0], "the recording of an open ticket");
    assert_eq!(archive.sweep(days(34)), [""; 0]);
    archive.close(&number, days(40));
    assert_eq!(archive.sweep(days(69)), [""; 0]);
    assert_eq!(archive.sweep(days(71)), ["t.wav"]);
}

/// A talk that led to a ticket is evidence of it, and needed while it is open.
#[test]
fn the_recording_of_a_tickets_call_goes_after_its_ticket_and_is_held_with_it() {
    let mut archive = Archive::new();
    let number = archive.ticket("t.wav");
    let talk = Some(archive.record("talk.wav"));
    archive.desk.put(&CallRecord { ended_at: Some(noon()), recording: talk, ..call(1) });
    archive.desk.written();
    assert_eq!(archive.sweep(days(6)), [""; 0], "its ticket is open");
    archive.close(&number, days(7));
    let hold = archive
        .desk
        .editor()
        .hold(HeldKind::Ticket, &number.0, ("王芳", "shell"), days(8), "诉讼")
        .expect("it is held");
    assert_eq!(archive.sweep(days(1_000)), [""; 0]);
    archive.desk.editor().lift_hold(hold, ("王芳", "shell"), days(1_001), "结案").expect("it is lifted");
    assert_eq!(archive.sweep(days(1_002)), ["t.wav", "talk.wav"]);
}

#[test]
fn the_numbers_of_callers_who_were_told_go_from_a_messages_history_too() {
    let mut archive = Archive::new();
    let message = archive.message("m.wav");
    archive.hear(message);
    let attempts = vec![Attempt { at: noon(), channel: "phone: 13800138000".into(), result: "confirmed".into() }];
    archive.by_phone(message, MessageChange { attempts, ..MessageChange::default() });
    archive.sweeper().anonymise(days(62), &RULES, 100).expect("it is done");
    let left = archive.desk.reader().message(message).expect("it is read").expect("it is there");
    assert!(left.attempts.iter().all(|attempt| !attempt.channel.contains("13800138000")), "{:?}", left.attempts);
}
