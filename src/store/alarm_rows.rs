//! Alarms (R41). Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::time::{At, word};
use crate::desk::alarm::{Acknowledgement, Alarm, AlarmId, AlarmState, AlarmWord};
use crate::types::{CallId, TicketNumber};

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str =
    "id, kind, state, raised_at_ms, call, about, caller, ticket, note, acknowledged_at_ms, acknowledged_by";

/// Keeps a call's word. It does not take back what somebody has acknowledged, and does not close what is open: a later
/// emergency of the same call opens it again.
pub fn put(connection: &Connection, at: DateTime<Utc>, alarm: &AlarmWord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO alarms (kind, state, raised_at_ms, call, about, caller, ticket, note)
             VALUES (:kind, :state, :at, :call, :about, :caller, :ticket, :note)
             ON CONFLICT (kind, call, about) DO UPDATE SET raised_at_ms = :at, caller = coalesce(:caller, caller),
                ticket = coalesce(:ticket, ticket), note = :note, state = :state,
                acknowledged_at_ms = NULL, acknowledged_by = NULL
             WHERE state IN ('watched', 'settled') OR :state = 'open'",
        )?
        .execute(named_params! {
            ":kind": alarm.kind.as_str(),
            ":state": alarm.state.as_str(),
            ":at": At(at),
            ":call": alarm.call.0,
            ":about": alarm.about,
            ":caller": alarm.caller,
            ":ticket": alarm.ticket.as_ref().map(|n| &n.0),
            ":note": alarm.note,
        })?;
    Ok(())
}

/// At a start nobody rings: what was watched was missed. How many there are.
pub fn raise_watched(connection: &Connection, note: &str) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE alarms SET state = ?1, note = ?2,
            ticket = coalesce(ticket, (SELECT number FROM tickets WHERE tickets.call = alarms.call ORDER BY id DESC))
         WHERE state = ?3",
        params![AlarmState::Open.as_str(), note, AlarmState::Watched.as_str()],
    )
}

