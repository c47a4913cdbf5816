//! Tickets on their way: steps, clocks, what is told of them.

use super::*;
use crate::desk::clocks::PauseReason;
use crate::desk::residents::ResidentChange;
use crate::desk::ticket::Channel;
use crate::desk::ticket_edit::{HandTicket, Progress};
use crate::desk::workflow::{Nature, Satisfaction, WorkSheet};

pub(super) fn minutes(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

impl Desk {
    pub(super) fn by_hand(&self, ticket: &HandTicket) -> TicketNumber {
        self.editor().open_by_hand("王芳", noon(), (SHANGHAI, "desk"), ticket).expect("it is kept")
    }

    pub(super) fn step(
        &self,
        number: &TicketNumber,
        at: DateTime<Utc>,
        step: &Advance,
    ) -> Result<&'static str, StoreError> {
        self.editor().advance(number, "李强", at, None, step)
    }

    pub(super) fn clerk(&self) -> Clerk {
        Clerk::open(&self.path()).expect("it opens")
    }

    pub(super) fn open_alarms(&self) -> Vec<String> {
        let filter = AlarmFilter { open: true, ..AlarmFilter::default() };
        let alarms = self.reader().alarms(&filter).expect("they are read");
        alarms.iter().map(|alarm| format!("{} {}", alarm.kind, alarm.about.as_deref().unwrap_or_default())).collect()
    }
}

/// A desk without engineers and supervisors.
pub(super) fn nobody() -> clerk::Desk {
    let hours = crate::desk::hours::Hours::parse(crate::desk::hours::Hours::default_text(), "h").expect("good");
    let people = "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:100@127.0.0.1\"]\n";
    clerk::Desk {
        people: Arc::new(crate::desk::people::Directory::parse(people, "p").expect("good")),
        hours: Arc::new(hours),
        rules: Arc::default(),
        clocks: Arc::default(),
        notify: Arc::default(),
        transcribes: false,
    }
}

pub(super) fn urgent() -> HandTicket {
    let mut ticket = HandTicket::new(Kind::Repair, Channel::Visit);
    ticket.category = Some("burst_pipe".into());
    ticket
}

#[test]
fn r29_a_ticket_that_somebody_opens_in_a_call_belongs_to_the_call_when_the_line_puts_its_row_again() {
    let mut desk = Desk::open();
    let by_keys = desk.open_ticket(noon(), draft(Kind::Repair, None));
    let mut call = CallRecord::begun(CallId(1), Direction::In, noon());
    desk.put(&call);
    desk.written();
    let by_hand = desk.by_hand(&HandTicket { call: Some(CallId(1)), ..urgent() });
    call.tickets = vec![by_keys.clone()];
    call.ended_at = Some(minutes(2));
    for _ in 0..2 {
        desk.put(&call);
        desk.written();
        let kept = desk.reader().call(CallId(1)).expect("readable").expect("it is there");
        assert_eq!(kept.tickets, [by_keys.clone(), by_hand.clone()]);
    }
    assert_eq!(desk.ticket(&by_hand, noon()).call, Some(CallId(1)));
    let of_none = HandTicket { call: Some(CallId(99)), ..urgent() };
    let told = desk.editor().open_by_hand("王芳", noon(), (SHANGHAI, "desk"), &of_none).expect_err("there is none");
    assert_eq!(told.to_string(), "there is no call 99");
}

#[test]
fn r39_somebody_who_comes_or_writes_gets_a_ticket_like_a_caller() {
    let desk = Desk::open();
    let mut wanted = urgent();
    wanted.resident = Some("李四".into());
    wanted.room = Some("1201".into());
    let number = desk.by_hand(&wanted);
    let ticket = desk.ticket(&number, noon());
    assert_eq!(
        (ticket.channel, ticket.urgency),
        (Channel::Visit, Some(Urgency::Urgent)),
        "its category is urgent (R21)"
    );
    assert_eq!((ticket.owner.as_deref(), ticket.resident.as_deref()), (Some("desk"), Some("李四")));
    assert_eq!(ticket.due["on_site"].at, minutes(120));
    assert!(!ticket.incomplete && ticket.call.is_none());
    let wrong = HandTicket { category: Some("attitude".into()), ..urgent() };
    let told = desk.editor().open_by_hand("王芳", noon(), (SHANGHAI, "desk"), &wrong).expect_err("it is a complaint's");
    assert_eq!(told.to_string(), "the category `attitude` is one of a complaint, not of a repair");
    assert_eq!(desk.reader().tickets(&TicketFilter::default(), noon()).expect("they are read").len(), 1);
}

