//! Clocks that change with their ticket: what is edited, begun again, not accepted, promised anew.

use super::work::{minutes, nobody, urgent};
use super::*;
use crate::desk::ticket::Channel;
use crate::desk::ticket_edit::{HandTicket, Progress, TicketEdit};

fn urgency(urgency: Urgency) -> TicketEdit {
    TicketEdit { urgency: Some(urgency), ..TicketEdit::default() }
}

impl Desk {
    fn running(&self, number: &TicketNumber, at: DateTime<Utc>) -> Vec<String> {
        let due = self.ticket(number, at).due;
        due.into_iter().filter(|(_, clock)| clock.met_at.is_none()).map(|(name, _)| name).collect()
    }
}

fn general() -> HandTicket {
    HandTicket {
        category: Some("small_repair".into()),
        urgency: Some(Urgency::General),
        ..HandTicket::new(Kind::Repair, Channel::Visit)
    }
}

#[test]
fn a_repair_that_turns_out_to_be_urgent_is_so_from_its_beginning() {
    let desk = Desk::open();
    let number = desk.by_hand(&general());
    desk.editor().edit(&number, "王芳", minutes(30), &urgency(Urgency::Urgent)).expect("it is changed");
    let due = desk.ticket(&number, minutes(30)).due;
    assert_eq!((due["on_site"].at, due["repaired"].at), (minutes(120), minutes(24 * 60)));
}

#[test]
fn an_urgency_that_is_corrected_begins_no_clock_of_what_is_over() {
    let desk = Desk::open();
    // Somebody is there already.
    let number = desk.by_hand(&general());
    for stage in ["accepted", "on_site"] {
        desk.step(&number, minutes(10), &Advance::to(stage).by_engineer("301")).expect("it goes");
    }
    desk.editor().edit(&number, "王芳", minutes(11), &urgency(Urgency::Urgent)).expect("it is changed");
    assert_eq!(desk.running(&number, minutes(11)), ["repaired"]);
    // It is closed.
    let closed = Closing::Withdrawn { note: "it was the neighbour's".into() };
    let number = desk.by_hand(&general());
    desk.editor().close(&number, "王芳", minutes(12), &closed).expect("it is closed");
    desk.editor().edit(&number, "王芳", minutes(13), &urgency(Urgency::Urgent)).expect("it is changed");
    assert_eq!(desk.running(&number, minutes(13)), Vec::<String>::new());
}

#[test]
fn a_complaints_stage_keeps_its_clock_whatever_its_urgency() {
    let desk = Desk::open();
    let number = desk.by_hand(&HandTicket::new(Kind::Complaint, Channel::Letter));
    desk.step(&number, minutes(10), &Advance::to("judge").with_note("heard")).expect("it goes");
    desk.editor().edit(&number, "王芳", minutes(11), &urgency(Urgency::Urgent)).expect("it is changed");
    assert_eq!(desk.running(&number, minutes(11)), ["judge", "reply"]);
}

#[test]
fn an_urgency_that_is_corrected_leaves_a_price_that_is_asked_for_its_time() {
    let desk = Desk::open();
    let number = desk.by_hand(&general());
    desk.step(&number, minutes(10), &Advance::to("accepted").by_engineer("301")).expect("it goes");
    desk.editor().request_quote(&number, "301", minutes(10), None).expect("it is asked for");
    desk.editor().edit(&number, "王芳", minutes(11), &urgency(Urgency::Urgent)).expect("it is changed");
    assert_eq!(desk.running(&number, minutes(11)), ["on_site", "quote", "repaired"]);
}

#[test]
fn what_was_begun_again_counts_from_then_also_when_its_urgency_changes() {
    let desk = Desk::open();
    let number = desk.by_hand(&general());
    let closed = Closing::Withdrawn { note: "it drips no more".into() };
    desk.editor().close(&number, "王芳", minutes(5), &closed).expect("it is closed");
    let weeks = 3 * 7 * 24 * 60;
    desk.step(&number, minutes(weeks), &Advance::to("reported").with_note("it drips again")).expect("again");
    desk.editor().edit(&number, "王芳", minutes(weeks + 1), &urgency(Urgency::Urgent)).expect("it is changed");
    assert_eq!(desk.ticket(&number, minutes(weeks + 1)).due["on_site"].at, minutes(weeks + 120));
}

