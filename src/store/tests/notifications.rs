//! The outbox: who is told of what happened, once each, whatever fails.

use super::*;
use crate::desk::hours::Hours;
use crate::desk::notifications::{
    Delivery, DueNotification, NoticeContent, Notification, NotificationState, NotifyChannel, NotifyRules, Webhooks,
};
use crate::desk::people::Directory;

const PEOPLE: &str = r#"
[[person]]
extension = "201"
name = "张伟"
duty = ["engineer"]
email = "zhangwei@example.com"
notify = ["email", "sip"]
[[person]]
extension = "301"
name = "李雷"
email = "lilei@example.com"
[[person]]
extension = "801"
name = "陈主管"
duty = ["supervisor"]
email = "chen@example.com"
"#;

const WEBHOOKS: &str = r#"
[[webhook]]
name = "erp"
url = "http://127.0.0.1/hooks"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
events = ["ticket.*", "alarm.raised"]
"#;

/// A desk whose clerk and outbox look when the test says so.
struct Told {
    desk: Desk,
    clerk: Clerk,
    outbox: Outbox,
    knows: clerk::Desk,
    now: DateTime<Utc>,
}

impl Told {
    /// Noon in Shanghai.
    fn new() -> Self {
        Self::at(noon())
    }

    fn at(now: DateTime<Utc>) -> Self {
        let desk = Desk::open();
        let knows = clerk::Desk {
            people: Arc::new(Directory::parse(PEOPLE, "people.toml").expect("they are good")),
            hours: Arc::new(Hours::parse(Hours::default_text(), "hours.toml").expect("they are good")),
            rules: Arc::default(),
            clocks: Arc::default(),
            notify: Arc::new(NotifyRules {
                mail: true,
                webhooks: Arc::new(Webhooks::parse(WEBHOOKS, "webhooks.toml").expect("they are good")),
                ..NotifyRules::default()
            }),
            transcribes: false,
        };
        let clerk = Clerk::open(&desk.path()).expect("it opens");
        let (outbox, again) = Outbox::open(&desk.path(), now).expect("it opens");
        assert_eq!(again, 0);
        Self { desk, clerk, outbox, knows, now }
    }

    fn look(&mut self) {
        while self.clerk.look(self.now, &self.knows).expect("it looks").more {}
    }

    fn leave_message(&mut self, person: &str) -> MessageId {
        let draft = MessageDraft {
            for_person: Some(person.to_owned()),
            from_number: Some("13800138000".into()),
            from_name: None,
            call: CallId(1),
            language: None,
        };
        let at = self.now;
        let Ok(Done::MessageOpened(message)) = self.desk.ask(at, |id| DeskRequest::OpenMessage { id, draft }) else {
            panic!("it is kept")
        };
        let change = MessageChange {
            complete: Some(true),
            recording: Some(RecordingId("2026/11/23/1.wav".into())),
            duration_ms: Some(65_000),
            ..MessageChange::default()
        };
        self.desk.ask(at, |id| DeskRequest::ChangeMessage { id, message, change }).expect("it is kept");
        self.look();
        message
    }

    fn take(&mut self) -> Vec<DueNotification> {
        self.outbox.take(self.now, 100, &[]).expect("it is read").0
    }

    fn came_to(&mut self, due: &DueNotification, delivery: &Delivery) -> outbox::Told {
        self.outbox.delivered(self.now, &self.knows.notify, due, delivery).expect("it is kept")
    }

    fn all(&self) -> Vec<Notification> {
        let mut all = self.desk.reader().notifications(&NotificationFilter::default()).expect("they are read");
        all.reverse();
        all
    }

    /// `message.left email 301 waiting`, one for each.
    fn list(&self) -> Vec<String> {
        let line = |n: Notification| format!("{} {} {} {}", n.event, n.channel, n.recipient, n.state);
        self.all().into_iter().map(line).collect()
    }

    fn alarms(&self) -> Vec<String> {
        let alarms = self.desk.reader().alarms(&AlarmFilter::default()).expect("they are read");
        alarms.iter().map(|alarm| format!("{} {}", alarm.kind, alarm.about.as_deref().unwrap_or_default())).collect()
    }

    fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.desk.path()).expect("it opens");
        connection.busy_timeout(Duration::from_secs(5)).expect("it may wait");
        connection.execute_batch(sql).expect("it goes");
    }
}

fn note(due: &DueNotification) -> &crate::desk::notifications::Note {
    match &due.content {
        NoticeContent::Note(note) => note,
        NoticeContent::Payload(payload) => panic!("{payload}"),
    }
}

