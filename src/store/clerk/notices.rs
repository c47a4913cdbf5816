//! What happened is put into the outbox for everybody who is told of it, in the transaction that notes how far it was read.

use rusqlite::Transaction;

use super::tasks::AtWork;
use super::{AT_ONCE, Looked};
use crate::desk::happening::Happening;
use crate::desk::notifications::{self, About};
use crate::desk::on_duty::Staff;
use crate::store::{
    alarm_rows, call_rows, happening_rows, journal_rows, message_rows, notification_rows, task_rows, ticket_reads,
};
use crate::types::{CallId, MessageId};

/// How far happenings were read for it.
pub(super) const CURSOR: &str = "notifications";

pub(super) fn put(transaction: &Transaction<'_>, at: &AtWork<'_>, looked: &mut Looked) -> rusqlite::Result<()> {
    let from = task_rows::cursor(transaction, CURSOR)?;
    let happened = happening_rows::after(transaction, from, AT_ONCE as usize * 10)?;
    let Some(last) = happened.last().map(|happening| happening.id) else { return Ok(()) };
    let rules = &at.desk.notify;
    let staff = Staff {
        people: &at.desk.people,
        hours: &at.desk.hours,
        presences: at.presences,
        time_zone: at.desk.rules.time_zone,
    };
    for happening in happened.iter().filter(|happening| notifications::concerns(happening, rules)) {
        let Some(about) = about(transaction, at, happening)? else { continue };
        for planned in notifications::plan(happening, &about, staff, rules, at.now) {
            looked.notified += usize::from(notification_rows::add(transaction, at.now, Some(happening.id), &planned)?);
        }
    }
    notification_rows::trim(transaction)?;
    task_rows::set_cursor(transaction, CURSOR, last)
}

/// The record as it stands now; none where it is gone, or never came to one.
fn about(transaction: &Transaction<'_>, at: &AtWork<'_>, happening: &Happening) -> rusqlite::Result<Option<About>> {
    let id = || happening.about.parse::<i64>().unwrap_or_default();
    Ok(match happening.kind.as_str() {
        "ticket" => {
            ticket_reads::one(transaction, &happening.about, at.now)?.map(|ticket| About::Ticket(Box::new(ticket)))
        }
        "message" => message_rows::one(transaction, MessageId(id()))?.map(|message| About::Message(Box::new(message))),
        "alarm" => {
            alarm_rows::one(transaction, crate::desk::alarm::AlarmId(id()))?.map(|alarm| About::Alarm(Box::new(alarm)))
        }
        "call" => call_rows::one(transaction, CallId(id()))?.map(|call| About::Call(Box::new(call))),
        "journal" => journal_rows::one(transaction, id())?.map(|entry| About::Entry(Box::new(entry))),
        _ => None,
    })
}
