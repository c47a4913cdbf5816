//! Shifts: the journal by hand and by the system, and handovers.

use super::*;
use crate::desk::handover::Mark;
use crate::desk::journal::{JournalEntry, JournalKind};

fn hours(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

impl Desk {
    fn write(&self, at: DateTime<Utc>, text: &str) -> i64 {
        let entry = JournalEntry::by_hand(at, JournalKind::Note, ("", text), "王芳").expect("it is good");
        self.editor().add_to_journal(&entry).expect("it is kept")
    }

    fn journal(&self) -> Vec<(JournalKind, String, String)> {
        let mut kept = self.reader().journal(&JournalFilter::default()).expect("it is read");
        kept.sort_by_key(|kept| kept.id);
        kept.into_iter().map(|kept| (kept.entry.kind, kept.entry.about, kept.entry.text)).collect()
    }

    fn code(&self, at: DateTime<Utc>) -> Mark {
        self.reader().handover_page(at, 10).expect("it is read").mark
    }

    fn sql(&self, sql: &str) -> Result<usize, String> {
        let connection = rusqlite::Connection::open(self.path()).expect("it opens");
        connection.execute(sql, []).map_err(|fault| fault.to_string())
    }
}

#[test]
fn r41_the_journal_is_added_to_and_corrected_and_never_changed() {
    let desk = Desk::open();
    let first = desk.write(hours(0), "电梯停运，已报修");
    let correction = JournalEntry::correction(hours(1), first, "不是电梯，是门禁", "李娜").expect("it is good");
    let second = desk.editor().add_to_journal(&correction).expect("it is kept");
    let kept = desk.reader().journal(&JournalFilter::default()).expect("it is read");
    assert_eq!((kept[0].id, kept[0].entry.corrects), (second, Some(first)));
    assert_eq!((kept[1].id, kept[1].corrected_by, kept[1].entry.who.as_deref()), (first, Some(second), Some("王芳")));
    let of_none = JournalEntry::correction(hours(1), 99, "x", "李娜").expect("it is good");
    let told = desk.editor().add_to_journal(&of_none).expect_err("there is no such entry");
    assert_eq!(told.to_string(), "journal entry 99 does not exist");
    assert!(desk.sql("UPDATE journal SET text = 'nothing'").unwrap_err().contains("never changed"));
    assert!(desk.sql("DELETE FROM journal").unwrap_err().contains("never deleted"));
    for (kind, text, who) in
        [(JournalKind::LineDown, "x", "w"), (JournalKind::Note, " ", "w"), (JournalKind::Note, "x", " ")]
    {
        assert!(JournalEntry::by_hand(hours(0), kind, ("", text), who).is_err());
    }
}

#[test]
fn r41_alarms_and_runs_write_themselves_down_once() {
    let mut desk = Desk::open();
    desk.editor().begin_run(hours(0), "1.0").expect("it is written");
    for state in [AlarmState::Watched, AlarmState::Open, AlarmState::Open, AlarmState::Settled] {
        let word =
            AlarmWord { note: "nobody".into(), ..AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(7), state) };
        desk.ask(hours(1), |id| DeskRequest::PutAlarm { id, word }).expect("it is kept");
    }
    let down = AlarmWord::about(AlarmKind::LineDown, "carrier", AlarmState::Open);
    desk.ask(hours(1), |id| DeskRequest::PutAlarm { id, word: down }).expect("it is kept");
    let settled = AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(8), AlarmState::Settled);
    desk.ask(hours(1), |id| DeskRequest::PutAlarm { id, word: settled }).expect("it is kept");
    // The next run finds that this one did not end.
    desk.editor().begin_run(hours(2), "1.0").expect("it is written");
    desk.editor().end_run(hours(3)).expect("it is written");
    desk.editor().begin_run(hours(-21), "1.1").expect("it is written");
    let entry = |kind, about: &str, text: &str| (kind, about.to_owned(), text.to_owned());
    assert_eq!(
        desk.journal(),
        [
            entry(JournalKind::Started, "", "frontdesk 1.0"),
            entry(JournalKind::MissedEmergency, "call 7", "nobody"),
            entry(JournalKind::CutOff, "", "the run of 2026-11-23 04:00:00 UTC was cut off"),
            entry(JournalKind::Started, "", "frontdesk 1.0"),
            entry(JournalKind::Stopped, "", ""),
            entry(
                JournalKind::ClockSet,
                "",
                "the clock stands 86400 s before the newest entry of the journal (2026-11-23 07:00:00 UTC)"
            ),
            entry(JournalKind::Started, "", "frontdesk 1.1"),
        ]
    );
}