#[test]
fn r23_to_r37_a_repair_is_seen_through_with_who_when_and_what() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let sheet = WorkSheet {
        work_done: Some("换阀门".into()),
        materials: Some("阀门 1".into()),
        material_cents: Some(3_500),
        labour_cents: Some(8_000),
    };
    let happy = Advance { satisfaction: Some(Satisfaction::Satisfied), ..Advance::to("followed_up") };
    let steps = [
        (1, Advance::to("dispatched").by_engineer("301")),
        (3, Advance::to("dispatched").by_engineer("302")),
        (5, Advance::to("accepted")),
        (60, Advance::to("on_site")),
        (100, Advance { sheet, ..Advance::to("repaired") }),
        (110, Advance::to("accepted_by_customer")),
        (1_500, happy),
        (1_501, Advance::to("closed")),
    ];
    for (at, step) in &steps {
        desk.step(&number, minutes(*at), step).unwrap_or_else(|fault| panic!("{}: {fault}", step.to));
    }
    let ticket = desk.ticket(&number, minutes(9_999));
    assert_eq!((&*ticket.status, &*ticket.stage, ticket.work.engineer.as_deref()), ("closed", "closed", Some("302")));
    assert_eq!((ticket.due["on_site"].met_at, ticket.due["repaired"].met_at), (Some(minutes(60)), Some(minutes(100))));
    assert_eq!(
        (ticket.work.sheet.labour_cents, ticket.work.satisfaction),
        (Some(8_000), Some(Satisfaction::Satisfied))
    );
    assert_eq!((ticket.work.repaired_at, ticket.work.closed_at), (Some(minutes(100)), Some(minutes(1_501))));
    let told: Vec<_> = ticket.events.iter().skip(2).map(|e| (&*e.what, e.note.as_deref())).collect();
    let wanted = [
        ("dispatched", Some("301")),
        ("dispatched", Some("302")),
        ("accepted", Some("302")),
        ("on_site", None),
        ("repaired", None),
        ("accepted_by_customer", None),
        ("followed_up", Some("satisfied")),
        ("closed", None),
    ];
    assert_eq!(told, wanted);
    assert_eq!(ticket.version, 1 + i64::try_from(ticket.events.len()).expect("it is small"));
}

#[test]
fn two_who_change_one_ticket_don_t_undo_each_other() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let mut editor = desk.editor();
    let seen = editor.version(&number).expect("it is read");
    desk.step(&number, minutes(1), &Advance::to("accepted").by_engineer("301")).expect("it goes");
    let stale = editor.advance(&number, "王芳", minutes(2), Some(seen), &Advance::to("dispatched").by_engineer("302"));
    assert!(matches!(stale, Err(StoreError::Changed { version }) if version == seen + 1), "{stale:?}");
    assert_eq!(desk.ticket(&number, minutes(3)).stage, "accepted");
}

#[test]
fn r33_a_complaint_walks_its_stages_and_is_begun_again_when_the_customer_is_not_satisfied() {
    let desk = Desk::open();
    let number = desk.by_hand(&HandTicket::new(Kind::Complaint, Channel::Letter));
    let skip = desk.step(&number, minutes(1), &Advance::to("handle").with_note("x")).expect_err("it skips three");
    assert!(skip.to_string().contains("it goes on to judge"), "{skip}");
    let walk = |from: i64, stages: &[&str], satisfied| {
        for (stage, at) in stages.iter().zip(from..) {
            let said = if satisfied { Satisfaction::Satisfied } else { Satisfaction::NotSatisfied };
            let step = Advance {
                nature: Some(Nature::Valid).filter(|_| *stage == "analyse"),
                responsible: Some("工程部".to_owned()).filter(|_| *stage == "handle"),
                satisfaction: Some(said).filter(|_| *stage == "sum_up"),
                ..Advance::to(stage).with_note("done")
            };
            desk.step(&number, minutes(at), &step).unwrap_or_else(|fault| panic!("{stage}: {fault}"));
        }
    };
    walk(1, &["judge", "analyse", "assign", "handle", "follow_up", "sum_up"], false);
    let again = desk.ticket(&number, minutes(7));
    assert_eq!((&*again.stage, again.work.reopened, &*again.status), ("handle", 1, "open"));
    assert_eq!(again.due["handle"].met_at, None, "its clock runs again");
    walk(10, &["follow_up", "sum_up", "archive"], true);
    let archived = desk.ticket(&number, minutes(99));
    assert_eq!((&*archived.status, &*archived.stage), ("closed", "archive"));
    assert!(archived.events.iter().any(|e| e.what == "reopened_not_satisfied"));
}

