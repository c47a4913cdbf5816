//! Residents, and what is known of their places. Each writing function is part of a transaction that its caller makes.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ticket_rows::event;
use super::time::At;
use super::work_rows::{Refused, Refusing};
use crate::desk::residents::{Home, ListPreview, OpenRepair, Resident, ResidentChange};
use crate::desk::told::{Told, told};
use crate::types::{CallId, TicketNumber};

/// Places of one number that are told: more than can be read out.
const HOMES_MAX: u32 = 8;

/// Where this number belongs to, by exactly itself: its places, with the resident's name where it is one's alone.
pub fn homes(connection: &Connection, number: &str) -> rusqlite::Result<Vec<Home>> {
    connection
        .prepare_cached(
            "SELECT r.building, r.room, CASE WHEN count(*) = 1 THEN min(r.name) END,
                (SELECT count(*) FROM tickets t WHERE t.building = r.building AND t.room = r.room AND t.status = 'open')
             FROM resident_numbers n JOIN residents r ON r.id = n.resident
             WHERE n.number = ?1 GROUP BY r.building, r.room ORDER BY r.building, r.room LIMIT ?2",
        )?
        .query_map(params![number, HOMES_MAX], |row| {
            Ok(Home { building: row.get(0)?, room: row.get(1)?, resident: row.get(2)?, open: row.get(3)? })
        })?
        .collect()
}

/// The newest repair of that place and category that is open, and that this call did not begin.
pub fn open_repair(
    connection: &Connection,
    call: CallId,
    (building, room): (&str, &str),
    category: Option<&str>,
) -> rusqlite::Result<Option<OpenRepair>> {
    connection
        .prepare_cached(
            "SELECT number, stage, category FROM tickets
             WHERE building = ?1 AND room = ?2 AND room IS NOT NULL AND status = 'open' AND kind = 'repair'
                AND category IS ?3 AND call IS NOT ?4
             ORDER BY opened_at_ms DESC, id DESC LIMIT 1",
        )?
        .query_row(params![building, room, category, call.0], |row| {
            Ok(OpenRepair { number: TicketNumber(row.get(0)?), stage: row.get(1)?, category: row.get(2)? })
        })
        .optional()
}

/// A repair of the same room and category within the warranty of an earlier one is a rework of that, at no cost (R31).
pub fn link_rework(
    connection: &Connection,
    at: DateTime<Utc>,
    ticket: i64,
    warranty: TimeDelta,
) -> rusqlite::Result<()> {
    let earlier: Option<(i64, String, String)> = connection
        .prepare_cached(
            "SELECT e.id, e.number, t.number FROM tickets t
                JOIN tickets e ON e.building = t.building AND e.room = t.room AND e.category = t.category
             WHERE t.id = ?1 AND t.kind = 'repair' AND t.rework_of IS NULL AND t.room IS NOT NULL AND e.id <> t.id
                AND e.kind = 'repair' AND e.repaired_at_ms IS NOT NULL AND e.repaired_at_ms >= ?2
             ORDER BY e.repaired_at_ms DESC LIMIT 1",
        )?
        .query_row(params![ticket, At(at - warranty)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, number, new)) = earlier else { return Ok(()) };
    connection
        .prepare_cached("UPDATE tickets SET rework_of = ?2, material_cents = 0, labour_cents = 0 WHERE id = ?1")?
        .execute(params![ticket, number])?;
    event(
        connection,
        ticket,
        at,
        "system",
        "rework",
        Some(&format!("of {number}, within its warranty: no cost (R31)")),
    )?;
    event(connection, id, at, "system", "reworked", Some(&format!("by {new}")))
}

/// Puts a resident: a new one, or other numbers and note for the one of that place and name. Whether anything changed, and
/// whether it is a new one.
pub fn put(connection: &Connection, at: DateTime<Utc>, resident: &Resident) -> rusqlite::Result<Option<bool>> {
    let known = find(connection, &resident.building, &resident.room, &resident.name)?;
    if known.as_ref().is_some_and(|known| is_as(known, resident)) {
        return Ok(None);
    }
    let id: i64 = connection
        .prepare_cached(
            "INSERT INTO residents (building, room, name, note, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (building, room, name) DO UPDATE SET note = coalesce(?4, note), updated_at_ms = ?5 RETURNING id",
        )?
        .query_row(params![resident.building, resident.room, resident.name, resident.note, At(at)], |row| row.get(0))?;
    put_numbers(connection, id, &resident.numbers)?;
    Ok(Some(known.is_none()))
}

/// What a list would change, and a digest of all of it; `rows` at most are told one by one.
pub fn preview(
    connection: &Connection,
    residents: &[Resident],
    replace: bool,
    rows: usize,
) -> rusqlite::Result<ListPreview> {
    let mut preview = ListPreview::default();
    let mut digest = Digest::default();
    let mut tell = |preview: &mut ListPreview, change: ResidentChange| {
        digest.add(&change);
        if preview.rows.len() < rows {
            preview.rows.push(change);
        }
    };
    for resident in residents {
        match find(connection, &resident.building, &resident.room, &resident.name)? {
            None => {
                preview.change.added += 1;
                tell(&mut preview, ResidentChange::Added(resident.clone()));
            }
            Some(known) if is_as(&known, resident) => preview.change.left += 1,
            Some(before) => {
                preview.change.changed += 1;
                let note = resident.note.clone().or_else(|| before.note.clone());
                let after = Resident { id: before.id, note, numbers: sorted(&resident.numbers), ..resident.clone() };
                tell(&mut preview, ResidentChange::Changed { before, after });
            }
        }
    }
    if replace {
        let listed: HashSet<(&str, &str, &str)> =
            residents.iter().map(|r| (r.building.as_str(), r.room.as_str(), r.name.as_str())).collect();
        for (id, building, room, name) in ids(connection)? {
            if !listed.contains(&(building.as_str(), room.as_str(), name.as_str())) {
                preview.change.removed += 1;
                if let Some(resident) = one(connection, id)? {
                    tell(&mut preview, ResidentChange::Removed(resident));
                }
            }
        }
    }
    preview.digest = digest.text();
    Ok(preview)
}

