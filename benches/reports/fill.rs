//! A desk that has worked for two years: 1,000,000 calls, 200,000 tickets and what belongs to them. The same every time.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use frontdesk::store::{Store, StoreOptions};
use rusqlite::{Connection, Transaction, params};

pub const CALLS: i64 = 1_000_000;
pub const TICKETS: i64 = 200_000;
pub const MESSAGES: i64 = 60_000;
/// How long the desk has worked.
pub const DAYS: i64 = 730;
const LADDERS: i64 = 20_000;
const CALLERS: u64 = 40_000;
const DAY_MS: i64 = 86_400_000;

/// When it is: the last call began a minute before.
pub fn now() -> DateTime<Utc> {
    "2026-11-28T04:00:00Z".parse().expect("a time")
}

/// Makes the database where there is none yet.
pub fn fill(path: &Path) {
    if path.exists() {
        return;
    }
    let part = path.with_extension("part");
    let (store, _) =
        Store::open(StoreOptions::new(&part, chrono_tz::Asia::Shanghai), Box::new(|_| ())).expect("it opens");
    assert_eq!(store.shutdown(), 0);
    let mut connection = Connection::open(&part).expect("it opens");
    connection.execute_batch("PRAGMA synchronous = off; PRAGMA cache_size = -262144;").expect("settings");
    // Old happenings are trimmed in a desk that works: they are written here by hand, not by the triggers.
    let triggers = triggers(&connection);
    triggers
        .iter()
        .for_each(|(name, _)| connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("it is there"));
    let transaction = connection.transaction().expect("a transaction");
    let mut random = Random(0x5eed);
    calls(&transaction, &mut random).expect("calls");
    tickets(&transaction, &mut random).expect("tickets");
    messages(&transaction, &mut random).expect("messages");
    rest(&transaction, &mut random).expect("the rest");
    transaction.commit().expect("a commit");
    triggers.iter().for_each(|(_, sql)| connection.execute_batch(sql).expect("it was there"));
    connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);").expect("the end");
    drop(connection);
    std::fs::rename(&part, path).expect("a rename");
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", part.display()));
    }
}

fn triggers(connection: &Connection) -> Vec<(String, String)> {
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").expect("a schema");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

fn start_ms() -> i64 {
    (now() - TimeDelta::days(DAYS)).timestamp_millis()
}

/// The start of the nth of so many, evenly spread.
fn spread(n: i64, count: i64) -> i64 {
    start_ms() + (DAYS * DAY_MS - 60_000) * n / count
}

fn number(of: u64) -> String {
    format!("138{:08}", of.wrapping_mul(7_654_321) % 100_000_000)
}

fn calls(to: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut put = to.prepare(
        "INSERT INTO calls (id, caller, caller_name, callee, started_at_ms, answered_at_ms, ended_at_ms, answer_ms, answer_rings,
            outcome, path, handled_by, tickets, messages, recording, codec, rtp_sent, rtp_received, rtp_lost, rtp_jitter_ms,
            rtp_mos, end_reason, sip_call_id, legs, trunk, direction, sought_ms, person_ms, branch, updated_at_ms)
         VALUES (?1, ?2, '张伟', 'desk', ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, '[]', ?11, 'PCMA', 4000, 3990, 10, 1.5, 4.2,
            'caller_hung_up', ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?5)",
    )?;
    for id in 1..=CALLS {
        let at = spread(id, CALLS);
        let answer_ms = if random.one_in(20) { random.below(12_000) as i64 } else { 5 };
        let answered = !random.one_in(40);
        let lasts = 10_000 + random.below(240_000) as i64;
        let branch = random.of(&["repair", "complaint", "inquiry", "person", "reception", "emergency"]);
        let sought = (branch == "person" || branch == "reception").then(|| 9_000 + random.below(3_000) as i64);
        let person = sought.filter(|_| !random.one_in(4)).map(|ms| ms + 2_000 + random.below(30_000) as i64);
        let outcome = match () {
            () if !answered => "abandoned",
            () if person.is_some() => "transferred",
            () if id % 5 == 0 => "ticket",
            () => random.of(&["completed", "completed", "completed", "voicemail", "abandoned", "failed"]),
        };
        let ticket = if id % 5 == 0 { format!("[\"{}\"]", ticket_number(id / 5)) } else { "[]".to_owned() };
        let path = format!(
            "[{{\"at_ms\":0,\"node\":\"welcome\",\"input\":null}},{{\"at_ms\":4000,\"node\":\"main\",\"input\":\"1\"}},\
             {{\"at_ms\":9000,\"node\":\"{branch}\",\"input\":null}}]"
        );
        let leg = sought.map_or("[]".to_owned(), |ms| {
            format!(
                "[{{\"leg\":1,\"extension\":\"201\",\"place\":\"sip:201@desk\",\"at_ms\":{ms},\"ring_ms\":{},\"talk_ms\":9000,\
                 \"end\":\"talked\",\"status\":null,\"codec\":\"PCMA\",\"rtp\":{{\"sent\":1,\"received\":1,\"lost\":0,\
                 \"jitter_ms\":0.0,\"mos\":null}}}}]",
                person.unwrap_or(ms) - ms
            )
        });
        put.execute(params![
            id,
            number(random.below(CALLERS)),
            at,
            answered.then_some(at + answer_ms),
            at + lasts.max(person.unwrap_or(0) + 5_000),
            answered.then_some(answer_ms),
            outcome,
            path,
            person.map(|_| "201"),
            ticket,
            (id % 3 == 0).then(|| format!("2026/11/23/{id:06}-1.wav")),
            format!("{id:016x}@192.0.2.1"),
            leg,
            random.of(&[Some("carrier"), Some("pbx"), None]),
            if random.one_in(12) { "out" } else { "in" },
            sought,
            person,
            branch,
        ])?;
    }
    nodes(to)
}

