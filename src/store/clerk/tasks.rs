//! What begins tasks, what steps them, and what they want done.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{AT_ONCE, CURSOR, Desk, Looked, WHO};
use crate::desk::alarm::{AlarmState, AlarmWord};
use crate::desk::errand::{EndedErrand, NewErrand};
use crate::desk::happening::Happening;
use crate::desk::message::{Attempt, MessageChange};
use crate::desk::on_duty::Staff;
use crate::desk::presence::Presences;
use crate::desk::tasks::{Alert, Do, Event, Next, Subject, Task, UNANSWERED, World};
use crate::desk::ticket::Kind;
use crate::store::task_rows::OpenTask;
use crate::store::ticket_rows::{self, event};
use crate::store::work_rows::{self, By, Refusing};
use crate::store::{alarm_rows, clock_rows, errand_rows, happening_rows, message_rows, task_rows, transcript_rows};
use crate::types::{MessageId, RecordingId, TicketNumber};

/// With what a look is done.
pub(super) struct AtWork<'a> {
    pub now: DateTime<Utc>,
    pub desk: &'a Desk,
    pub presences: &'a Presences,
}

/// Calls that are over: the tasks that asked for them go on.
pub(super) fn hear(transaction: &Transaction<'_>, at: &AtWork<'_>, looked: &mut Looked) -> rusqlite::Result<()> {
    for ended in errand_rows::ended_unseen(transaction, AT_ONCE)? {
        errand_rows::seen(transaction, ended.end.errand)?;
        let task = ended.task.map(|task| task_rows::open(transaction, task)).transpose()?.flatten();
        match task {
            Some(task) => step(transaction, at, task, Event::Ended(&ended), looked)?,
            None => too_late(transaction, at, &ended)?,
        }
    }
    Ok(())
}

/// The task is over meanwhile: what was said is kept all the same.
fn too_late(transaction: &Transaction<'_>, at: &AtWork<'_>, ended: &EndedErrand) -> rusqlite::Result<()> {
    let Some(ticket) = ended.ticket.as_ref().filter(|_| ended.task.is_some()) else { return Ok(()) };
    let said = ended.end.why.as_deref().unwrap_or(ended.end.result.as_str());
    ticket_rows::note(
        transaction,
        at.now,
        ticket,
        WHO,
        &format!("a call ended too late: {} ({said})", ended.end.result),
    )?;
    Ok(())
}

/// What happened since begins tasks.
pub(super) fn begin(transaction: &Transaction<'_>, at: &AtWork<'_>, looked: &mut Looked) -> rusqlite::Result<()> {
    let from = task_rows::cursor(transaction, CURSOR)?;
    let happened = happening_rows::after(transaction, from, AT_ONCE as usize * 10)?;
    let Some(last) = happened.last().map(|happening| happening.id) else { return Ok(()) };
    for happening in &happened {
        if let Some(task) = begun_by(transaction, happening)? {
            looked.tasks_begun += usize::from(task_rows::begin(transaction, at.now, &happening.about, &task)?);
        }
        if at.desk.transcribes
            && let Some(recording) = spoken(transaction, happening)?
        {
            transcript_rows::ask_for(transaction, at.now, &recording)?;
        }
    }
    task_rows::set_cursor(transaction, CURSOR, last)
}

/// What a caller said, where this is how it became known.
fn spoken(transaction: &Transaction<'_>, happening: &Happening) -> rusqlite::Result<Option<RecordingId>> {
    let sql = match (happening.kind.as_str(), happening.what.as_str()) {
        ("message", "left") => "SELECT recording FROM messages WHERE id = ?1",
        ("ticket", "report_complete" | "call_ended_early") => "SELECT recording FROM tickets WHERE number = ?1",
        _ => return Ok(None),
    };
    let recording = transaction.prepare_cached(sql)?.query_row([&happening.about], |row| row.get(0)).optional()?;
    Ok(recording.flatten().map(RecordingId))
}

/// The task that something begins.
fn begun_by(transaction: &Transaction<'_>, happening: &Happening) -> rusqlite::Result<Option<Task>> {
    if happening.kind == "message" {
        // Whom it is forwarded to has heard nothing of it yet.
        let begins = matches!(happening.what.as_str(), "left" | "forwarded");
        return Ok(begins.then(|| Task::Relay(Default::default())));
    }
    if happening.kind != "ticket" {
        return Ok(None);
    }
    let Some(ticket) = task_rows::ticket(transaction, &TicketNumber(happening.about.clone()))? else { return Ok(None) };
    Ok(match (ticket.kind, happening.what.as_str()) {
        (
            Kind::Repair,
            "report_complete" | "call_ended_early" | "reopened" | "reopened_not_satisfied" | "passed_on",
        ) => Some(Task::Dispatch(Default::default())),
        // What could not be answered at once is the supervisor's to know (R19).
        (Kind::Inquiry | Kind::Help, "report_complete" | "call_ended_early") if ticket.stage == "received" => {
            Some(Task::Alert(Alert::new(UNANSWERED)))
        }
        (_, "clock_breached") => {
            let clock = clock_rows::last_over(transaction, &TicketNumber(happening.about.clone()))?;
            let why = clock.map_or_else(|| "overdue".to_owned(), |clock| format!("overdue {clock}"));
            Some(Task::Alert(Alert::new(&why)))
        }
        (Kind::Repair, "accepted_by_customer") | (Kind::Complaint, "handled") => {
            Some(Task::FollowUp(Default::default()))
        }
        _ => None,
    })
}

