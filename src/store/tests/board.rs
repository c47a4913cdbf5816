//! What a board shows of the day, and what is open for a place.

use super::work::minutes;
use super::*;
use crate::desk::report::calls::CallRules;
use crate::desk::ticket::Channel;
use crate::desk::ticket_edit::HandTicket;
use crate::store::board_rows;

fn at_home(kind: Kind, category: Option<&str>) -> HandTicket {
    HandTicket {
        category: category.map(Into::into),
        building: Some("3".into()),
        room: Some("1201".into()),
        ..HandTicket::new(kind, Channel::Visit)
    }
}

#[test]
fn the_day_has_its_own_calls_and_whatever_is_due() {
    let mut desk = Desk::open();
    desk.put(&ended(1));
    desk.put(&CallRecord { started_at: noon() - TimeDelta::days(1), ..ended(2) });
    let urgent = desk.by_hand(&at_home(Kind::Repair, Some("burst_pipe")));
    let inquiry = desk.by_hand(&at_home(Kind::Inquiry, None));
    desk.ask(noon(), |id| DeskRequest::OpenMessage {
        id,
        draft: MessageDraft {
            for_person: Some("201".into()),
            from_number: None,
            from_name: None,
            call: CallId(1),
            language: None,
        },
    })
    .expect("it is kept");
    let folder = desk.closed();
    let reader = Reader::open(&folder.path().join("frontdesk.db")).expect("it opens");
    let today = |now| reader.today(minutes(-12 * 60), now, CallRules::default(), SHANGHAI).expect("it is counted");
    let now = today(minutes(6));
    assert_eq!((now.calls.offered, now.calls.before_third_ring_share), (1, Some(1.0)), "yesterday's is not counted");
    let due: Vec<_> = now.clocks.iter().map(|due| (&due.ticket, due.clock.as_str())).collect();
    assert_eq!(due, [(&inquiry, "reply"), (&urgent, "on_site"), (&urgent, "repaired")], "the soonest first");
    assert_eq!((now.overdue, now.running, now.unheard, now.unheard_since), (1, 3, 1, Some(noon())));
    assert_eq!(today(minutes(3)).overdue, 0);
    let open = |room: &str| reader.open_tickets_of(("3", room), 5, minutes(6)).expect("they are read");
    assert_eq!(open("1201").iter().map(|ticket| &ticket.number).collect::<Vec<_>>(), [&inquiry, &urgent]);
    assert!(open("1202").is_empty());
    assert_eq!(reader.open_tickets_of(("3", "1201"), 1, noon()).expect("it is read").len(), 1);
}

/// A million calls and tickets cost a board no more than what it shows.
#[test]
fn a_board_reads_by_index_alone() {
    let folder = Desk::open().closed();
    let db = crate::store::connection::for_reading(&folder.path().join("frontdesk.db")).expect("it opens");
    for sql in [board_rows::DUE_NEXT, board_rows::RUNNING, board_rows::UNHEARD, board_rows::OPEN_ALARMS] {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("SQL");
        let values = vec![0; statement.parameter_count()];
        let rows =
            statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).expect("rows");
        for line in rows.map(|row| row.expect("a row")) {
            let scans = line.starts_with("SCAN") && !line.contains("INDEX") && !line.contains("subquery");
            assert!(!scans && !line.contains("TEMP B-TREE"), "{sql}: {line}");
        }
    }
}