/// Notes who has seen it. Some(false) when somebody had before; none without the alarm.
pub fn acknowledge(
    connection: &Connection,
    at: DateTime<Utc>,
    id: AlarmId,
    who: &str,
) -> rusqlite::Result<Option<bool>> {
    let state: Option<String> = connection
        .query_row("SELECT state FROM alarms WHERE id = ?1 AND state IN ('open', 'acknowledged')", [id.0], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(state) = state else { return Ok(None) };
    if state == AlarmState::Acknowledged.as_str() {
        return Ok(Some(false));
    }
    connection.execute(
        "UPDATE alarms SET state = ?2, acknowledged_at_ms = ?3, acknowledged_by = ?4 WHERE id = ?1",
        params![id.0, AlarmState::Acknowledged.as_str(), At(at), who],
    )?;
    Ok(Some(true))
}

/// One that came to an alarm.
pub fn one(connection: &Connection, id: AlarmId) -> rusqlite::Result<Option<Alarm>> {
    let sql = format!("SELECT {COLUMNS} FROM alarms WHERE id = ?1 AND state IN ('open', 'acknowledged')");
    connection.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<Alarm> {
    Ok(Alarm {
        id: AlarmId(row.get(0)?),
        kind: word(row, 1)?,
        state: word(row, 2)?,
        raised_at: row.get::<_, At>(3)?.0,
        call: Some(CallId(row.get(4)?)).filter(|call| call.0 != 0),
        about: Some(row.get(5)?).filter(|about: &String| !about.is_empty()),
        caller: row.get(6)?,
        ticket: row.get::<_, Option<String>>(7)?.map(TicketNumber),
        note: row.get(8)?,
        acknowledged: match row.get::<_, Option<At>>(9)? {
            Some(at) => Some(Acknowledgement { at: at.0, by: row.get::<_, Option<String>>(10)?.unwrap_or_default() }),
            None => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::desk::alarm::AlarmKind;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        super::super::schema::migrate(&mut connection, Path::new("test.db")).expect("it has its form");
        connection
    }

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + s, 0).expect("a time")
    }

    fn word(call: i64, state: AlarmState, note: &str) -> AlarmWord {
        let kind = AlarmKind::MissedEmergency;
        AlarmWord { note: note.to_owned(), ..AlarmWord::of_call(kind, CallId(call), state) }
    }

    fn all(connection: &Connection) -> Vec<Alarm> {
        let sql = format!("SELECT {COLUMNS} FROM alarms ORDER BY id");
        let mut statement = connection.prepare(&sql).expect("it can be asked");
        statement.query_map([], read).expect("rows").collect::<Result<_, _>>().expect("alarms")
    }

    #[test]
    fn a_calls_last_word_counts_and_a_word_said_twice_is_one_alarm() {
        let connection = database();
        put(&connection, at(0), &word(1, AlarmState::Watched, "rings")).unwrap();
        put(&connection, at(9), &AlarmWord { caller: Some("138".into()), ..word(1, AlarmState::Open, "nobody") })
            .unwrap();
        put(&connection, at(9), &word(1, AlarmState::Open, "nobody")).unwrap();
        put(&connection, at(5), &word(2, AlarmState::Watched, "rings")).unwrap();
        put(&connection, at(6), &word(2, AlarmState::Settled, "301 took it")).unwrap();
        let alarms = all(&connection);
        assert_eq!(alarms.iter().map(|a| a.state).collect::<Vec<_>>(), [AlarmState::Open, AlarmState::Settled]);
        assert_eq!((alarms[0].raised_at, alarms[0].caller.as_deref()), (at(9), Some("138")));
        assert_eq!(alarms[0].note, "nobody");
    }

    #[test]
    fn an_open_alarm_is_closed_by_a_name_alone_and_a_new_emergency_opens_it_again() {
        let connection = database();
        put(&connection, at(0), &word(1, AlarmState::Open, "nobody")).unwrap();
        put(&connection, at(1), &word(1, AlarmState::Watched, "rings again")).unwrap();
        put(&connection, at(2), &word(1, AlarmState::Settled, "301 took it")).unwrap();
        assert_eq!(all(&connection)[0].state, AlarmState::Open, "the first one was missed all the same");
        let id = all(&connection)[0].id;
        assert_eq!(acknowledge(&connection, at(3), id, "wang").unwrap(), Some(true));
        assert_eq!(acknowledge(&connection, at(4), id, "li").unwrap(), Some(false));
        assert_eq!(acknowledge(&connection, at(4), AlarmId(99), "li").unwrap(), None);
        let seen = Some(Acknowledgement { at: at(3), by: "wang".into() });
        assert_eq!(
            (all(&connection)[0].state, all(&connection)[0].acknowledged.clone()),
            (AlarmState::Acknowledged, seen)
        );
        put(&connection, at(5), &word(1, AlarmState::Settled, "late")).unwrap();
        assert_eq!(all(&connection)[0].state, AlarmState::Acknowledged);
        put(&connection, at(6), &word(1, AlarmState::Open, "nobody again")).unwrap();
        assert_eq!((all(&connection)[0].state, all(&connection)[0].acknowledged.clone()), (AlarmState::Open, None));
    }

    #[test]
    fn what_is_only_watched_or_settled_cannot_be_acknowledged() {
        let connection = database();
        put(&connection, at(0), &word(1, AlarmState::Watched, "rings")).unwrap();
        assert_eq!(acknowledge(&connection, at(1), all(&connection)[0].id, "wang").unwrap(), None);
        assert_eq!(raise_watched(&connection, "cut off").unwrap(), 1);
        assert_eq!(raise_watched(&connection, "cut off").unwrap(), 0);
        assert_eq!((all(&connection)[0].state, all(&connection)[0].note.as_str()), (AlarmState::Open, "cut off"));
    }
}