#[test]
fn r5_whom_a_message_is_for_is_told_once_and_the_message_knows_it() {
    let mut told = Told::new();
    let message = told.leave_message("301");
    assert_eq!(told.list(), ["message.left email 301 waiting"]);
    // Read once more from the beginning, it is the same one.
    told.sql("UPDATE cursors SET id = 0 WHERE name = 'notifications'");
    told.look();
    assert_eq!(told.list().len(), 1);
    let due = told.take();
    assert_eq!(due.len(), 1);
    assert_eq!(note(&due[0]).recording, Some(RecordingId("2026/11/23/1.wav".into())));
    assert!(note(&due[0]).text.contains("来电号码：13800138000") && note(&due[0]).text.contains("时长：1:05"));
    assert!(told.take().is_empty(), "what is being sent is not taken again");
    told.came_to(&due[0], &Delivery::Sent);
    let message = told.desk.reader().message(message).expect("it is read").expect("it is there");
    assert_eq!(message.relay, Relay::Notified);
    assert_eq!((&*message.attempts[0].channel, &*message.attempts[0].result), ("email: 301", "sent"));
    told.look();
    assert_eq!(told.list(), ["message.left email 301 sent"]);
    let kept: Option<String> = rusqlite::Connection::open(told.desk.path())
        .and_then(|c| c.query_row("SELECT content FROM notifications", [], |row| row.get(0)))
        .expect("a row");
    assert_eq!(kept, None, "what was said stays in no second place");
}

#[test]
fn a_message_that_was_heard_meanwhile_is_not_told_of_backwards() {
    let mut told = Told::new();
    let message = told.leave_message("301");
    let due = told.take();
    told.desk.editor().confirm(message, "301", told.now).expect("it goes");
    told.came_to(&due[0], &Delivery::Sent);
    let message = told.desk.reader().message(message).expect("it is read").expect("it is there");
    assert_eq!((message.relay, message.attempts.len()), (Relay::Confirmed, 2));
}

#[test]
fn whom_a_message_is_forwarded_to_is_told_too() {
    let mut told = Told::new();
    let message = told.leave_message("301");
    let change = MessageChange { for_person: Some("801".into()), ..MessageChange::default() };
    told.desk.ask(told.now, |id| DeskRequest::ChangeMessage { id, message, change }).expect("it is kept");
    told.look();
    assert_eq!(told.list(), ["message.left email 301 waiting", "message.forwarded email 801 waiting"]);
}

#[test]
fn what_a_crash_left_half_sent_is_sent_again_under_the_same_id() {
    let mut told = Told::new();
    told.leave_message("301");
    let first = told.take();
    let (mut outbox, again) = Outbox::open(&told.desk.path(), told.now).expect("it opens");
    assert_eq!(again, 1);
    let (second, _) = outbox.take(told.now, 100, &[]).expect("it is read");
    assert_eq!((second[0].id, second[0].created_at), (first[0].id, first[0].created_at));
    assert_eq!((first[0].tries, second[0].tries), (1, 2));
}

#[test]
fn a_channel_that_fails_is_one_alarm_which_others_are_told() {
    let mut told = Told::new();
    told.sql(
        "INSERT INTO alarms (kind, state, raised_at_ms, call, about, note) VALUES ('disk_low', 'open', 1, 0, '', 'x')",
    );
    told.look();
    assert_eq!(told.list(), ["alarm.raised webhook erp waiting", "alarm.raised email 801 waiting"]);
    let hook = told.take().into_iter().find(|due| due.channel == NotifyChannel::Webhook).expect("it is due");
    for tries in 1..=4 {
        let due = DueNotification { tries, ..hook.clone() };
        let came_to = told.came_to(&due, &Delivery::Again("it answered 500".into()));
        assert_eq!(came_to, outbox::Told { alarmed: tries == 3, ..outbox::Told::default() });
    }
    assert_eq!(told.alarms(), ["channel_failing webhook erp", "disk_low "]);
    told.look();
    assert_eq!(
        told.list(),
        ["alarm.raised webhook erp waiting", "alarm.raised email 801 sending", "alarm.raised email 801 waiting"],
        "not by the channel that fails"
    );
    assert!(told.came_to(&hook, &Delivery::Sent).works_again);
    assert!(!told.came_to(&hook, &Delivery::Sent).works_again);
}

