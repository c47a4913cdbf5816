//! Calls that the desk itself makes: due, claimed, kept, seen, and taken up again.

use super::*;
use crate::desk::errand::{ErrandEnd, ErrandId, ErrandKind, ErrandResult, ErrandState, ErrandTo, NewErrand, Standing};
use crate::store::errand_rows;

fn engineer(ticket: Option<&TicketNumber>) -> NewErrand {
    NewErrand {
        kind: ErrandKind::Dispatch,
        to: ErrandTo::Person { extension: "201".into() },
        ticket: ticket.cloned(),
        message: None,
        note: None,
        task: Some(7),
        not_before: noon(),
    }
}

fn end(errand: ErrandId, result: ErrandResult) -> ErrandEnd {
    ErrandEnd { errand, at: noon(), result, why: None, comment: None }
}

impl Desk {
    fn add(&self, errand: &NewErrand) -> ErrandId {
        self.editor().add_errand(noon(), errand).expect("it is kept")
    }

    fn begin(&mut self, errand: ErrandId) -> Result<Done, DeskError> {
        self.ask(noon(), |id| DeskRequest::BeginErrand { id, errand })
    }

    fn keep(&mut self, end: &ErrandEnd, over: bool) {
        let kept = self.ask(noon(), |id| DeskRequest::KeepErrand { id, end: end.clone(), over });
        assert_eq!(kept, Ok(Done::Changed));
    }

    fn errand(&self, id: ErrandId) -> crate::desk::errand::ErrandRecord {
        self.reader().errand(id).expect("readable").expect("there is one")
    }
}

#[test]
fn r26_an_errand_is_told_with_what_its_ticket_says_until_it_is_claimed_once() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    let said = TicketChange {
        building: Some("3".into()),
        room: Some("1201".into()),
        recording: Some(RecordingId("a.wav".into())),
        callback_number: Some("13900139000".into()),
        ..TicketChange::default()
    };
    desk.change(noon(), &number, said).expect("it is kept");
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    assert!(watch.look(noon()).expect("readable").due.is_empty());
    let id = desk.add(&engineer(Some(&number)));
    let due = watch.look(noon()).expect("readable").due;
    let about = &due[0].about;
    assert_eq!((due.len(), due[0].id, due[0].ticket.as_ref()), (1, id, Some(&number)));
    assert_eq!((about.building.as_deref(), about.room.as_deref()), (Some("3"), Some("1201")));
    assert_eq!(about.recording, Some(RecordingId("a.wav".into())));
    assert_eq!(
        (about.from_number.as_deref(), about.called_from.as_deref()),
        (Some("13900139000"), Some("13800138000"))
    );
    assert!(about.number_by.is_none(), "a caller keyed it");
    assert!(watch.look(noon()).expect("readable").due.is_empty(), "nothing is new");
    assert_eq!(watch.look(noon() + TimeDelta::seconds(6)).expect("readable").due.len(), 1, "it is told again");
    assert_eq!(desk.begin(id), Ok(Done::Changed));
    assert!(matches!(desk.begin(id), Err(DeskError::Unknown(_))), "it is claimed once");
    assert!(watch.look(noon() + TimeDelta::seconds(12)).expect("readable").due.is_empty());
}

#[test]
fn a_number_that_the_desk_wrote_down_is_known_as_such() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    let edit = TicketEdit { callback_number: Some("13700137000".into()), ..TicketEdit::default() };
    desk.editor().edit(&number, "王芳", noon(), &edit).expect("it is kept");
    desk.add(&engineer(Some(&number)));
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    let due = watch.look(noon()).expect("readable").due;
    assert_eq!(due[0].about.number_by.as_deref(), Some("王芳"));
}

#[test]
fn one_that_is_not_due_yet_is_told_when_its_time_has_come() {
    let desk = Desk::open();
    let later = noon() + TimeDelta::hours(1);
    desk.add(&NewErrand { not_before: later, ..engineer(None) });
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    assert!(watch.look(noon()).expect("readable").due.is_empty());
    assert!(watch.look(later - TimeDelta::seconds(1)).expect("readable").due.is_empty());
    assert_eq!(watch.look(later).expect("readable").due.len(), 1);
}