/// As the triggers would.
fn nodes(to: &Transaction<'_>) -> rusqlite::Result<()> {
    to.execute_batch(
        "INSERT INTO flow_nodes (name)
            SELECT DISTINCT step.value ->> 'node' FROM calls, json_each(calls.path) AS step;
         INSERT INTO call_nodes (node, began_at_ms, call, ended_as)
            SELECT DISTINCT flow_nodes.id, calls.started_at_ms, calls.id, calls.outcome
            FROM calls, json_each(calls.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node'
            ORDER BY 1, 2, 3;",
    )
}

fn ticket_number(n: i64) -> String {
    format!("{:08}-{:04}", 20_241_128 + n / 5_000, n % 5_000)
}

fn tickets(to: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut put = to.prepare(
        "INSERT INTO tickets (id, number, kind, class, urgency, category, channel, status, stage, owner, caller, callback_number,
            building, room, resident, description, opened_at_ms, clocks_started_at_ms, incomplete, call, updated_at_ms, version,
            satisfaction, reopened, rework_of, repaired_at_ms, closed_at_ms)
         VALUES (?1, ?2, ?3, 'B', ?4, ?5, 'phone', ?6, ?7, ?8, ?9, ?9, ?10, ?11, '李四', '厨房水管漏水，请尽快来人。', ?12, ?12, ?13,
            ?14, ?12, 5, ?15, ?16, ?17, ?18, ?19)",
    )?;
    let mut clock = to.prepare(
        "INSERT INTO ticket_clocks (ticket, name, due_at_ms, met_at_ms, started_at_ms, next_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut event =
        to.prepare("INSERT INTO ticket_events (ticket, at_ms, who, what, note) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for id in 1..=TICKETS {
        let at = spread(id, TICKETS);
        let kind = random.of(&["repair", "repair", "inquiry", "complaint", "help"]);
        // What is older than two weeks is closed, but for a few.
        let open = TICKETS - id < 2_000 || random.one_in(400);
        let closed = (!open).then(|| at + 3_600_000 + random.below(200 * 3_600_000) as i64);
        let category = match kind {
            "repair" => {
                random.of(&[Some("power"), Some("lift"), Some("burst_pipe"), Some("roof_leak"), Some("door_window")])
            }
            "complaint" => random.of(&[Some("equipment"), Some("attitude"), Some("quality"), None]),
            _ => None,
        };
        let owner = random.of(&["desk", "201", "202", "203", "301", "302"]);
        put.execute(params![
            id,
            ticket_number(id),
            kind,
            (kind == "repair").then(|| random.of(&["urgent", "general"])),
            category,
            if open { "open" } else { "closed" },
            if open { "reported" } else { "closed" },
            owner,
            number(random.below(CALLERS)),
            format!("{}", 1 + random.below(30)),
            format!("{}", 101 + random.below(2_900)),
            at,
            i64::from(random.one_in(300)),
            id * 5,
            closed.and_then(|_| random.of(&[None, None, Some("satisfied"), Some("satisfied"), Some("not_satisfied")])),
            i64::from(random.one_in(50)),
            random.one_in(40).then(|| ticket_number(1 + id / 2)),
            (kind == "repair").then_some(closed).flatten(),
            closed,
        ])?;
        let names: &[(&str, i64)] = match kind {
            "repair" => &[("on_site", 2), ("repaired", 24)],
            "complaint" => &[("receive", 1), ("reply", 24)],
            _ => &[("reply", 1)],
        };
        for (name, hours) in names {
            let due = at + hours * 3_600_000;
            let met = (!open).then(|| at + random.below((hours * 4_000_000) as u64) as i64);
            clock.execute(params![id, name, due, met, at, met.is_none().then_some(due)])?;
        }
        let steps: &[&str] =
            if open { &["opened", "completed"] } else { &["opened", "accepted", "on_site", "repaired", "closed"] };
        for (n, what) in steps.iter().enumerate() {
            event.execute(params![id, at + 60_000 * n as i64, owner, what, "已处理"])?;
        }
    }
    Ok(())
}

fn messages(to: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut put = to.prepare(
        "INSERT INTO messages (id, for_person, from_number, from_name, recording, duration_ms, left_at_ms, relay, incomplete, call,
            updated_at_ms) VALUES (?1, ?2, ?3, '张', '2026/11/23/000001-1.wav', 9000, ?4, ?5, ?6, ?7, ?4)",
    )?;
    let mut attempt =
        to.prepare("INSERT INTO message_attempts (message, at_ms, channel, result) VALUES (?1, ?2, 'phone: 201', ?3)")?;
    for id in 1..=MESSAGES {
        let at = spread(id, MESSAGES);
        let confirmed = MESSAGES - id > 500 && !random.one_in(30);
        let person = random.of(&[Some("201"), Some("202"), Some("203"), Some("301"), None]);
        let relay = if confirmed { "confirmed" } else { random.of(&["pending", "notified", "heard", "escalated"]) };
        put.execute(params![
            id,
            person,
            number(random.below(CALLERS)),
            at,
            relay,
            i64::from(random.one_in(50)),
            id * 16
        ])?;
        attempt.execute(params![id, at + 60_000, "not_reached"])?;
        if confirmed {
            attempt.execute(params![id, at + 120_000 + random.below(7_200_000) as i64, "confirmed"])?;
        }
    }
    Ok(())
}

