//! `place`: building `*` room `#`, read back (R25). Without one the report goes on all the same (R24).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::ticket::TicketChange;
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Gone, Line};
use crate::types::Digit;

/// Digits of a building's and of a room's number.
const BUILDING_MAX: usize = 4;
const ROOM_MAX: usize = 6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    say: Saying,
    /// Said after an entry that can't be taken.
    again: Saying,
    /// Reads it back and asks for 1 right, 2 again.
    confirm: Saying,
    next: Word,
    /// When no place was keyed; `next` unless it is written.
    failed: Option<Word>,
}

impl Step for Place {
    fn links(&self) -> Vec<Link<'_>> {
        let failed = self.failed.iter().map(|to| Link::itself("failed", to));
        [Link::itself("next", &self.next)].into_iter().chain(failed).collect()
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(&self.again).chain(&self.confirm).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Level
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.ask(&line).await })
    }
}

impl Place {
    async fn ask(&self, line: &Line) -> Result<Exit, Gone> {
        loop {
            let entry = Entry {
                say: &self.say,
                again: &self.again,
                with_star: true,
                secret: false,
                digits_max: BUILDING_MAX + 1 + ROOM_MAX,
                parse: &building_and_room,
            };
            match line.enter(entry).await? {
                Entered::Back => return Ok(Exit::Back),
                Entered::Failed => return Ok(Exit::to(self.failed.as_ref().unwrap_or(&self.next))),
                Entered::Value((building, room)) => keep(line, building, room),
            }
            let accepts = |key: Digit| matches!(key.as_char(), '1' | '2');
            match line.choose(Menu::new(line.sounds(&self.confirm), &accepts)).await? {
                Pick::Key(key) if key.as_char() == '2' => {}
                Pick::Back => {}
                // Who doesn't answer has keyed it all the same.
                Pick::Key(_) | Pick::Silence | Pick::Failed => return Ok(Exit::to(&self.next)),
            }
        }
    }
}

/// Kept before it is confirmed: a caller who hangs up now has told it (R24).
fn keep(line: &Line, building: String, room: String) {
    {
        let facts = &mut line.state().facts;
        facts.building = Some(building.clone());
        facts.room = Some(room.clone());
    }
    line.change_ticket(TicketChange { building: Some(building), room: Some(room), ..TicketChange::default() });
}

fn building_and_room(keys: &str) -> Option<(String, String)> {
    let (building, room) = keys.split_once('*')?;
    let fits = |text: &str, max| !text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit());
    (fits(building, BUILDING_MAX) && fits(room, ROOM_MAX)).then(|| (building.to_owned(), room.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_building_star_room() {
        assert_eq!(building_and_room("3*1201"), Some(("3".to_owned(), "1201".to_owned())));
        for bad in ["31201", "*1201", "3*", "3*12*01", "3*A", "12345*1", "1*1234567", ""] {
            assert_eq!(building_and_room(bad), None, "{bad}");
        }
    }
}
