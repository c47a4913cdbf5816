//! Clocks whose warning or end has come: each is told once.

use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use super::{AT_ONCE, Looked, WHO};
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::store::ticket_rows::event;
use crate::store::{alarm_rows, clock_rows};

/// How times are written in histories, which have no zone.
const TIME: &str = "%Y-%m-%d %H:%M UTC";

pub(super) fn look(transaction: &Transaction<'_>, now: DateTime<Utc>, looked: &mut Looked) -> rusqlite::Result<()> {
    for clock in clock_rows::to_look_at(transaction, now, AT_ONCE)? {
        if now <= clock.due {
            clock_rows::warned(transaction, clock.ticket, &clock.name, now)?;
            let until = format!("{}, due {}", clock.name, clock.due.format(TIME));
            event(transaction, clock.ticket, now, WHO, "clock_warned", Some(&until))?;
            looked.warned += 1;
            continue;
        }
        clock_rows::over(transaction, clock.ticket, &clock.name, now)?;
        event(transaction, clock.ticket, now, WHO, "clock_breached", Some(&clock.name))?;
        let word = AlarmWord {
            note: format!("{} was due {}; owner: {}", clock.name, clock.due.format(TIME), clock.owner),
            ticket: Some(clock.number.clone()),
            ..AlarmWord::about(AlarmKind::Overdue, &format!("{} {}", clock.number, clock.name), AlarmState::Open)
        };
        alarm_rows::put(transaction, now, &word)?;
        looked.breached += 1;
    }
    Ok(())
}