#[test]
fn clocks_are_warned_of_once_then_alarmed_once_also_when_the_time_of_day_is_set_back() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let (mut clerk, knows) = (desk.clerk(), nobody());
    let mut look = |at| clerk.look(at, &knows).expect("it looks");
    let looked = look(minutes(89));
    assert_eq!((looked.warned, looked.breached, looked.next), (0, 0, Some(minutes(90))), "75 % of two hours (R23)");
    assert_eq!(look(minutes(90)).warned, 1);
    assert_eq!(look(minutes(120)).breached, 0, "it is over when its time is over");
    // A day back, and forth again: nothing is told twice.
    assert_eq!(look(minutes(90 - 1_440)).warned, 0);
    assert_eq!(look(minutes(121)).breached, 1);
    assert_eq!(look(minutes(121)).tasks_begun, 1, "the supervisor would be told");
    assert_eq!(look(minutes(121 - 1_440)), Looked { next: Some(minutes(1_080)), ..Looked::default() });
    assert_eq!(desk.clerk().look(minutes(122), &nobody()).expect("it looks").breached, 0, "nor by another run");
    assert_eq!(desk.open_alarms(), [format!("overdue {number} on_site")]);
    let ticket = desk.ticket(&number, minutes(122));
    let told: Vec<_> = ticket.events.iter().skip(2).map(|e| &*e.what).collect();
    assert_eq!(told, ["not_dispatched", "clock_warned", "clock_breached"]);
    assert!(ticket.due["on_site"].breached && ticket.due["on_site"].warned_at == Some(minutes(90)));
    // One that nobody looked at before it was over is not warned of any more.
    let late = desk.by_hand(&HandTicket::new(Kind::Inquiry, Channel::Visit));
    let looked = look(minutes(500));
    assert_eq!((looked.warned, looked.breached), (0, 1));
    assert!(desk.ticket(&late, minutes(500)).due["reply"].breached);
}

#[test]
fn a_clock_that_stood_still_goes_on_with_the_step_that_ends_the_reason() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let mut editor = desk.editor();
    desk.step(&number, minutes(5), &Advance::to("accepted").by_engineer("李强")).expect("it goes");
    let quoted = Advance { price_cents: Some(5_000), ..Advance::to("quoted") };
    desk.step(&number, minutes(10), &quoted).expect("it goes");
    editor
        .pause_clock(&number, "李强", minutes(10), "repaired", (PauseReason::QuoteConsent, None))
        .expect("it stands still");
    let left = TimeDelta::hours(24) - TimeDelta::minutes(10);
    assert!(desk.ticket(&number, minutes(3_000)).due["repaired"].paused.is_some());
    let agreed = Advance { consent: Some(true), ..Advance::to("accepted") };
    desk.step(&number, minutes(3_000), &agreed).expect("it goes");
    let ticket = desk.ticket(&number, minutes(3_000));
    assert_eq!((ticket.due["repaired"].paused, ticket.due["repaired"].at), (None, minutes(3_000) + left));
    assert_eq!(
        ticket.events.last().map(|event| (&*event.what, event.note.as_deref())),
        Some(("clock_resumed", Some("repaired")))
    );
    // Another reason is not over with it.
    editor
        .pause_clock(&number, "李强", minutes(3_001), "repaired", (PauseReason::Parts, None))
        .expect("it stands still");
    desk.step(&number, minutes(3_010), &Advance::to("on_site")).expect("it goes");
    assert!(desk.ticket(&number, minutes(3_010)).due["repaired"].paused.is_some());
}