/// Tasks whose time has come.
pub(super) fn go_on(transaction: &Transaction<'_>, at: &AtWork<'_>, looked: &mut Looked) -> rusqlite::Result<()> {
    for task in task_rows::due(transaction, at.now, AT_ONCE)? {
        step(transaction, at, task, Event::Due, looked)?;
    }
    Ok(())
}

fn step(
    transaction: &Transaction<'_>,
    at: &AtWork<'_>,
    mut open: OpenTask,
    event: Event<'_>,
    looked: &mut Looked,
) -> rusqlite::Result<()> {
    looked.tasks_stepped += 1;
    let about = About::of(&open);
    let (ticket, message) = match &about {
        About::Ticket(number) => (task_rows::ticket(transaction, number)?, None),
        About::Message(id) => (None, task_rows::message(transaction, *id)?),
    };
    let subject = match (&ticket, &message) {
        (Some(ticket), _) => Subject::Ticket(ticket),
        (None, Some(message)) => Subject::Message(message),
        // What it was about is gone.
        (None, None) => return task_rows::keep(transaction, at.now, open.id, &open.task, Next::Ended),
    };
    let desk = at.desk;
    let staff =
        Staff { people: &desk.people, hours: &desk.hours, presences: at.presences, time_zone: desk.rules.time_zone };
    let world = World { now: at.now, staff, rules: &desk.rules, subject };
    let stepped = open.task.step(&world, event);
    for todo in &stepped.todo {
        carry_out(transaction, at, open.id, &about, todo)?;
    }
    task_rows::keep(transaction, at.now, open.id, &open.task, stepped.next)
}

/// What a task is about.
enum About {
    Ticket(TicketNumber),
    Message(MessageId),
}

impl About {
    fn of(open: &OpenTask) -> Self {
        match &open.task {
            Task::Relay(_) => About::Message(MessageId(open.subject.parse().unwrap_or_default())),
            Task::Dispatch(_) | Task::FollowUp(_) | Task::Alert(_) => About::Ticket(TicketNumber(open.subject.clone())),
        }
    }

    fn ticket(&self) -> Option<&TicketNumber> {
        match self {
            About::Ticket(number) => Some(number),
            About::Message(_) => None,
        }
    }

    fn message(&self) -> Option<MessageId> {
        match self {
            About::Ticket(_) => None,
            About::Message(id) => Some(*id),
        }
    }
}

fn carry_out(
    transaction: &Transaction<'_>,
    at: &AtWork<'_>,
    task: i64,
    about: &About,
    todo: &Do,
) -> rusqlite::Result<()> {
    let by = By { who: WHO, at: at.now, book: &at.desk.clocks };
    match todo {
        Do::Call { kind, to, note, not_before } => {
            let errand = NewErrand {
                kind: *kind,
                to: to.clone(),
                ticket: about.ticket().cloned(),
                message: about.message(),
                note: note.clone(),
                task: Some(task),
                not_before: *not_before,
            };
            errand_rows::add(transaction, at.now, &errand)?;
        }
        Do::CancelCalls => errand_rows::cancel_of_task(transaction, at.now, task, WHO)?,
        Do::Advance(wanted) => {
            let Some(number) = about.ticket() else { return Ok(()) };
            let who = wanted.engineer.as_deref().filter(|_| wanted.to == "accepted").unwrap_or(WHO);
            let made = work_rows::advance(transaction, By { who, ..by }, number, None, wanted)?;
            if let Err(Refusing::Because(why) | Refusing::Unknown(why)) = made {
                ticket_rows::note(transaction, at.now, number, WHO, &format!("{} was not possible: {why}", wanted.to))?;
            }
        }
        Do::Note { what, note } => {
            if let Some(id) = about.ticket().map(|number| ticket_rows::id(transaction, number)).transpose()?.flatten() {
                event(transaction, id, at.now, WHO, what, Some(note))?;
            }
        }
        Do::Attempt { channel, result } => {
            let attempt = Attempt { at: at.now, channel: channel.clone(), result: result.clone() };
            change_message(
                transaction,
                at.now,
                about,
                MessageChange { attempts: vec![attempt], ..Default::default() },
            )?;
        }
        Do::Relay(relay) => {
            change_message(transaction, at.now, about, MessageChange { relay: Some(*relay), ..Default::default() })?;
        }
        Do::Feedback(recording) => {
            if let Some(number) = about.ticket() {
                transaction
                    .prepare_cached("UPDATE tickets SET feedback = ?2 WHERE number = ?1")?
                    .execute(params![number.0, recording.0])?;
            }
        }
        Do::Alarm { kind, note } => {
            let named =
                about.ticket().map_or_else(|| about.message().unwrap_or(MessageId(0)).0.to_string(), |n| n.0.clone());
            let word = AlarmWord {
                note: note.clone(),
                ticket: about.ticket().cloned(),
                ..AlarmWord::about(*kind, &named, AlarmState::Open)
            };
            alarm_rows::put(transaction, at.now, &word)?;
        }
    }
    Ok(())
}

fn change_message(
    transaction: &Transaction<'_>,
    now: DateTime<Utc>,
    about: &About,
    change: MessageChange,
) -> rusqlite::Result<()> {
    if let Some(id) = about.message() {
        message_rows::change(transaction, now, id, &change)?;
    }
    Ok(())
}
