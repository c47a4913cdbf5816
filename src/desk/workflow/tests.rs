//! The workflows as tables of what goes and what does not.

use super::*;

fn standing(kind: Kind, stage: &str) -> Standing {
    Standing {
        kind,
        urgency: None,
        stage: stage.to_owned(),
        closed: false,
        quote: None,
        engineer: None,
        assigned: true,
        awaiting: None,
        overdue_untold: None,
    }
}

/// A step that says everything that it may need.
fn full(to: &str) -> Advance {
    Advance {
        note: Some("done".into()),
        engineer: Some("301".into()),
        price_cents: Some(5_000).filter(|_| to == "quoted"),
        consent: Some(true),
        nature: Some(Nature::Valid).filter(|_| is_stage(Kind::Complaint, to)),
        responsible: Some("工程部".into()),
        satisfaction: Some(Satisfaction::Satisfied).filter(|_| matches!(to, "followed_up" | "sum_up")),
        ..Advance::to(to)
    }
}

fn walk(kind: Kind, stages: &[&str]) -> Vec<Move> {
    let mut at = standing(kind, stages[0]);
    let step = |to: &&str| {
        let made = advance(&at, &full(to)).unwrap_or_else(|refusal| panic!("{} -> {to}: {refusal}", at.stage));
        at.stage = made.stage.to_owned();
        at.quote = made.quote.or(at.quote);
        made
    };
    stages[1..].iter().map(step).collect()
}

#[test]
fn r33_a_complaint_walks_its_eight_stages_and_can_skip_none() {
    let stages = ["receive", "judge", "analyse", "assign", "handle", "follow_up", "sum_up", "archive"];
    let made = walk(Kind::Complaint, &stages);
    assert!(made.last().is_some_and(|last| last.closes));
    assert!(made[..6].iter().all(|step| !step.closes && step.starts.len() == 1), "each stage has a clock");
    for (i, from) in stages.iter().enumerate() {
        for (j, to) in stages.iter().enumerate() {
            let goes = advance(&standing(Kind::Complaint, from), &full(to)).is_ok();
            let reopened = (*from, *to) == ("archive", "handle");
            assert_eq!(goes, j == i + 1 || reopened, "{from} -> {to}");
        }
    }
    let refusal = advance(&standing(Kind::Complaint, "receive"), &full("handle")).unwrap_err().to_string();
    assert_eq!(refusal, "a complaint does not go from `receive` to `handle`; it goes on to judge");
}

#[test]
fn r33_each_stage_of_a_complaint_needs_what_the_rule_book_asks() {
    for edge in edges(Kind::Complaint) {
        let without = Advance { note: Some("  ".into()), ..full(edge.to) };
        assert!(advance(&standing(Kind::Complaint, edge.from), &without).is_err(), "{} -> {}", edge.from, edge.to);
    }
    let no_nature = Advance { nature: None, ..full("analyse") };
    assert!(advance(&standing(Kind::Complaint, "judge"), &no_nature).is_err(), "R32");
}

#[test]
fn r37_not_satisfied_begins_the_work_again() {
    let unhappy = |to: &str| Advance { satisfaction: Some(Satisfaction::NotSatisfied), ..full(to) };
    let made = advance(&standing(Kind::Complaint, "follow_up"), &unhappy("sum_up")).expect("it goes");
    assert_eq!((made.stage, made.reopens, made.event), ("handle", true, "reopened_not_satisfied"));
    assert_eq!(made.starts, [ClockKey::Handle, ClockKey::ComplaintReply]);
    let made = advance(&standing(Kind::Repair, "accepted_by_customer"), &unhappy("followed_up")).expect("it goes");
    assert_eq!((made.stage, made.reopens), ("reported", true));
}

#[test]
fn r37_work_that_begins_again_leaves_no_clock_of_the_stage_before_it_running() {
    let unhappy = Advance { satisfaction: Some(Satisfaction::NotSatisfied), ..full("sum_up") };
    let made = advance(&standing(Kind::Complaint, "follow_up"), &unhappy).expect("it goes");
    assert_eq!(made.meets, ["follow_up"], "the customer was asked");
}

