//! The database's form, as numbered steps. What was released is never edited: a change is a new step.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// One step: its file's name and text. Step `n` (from 1) leads to form `n`, which `user_version` tells.
pub struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($file:literal),+ $(,)?) => {
        &[$(Migration { name: $file, sql: include_str!(concat!("sql/", $file)) }),+]
    };
}

pub const MIGRATIONS: &[Migration] = migrations![
    "0001_call_log.sql",
    "0002_tickets.sql",
    "0003_messages.sql",
    "0004_call_legs.sql",
    "0005_mailbox.sql",
    "0006_presence.sql",
    "0007_alarms.sql",
    "0008_call_backs.sql",
    "0009_trunks.sql",
    "0010_ladders_and_bans.sql",
    "0011_diverted.sql",
    "0012_work.sql",
    "0013_errands.sql",
    "0015_residents.sql",
    "0016_api.sql",
    "0017_shifts.sql",
    "0018_privacy.sql",
    "0019_reports.sql",
    "0020_tasks.sql",
    "0021_notifications.sql",
    "0022_transcripts.sql",
    "0023_sweep.sql",
    "0024_language.sql",
    "0025_accounts.sql",
    "0027_call_log.sql",
    "0028_call_outcomes.sql",
];

/// The form that this program reads and writes.
pub const FORM: u32 = MIGRATIONS.len() as u32;

/// `FDSK`: marks the file as a front desk's (SQLite's `application_id`).
const APPLICATION_ID: u32 = 0x4644_534b;

/// The form of a database; 0 when there is nothing in it yet. A stranger's file or a newer form is refused.
pub fn form_of(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let fault = |source| StoreError::sqlite(path, source);
    let form: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fault)?;
    let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fault)?;
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
    match (tables, application, form) {
        (0, 0 | APPLICATION_ID, 0) => Ok(0),
        (_, APPLICATION_ID, 0..=FORM) => Ok(form),
        (_, APPLICATION_ID, _) => Err(StoreError::Newer { path: path.to_owned(), found: form, known: FORM }),
        _ => Err(StoreError::NotOurs { path: path.to_owned() }),
    }
}

/// Brings the database to this program's form: every missing step in one transaction each, or nothing of it.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let form = form_of(connection, path)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(form as usize) {
        apply(connection, index as u32 + 1, migration)
            .map_err(|source| StoreError::Migration { name: migration.name, source })?;
        tracing::info!(migration = migration.name, "the database was brought to form {}", index + 1);
    }
    Ok(())
}