#[test]
fn r9_what_came_of_it_is_kept_once_and_seen_once() {
    let mut desk = Desk::open();
    let id = desk.add(&engineer(None));
    desk.begin(id).expect("it waits");
    desk.keep(&end(id, ErrandResult::Accepted), true);
    let later = ErrandEnd { at: noon() + TimeDelta::minutes(5), ..end(id, ErrandResult::NotReached) };
    desk.keep(&later, true);
    let kept = desk.errand(id);
    assert_eq!(
        (kept.state, kept.result, kept.ended_at),
        (ErrandState::Ended, Some(ErrandResult::Accepted), Some(noon()))
    );
    let ended = desk.editor().ended_errands().expect("readable");
    assert_eq!((ended.len(), ended[0].task, ended[0].end.result), (1, Some(7), ErrandResult::Accepted));
    desk.editor().see_errand(id).expect("it is kept");
    assert!(desk.editor().ended_errands().expect("readable").is_empty());
    let happened = desk.reader().happenings(0, 100).expect("readable");
    let of_errands: Vec<_> = happened.iter().filter(|one| one.kind == "errand").collect();
    assert_eq!((of_errands.len(), of_errands[0].what.as_str()), (1, "accepted"));
}

#[test]
fn a_customers_comment_may_come_after_the_answer() {
    let mut desk = Desk::open();
    let to = ErrandTo::Customer { number: "13800138000".into() };
    let id = desk.add(&NewErrand { kind: ErrandKind::FollowUp, to, ..engineer(None) });
    desk.begin(id).expect("it waits");
    desk.keep(&end(id, ErrandResult::Satisfied), false);
    assert_eq!(desk.errand(id).state, ErrandState::Calling);
    let comment = Some(RecordingId("b.wav".into()));
    desk.keep(&ErrandEnd { comment: comment.clone(), ..end(id, ErrandResult::Satisfied) }, true);
    let kept = desk.errand(id);
    assert_eq!((kept.state, kept.comment, kept.number.as_deref()), (ErrandState::Ended, comment, Some("13800138000")));
}

#[test]
fn a_start_makes_those_again_that_were_cut_off_unless_the_answer_is_known() {
    let mut desk = Desk::open();
    let [rings, answered, often] = [(); 3].map(|()| desk.add(&engineer(None)));
    [rings, answered, often].into_iter().for_each(|id| drop(desk.begin(id).expect("it waits")));
    desk.keep(&end(answered, ErrandResult::Accepted), false);
    let connection = rusqlite::Connection::open(desk.path()).expect("it opens");
    connection.execute("UPDATE errands SET tries = 3 WHERE id = ?1", [often.0]).expect("it is kept");
    assert_eq!(errand_rows::take_up(&connection, noon()).expect("it is kept"), 1);
    let state = |id| (desk.errand(id).state, desk.errand(id).result);
    assert_eq!(state(rings), (ErrandState::Waiting, None));
    assert_eq!(state(answered), (ErrandState::Ended, Some(ErrandResult::Accepted)), "nobody is called twice for it");
    assert_eq!(state(often), (ErrandState::Ended, Some(ErrandResult::NotReached)));
}

#[test]
fn only_what_waits_is_taken_back() {
    let mut desk = Desk::open();
    let [waits, calls] = [(); 2].map(|()| desk.add(&engineer(None)));
    desk.begin(calls).expect("it waits");
    desk.editor().cancel_errand(waits, "王芳", noon()).expect("it waits");
    assert_eq!(desk.errand(waits).why.as_deref(), Some("cancelled by 王芳"));
    desk.editor().cancel_errand(calls, "王芳", noon()).expect_err("it is under way");
    let filter = ErrandFilter { state: Some(ErrandState::Calling), ..ErrandFilter::default() };
    assert_eq!(desk.reader().errands(&filter).expect("readable").len(), 1);
}