#[test]
fn what_fails_is_tried_for_two_days_and_may_be_sent_by_hand_after() {
    let mut told = Told::new();
    told.leave_message("301");
    let mut tries = 0;
    let failed = loop {
        let (due, next) = told.outbox.take(told.now, 100, &[]).expect("it is read");
        for due in &due {
            tries += 1;
            assert_eq!(due.tries, tries);
            told.came_to(due, &Delivery::Again("no server".into()));
        }
        let next = told.outbox.take(told.now, 0, &[]).expect("it is read").1.or(next.filter(|_| due.is_empty()));
        match next {
            // At night it waits.
            Some(next) => told.now = next,
            None => break told.all().remove(0),
        }
    };
    assert_eq!((failed.state, failed.error.as_deref()), (NotificationState::Failed, Some("no server")));
    assert!((20..60).contains(&tries) && told.now - noon() > TimeDelta::hours(40), "{tries} {}", told.now);
    told.desk.editor().retry_notification(failed.id, told.now).expect("it goes");
    let due = told.take();
    assert_eq!(
        (due[0].id, due[0].tries, due[0].created_at),
        (failed.id, 1, failed.created_at),
        "the same to receivers"
    );
    told.came_to(&due[0], &Delivery::Sent);
    let refused = told.desk.editor().retry_notification(failed.id, told.now).expect_err("it was sent");
    assert_eq!(refused.to_string(), format!("notification {} was sent, or is being sent", failed.id.0));
}

#[test]
fn a_refused_address_is_an_alarm_and_no_circle() {
    let mut told = Told::new();
    told.leave_message("801");
    for round in 0..3 {
        let mut due = told.take();
        due.retain(|due| due.channel == NotifyChannel::Email);
        assert_eq!(due.len(), usize::from(round == 0), "its own failing is not told to it");
        for due in &due {
            assert!(told.came_to(due, &Delivery::Refused("550 no such mailbox".into())).failed);
        }
        told.look();
    }
    assert_eq!(told.alarms(), ["channel_failing email 801"]);
}

#[test]
fn r10_at_night_people_sleep_unless_it_is_urgent_and_programs_never_do() {
    // 23:00 in Shanghai.
    let mut told = Told::at(noon() + TimeDelta::hours(11));
    told.leave_message("301");
    assert!(told.take().is_empty());
    told.sql("INSERT INTO alarms (kind, state, raised_at_ms, call, about, note) VALUES ('line_down', 'open', 1, 0, 't', 'x')");
    told.look();
    let due: Vec<String> = told.take().iter().map(|due| format!("{} {}", due.event, due.recipient)).collect();
    assert_eq!(due, ["alarm.raised erp", "alarm.raised 801"]);
    told.now = noon() + TimeDelta::hours(19);
    assert_eq!(told.take().iter().map(|due| &*due.event).collect::<Vec<_>>(), ["message.left"], "at seven");
}

#[test]
fn a_channel_with_enough_on_its_way_keeps_no_other_waiting() {
    let mut told = Told::new();
    told.leave_message("301");
    told.sql("INSERT INTO alarms (kind, state, raised_at_ms, call, about, note) VALUES ('line_down', 'open', 1, 0, 't', 'x')");
    told.look();
    let take = |told: &mut Told, full: &[&str]| -> Vec<String> {
        let (due, _) = told.outbox.take(told.now, 100, full).expect("it is read");
        due.iter().map(|due| format!("{} {}", due.channel, due.recipient)).collect()
    };
    assert_eq!(take(&mut told, &["email", "webhook other"]), ["webhook erp"]);
    assert_eq!(take(&mut told, &["webhook erp"]), ["email 301", "email 801"]);
}

#[test]
fn r26_engineers_on_duty_have_a_new_repair_in_writing_by_all_their_ways() {
    let mut told = Told::new();
    // Nobody is sent by telephone.
    let mut rules = crate::desk::tasks::WorkRules::default();
    rules.dispatch.calls = false;
    told.knows.rules = Arc::new(rules);
    let mut wanted = crate::desk::ticket_edit::HandTicket::new(Kind::Repair, crate::desk::ticket::Channel::Visit);
    wanted.category = Some("burst_pipe".into());
    wanted.callback_number = Some("13800138000".into());
    (wanted.building, wanted.room) = (Some("3".into()), Some("1201".into()));
    let number = told.desk.editor().open_by_hand("王芳", told.now, (SHANGHAI, "desk"), &wanted).expect("it is kept");
    told.look();
    let people: Vec<String> = told.list().into_iter().filter(|line| !line.contains("webhook")).collect();
    assert_eq!(people, ["ticket.report_complete email 201 waiting", "ticket.report_complete sip 201 waiting"]);
    let due = told.take();
    let letter = due.iter().find(|due| due.channel == NotifyChannel::Email).expect("it is due");
    assert!(note(letter).subject.contains(&format!("急报修 {number} 3栋1201")), "{}", note(letter).subject);
    assert!(!note(letter).text.contains("13800138000"), "R12: whose ticket it is not yet sees no number");
    assert!(note(letter).text.contains("138****8000"), "{}", note(letter).text);
    // Whoever takes it has the number.
    let step = Advance::to("accepted").by_engineer("201");
    told.desk.editor().advance(&number, "201", told.now, None, &step).expect("it goes");
    told.look();
    let due = told.take();
    let letter = due.iter().find(|due| due.event == "ticket.accepted" && due.channel == NotifyChannel::Email);
    let letter = letter.expect("it is due");
    assert!(note(letter).text.contains("13800138000"), "{}", note(letter).text);
    let hook = due.iter().find(|due| due.channel == NotifyChannel::Webhook).expect("it is due");
    let NoticeContent::Payload(payload) = &hook.content else { panic!("no payload") };
    let payload: serde_json::Value = serde_json::from_str(payload).expect("JSON");
    assert_eq!(payload["data"]["ticket"]["number"], number.0);
    assert_eq!(payload["data"]["ticket"]["callback_number"], "138****8000");
}

