//! A span of a day's time, which may run over midnight.

use std::fmt;

use chrono::{NaiveTime, Timelike};
use serde::Deserialize;
use serde::de::{self, Deserializer};

/// Minutes in a day.
pub(super) const DAY_MIN: u16 = 1440;

/// Minutes of a day, from (with) and to (without): 0 to 1440. Where `to` is the smaller one it is of the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from_min: u16,
    to_min: u16,
}

impl Span {
    pub(super) const WHOLE_DAY: Span = Span { from_min: 0, to_min: DAY_MIN };

    /// Whether this time of any day lies in it.
    pub fn contains(self, at: NaiveTime) -> bool {
        self.has_begun(at) || self.goes_on(at)
    }

    /// When it begins.
    pub fn begin(self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.from_min) * 60, 0).unwrap_or(NaiveTime::MIN)
    }

    /// When it ends; midnight at the end of the day is the beginning of the next one.
    pub fn end(self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.to_min % DAY_MIN) * 60, 0)
            .unwrap_or(NaiveTime::MIN)
    }

    /// Whether this time lies in a span that began on the same day.
    pub(super) fn has_begun(self, at: NaiveTime) -> bool {
        let minute = minute_of(at);
        self.from_min <= minute && (self.runs_over() || minute < self.to_min)
    }

    /// Whether this time lies in a span that began on the day before.
    pub(super) fn goes_on(self, at: NaiveTime) -> bool {
        self.runs_over() && minute_of(at) < self.to_min
    }

    /// Minutes of a day at which something may change.
    pub(super) fn edges(self) -> [u16; 2] {
        [self.from_min, self.to_min % DAY_MIN]
    }

    fn runs_over(self) -> bool {
        self.to_min < self.from_min
    }

    /// From `HH:MM-HH:MM`; `24:00` ends it with the day, an end before its beginning is of the next day.
    pub fn parse(text: &str) -> Option<Span> {
        let (from, to) = text.split_once('-')?;
        let span = Span { from_min: minute(from.trim())?, to_min: minute(to.trim())? };
        (span.from_min != span.to_min && span.from_min < DAY_MIN).then_some(span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from_min, self.to_min);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

fn minute_of(at: NaiveTime) -> u16 {
    u16::try_from(at.hour() * 60 + at.minute()).unwrap_or(DAY_MIN)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let fits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !fits(hour) || !fits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            de::Error::custom(format!(
                "`{text}` is no span of a day; write it like \"08:30-17:00\", to \"24:00\" at most, or \"22:00-06:00\" over midnight"
            ))
        };
        Span::parse(&text).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).expect("it exists")
    }

    #[test]
    fn a_span_over_midnight_belongs_to_two_days() {
        let night = Span::parse("22:00-06:00").expect("a span");
        assert!(night.has_begun(at(23, 0)) && !night.has_begun(at(5, 59)) && !night.goes_on(at(23, 0)));
        assert!(night.goes_on(at(5, 59)) && !night.goes_on(at(6, 0)));
        assert!(night.contains(at(0, 0)) && !night.contains(at(12, 0)));
        let evening = Span::parse("22:00-00:00").expect("a span");
        assert!(evening.contains(at(23, 59)) && !evening.contains(at(0, 0)));
        assert_eq!(night.to_string(), "22:00-06:00");
    }

    #[test]
    fn what_is_no_span_is_none() {
        for text in ["", "8-12", "08:00", "08:00-08:00", "24:00-06:00", "08:00-24:01", "08:60-09:00", "-1:00-02:00"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