#[test]
fn calls_of_the_desks_own_are_in_the_log_and_in_no_report_on_answers() {
    let desk = Desk::open();
    desk.put(&CallRecord { direction: Direction::Out, ..ended(1) });
    desk.put(&ended(2));
    desk.written();
    let out = CallFilter { direction: Some(Direction::Out), ..CallFilter::default() };
    assert_eq!(desk.reader().calls(&out).expect("readable").len(), 1);
    let mut counted = 0;
    desk.reader().answer_facts(None, None, |_| counted += 1).expect("readable");
    assert_eq!(counted, 1);
}

#[test]
fn r26_the_staff_report_by_serial_or_number_and_hear_where_the_ticket_stands() {
    use crate::desk::work_report::WorkWord;
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    desk.change(noon(), &number, TicketChange { complete: Some(true), ..TicketChange::default() }).expect("it is kept");
    let find = |desk: &mut Desk, digits: &str| {
        let digits = digits.to_owned();
        match desk.ask(noon(), |id| DeskRequest::FindWork { id, digits }) {
            Ok(Done::Work(found)) => found.map(|found| found.number),
            other => panic!("{other:?}"),
        }
    };
    for digits in ["1", "0001", "202611230001"] {
        assert_eq!(find(&mut desk, digits).as_ref(), Some(&number), "{digits}");
    }
    for digits in ["2", "202611220001", "20261123", "99999999999999"] {
        assert_eq!(find(&mut desk, digits), None, "{digits}");
    }
    let report = |desk: &mut Desk, word| {
        let (number, extension) = (number.clone(), "201".to_owned());
        match desk.ask(noon(), |id| DeskRequest::ReportWork { id, number, extension, word }) {
            Ok(Done::Work(Some(found))) => (found.moved, found.stage),
            other => panic!("{other:?}"),
        }
    };
    let stands = |moved: bool, stage: &str| (moved, stage.to_owned());
    assert_eq!(report(&mut desk, WorkWord::Repaired), stands(false, "reported"), "a step that does not follow");
    assert_eq!(report(&mut desk, WorkWord::Accepted), stands(true, "accepted"));
    assert_eq!(report(&mut desk, WorkWord::Accepted), stands(false, "accepted"), "said twice it is done once");
    assert_eq!(report(&mut desk, WorkWord::OnSite), stands(true, "on_site"));
    assert_eq!(report(&mut desk, WorkWord::Repaired), stands(true, "repaired"));
    let ticket = desk.ticket(&number, noon());
    assert!(ticket.events.iter().any(|event| event.who == "201" && event.what == "on_site"), "{:?}", ticket.events);
    assert!(ticket.due["on_site"].met_at.is_some());
}

#[test]
fn a_serial_alone_means_the_one_open_ticket_that_has_it() {
    let mut desk = Desk::open();
    let yesterday = noon() - TimeDelta::days(1);
    let older = desk.open_ticket(yesterday, draft(Kind::Repair, None));
    let digits = |id| DeskRequest::FindWork { id, digits: "1".into() };
    let number = |done: Result<Done, DeskError>| match done {
        Ok(Done::Work(found)) => found.map(|found| found.number),
        other => panic!("{other:?}"),
    };
    assert_eq!(number(desk.ask(noon(), digits)), Some(older));
    desk.open_ticket(yesterday - TimeDelta::days(1), draft(Kind::Repair, None));
    assert_eq!(number(desk.ask(noon(), digits)), None, "two have it, neither of today");
    let today = desk.open_ticket(noon(), draft(Kind::Repair, None));
    assert_eq!(number(desk.ask(noon(), digits)), Some(today));
}

