//! Matters that are seen through over hours and days, in virtual time: what the desk does by itself, as one story each.

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::desk::hours::{Hours, to_utc};
use crate::desk::people::Directory;
use crate::desk::tasks::WorkRules;
use crate::desk::ticket::Channel;
use crate::desk::ticket_edit::HandTicket;
use crate::desk::workflow::Nature;

const PEOPLE: &str = r#"
[[person]]
extension = "201"
name = "张伟"
department = "工程部"
hunt = ["sip:201@127.0.0.1:5080"]
duty = ["engineer"]
[[person]]
extension = "202"
name = "李强"
department = "工程部"
hunt = ["sip:202@127.0.0.1:5080"]
duty = ["engineer"]
[[person]]
extension = "801"
name = "陈主管"
hunt = ["sip:801@127.0.0.1:5080"]
duty = ["supervisor"]
"#;

/// A desk whose clerk looks whenever something is due, and whose telephones are answered by the test.
struct Story {
    desk: Desk,
    clerk: Clerk,
    knows: clerk::Desk,
    now: DateTime<Utc>,
    told: String,
    happened: i64,
    called: i64,
}

impl Story {
    /// Begins at that time of Monday, 23 November 2026, in Shanghai.
    fn at(time: &str) -> Self {
        Self::with(time, |_| {})
    }

    fn with(time: &str, adjust: impl FnOnce(&mut WorkRules)) -> Self {
        let desk = Desk::open();
        let mut rules = WorkRules { time_zone: SHANGHAI, ..WorkRules::default() };
        adjust(&mut rules);
        let hours = Hours::parse(Hours::default_text(), "hours.toml").expect("they are good");
        let knows = clerk::Desk {
            people: Arc::new(Directory::parse(PEOPLE, "people.toml").expect("they are good")),
            hours: Arc::new(hours),
            rules: Arc::new(rules),
            clocks: Arc::default(),
            notify: Arc::default(),
            transcribes: false,
        };
        let clerk = Clerk::open(&desk.path()).expect("it opens");
        Self { desk, clerk, knows, now: Self::time(time), told: String::new(), happened: 0, called: 0 }
    }

    fn time(time: &str) -> DateTime<Utc> {
        let (day, time) = time.split_once(' ').unwrap_or(("23", time));
        let local = format!("2026-11-{day} {time}");
        let local = chrono::NaiveDateTime::parse_from_str(&local, "%Y-%m-%d %H:%M").expect("a time");
        to_utc(local, SHANGHAI).expect("it exists")
    }

    /// Time goes by, and the clerk works.
    fn until(&mut self, time: &str) {
        let until = Self::time(time);
        assert!(until >= self.now, "{time} is over");
        loop {
            let next = self.work();
            if self.now >= until {
                return;
            }
            let leap = next.filter(|next| *next > self.now).unwrap_or(until);
            self.now = leap.min(until);
        }
    }

    /// The clerk does what is due, and says when there is something to do next.
    fn work(&mut self) -> Option<DateTime<Utc>> {
        loop {
            let looked = self.clerk.look(self.now, &self.knows).expect("it looks");
            if !looked.more {
                self.tell();
                return looked.next;
            }
        }
    }

    /// The newest call is answered so.
    fn answered(&mut self, result: &str) {
        let wall = self.now.timestamp_millis();
        let changed = self.sql(&format!(
            "UPDATE errands SET state = 'ended', result = '{result}', started_at_ms = {wall}, ended_at_ms = {wall}
             WHERE id = (SELECT max(id) FROM errands) AND state = 'waiting' AND not_before_ms <= {wall}"
        ));
        assert_eq!(changed, 1, "nobody is called");
        let now = self.local();
        let _ = writeln!(self.told, "{now}        answer: {result}");
        self.work();
    }

    fn sql(&self, sql: &str) -> usize {
        let connection = rusqlite::Connection::open(self.desk.path()).expect("it opens");
        connection.busy_timeout(Duration::from_secs(5)).expect("it may wait");
        connection.execute(sql, []).expect("it goes")
    }