#[test]
fn r37_what_a_customer_answers_counts_also_where_the_complaint_is_overdue() {
    let late = Standing { overdue_untold: Some(DateTime::UNIX_EPOCH), ..standing(Kind::Complaint, "follow_up") };
    for (said, stage) in [(Satisfaction::NotSatisfied, "handle"), (Satisfaction::Satisfied, "sum_up")] {
        let step = Advance { satisfaction: Some(said), ..full("sum_up") };
        assert_eq!(advance(&late, &step).expect("they were spoken to").stage, stage);
    }
}

#[test]
fn r36_an_overdue_complaint_goes_on_once_the_customer_knows_why() {
    let late = Standing { overdue_untold: Some(DateTime::UNIX_EPOCH), ..standing(Kind::Complaint, "handle") };
    let refusal = advance(&late, &full("follow_up")).unwrap_err();
    assert!(matches!(refusal, Refusal::Untold(_)), "{refusal}");
    let repair = Standing { overdue_untold: Some(DateTime::UNIX_EPOCH), ..standing(Kind::Repair, "accepted") };
    assert!(advance(&repair, &full("on_site")).is_ok(), "an engineer at the door is not sent away");
}

#[test]
fn r23_a_repair_goes_its_way_and_keeps_its_promises() {
    let made = walk(
        Kind::Repair,
        &["reported", "dispatched", "accepted", "on_site", "repaired", "accepted_by_customer", "followed_up", "closed"],
    );
    let met: Vec<_> = made.iter().map(|step| step.meets.clone()).collect();
    let none: Vec<&str> = vec![];
    assert_eq!(met[..4], [none.clone(), none.clone(), vec!["on_site"], vec!["on_site", "repaired"]]);
    assert!(made[6].closes);
    assert!(advance(&standing(Kind::Repair, "reported"), &full("repaired")).is_err());
    assert!(advance(&standing(Kind::Repair, "reported"), &full("closed")).is_err(), "nobody was there yet");
    let unnamed = Advance { engineer: None, ..full("dispatched") };
    assert!(advance(&standing(Kind::Repair, "reported"), &unnamed).is_err());
}

#[test]
fn r28_no_work_without_the_customers_yes_to_the_price() {
    let asked = Standing { quote: Some(Quote::Requested), ..standing(Kind::Repair, "on_site") };
    assert!(advance(&asked, &full("repaired")).is_err(), "the price is not told yet");
    let told = advance(&asked, &full("quoted")).expect("it goes");
    assert_eq!((told.quote, told.meets), (Some(Quote::Told), vec!["quote"]));
    let quoted = Standing { quote: Some(Quote::Told), ..standing(Kind::Repair, "quoted") };
    let refused = Advance { consent: Some(false), ..full("on_site") };
    assert!(advance(&quoted, &refused).is_err());
    assert_eq!(advance(&quoted, &full("on_site")).expect("it goes").quote, Some(Quote::Accepted));
    let ended = advance(&quoted, &Advance::to("closed").with_note("too dear")).expect("it goes");
    assert!(ended.closes && ended.quote == Some(Quote::Refused));
    assert!(advance(&quoted, &Advance::to("closed")).is_err(), "why is noted");
}

#[test]
fn r30_a_leak_is_accepted_after_the_rain() {
    let leak = Standing { awaiting: Some("rain".into()), ..standing(Kind::Repair, "repaired") };
    assert!(advance(&leak, &Advance::to("accepted_by_customer")).is_err());
    assert!(advance(&leak, &Advance::to("accepted_by_customer").with_note("rain on 3 May, dry")).is_ok());
}

#[test]
fn r19_inquiries_and_help_are_answered_then_closed() {
    assert_eq!(walk(Kind::Inquiry, &["received", "answered", "closed"])[0].meets, ["reply"]);
    assert_eq!(walk(Kind::Inquiry, &["received", "closed"])[0].meets, ["reply"]);
    assert_eq!(walk(Kind::Help, &["received", "attended", "resolved", "closed"])[0].meets, ["reply"]);
}

/// Whatever is asked of a ticket of whatever kind, it stays in a stage of its kind, from which there is a way on.
#[test]
fn from_every_stage_there_is_a_way_on() {
    for kind in Kind::ALL {
        assert!(is_stage(*kind, kind.first_stage()));
        for edge in edges(*kind) {
            assert!(edges(*kind).any(|next| next.from == edge.to), "{kind} {}", edge.to);
            let made = advance(&standing(*kind, edge.from), &full(edge.to)).expect("all that it may need is said");
            assert!(is_stage(*kind, made.stage));
        }
    }
}