#[test]
fn a_clock_stands_still_for_a_listed_reason_and_goes_on_with_what_it_had_left() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let (mut editor, mut clerk) = (desk.editor(), desk.clerk());
    let why = (PauseReason::NoAccess, Some("nobody opens"));
    editor.pause_clock(&number, "李强", minutes(30), "on_site", why).expect("it stands still");
    let twice = editor.pause_clock(&number, "李强", minutes(31), "on_site", why).expect_err("it does already");
    assert!(twice.to_string().contains("stands still already"), "{twice}");
    assert_eq!(clerk.look(minutes(600), &nobody()).expect("it looks").breached, 0);
    assert!(!desk.ticket(&number, minutes(600)).due["on_site"].breached);
    editor.resume_clock(&number, "李强", minutes(600), "on_site").expect("it goes on");
    let clock = desk.ticket(&number, minutes(600)).due["on_site"].clone();
    assert_eq!((clock.at, clock.paused), (minutes(690), None), "90 of 120 minutes were left");
    assert_eq!(clerk.look(minutes(659), &nobody()).expect("it looks").warned, 0);
    assert_eq!(clerk.look(minutes(660), &nobody()).expect("it looks").warned, 1);
    clerk.look(minutes(691), &nobody()).expect("it looks");
    let late = editor.pause_clock(&number, "李强", minutes(692), "on_site", why).expect_err("it is over");
    assert!(late.to_string().contains("overdue"), "{late}");
    let inquiry = desk.by_hand(&HandTicket::new(Kind::Inquiry, Channel::Visit));
    let answer = editor.pause_clock(&inquiry, "王芳", minutes(1), "reply", why).expect_err("an answer does not wait");
    assert!(answer.to_string().contains("does not wait"), "{answer}");
}

#[test]
fn r36_an_overdue_complaint_waits_until_the_customer_knows_why_and_by_when() {
    let desk = Desk::open();
    let number = desk.by_hand(&HandTicket::new(Kind::Complaint, Channel::Letter));
    desk.clerk().look(minutes(61), &nobody()).expect("it looks");
    let judge = Advance::to("judge").with_note("heard");
    let told = desk.step(&number, minutes(62), &judge).expect_err("it is overdue").to_string();
    assert!(told.contains("R36") && told.contains("2026-"), "{told}");
    let progress = Progress { note: "the manager is away".into(), until: Some(minutes(4_000)) };
    desk.editor().progress(&number, "王芳", minutes(63), &progress).expect("it is noted");
    assert_eq!(desk.ticket(&number, minutes(63)).due["reply"].at, minutes(4_000), "the promise holds");
    desk.step(&number, minutes(64), &judge).expect("it goes on");
    let past = Progress { until: Some(minutes(1)), ..progress };
    assert!(desk.editor().progress(&number, "王芳", minutes(65), &past).is_err());
}

#[test]
fn r27_a_price_is_asked_for_told_and_agreed_before_work() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let mut editor = desk.editor();
    assert!(editor.request_quote(&number, "李强", minutes(1), None).is_err(), "no engineer has it yet");
    desk.step(&number, minutes(2), &Advance::to("accepted").by_engineer("301")).expect("it goes");
    desk.step(&number, minutes(3), &Advance::to("on_site")).expect("it goes");
    editor.request_quote(&number, "李强", minutes(4), Some("not in the list")).expect("it is asked for");
    assert_eq!(desk.ticket(&number, minutes(4)).due["quote"].at, minutes(19));
    assert!(desk.step(&number, minutes(5), &Advance::to("repaired")).is_err());
    let price = Advance { price_cents: Some(12_050), ..Advance::to("quoted") };
    desk.step(&number, minutes(6), &price).expect("it is told");
    assert_eq!(desk.ticket(&number, minutes(6)).due["quote"].met_at, Some(minutes(6)));
    let agreed = Advance { consent: Some(true), ..Advance::to("on_site") };
    desk.step(&number, minutes(7), &agreed).expect("the customer agrees");
    desk.step(&number, minutes(8), &Advance::to("repaired")).expect("it is done");
    assert_eq!(desk.ticket(&number, minutes(9)).work.quote_cents, Some(12_050));
}

