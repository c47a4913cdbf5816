//! What happened on the wire, with times: printed while the call runs, and as JSON at its end.

use serde::Serialize;

use crate::types::{Mono, seconds_text};

/// Rungs that one call keeps.
const RUNGS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Out,
    In,
    /// Something that the caller did or noticed: a key, the end of a prompt.
    Local,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// Milliseconds since the INVITE.
    pub at_ms: u64,
    pub direction: Direction,
    pub what: String,
}

#[derive(Debug, Clone)]
pub struct Ladder {
    start: Mono,
    rungs: Vec<Rung>,
}

impl Ladder {
    pub fn new(start: Mono) -> Self {
        Self { start, rungs: Vec::new() }
    }

    /// Adds a rung and gives the line to print for it.
    pub fn add(&mut self, now: Mono, direction: Direction, what: impl Into<String>) -> String {
        let rung = Rung { at_ms: now.ms_since(self.start), direction, what: what.into() };
        let line = rung.to_line();
        if self.rungs.len() < RUNGS_MAX {
            self.rungs.push(rung);
        }
        line
    }

    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }
}

impl Rung {
    /// `   1.234 s  --> INVITE`
    pub fn to_line(&self) -> String {
        let arrow = match self.direction {
            Direction::Out => "-->",
            Direction::In => "<--",
            Direction::Local => "   ",
        };
        format!("{}  {arrow} {}", seconds_text(self.at_ms), self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_reads_as_time_arrow_and_message() {
        let mut ladder = Ladder::new(Mono::from_millis(1000));
        assert_eq!(ladder.add(Mono::from_millis(1000), Direction::Out, "INVITE"), "   0.000 s  --> INVITE");
        assert_eq!(ladder.add(Mono::from_millis(3345), Direction::In, "200 OK"), "   2.345 s  <-- 200 OK");
        assert_eq!(ladder.rungs().len(), 2);
    }
}