    fn by_hand(&mut self, ticket: &HandTicket) -> TicketNumber {
        let mut editor = self.desk.editor();
        let number = editor.open_by_hand("王芳", self.now, (SHANGHAI, "desk"), ticket).expect("it is kept");
        self.work();
        number
    }

    fn step(&mut self, number: &TicketNumber, who: &str, step: &Advance) {
        self.desk.editor().advance(number, who, self.now, None, step).expect("it goes");
        self.work();
    }

    fn local(&self) -> String {
        self.now.with_timezone(&SHANGHAI).format("%d %H:%M").to_string()
    }

    /// Writes down what is new: calls that the desk makes, and what stands in histories.
    fn tell(&mut self) {
        let connection = rusqlite::Connection::open(self.desk.path()).expect("it opens");
        let notes = "SELECT h.id, h.kind, h.what, h.about, coalesce(h.who, ''), coalesce(
                (SELECT e.note FROM ticket_events e JOIN tickets t ON t.id = e.ticket WHERE h.kind = 'ticket'
                    AND t.number = h.about AND e.what = h.what AND e.at_ms = h.at_ms ORDER BY e.id DESC LIMIT 1),
                (SELECT a.kind || ', ' || a.note FROM alarms a WHERE h.kind = 'alarm' AND a.id = h.about), '')
            FROM happenings h WHERE h.id > ?1 AND h.kind <> 'errand' ORDER BY h.id";
        let mut statement = connection.prepare(notes).expect("it is SQL");
        let rows = statement.query_map([self.happened], |row| {
            Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
        });
        let rows: Vec<(i64, [String; 5])> = rows.expect("it is SQL").collect::<Result<_, _>>().expect("they are read");
        let now = self.local();
        for (id, [kind, what, _about, who, note]) in rows {
            self.happened = id;
            let who = if who.is_empty() { who } else { format!(" by {who}") };
            let note = if note.is_empty() { note } else { format!(": {note}") };
            let _ = writeln!(self.told, "{now} {kind:<7} {what}{who}{note}");
        }
        let calls = "SELECT id, kind, coalesce(to_extension, to_number), coalesce(note, ''), not_before_ms FROM errands
            WHERE id > ?1 ORDER BY id";
        let mut statement = connection.prepare(calls).expect("it is SQL");
        let rows = statement.query_map([self.called], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let rows: Vec<(i64, String, String, String)> =
            rows.expect("it is SQL").collect::<Result<_, _>>().expect("read");
        for (id, kind, to, note) in rows {
            self.called = id;
            let note = if note.is_empty() { note } else { format!(" ({note})") };
            let _ = writeln!(self.told, "{now}         the desk calls {to}: {kind}{note}");
        }
    }
}

fn urgent() -> HandTicket {
    let mut ticket = HandTicket::new(Kind::Repair, Channel::Phone);
    ticket.category = Some("burst_pipe".into());
    ticket.callback_number = Some("13800138000".into());
    (ticket.building, ticket.room) = (Some("3".into()), Some("1201".into()));
    ticket
}

/// R23, R26, R37: the urgent repair of a morning, until the customer is satisfied on the next day.
#[test]
fn an_urgent_repair_is_seen_through_to_its_end() {
    let mut story = Story::at("09:00");
    let number = story.by_hand(&urgent());
    story.until("09:01");
    story.answered("declined");
    story.until("09:02");
    story.answered("accepted");
    story.until("11:01");
    story.answered("confirmed");
    story.until("11:20");
    story.step(&number, "202", &Advance::to("on_site"));
    story.until("12:30");
    story.step(&number, "202", &Advance::to("repaired").with_note("阀门已换"));
    story.until("12:40");
    story.step(&number, "202", &Advance::to("accepted_by_customer"));
    story.until("24 09:00");
    story.answered("satisfied");
    story.until("24 12:00");
    insta::assert_snapshot!(story.told);
    let ticket = story.desk.ticket(&number, story.now);
    assert_eq!(
        (&*ticket.status, ticket.due["on_site"].breached, ticket.due["repaired"].breached),
        ("closed", true, false)
    );
}

