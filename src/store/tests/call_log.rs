//! The call log by node and by person.

use super::*;
use crate::store::filter::Place;
use crate::store::{call_rows, connection, schema};

fn walked(id: i64, nodes: &[&str]) -> CallRecord {
    let step = |(at, node): (usize, &&str)| PathStep { at_ms: at as u64, node: (*node).into(), input: None };
    CallRecord { path: nodes.iter().enumerate().map(step).collect(), handled_by: None, ..ended(id) }
}

fn ids(reader: &Reader, filter: &CallFilter, place: Option<Place>) -> Vec<i64> {
    reader.calls_beyond(filter, place).expect("a list").into_iter().map(|call| call.id.0).collect()
}

fn through(node: &str) -> CallFilter {
    CallFilter { through: Some(node.to_owned()), ..CallFilter::default() }
}

/// All of them begin at the same moment: the ids alone are in order.
fn a_day() -> Desk {
    let desk = Desk::open();
    desk.put(&walked(1, &["welcome", "main", "repair", "main", "person"]));
    desk.put(&CallRecord { handled_by: Some("201".into()), ..walked(2, &["welcome", "main", "person"]) });
    // Begun, and only then over.
    desk.put(&call(3));
    desk.put(&CallRecord { handled_by: Some("202".into()), ..walked(3, &["welcome", "main", "person"]) });
    // It goes on.
    desk.put(&CallRecord { ended_at: None, outcome: None, ..walked(4, &["welcome", "main"]) });
    desk
}

#[test]
fn calls_are_found_by_the_nodes_that_they_went_through_and_by_whom_they_came_to() {
    let folder = a_day().closed();
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("it opens");
    assert_eq!(ids(&reader, &through("main"), None), [3, 2, 1], "each once, those that are over");
    assert_eq!(ids(&reader, &through("repair"), None), [1]);
    assert_eq!(ids(&reader, &through("no such node"), None), [0_i64; 0]);
    let of_201 = CallFilter { handler: Some("201".into()), ..CallFilter::default() };
    assert_eq!(ids(&reader, &of_201, None), [2]);
    assert_eq!(ids(&reader, &CallFilter { through: Some("repair".into()), ..of_201 }, None), [0_i64; 0]);
    let caller = reader.call(CallId(1)).expect("a call").expect("it is there").caller;
    let of_caller = CallFilter { caller, ..through("repair") };
    assert_eq!(ids(&reader, &of_caller, None), [1]);
    let at = reader.call(CallId(3)).expect("a call").expect("it is there").started_at;
    assert_eq!(ids(&reader, &through("person"), Some(Place { at, id: 3 })), [2, 1], "the next page");
    let mut each = Vec::new();
    reader.each_call(&through("person"), |call| each.push(call.id.0)).expect("a list");
    assert_eq!(each, [3, 2, 1]);
    assert_eq!(reader.nodes_walked().expect("names"), ["main", "person", "repair", "welcome"]);
}

#[test]
fn the_calls_of_a_node_by_outcome_are_those_that_ended_so() {
    let desk = Desk::open();
    for id in 1..4 {
        desk.put(&walked(id, &["welcome", "main"]));
    }
    desk.put(&CallRecord { outcome: Some(Outcome::Failed), ..walked(2, &["welcome", "main"]) });
    let folder = desk.closed();
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("it opens");
    let of = |outcome| ids(&reader, &CallFilter { outcome: Some(outcome), ..through("main") }, None);
    let as_first_told = ended(1).outcome.expect("it is told");
    assert_eq!((of(Outcome::Failed), of(as_first_told)), (vec![2], vec![3, 1]));
}

#[test]
fn the_nodes_of_calls_that_go_go_with_them_and_those_of_older_rows_are_found() {
    let folder = a_day().closed();
    let db = rusqlite::Connection::open(folder.path().join("frontdesk.db")).expect("it opens");
    let rows = || -> Vec<(String, i64)> {
        let sql = "SELECT name, call FROM call_nodes JOIN flow_nodes ON flow_nodes.id = node ORDER BY 1, 2";
        let mut statement = db.prepare(sql).expect("SQL");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let by_the_triggers = rows();
    assert_eq!(by_the_triggers.len(), 4 + 3 + 3);
    // The step to this form finds the same; what is no JSON harms nothing.
    db.execute_batch("DELETE FROM call_nodes; DELETE FROM flow_nodes; UPDATE calls SET path = 'x' WHERE id = 4")
        .expect("SQL");
    let step = schema::MIGRATIONS.iter().find(|m| m.name == "0027_call_log.sql").expect("it is there").sql;
    let (begin, end) = (step.find("INSERT INTO").expect("there"), step.find("CREATE TRIGGER").expect("there"));
    db.execute_batch(&step[begin..end]).expect("SQL");
    assert_eq!(rows(), by_the_triggers);
    db.execute_batch("UPDATE calls SET ended_at_ms = 1 WHERE id = 4; DELETE FROM calls WHERE id = 4").expect("SQL");
    db.execute_batch("DELETE FROM calls WHERE id = 1").expect("SQL");
    assert!(rows().iter().all(|(_, call)| *call != 1) && rows().len() == 6, "{:?}", rows());
}

#[test]
fn no_such_list_reads_the_whole_log_or_sorts_it() {
    let folder = Desk::open().closed();
    let db = connection::for_reading(&folder.path().join("frontdesk.db")).expect("it opens");
    let of_201 = || CallFilter { handler: Some("201".into()), ..CallFilter::default() };
    let number = || Some("13800138000".to_owned());
    for (what, filter) in [
        ("node", through("main")),
        ("node of a day", CallFilter { since: Some(noon()), ..through("main") }),
        ("node and number", CallFilter { caller: number(), ..through("main") }),
        ("person", of_201()),
        ("person and node", CallFilter { through: Some("main".into()), ..of_201() }),
        ("node and outcome", CallFilter { outcome: Some(Outcome::Rejected), ..through("main") }),
        ("person and outcome", CallFilter { outcome: Some(Outcome::Rejected), ..of_201() }),
    ] {
        let (sql, _) = call_rows::query(&filter, Some(Place { at: noon(), id: 7 }));
        let lines = reports::plan(&db, &sql);
        let slow: Vec<_> = lines.iter().filter(|line| reports::is_slow(line)).collect();
        assert!(slow.is_empty(), "{what}: {}", lines.join("; "));
        // No filter is left to be tried on row after row, but for what is looked up in each of a person's calls.
        let by = |words: &str| lines.iter().any(|line| line.contains(words));
        let whole = match what {
            "node and outcome" => by("call_nodes_by_outcome (node=? AND ended_as=?"),
            "person and outcome" => by("calls_by_handler_and_outcome (handled_by=? AND outcome=?"),
            "person and node" => by("calls_by_handler"),
            _ => true,
        };
        assert!(whole, "{what}: {}", lines.join("; "));
    }
}