fn apply(connection: &mut Connection, form: u32, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", form)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_older_form_arrives_at_the_same_one() {
        let path = Path::new("test.db");
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, path).unwrap();
        for older in 0..FORM {
            let mut connection = Connection::open_in_memory().unwrap();
            for (index, migration) in MIGRATIONS.iter().enumerate().take(older as usize) {
                apply(&mut connection, index as u32 + 1, migration).unwrap();
            }
            assert_eq!(form_of(&connection, path).unwrap(), older);
            migrate(&mut connection, path).unwrap();
            assert_eq!(form_of(&connection, path).unwrap(), FORM);
            assert_eq!(tables(&connection), tables(&fresh));
        }
    }

    #[test]
    fn rows_of_an_older_form_are_kept() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, 1, &MIGRATIONS[0]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO calls (id, callee, started_at_ms, path, tickets, messages, rtp_sent, rtp_received, rtp_lost,
                 rtp_jitter_ms, sip_call_id, updated_at_ms) VALUES (7, 'desk', 1, '[]', '[]', '[]', 0, 0, 0, 0.0, 'a', 1)",
            )
            .unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        let id: i64 = connection.query_row("SELECT id FROM calls", [], |row| row.get(0)).unwrap();
        assert_eq!(id, 7);
    }

    /// Every row of a table, as SQL literals, of these columns.
    fn rows(connection: &Connection, table: &str, columns: &str) -> Vec<String> {
        let quoted: Vec<String> = columns.split(", ").map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY 1", quoted.join(" || ', ' || "));
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn columns(connection: &Connection, table: &str) -> String {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
        let names = statement.query_map([table], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
        names.collect::<Vec<_>>().join(", ")
    }

    /// The form before trunks, with rows in every table: not a value changes.
    #[test]
    fn rows_of_every_table_of_form_8_are_kept_to_the_value() {
        const TABLES: [&str; 10] = [
            "calls",
            "tickets",
            "ticket_clocks",
            "ticket_events",
            "ticket_days",
            "messages",
            "message_attempts",
            "presence",
            "alarms",
            "call_backs",
        ];
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        for (index, migration) in MIGRATIONS.iter().enumerate().take(8) {
            apply(&mut connection, index as u32 + 1, migration).unwrap();
        }
        connection.execute_batch(FORM_8).unwrap();
        let before = TABLES.map(|table| {
            let columns = columns(&connection, table);
            (rows(&connection, table, &columns), columns)
        });
        assert!(before.iter().all(|(rows, _)| rows.len() == 2), "{before:?}");
        migrate(&mut connection, Path::new("test.db")).unwrap();
        for (table, (before, columns)) in TABLES.iter().zip(&before) {
            assert_eq!(rows(&connection, table, columns), *before, "{table}");
        }
        assert_eq!(rows(&connection, "alarms", "id, about"), ["5, ''", "9, ''"]);
        assert_eq!(rows(&connection, "calls", "id, trunk"), ["41, NULL", "42, NULL"]);
        // An alarm of the same call is the same one still.
        let again = "INSERT INTO alarms (kind, state, raised_at_ms, call, about, note)
            VALUES ('missed_emergency', 'open', 9, 41, '', 'again')";
        assert!(connection.execute_batch(again).unwrap_err().to_string().contains("UNIQUE"));
        let broken: i64 =
            connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |r| r.get(0)).unwrap();
        assert_eq!(broken, 0);
    }

    const FORM_8: &str = "
        INSERT INTO calls (id, caller, caller_name, callee, started_at_ms, answered_at_ms, ended_at_ms, answer_ms,
            answer_rings, outcome, path, handled_by, tickets, messages, recording, codec, rtp_sent, rtp_received, rtp_lost,
            rtp_jitter_ms, rtp_mos, end_reason, sip_call_id, updated_at_ms, legs)
        VALUES (41, '13800138000', '张伟', 'desk', 1795000000000, 1795000001000, 1795000009000, 1000, 1, 'ticket', '[]', '201',
            '[\"20261123-0001\"]', '[3]', 'a.wav', 'pcma', 400, 401, 1, 2.5, 4.3, 'caller_hung_up', 'x@y', 1795000009000, '[{}]'),
            (42, NULL, NULL, 'desk', 1795000010000, NULL, NULL, NULL, NULL, NULL, '[]', NULL, '[]', '[]', NULL, NULL, 0, 0, 0,
            0.0, NULL, NULL, 'z', 1795000010000, '[]');
        INSERT INTO tickets (id, number, kind, class, urgency, category, channel, status, stage, owner, caller, callback_number,
            building, room, resident, wanted_time, key_left, description, recording, opened_at_ms, clocks_started_at_ms,
            incomplete, call, updated_at_ms)
        VALUES (1, '20261123-0001', 'repair', 'a', 'urgent', 'water', 'call', 'open', 'new', '201', '138', '139', '3', '502',
            '李四', 'now', 1, 'leak', 'a.wav', 1, 2, 0, 41, 3),
            (2, '20261123-0002', 'repair', 'a', NULL, NULL, 'call', 'open', 'new', '201', NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, 1, NULL, 1, NULL, 3);
        INSERT INTO ticket_clocks VALUES (1, 'accept', 10, NULL), (1, 'fix', 20, 15);
        INSERT INTO ticket_events VALUES (1, 1, 5, '201', 'accepted', NULL), (7, 2, 6, 'desk', 'note', '漏水');
        INSERT INTO ticket_days VALUES ('2026-11-23', 2), ('2026-11-24', 0);
        INSERT INTO messages (id, for_person, from_number, from_name, recording, duration_ms, left_at_ms, relay, incomplete,
            call, updated_at_ms, deleted_at_ms, deleted_by)
        VALUES (3, '201', '138', '张', 'm.wav', 4000, 1, 'confirmed', 0, 41, 2, NULL, NULL),
            (4, NULL, NULL, NULL, NULL, 0, 1, 'waiting', 1, NULL, 2, 9, '201');
        INSERT INTO message_attempts VALUES (1, 3, 5, 'phone', 'busy'), (2, 3, 6, 'phone', 'taken');
        INSERT INTO presence VALUES ('201', 'out', 99, 1, '201'), ('301', 'dnd', NULL, 2, 'desk');
        INSERT INTO alarms VALUES (5, 'missed_emergency', 'acknowledged', 7, 41, '138', '20261123-0001', 'nobody', 8, 'wang'),
            (9, 'missed_emergency', 'open', 7, 42, NULL, NULL, 'nobody', NULL, NULL);
        INSERT INTO call_backs VALUES (41, 'waiting', 1, '{}'), (42, 'over', 2, '');
    ";

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration { name: "broken", sql: "CREATE TABLE half (a); CREATE TABLE half (a);" };
        assert!(apply(&mut connection, 1, &broken).is_err());
        assert_eq!(form_of(&connection, Path::new("test.db")).unwrap(), 0);
    }

    #[test]
    fn a_newer_database_and_a_strangers_are_refused() {
        let path = Path::new("test.db");
        let mut newer = Connection::open_in_memory().unwrap();
        migrate(&mut newer, path).unwrap();
        newer.pragma_update(None, "user_version", FORM + 1).unwrap();
        let fault = migrate(&mut newer, path).unwrap_err();
        assert!(matches!(fault, StoreError::Newer { found, .. } if found == FORM + 1), "{fault}");

        let mut stranger = Connection::open_in_memory().unwrap();
        stranger.execute_batch("CREATE TABLE theirs (a)").unwrap();
        assert!(matches!(migrate(&mut stranger, path), Err(StoreError::NotOurs { .. })));
    }

    /// Released steps never change: a site's database has them applied. A new step is added here with its sum.
    #[test]
    fn applied_sql_is_never_edited() {
        // FNV-1a, 64 bits: it guards against a slip, not against malice.
        let sum = |text: &str| {
            text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
        };
        let sums: Vec<_> = MIGRATIONS.iter().map(|m| format!("{} {:016x}", m.name, sum(m.sql))).collect();
        insta::assert_snapshot!(sums.join("\n"), @r"
        0001_call_log.sql 3a470594d7158600
        0002_tickets.sql 6472beeb01fde9dd
        0003_messages.sql efa3ca5e48e5030e
        0004_call_legs.sql 20d7bd72e358f3e1
        0005_mailbox.sql 1193e5b959704c9d
        0006_presence.sql 2614ab34e86d10d2
        0007_alarms.sql 9f0d2e3a81b3a2da
        0008_call_backs.sql c9c3897c5bdc2581
        0009_trunks.sql 2c81b017dbabe2c3
        0010_ladders_and_bans.sql fbda2928747c81de
        0011_diverted.sql 06363255f91fef8a
        0012_work.sql 30146e9e0d1a0ac6
        0013_errands.sql a9548402b8ffdd03
        0015_residents.sql 09d5bd2f1d026225
        0016_api.sql 67ad9798cbf92a01
        0017_shifts.sql 5d2095839188832b
        0018_privacy.sql 1b50d955479c4290
        0019_reports.sql b6b2054f94e152d8
        0020_tasks.sql 17380c3e3b73500d
        0021_notifications.sql 4cb0191170057f4a
        0022_transcripts.sql 54381d7d36bcd8ee
        0023_sweep.sql c54850c7b292c290
        0024_language.sql b165455d2f4813f2
        0025_accounts.sql a661b22c54e433ca
        0027_call_log.sql 858b5d12b66365f4
        0028_call_outcomes.sql 0176089b843b6a3e
        ");
    }
}