#[test]
fn r40_a_shift_is_signed_off_read_and_signed_on_by_name() {
    let mut desk = Desk::open();
    desk.editor().sign_on("王芳", hours(0), desk.code(hours(0)), None).expect("the first takes over from nobody");
    let number = desk.open_ticket(
        hours(1),
        TicketDraft {
            kind: Kind::Repair,
            class: Class::B,
            urgency: Some(Urgency::Urgent),
            category: None,
            caller: None,
            call: CallId(1),
            language: None,
        },
    );
    desk.write(hours(2), "3 栋门禁坏了");
    let word = AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(7), AlarmState::Open);
    desk.ask(hours(3), |id| DeskRequest::PutAlarm { id, word }).expect("it is kept");
    let draft = MessageDraft {
        for_person: Some("201".into()),
        from_number: None,
        from_name: None,
        call: CallId(1),
        language: None,
    };
    let Ok(Done::MessageOpened(message)) = desk.ask(hours(3), |id| DeskRequest::OpenMessage { id, draft }) else {
        panic!("it is kept")
    };
    let change = MessageChange { complete: Some(true), ..MessageChange::default() };
    desk.ask(hours(3), |id| DeskRequest::ChangeMessage { id, message, change }).expect("it is kept");

    let early = desk.code(hours(7));
    let told = desk.editor().sign_on("李娜", hours(8), early, None).expect_err("王芳 is still there");
    assert!(told.to_string().starts_with("王芳 has not signed off"), "{told}");
    desk.editor().sign_off("王芳", hours(8), "钥匙在前台").expect("it is kept");
    let told = desk.editor().sign_on("李娜", hours(8), early, None).expect_err("the note was not on it");
    assert!(told.to_string().contains("older than the last handover"), "{told}");

    let page = desk.reader().handover_page(hours(8), 10).expect("it is read");
    assert_eq!(
        page.standing.waiting.as_ref().and_then(|w| w.off.as_ref()).map(|off| off.note.as_str()),
        Some("钥匙在前台")
    );
    assert_eq!((page.tickets.total, &page.tickets.list[0].number), (1, &number));
    assert_eq!((page.messages.total, page.alarms.total, page.missed.total), (1, 1, 1));
    assert_eq!((page.opened, page.closed), (1, 0));
    let kinds: Vec<_> = page.journal.list.iter().map(|kept| kept.entry.kind).collect();
    assert_eq!(kinds, [JournalKind::Note, JournalKind::MissedEmergency]);

    // What comes while 李娜 reads is on the next page, not between two.
    let late = desk.write(hours(8), "刚来电");
    desk.editor().sign_on("李娜", hours(8), page.mark, None).expect("it is kept");
    let next = desk.reader().handover_page(hours(9), 10).expect("it is read");
    assert_eq!(next.journal.list.iter().map(|kept| kept.id).collect::<Vec<_>>(), [late]);
    assert_eq!((next.missed.total, next.alarms.total, next.opened), (0, 1, 0), "what is open stays on the page");
    let past = desk.reader().handovers(10).expect("they are read");
    assert_eq!(
        past.iter().map(|h| h.on.as_ref().map(|on| on.by.as_str())).collect::<Vec<_>>(),
        [Some("李娜"), Some("王芳")]
    );
    assert!(desk.sql("UPDATE handovers SET on_by = 'me' WHERE id = 1").unwrap_err().contains("never changed"));
    assert!(desk.sql("DELETE FROM handovers").unwrap_err().contains("never deleted"));
}

#[test]
fn r40_a_shift_that_nobody_signed_off_is_taken_over_with_a_reason_that_is_written_down() {
    let desk = Desk::open();
    desk.editor().sign_on("王芳", hours(0), desk.code(hours(0)), None).expect("it is kept");
    desk.editor().sign_on("李娜", hours(9), desk.code(hours(9)), Some("王芳 突发急病")).expect("it is kept");
    let (kind, about, text) = desk.journal().remove(0);
    assert_eq!((kind, about.as_str()), (JournalKind::NoSignOff, "王芳"));
    assert_eq!(text, "李娜 took the shift over; 王芳 had not signed off: 王芳 突发急病");
    let happened = desk.reader().happenings(0, 100).expect("they are read");
    let told: Vec<_> = happened.iter().map(|h| (h.kind.as_str(), h.what.as_str(), h.who.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("handover", "signed_on", Some("王芳")),
            ("handover", "signed_on", Some("李娜")),
            ("journal", "no_sign_off", Some("李娜"))
        ]
    );
}

/// The clock is set back by a day between two shifts: what was written meanwhile is still on the next page.
#[test]
fn r40_a_clock_that_is_set_back_hides_nothing_from_the_next_shift() {
    let desk = Desk::open();
    desk.editor().sign_on("王芳", hours(0), desk.code(hours(0)), None).expect("it is kept");
    let id = desk.write(hours(-24), "停电");
    desk.editor().sign_off("王芳", hours(-23), "").expect("it is kept");
    let page = desk.reader().handover_page(hours(-23), 10).expect("it is read");
    assert_eq!(page.journal.list.iter().map(|kept| kept.id).collect::<Vec<_>>(), [id]);
    desk.editor().sign_on("李娜", hours(-22), page.mark, None).expect("it is kept");
}