/// R26: an engineer is not kept waiting by customers who may not be called at night, however many they are.
#[test]
fn an_engineer_is_called_before_customers_who_wait_for_the_day() {
    let desk = Desk::open();
    for n in 0..200 {
        let to = ErrandTo::Customer { number: format!("13800138{n:03}") };
        desk.add(&NewErrand { kind: ErrandKind::FollowUp, to, ..engineer(None) });
    }
    let relay = desk.add(&NewErrand { kind: ErrandKind::Relay, ..engineer(None) });
    let dispatch = desk.add(&NewErrand { not_before: noon() + TimeDelta::minutes(1), ..engineer(None) });
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    let due = watch.look(noon() + TimeDelta::minutes(2)).expect("readable");
    assert_eq!(due.due.iter().take(2).map(|errand| errand.id).collect::<Vec<_>>(), [dispatch, relay]);
}

#[test]
fn r10_a_call_that_comes_too_late_is_told_until_it_is_over() {
    let mut desk = Desk::open();
    let number = desk.open_ticket(noon(), draft(Kind::Repair, Some(Urgency::Urgent)));
    let by_task = desk.add(&engineer(Some(&number)));
    let by_hand = desk.add(&NewErrand { task: None, ..engineer(Some(&number)) });
    let waiting = desk.add(&engineer(Some(&number)));
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    let look = watch.look(noon()).expect("readable");
    assert_eq!((look.due.len(), look.due.iter().any(|errand| errand.overtaken)), (3, false));
    desk.begin(by_task).expect("it waits");
    desk.begin(by_hand).expect("it waits");
    assert_eq!(watch.look(noon()).expect("readable").overtaken, []);
    let taken = Advance::to("accepted").by_engineer("202");
    desk.editor().advance(&number, "王芳", noon(), None, &taken).expect("it goes");
    let look = watch.look(noon()).expect("readable");
    assert_eq!(look.overtaken, [by_task], "what was asked for by hand goes on");
    assert_eq!(look.due.iter().map(|e| (e.id, e.overtaken)).collect::<Vec<_>>(), [(waiting, true)]);
    assert_eq!(watch.look(noon() + TimeDelta::seconds(6)).expect("readable").overtaken, [by_task], "it is told again");
    desk.keep(&end(by_task, ErrandResult::NotReached), true);
    assert_eq!(watch.look(noon() + TimeDelta::seconds(12)).expect("readable").overtaken, []);
}

#[test]
fn calls_of_every_kind_come_too_late_at_their_own_stages() {
    let at = |stage: &str| Standing { stage: Some(stage.into()), ..Standing::default() };
    for (kind, in_time, too_late) in [
        (ErrandKind::Dispatch, "dispatched", "on_site"),
        (ErrandKind::FollowUp, "accepted_by_customer", "followed_up"),
        (ErrandKind::FollowUp, "follow_up", "sum_up"),
    ] {
        assert_eq!((kind.is_overtaken(&at(in_time)), kind.is_overtaken(&at(too_late))), (false, true), "{kind}");
    }
    let closed = Standing { closed: true, ..at("closed") };
    assert!(ErrandKind::Notice.is_overtaken(&closed) && !ErrandKind::Notice.is_overtaken(&at("reported")));
    let passed_on = Standing { passed_on: true, ..Standing::default() };
    assert!(ErrandKind::Relay.is_overtaken(&passed_on) && !ErrandKind::Notice.is_overtaken(&passed_on));
}

/// R37: a customer is spoken to as they spoke with the desk; its own people hear the desk's language.
#[test]
fn customers_are_called_in_the_language_that_they_spoke() {
    let mut desk = Desk::open();
    let english = Some(crate::types::Lang::new("en"));
    let ticket = desk.open_ticket(noon(), TicketDraft { language: english.clone(), ..draft(Kind::Repair, None) });
    let to = ErrandTo::Customer { number: "13800138000".into() };
    desk.add(&NewErrand { kind: ErrandKind::FollowUp, to, ..engineer(Some(&ticket)) });
    desk.add(&engineer(Some(&ticket)));
    let mut watch = ErrandWatch::open(&desk.path()).expect("it opens");
    let due = watch.look(noon()).expect("readable").due;
    let languages: Vec<_> = due.iter().map(|errand| (errand.kind, errand.about.language.clone())).collect();
    assert_eq!(languages, [(ErrandKind::Dispatch, None), (ErrandKind::FollowUp, english)]);
}