/// R26: who does not answer is passed over, then the supervisor is asked, then it is an alarm, and all are called again.
#[test]
fn a_repair_that_nobody_takes_goes_round_until_somebody_does() {
    let mut story = Story::at("22:00");
    let number = story.by_hand(&urgent());
    for _ in 0..3 {
        story.answered("not_reached");
    }
    story.until("22:05");
    story.answered("not_reached");
    // Meanwhile somebody takes it by hand: nobody is called any more.
    story.step(&number, "王芳", &Advance::to("accepted").by_engineer("201"));
    story.until("22:30");
    insta::assert_snapshot!(story.told);
}

/// R23, R10: what is not urgent waits for the morning, and whoever is not on duty is not called.
#[test]
fn a_general_repair_waits_for_the_morning() {
    let mut story = Story::at("22:00");
    let mut general = urgent();
    general.category = Some("door_window".into());
    story.by_hand(&general);
    story.until("24 07:59");
    assert!(!story.told.contains("calls"), "{}", story.told);
    story.until("24 08:00");
    assert!(story.told.contains("24 08:00         the desk calls 201: dispatch"), "{}", story.told);
}

/// R5: a message is passed on by a schedule, then told to a colleague and the supervisor, until somebody has it.
#[test]
fn a_message_is_passed_on_until_it_is_confirmed() {
    let mut story = Story::at("18:00");
    let at = story.now;
    let draft = MessageDraft {
        for_person: Some("201".into()),
        from_number: Some("13800138000".into()),
        from_name: None,
        call: CallId(1),
        language: None,
    };
    let Ok(Done::MessageOpened(message)) = story.desk.ask(at, |id| DeskRequest::OpenMessage { id, draft }) else {
        panic!("it is kept")
    };
    let complete = MessageChange { complete: Some(true), ..MessageChange::default() };
    story.desk.ask(at, |id| DeskRequest::ChangeMessage { id, message, change: complete }).expect("it is kept");
    story.until("18:10");
    story.answered("not_reached");
    story.until("18:40");
    story.answered("heard");
    story.until("20:40");
    story.answered("not_reached");
    story.until("24 08:00");
    story.answered("not_reached");
    story.until("24 08:01");
    story.answered("confirmed");
    story.until("24 12:00");
    insta::assert_snapshot!(story.told);
    let kept = story.desk.reader().message(message).expect("it is read").expect("it is there");
    assert_eq!(kept.relay, Relay::Confirmed);
    insta::assert_debug_snapshot!(
        kept.attempts.iter().map(|a| format!("{} {}", a.channel, a.result)).collect::<Vec<_>>()
    );
}

/// R37, R10: not satisfied begins the work again; nobody is called at night, nor more often than said.
#[test]
fn a_customer_who_is_not_satisfied_gets_the_work_done_again() {
    let mut story = Story::at("14:00");
    let number = story.by_hand(&urgent());
    story.answered("accepted");
    for stage in ["on_site", "repaired", "accepted_by_customer"] {
        story.step(&number, "201", &Advance::to(stage));
    }
    story.until("24 10:00");
    story.answered("not_reached");
    story.until("24 14:00");
    story.answered("not_satisfied");
    story.until("24 14:01");
    insta::assert_snapshot!(story.told);
}

/// R33, R37: a complaint's customer is called too; after three calls without an answer it is left to the owner.
#[test]
fn a_complaints_customer_is_called_three_times_at_most() {
    let mut story = Story::at("09:00");
    let mut complaint = HandTicket::new(Kind::Complaint, Channel::Letter);
    complaint.callback_number = Some("13800138000".into());
    let number = story.by_hand(&complaint);
    for stage in ["judge", "analyse", "assign", "handle", "follow_up"] {
        let step = Advance {
            nature: Some(Nature::Communicative),
            responsible: Some("客服".into()),
            ..Advance::to(stage).with_note("done")
        };
        story.step(&number, "王芳", &step);
    }
    for at in ["10:00", "14:00", "18:00"] {
        story.until(at);
        story.answered("not_reached");
    }
    story.until("24 20:00");
    insta::assert_snapshot!(story.told);
}