#[test]
fn r30_what_the_customer_does_not_accept_was_not_repaired_in_time() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    for stage in ["accepted", "on_site", "repaired"] {
        desk.step(&number, minutes(60), &Advance::to(stage).by_engineer("301")).expect("it goes");
    }
    desk.step(&number, minutes(70), &Advance::to("on_site").with_note("it leaks still")).expect("it goes back");
    let clock = desk.ticket(&number, minutes(70)).due["repaired"].clone();
    assert_eq!((clock.met_at, clock.at), (None, minutes(24 * 60)), "the promise stands, from the beginning");
    let looked = desk.clerk().look(minutes(24 * 60 + 1), &nobody()).expect("it looks");
    assert_eq!(looked.breached, 1);
    desk.step(&number, minutes(24 * 60 + 2), &Advance::to("repaired")).expect("it is done");
    assert!(desk.ticket(&number, minutes(24 * 60 + 2)).due["repaired"].breached);
}

#[test]
fn r36_a_second_promise_that_is_not_kept_is_to_be_told_too() {
    let desk = Desk::open();
    let number = desk.by_hand(&HandTicket::new(Kind::Complaint, Channel::Letter));
    desk.step(&number, minutes(1), &Advance::to("judge").with_note("heard")).expect("it goes");
    let analyse =
        Advance { nature: Some(crate::desk::workflow::Nature::Valid), ..Advance::to("analyse").with_note("so") };
    desk.step(&number, minutes(2), &analyse).expect("it goes");
    desk.editor()
        .pause_clock(&number, "王芳", minutes(3), "analyse", (crate::desk::clocks::PauseReason::Others, None))
        .expect("it stands still");
    let day = 24 * 60;
    desk.clerk().look(minutes(day + 1), &nobody()).expect("it looks");
    let told = |at: i64, until: i64| {
        let progress = Progress { note: "the manager is away".into(), until: Some(minutes(until)) };
        desk.editor().progress(&number, "王芳", minutes(at), &progress).expect("it is noted");
    };
    told(day + 2, 2 * day);
    let assign = Advance::to("assign").with_note("found");
    desk.clerk().look(minutes(2 * day + 1), &nobody()).expect("it looks");
    let refused = desk.step(&number, minutes(2 * day + 2), &assign).expect_err("the second promise is over too");
    assert!(refused.to_string().contains("R36"), "{refused}");
    told(2 * day + 3, 3 * day);
    desk.step(&number, minutes(2 * day + 4), &assign).expect("they know");
}

/// One row that can't be read stops what it belongs to, and no alarm (R19, R23).
#[test]
fn clocks_are_alarmed_also_where_a_task_cannot_be_read() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let connection = rusqlite::Connection::open(desk.path()).expect("it opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("it may wait");
    let broken =
        "INSERT INTO tasks (kind, subject, state, next_at_ms, begun_at_ms) VALUES ('dispatch', 'x', '{', 1, 1)";
    connection.execute(broken, []).expect("it is kept");
    let mut clerk = desk.clerk();
    clerk.look(minutes(121), &nobody()).expect_err("it is told");
    assert!(desk.ticket(&number, minutes(121)).due["on_site"].breached);
    assert_eq!(desk.open_alarms(), [format!("overdue {number} on_site")]);
    clerk.look(minutes(122), &nobody()).expect_err("it is told");
    assert_eq!(desk.open_alarms().len(), 1, "once");
}

#[test]
fn a_ticket_that_is_closed_while_its_caller_talks_gets_no_clock_from_the_end_of_the_call() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let told = desk.open_ticket(noon(), draft(Kind::Repair, None));
    for number in [&number, &told] {
        let closed = Closing::Withdrawn { note: "said twice".into() };
        desk.editor().close(number, "王芳", minutes(1), &closed).expect("it is closed");
    }
    desk.change(minutes(2), &told, complete()).expect("it is kept");
    desk.put(&CallRecord { tickets: vec![number.clone(), told.clone()], ended_at: Some(minutes(3)), ..ended(1) });
    desk.written();
    assert_eq!((desk.running(&number, minutes(4)), desk.running(&told, minutes(4))), (vec![], vec![]));
}

/// What is to be told by mail or telephone text, and can't, keeps nobody from being sent (R26).
#[test]
fn a_task_goes_on_also_where_what_happened_cannot_be_told() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let connection = rusqlite::Connection::open(desk.path()).expect("it opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("it may wait");
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON cursors WHEN NEW.name = 'notifications' BEGIN
        SELECT raise(ABORT, 'no'); END";
    connection.execute_batch(refuse).expect("SQL");
    desk.clerk().look(minutes(1), &nobody()).expect_err("it is told");
    assert!(desk.ticket(&number, minutes(1)).events.iter().any(|event| event.what == "not_dispatched"));
}