#[test]
fn what_is_said_is_asked_for_in_writing_once_and_goes_with_its_recording() {
    let mut told = Told::new();
    told.knows.transcribes = true;
    let message = told.leave_message("301");
    let mut transcripts = Transcripts::open(&told.desk.path(), told.now).expect("it opens");
    let due = transcripts.take(told.now).expect("it is read").expect("one is due");
    assert_eq!((due.recording.0.as_str(), due.tries), ("2026/11/23/1.wav", 1));
    assert_eq!(transcripts.take(told.now).expect("it is read"), None, "it is being made");
    // A run that is cut off leaves it to the next one.
    let mut transcripts = Transcripts::open(&told.desk.path(), told.now).expect("it opens");
    let due = transcripts.take(told.now).expect("it is read").expect("it is due again");
    let rules = Arc::clone(&told.knows.notify);
    for tries in 1..=3 {
        let due = DueTranscript { tries, ..due.clone() };
        let alarmed =
            transcripts.came_to(told.now, &rules, &due, &Transcribed::Again("503".into())).expect("it is kept");
        assert_eq!(alarmed, tries == 3);
    }
    told.now += TimeDelta::hours(1);
    let due = transcripts.take(told.now).expect("it is read").expect("it is due again");
    let text = Transcribed::Text(" 水管漏了，电话 13900139000 \n".into());
    transcripts.came_to(told.now, &rules, &due, &text).expect("it is kept");
    let transcript =
        |told: &Told| told.desk.reader().message(message).expect("it is read").expect("it is there").transcript;
    assert_eq!(transcript(&told).as_deref(), Some("水管漏了，电话 13900139000"));
    told.desk.editor().confirm(message, "301", told.now).expect("it goes");
    let mut sweeper = Sweeper::open(&told.desk.path()).expect("it opens");
    told.now += TimeDelta::days(4_000);
    let old = crate::desk::retention::Retention::default();
    let due = sweeper.mark(told.now, &old, 10).expect("it is read");
    for due in &due {
        assert!(sweeper.delete(told.now, &old, due, || Ok(())).expect("it goes"));
    }
    assert_eq!((due.len(), transcript(&told)), (1, None));
    let left: i64 = rusqlite::Connection::open(told.desk.path())
        .and_then(|c| c.query_row("SELECT count(*) FROM transcripts", [], |row| row.get(0)))
        .expect("a count");
    assert_eq!(left, 0);
}

#[test]
fn a_disk_that_is_full_in_the_middle_leaves_nothing_half_done_and_nothing_out() {
    let mut told = Told::new();
    // A wide happening for many: one transaction has to write a lot.
    let people: String = (0..400)
        .map(|n| {
            format!(
                "[[person]]\nextension = \"{}\"\nname = \"王{n}\"\nduty = [\"supervisor\"]\nemail = \"a{n}@b.cn\"\n",
                1000 + n
            )
        })
        .collect();
    told.knows.people = Arc::new(Directory::parse(&people, "people.toml").expect("they are good"));
    told.sql(
        "INSERT INTO alarms (kind, state, raised_at_ms, call, about, note) VALUES ('disk_low', 'open', 1, 0, '', 'x')",
    );
    let pages: u32 = rusqlite::Connection::open(told.desk.path())
        .and_then(|c| c.query_row("PRAGMA page_count", [], |row| row.get(0)))
        .expect("a count");
    told.clerk.limit_pages(pages + 8);
    let failed = told.clerk.look(told.now, &told.knows).expect_err("the disk is full");
    assert!(failed.to_string().contains("full"), "{failed}");
    assert_eq!(told.list(), Vec::<String>::new(), "all or nothing");
    // There is room again: everybody is told, each once.
    told.clerk.limit_pages(1_000_000);
    told.look();
    told.look();
    let told = told.list();
    assert_eq!(told.len(), 401, "{} people and the program", told.len());
}