/// R19: the supervisor hears at once of what was not answered, and again when its five minutes are over.
#[test]
fn the_supervisor_hears_of_an_inquiry_at_once_and_when_it_is_late() {
    let mut story = Story::at("10:00");
    let number = story.by_hand(&HandTicket::new(Kind::Inquiry, Channel::Phone));
    story.answered("confirmed");
    story.until("10:06");
    story.answered("confirmed");
    story.step(&number, "王芳", &Advance::to("answered").with_note("called back"));
    story.until("10:30");
    insta::assert_snapshot!(story.told);
}

/// What is cut off between two looks is done at the next one, once.
#[test]
fn another_clerk_goes_on_where_the_last_one_stopped() {
    let mut story = Story::at("09:00");
    story.by_hand(&urgent());
    story.clerk = Clerk::open(&story.desk.path()).expect("it opens");
    story.answered("declined");
    story.clerk = Clerk::open(&story.desk.path()).expect("it opens");
    story.until("09:09");
    assert_eq!(story.told.matches("the desk calls").count(), 2, "{}", story.told);
}

/// R37: the desk closed it while the customer was asked; what they said is not lost, and "not" opens it again.
#[test]
fn what_a_customer_says_counts_also_where_the_ticket_was_closed_meanwhile() {
    for (said, stage) in [("satisfied", "closed"), ("not_satisfied", "reported")] {
        let mut story = Story::at("14:00");
        let number = story.by_hand(&urgent());
        story.answered("accepted");
        for stage in ["on_site", "repaired", "accepted_by_customer"] {
            story.step(&number, "201", &Advance::to(stage));
        }
        story.until("24 10:00");
        let closed = Advance::to("closed").with_note("the customer came by");
        story.desk.editor().advance(&number, "王芳", story.now, None, &closed).expect("it goes");
        story.sql("UPDATE errands SET comment = 'said.wav' WHERE id = (SELECT max(id) FROM errands)");
        story.answered(said);
        let ticket = story.desk.ticket(&number, story.now);
        assert!(
            ticket.events.iter().any(|e| e.note.as_deref().is_some_and(|note| note.contains(said))),
            "{}",
            story.told
        );
        assert_eq!(ticket.work.feedback, Some(RecordingId("said.wav".into())));
        assert!(
            matches!(&*ticket.stage, s if s == stage || stage == "reported" && s == "dispatched"),
            "{}",
            ticket.stage
        );
    }
}

/// R26, R5: the line is full, or makes no calls: what can't be done is an alarm in time, and is tried again.
#[test]
fn calls_that_are_never_made_are_alarmed_all_the_same() {
    let mut story = Story::at("09:00");
    story.by_hand(&urgent());
    story.until("11:00");
    assert_eq!(story.told.matches("raised: not_dispatched").count(), 1, "{}", story.told);
    assert!(story.told.matches("the desk calls").count() > 3, "{}", story.told);

    let mut story = Story::at("09:00");
    let message = leave(&mut story.desk, "201", "13800138000", story.now);
    story.until("24 12:00");
    assert_eq!(story.told.matches("raised: message_unconfirmed").count(), 1, "{}", story.told);
    let kept = story.desk.reader().message(message).expect("it is read").expect("it is there");
    assert_eq!(kept.relay, Relay::Escalated);

    let mut story = Story::at("10:00");
    story.by_hand(&HandTicket::new(Kind::Inquiry, Channel::Phone));
    story.until("13:00");
    let open = story.sql("UPDATE tasks SET id = id WHERE next_at_ms IS NOT NULL");
    assert_eq!(open, 0, "the only supervisor can't be called, and nothing waits for ever: {}", story.told);
}

/// R10: a customer who could not be called while the line was full is called another time, and that was no try.
#[test]
fn a_call_to_a_customer_that_was_never_made_is_no_try() {
    let mut story = Story::at("09:00");
    let number = story.by_hand(&urgent());
    story.answered("accepted");
    for stage in ["on_site", "repaired", "accepted_by_customer"] {
        story.step(&number, "201", &Advance::to(stage));
    }
    story.until("25 10:00");
    assert!(!story.told.contains("follow_up_not_reached"), "{}", story.told);
    story.until("26 09:10");
    story.answered("satisfied");
    assert_eq!(story.desk.ticket(&number, story.now).stage, "closed");
}