/// FNV-1a of changes, in 64 bits: told from each other, not kept from anybody.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, change: &ResidentChange) {
        for byte in format!("{change:?}\n").bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// Whether a list says nothing new of a resident.
fn is_as(known: &Resident, resident: &Resident) -> bool {
    known.numbers == sorted(&resident.numbers) && (known.note == resident.note || resident.note.is_none())
}

/// Writes another place, name, numbers and note for a resident. Whether there is one; refused where another one has that
/// place and name.
pub fn change(
    connection: &Connection,
    at: DateTime<Utc>,
    id: i64,
    resident: &Resident,
) -> rusqlite::Result<Refused<()>> {
    if one(connection, id)?.is_none() {
        return Ok(Err(Refusing::Unknown(told!("住户 {id}", "resident {id}"))));
    }
    let Resident { building, room, name, note, .. } = resident;
    if let Some(other) = find(connection, building, room, name)?.filter(|other| other.id != id) {
        return Ok(Err(Refusing::Because(already(&other))));
    }
    connection
        .prepare_cached(
            "UPDATE residents SET building = ?2, room = ?3, name = ?4, note = ?5, updated_at_ms = ?6 WHERE id = ?1",
        )?
        .execute(params![id, building, room, name, note, At(at)])?;
    put_numbers(connection, id, &resident.numbers)?;
    Ok(Ok(()))
}

/// A resident of a place and name that nobody has yet; gives the id.
pub fn add(connection: &Connection, at: DateTime<Utc>, resident: &Resident) -> rusqlite::Result<Refused<i64>> {
    let Resident { building, room, name, .. } = resident;
    if let Some(other) = find(connection, building, room, name)? {
        return Ok(Err(Refusing::Because(already(&other))));
    }
    put(connection, at, resident)?;
    let added = find(connection, building, room, name)?;
    Ok(added.map(|added| added.id).ok_or_else(|| Refusing::Unknown(told!("这位住户", "the resident"))))
}

fn already(other: &Resident) -> Told {
    let Resident { id, building, room, name, .. } = other;
    told!(
        "{building} 楼 {room} 室已登记 {name}（住户 {id}）",
        "building {building} room {room} has {name} already: resident {id}"
    )
}

fn put_numbers(connection: &Connection, id: i64, numbers: &[String]) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM resident_numbers WHERE resident = ?1")?.execute([id])?;
    let mut insert = connection.prepare_cached("INSERT INTO resident_numbers (number, resident) VALUES (?1, ?2)")?;
    for number in numbers {
        insert.execute(params![number, id])?;
    }
    Ok(())
}

/// Takes a resident out of the list, with their numbers (R12). Whether there was one.
pub fn remove(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached("DELETE FROM resident_numbers WHERE resident = ?1")?.execute([id])?;
    Ok(connection.prepare_cached("DELETE FROM residents WHERE id = ?1")?.execute([id])? > 0)
}

pub fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<Resident>> {
    let sql = format!("SELECT {COLUMNS} FROM residents r WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

fn find(connection: &Connection, building: &str, room: &str, name: &str) -> rusqlite::Result<Option<Resident>> {
    let sql = format!("SELECT {COLUMNS} FROM residents r WHERE building = ?1 AND room = ?2 AND name = ?3");
    connection.prepare_cached(&sql)?.query_row([building, room, name], read).optional()
}

/// The columns that `read` takes, in its order; of a table `residents r`.
pub const COLUMNS: &str = "r.id, r.building, r.room, r.name, r.note, \
    (SELECT group_concat(number, ' ') FROM (SELECT number FROM resident_numbers n WHERE n.resident = r.id ORDER BY number))";

pub fn read(row: &Row<'_>) -> rusqlite::Result<Resident> {
    let numbers: Option<String> = row.get(5)?;
    let numbers = numbers.unwrap_or_default().split(' ').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    Ok(Resident {
        id: row.get(0)?,
        building: row.get(1)?,
        room: row.get(2)?,
        name: row.get(3)?,
        note: row.get(4)?,
        numbers: sorted_owned(numbers),
    })
}

/// Ids of everybody, for those that a new list does not mention.
pub fn ids(connection: &Connection) -> rusqlite::Result<Vec<(i64, String, String, String)>> {
    connection
        .prepare_cached("SELECT id, building, room, name FROM residents")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect()
}

fn sorted(numbers: &[String]) -> Vec<String> {
    sorted_owned(numbers.to_vec())
}

fn sorted_owned(mut numbers: Vec<String>) -> Vec<String> {
    numbers.sort();
    numbers
}