/// Follow-up calls and other errands, alarms, the journal, happenings, SIP messages of the last calls.
fn rest(to: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut errand = to.prepare(
        "INSERT INTO errands (kind, to_number, ticket, message, not_before_ms, state, tries, result, comment, seen, created_at_ms,
            started_at_ms, ended_at_ms) VALUES (?1, '13800138000', ?2, ?3, ?4, 'ended', 1, ?5, ?6, 1, ?4, ?4, ?7)",
    )?;
    for id in 1..=120_000 {
        let at = spread(id, 120_000);
        let kind = random.of(&["follow_up", "follow_up", "dispatch", "relay", "notice"]);
        let result = match kind {
            "follow_up" => random.of(&["satisfied", "satisfied", "not_satisfied", "not_reached", "wants_to_speak"]),
            "dispatch" => random.of(&["accepted", "declined"]),
            _ => random.of(&["confirmed", "not_reached"]),
        };
        let ticket = (kind != "relay").then(|| ticket_number(1 + random.below(TICKETS as u64) as i64));
        let message = (kind == "relay").then(|| 1 + random.below(MESSAGES as u64) as i64);
        errand.execute(params![kind, ticket, message, at, result, random.one_in(9).then_some("a.wav"), at + 40_000])?;
    }
    let mut happening =
        to.prepare("INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (?1, ?2, 'ended', ?3, NULL)")?;
    for id in 1..=300_000 {
        happening.execute(params![spread(id, 300_000), random.of(&["call", "ticket", "message"]), id.to_string()])?;
    }
    let mut journal =
        to.prepare("INSERT INTO journal (at_ms, kind, about, text) VALUES (?1, 'started', '', 'the line runs')")?;
    for id in 1..=20_000 {
        journal.execute([spread(id, 20_000)])?;
    }
    let mut alarm = to.prepare(
        "INSERT INTO alarms (kind, state, raised_at_ms, call, about, note) VALUES ('missed_emergency', ?1, ?2, ?3, '', 'nobody')",
    )?;
    for id in 1..=5_000 {
        alarm.execute(params![if id > 4_990 { "open" } else { "acknowledged" }, spread(id, 5_000), id * 200])?;
    }
    let mut ladder = to.prepare(
        "INSERT INTO call_ladders (call, began_at_ms, bytes, messages) VALUES (?1, ?2, 4096, zeroblob(4096))",
    )?;
    for id in CALLS - LADDERS + 1..=CALLS {
        ladder.execute([id, spread(id, CALLS)])?;
    }
    Ok(())
}