#[test]
fn a_ticket_that_is_withdrawn_ends_from_anywhere_and_can_be_opened_again() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let withdrawn = Closing::Withdrawn { note: "it was the neighbour's".into() };
    desk.editor().close(&number, "王芳", minutes(5), &withdrawn).expect("it is closed");
    let ticket = desk.ticket(&number, minutes(6));
    assert_eq!((&*ticket.status, &*ticket.stage), ("closed", "closed"));
    assert!(ticket.due.values().all(|clock| clock.met_at.is_some()));
    desk.step(&number, minutes(10), &Advance::to("reported").with_note("it was theirs after all")).expect("again");
    let again = desk.ticket(&number, minutes(10));
    assert_eq!((&*again.status, again.work.reopened, again.due["on_site"].at), ("open", 1, minutes(130)));
}

fn resident(building: &str, room: &str, name: &str, numbers: &[&str]) -> crate::desk::residents::Resident {
    let plan = crate::types::NumberPlan::default();
    crate::desk::residents::Resident::new(building, room, name, numbers, &plan).expect("it is right")
}

#[test]
fn r11_a_caller_is_known_by_exactly_their_number_and_never_guessed() {
    let mut desk = Desk::open();
    let list = [
        resident("3", "1201", "李四", &["13800138000"]),
        resident("3", "1201", "李妻", &["13900139000", "13700137000"]),
        resident("5", "302", "王五", &["13900139000"]),
        resident("5", "303", "赵六", &["01062001234"]),
        resident("5", "303", "赵妻", &["01062001234"]),
    ];
    let change = desk.editor().put_residents(noon(), &list, false, false).expect("it is kept");
    assert_eq!((change.added, change.changed, change.left), (5, 0, 0));
    let mut homes = |number: &str| match desk.ask(noon(), |id| DeskRequest::FindHomes { id, number: number.to_owned() })
    {
        Ok(Done::Homes(homes)) => {
            homes.into_iter().map(|h| format!("{} {} {:?}", h.building, h.room, h.resident)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(homes("13800138000"), ["3 1201 Some(\"李四\")"]);
    assert_eq!(homes("13900139000"), ["3 1201 Some(\"李妻\")", "5 302 Some(\"王五\")"], "which of them is not guessed");
    assert_eq!(homes("01062001234"), ["5 303 None"], "the place is certain, who it is is not");
    assert_eq!(homes("3800138000"), Vec::<String>::new(), "the end of a number is another number");
    assert_eq!(homes("138001380000"), Vec::<String>::new());
    // The same list again changes nothing; another one in its place takes the others out, or says so.
    let mut editor = desk.editor();
    assert_eq!(editor.put_residents(noon(), &list, true, false).expect("it is kept").left, 5);
    let dry = editor.put_residents(noon(), &list[..2], true, true).expect("it is tried");
    assert_eq!((dry.removed, desk.reader().residents(&ResidentFilter::default()).expect("read").len()), (3, 5));
    let other = [resident("3", "1201", "李四", &["13600136000"])];
    let change = editor.put_residents(noon(), &other, true, false).expect("it is kept");
    assert_eq!((change.changed, change.removed), (1, 4));
}

#[test]
fn what_a_list_of_residents_would_do_is_told_first_and_done_only_so() {
    let desk = Desk::open();
    let mut editor = desk.editor();
    let list = [
        resident("3", "1201", "李四", &["13800138000"]),
        resident("5", "302", "王五", &["13900139000"]),
        resident("5", "303", "赵六", &[]),
    ];
    editor.put_residents(noon(), &list, false, false).expect("it is kept");
    let new = [
        resident("3", "1201", "李四", &["13600136000"]),
        resident("5", "302", "王五", &["13900139000"]),
        resident("7", "101", "钱七", &[]),
    ];
    let preview = editor.preview_residents(&new, true, 10).expect("it is tried");
    let change = preview.change;
    assert_eq!((change.added, change.changed, change.left, change.removed), (1, 1, 1, 1));
    let told: Vec<String> = preview
        .rows
        .iter()
        .map(|row| match row {
            ResidentChange::Added(resident) => format!("+ {}", resident.name),
            ResidentChange::Changed { before, after } => format!("{:?} -> {:?}", before.numbers, after.numbers),
            ResidentChange::Removed(resident) => format!("- {}", resident.name),
        })
        .collect();
    assert_eq!(told, ["[\"13800138000\"] -> [\"13600136000\"]", "+ 钱七", "- 赵六"]);
    assert_eq!(editor.preview_residents(&new, true, 1).expect("it is tried").digest, preview.digest);
    assert_ne!(editor.preview_residents(&new, false, 1).expect("it is tried").digest, preview.digest);
    // Somebody writes another number meanwhile: what was seen is not what would be done.
    let other = [resident("3", "1201", "李四", &["13700137000"])];
    editor.put_residents(noon(), &other, false, false).expect("it is kept");
    assert_eq!(editor.put_residents_as_seen(noon(), &new, true, &preview.digest).expect("it is tried"), None);
    assert_eq!(desk.reader().residents(&ResidentFilter::default()).expect("read").len(), 3);
    let digest = editor.preview_residents(&new, true, 10).expect("it is tried").digest;
    let done = editor.put_residents_as_seen(noon(), &new, true, &digest).expect("it is kept");
    assert_eq!(done.map(|done| (done.added, done.changed, done.removed)), Some((1, 1, 1)));
    assert!(editor.preview_residents(&[], true, 10).is_err(), "nobody is no list");
    // To look takes no lock: it is told while somebody writes, and is what would be done.
    let reader = desk.reader();
    let told = editor.at_once(|editor| {
        let told = reader.preview_residents(&new, true, 10)?;
        Ok::<_, StoreError>((told, editor.preview_residents(&new, true, 10)?))
    });
    let (looked_at, done) = told.expect("it is read");
    assert_eq!(looked_at, done);
    assert!(reader.preview_residents(&[], true, 10).is_err(), "nobody is no list");
}

#[test]
fn r31_a_new_report_of_the_same_within_the_warranty_is_a_rework_at_no_cost() {
    let desk = Desk::open();
    let first = desk.by_hand(&urgent_at("3", "1201"));
    for stage in ["accepted", "on_site", "repaired"] {
        desk.step(&first, minutes(10), &Advance::to(stage).by_engineer("301")).expect("it goes");
    }
    let day = 24 * 60;
    let later = |days: i64, room: &str| {
        let ticket = urgent_at("3", room);
        let at = minutes(10 + days * day);
        desk.editor().open_by_hand("王芳", at, (SHANGHAI, "desk"), &ticket).expect("it is kept")
    };
    let (again, other, late) = (later(89, "1201"), later(89, "1202"), later(91, "1201"));
    let work = |number: &TicketNumber| desk.ticket(number, minutes(0)).work;
    assert_eq!((work(&again).rework_of, work(&again).sheet.labour_cents), (Some(first.clone()), Some(0)));
    assert_eq!((work(&other).rework_of, work(&late).rework_of), (None, None));
    assert!(desk.ticket(&first, minutes(0)).events.iter().any(|e| e.what == "reworked"));
}

fn urgent_at(building: &str, room: &str) -> HandTicket {
    let mut ticket = urgent();
    (ticket.building, ticket.room) = (Some(building.into()), Some(room.into()));
    ticket
}

/// 催单: the caller's second report is withdrawn, the first one is hurried up, and nobody is sent twice.
#[test]
fn a_caller_who_asks_after_an_open_repair_hurries_that_up() {
    let mut desk = Desk::open();
    let first = desk.by_hand(&urgent_at("3", "1201"));
    let draft = TicketDraft {
        call: CallId(9),
        caller: Some("13800138000".into()),
        ..draft(Kind::Repair, Some(Urgency::Urgent))
    };
    let category = draft.category.clone();
    let second = desk.open_ticket(minutes(30), draft);
    let place = TicketChange { building: Some("3".into()), room: Some("1201".into()), ..TicketChange::default() };
    desk.change(minutes(30), &second, place).expect("it is kept");
    let find = |id| DeskRequest::FindOpenRepair {
        id,
        building: "3".into(),
        room: "1201".into(),
        category: Some("burst_pipe".into()),
    };
    let found = match desk.ask(minutes(31), find) {
        Ok(Done::OpenRepair(Some(found))) => found,
        other => panic!("{other:?} (category {category:?})"),
    };
    assert_eq!((&found.number, &*found.stage), (&first, "reported"));
    let hurry = TicketChange { same_as: Some(first.clone()), complete: Some(true), ..TicketChange::default() };
    desk.change(minutes(31), &second, hurry).expect("it is kept");
    let (first, second) = (desk.ticket(&first, minutes(32)), desk.ticket(&second, minutes(32)));
    assert_eq!((&*second.status, second.due.len()), ("closed", 0));
    assert!(
        first
            .events
            .iter()
            .any(|e| e.what == "urged" && e.note.as_deref().is_some_and(|n| n.starts_with("13800138000")))
    );
    assert!(!second.events.iter().any(|e| e.what == "report_complete"), "nobody is sent for it");
}

/// The first repair was closed while its caller was asked: what they report is not lost with it (R24).
#[test]
fn a_caller_who_hurries_up_what_was_closed_meanwhile_keeps_their_own_report() {
    let mut desk = Desk::open();
    let first = desk.by_hand(&urgent_at("3", "1201"));
    let second = desk.open_ticket(minutes(30), draft(Kind::Repair, Some(Urgency::Urgent)));
    let closing = Closing::Withdrawn { note: "said twice".into() };
    desk.editor().close(&first, "王芳", minutes(30), &closing).expect("it is closed");
    let hurry = TicketChange { same_as: Some(first.clone()), complete: Some(true), ..TicketChange::default() };
    desk.change(minutes(31), &second, hurry).expect("it is kept");
    let kept = desk.ticket(&second, minutes(32));
    assert_eq!((&*kept.status, kept.due.len()), ("open", 2), "somebody is sent");
    assert!(kept.events.iter().any(|e| e.what == "report_complete"));
    assert!(!desk.ticket(&first, minutes(32)).events.iter().any(|e| e.what == "urged"));
}

/// R33: no stage is skipped by taking a complaint back and opening it again.
#[test]
fn a_complaint_that_was_taken_back_early_is_begun_again_at_its_beginning() {
    let desk = Desk::open();
    let number = desk.by_hand(&HandTicket::new(Kind::Complaint, Channel::Letter));
    let withdrawn = Closing::Withdrawn { note: "a misunderstanding".into() };
    desk.editor().close(&number, "王芳", minutes(5), &withdrawn).expect("it is closed");
    let stage = desk.step(&number, minutes(9), &Advance::to("handle").with_note("it was none")).expect("again");
    assert_eq!(stage, "receive");
    let again = desk.ticket(&number, minutes(10));
    assert_eq!((again.due["receive"].at, again.due["receive"].met_at), (minutes(69), None));
    assert_eq!((again.due["reply"].met_at, again.due.len()), (None, 2));
}

#[test]
fn what_a_step_does_not_ask_for_is_refused_and_not_written_silently() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let price = Advance { price_cents: Some(-5), ..Advance::to("accepted").by_engineer("301") };
    let happy = Advance { satisfaction: Some(Satisfaction::Satisfied), ..Advance::to("accepted").by_engineer("301") };
    let nature = Advance { nature: Some(Nature::Valid), ..Advance::to("accepted").by_engineer("301") };
    for step in [price, happy, nature] {
        let refused = desk.step(&number, minutes(1), &step).expect_err("nothing of that belongs to it");
        assert!(matches!(refused, StoreError::Refused(_)), "{refused}");
    }
    assert_eq!(desk.ticket(&number, minutes(1)).work.quote_cents, None);
}

#[test]
fn costs_have_a_written_limit() {
    let desk = Desk::open();
    let number = desk.by_hand(&urgent());
    let sheet = |cents| WorkSheet { material_cents: Some(cents), labour_cents: Some(cents), ..WorkSheet::default() };
    let refused = desk.editor().write_sheet(&number, "301", minutes(1), &sheet(i64::MAX)).expect_err("too much");
    assert!(refused.to_string().contains("at most"), "{refused}");
    desk.editor().write_sheet(&number, "301", minutes(1), &sheet(100_000_000)).expect("it is written");
    desk.step(&number, minutes(2), &Advance::to("accepted").by_engineer("301")).expect("it goes");
    let price = Advance { price_cents: Some(i64::MAX), ..Advance::to("quoted") };
    assert!(desk.step(&number, minutes(3), &price).is_err());
}