impl Story {
    /// The power goes, and the daemon starts again.
    fn again(self) -> Self {
        let Story { desk, clerk, knows, now, told, happened, called } = self;
        drop(clerk);
        let desk = desk.again();
        let clerk = Clerk::open(&desk.path()).expect("it opens");
        Self { desk, clerk, knows, now, told, happened, called }
    }
}

/// R9, R24, R26: whose call is cut off with the daemon is helped like one who hangs up early.
#[test]
fn a_report_that_was_cut_off_by_a_crash_is_seen_through_all_the_same() {
    let mut story = Story::at("09:00");
    let repair = story.desk.open_ticket(story.now, draft(Kind::Repair, Some(Urgency::Urgent)));
    let inquiry = TicketDraft { call: CallId(2), ..draft(Kind::Inquiry, None) };
    story.desk.open_ticket(story.now, inquiry);
    story.desk.put(&CallRecord { answered_at: Some(story.now), ..call(1) });
    // The row of the second call was never written.
    story.work();
    assert!(!story.told.contains("the desk calls"), "they talk still: {}", story.told);
    let mut story = story.again();
    story.work();
    assert!(story.told.contains("the desk calls 201: dispatch"), "{}", story.told);
    assert!(story.told.contains("the desk calls 801: notice (unanswered)"), "{}", story.told);
    let before = story.told.clone();
    let mut story = story.again();
    story.work();
    assert_eq!(story.told, before, "once");
    let what: Vec<_> = story.desk.ticket(&repair, story.now).events.into_iter().map(|event| event.what).collect();
    assert_eq!(what, ["opened", "call_ended_early", "call_interrupted", "dispatched"]);
}

/// A session that a fault of ours ends says nothing of its tickets: its row's end does.
#[test]
fn a_report_of_a_call_that_ended_without_a_word_is_seen_through_all_the_same() {
    let mut story = Story::at("09:00");
    let number = story.desk.open_ticket(story.now, draft(Kind::Repair, Some(Urgency::Urgent)));
    story.desk.put(&CallRecord { tickets: vec![number], ..ended(1) });
    story.desk.written();
    story.work();
    assert!(story.told.contains("the desk calls 201: dispatch"), "{}", story.told);
}

/// R5: what was spoken is passed on, also where the caller was cut off before they had hung up.
#[test]
fn a_message_that_was_cut_off_by_a_crash_is_passed_on() {
    let mut story = Story::at("09:00");
    let open = |call, recording: Option<&str>, story: &mut Story| {
        let draft = MessageDraft {
            for_person: Some("201".into()),
            from_number: Some("13800138000".into()),
            from_name: None,
            call: CallId(call),
            language: None,
        };
        let Ok(Done::MessageOpened(message)) = story.desk.ask(story.now, |id| DeskRequest::OpenMessage { id, draft })
        else {
            panic!("it is kept")
        };
        let recording = recording.map(|path| RecordingId(path.into()));
        let change = MessageChange { recording, ..MessageChange::default() };
        story.desk.ask(story.now, |id| DeskRequest::ChangeMessage { id, message, change }).expect("it is kept");
        story.desk.put(&CallRecord { answered_at: Some(story.now), ..super::call(call) });
    };
    open(1, Some("said.wav"), &mut story);
    open(2, None, &mut story);
    let mut story = story.again().again();
    story.until("09:10");
    assert_eq!(
        story.told.matches("the desk calls 201: relay").count(),
        1,
        "nothing was said in the other: {}",
        story.told
    );
}

/// R19: the supervisor is not woken by day for what was answered at night.
#[test]
fn nobody_is_told_of_an_unanswered_inquiry_that_was_answered_meanwhile() {
    let mut story = Story::at("22:00");
    let number = story.by_hand(&HandTicket::new(Kind::Inquiry, Channel::Phone));
    story.until("22:03");
    story.step(&number, "王芳", &Advance::to("answered").with_note("told"));
    story.until("24 12:00");
    assert!(!story.told.contains("the desk calls"), "{}", story.told);
}
