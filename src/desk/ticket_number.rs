//! Numbers of tickets, as they are read to callers: `YYYYMMDD-NNNN`, counted from 1 each day of the desk's time zone.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::types::TicketNumber;

/// The day that a moment belongs to at the desk: `20261123`.
pub fn day_of(at: DateTime<Utc>, time_zone: Tz) -> String {
    at.with_timezone(&time_zone).format("%Y%m%d").to_string()
}

/// The number of a day's `nth` ticket. From the 10,000th on it has five digits: numbers stay unique, none is refused.
pub fn numbered(day: &str, nth: u32) -> TicketNumber {
    TicketNumber(format!("{day}-{nth:04}"))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn the_day_is_the_desks_not_greenwichs() {
        let late = Utc.with_ymd_and_hms(2026, 11, 22, 16, 0, 0).unwrap();
        assert_eq!(day_of(late, chrono_tz::Asia::Shanghai), "20261123");
        assert_eq!(day_of(late, chrono_tz::UTC), "20261122");
    }

    #[test]
    fn more_than_9999_a_day_widens_the_number() {
        assert_eq!(numbered("20261123", 7).0, "20261123-0007");
        assert_eq!(numbered("20261123", 9_999).0, "20261123-9999");
        assert_eq!(numbered("20261123", 10_000).0, "20261123-10000");
    }
}
