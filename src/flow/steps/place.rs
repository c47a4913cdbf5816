//! `place`: building `*` room `#`, read back (R25). Without one the report goes on all the same (R24). A caller whose number
//! belongs to a place is offered that (R11): one key, and it is done; any other place is keyed as by everybody.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::residents::Home;
use crate::desk::ticket::TicketChange;
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::io::Say;
use crate::flow::line::{Exit, Gone, Line};
use crate::types::{Digit, Lang};

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
    /// Said to a caller whose place is known: `{building}` and `{room}`, and 1 if that is right; without it nothing is offered.
    #[serde(default)]
    offer: Saying,
    /// The same where a number belongs to several places, three at most: before them, before each one's key, and after them.
    #[serde(default)]
    several: Saying,
    #[serde(default)]
    each: Saying,
    #[serde(default)]
    before_key: Saying,
    #[serde(default)]
    other: Saying,
}

/// Who keys a place by hand is at its star by then.
const BETWEEN_KEYS: Duration = Duration::from_millis(1_200);
/// Places that are read out to choose from.
const READ_OUT_MAX: usize = 3;

impl Step for Place {
    fn links(&self) -> Vec<Link<'_>> {
        let failed = self.failed.iter().map(|to| Link::itself("failed", to));
        [Link::itself("next", &self.next)].into_iter().chain(failed).collect()
    }

    fn words(&self) -> Vec<&Word> {
        let keyed = [&self.say, &self.again, &self.confirm];
        let known = [&self.offer, &self.several, &self.each, &self.before_key, &self.other];
        keyed.into_iter().chain(known).flatten().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Level
    }

    fn knows_callers(&self) -> bool {
        !self.offer.is_empty()
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let homes = if self.offer.is_empty() { Vec::new() } else { line.homes().await? };
            match self.offer(&line, &homes).await? {
                Offered::Taken => Ok(Exit::to(&self.next)),
                Offered::Back => Ok(Exit::Back),
                Offered::Other => self.ask(&line).await,
            }
        })
    }
}

/// What came of an offer.
enum Offered {
    Taken,
    Back,
    /// Another place is to be keyed: its first key may be waiting already.
    Other,
}

impl Place {
    async fn offer(&self, line: &Line, homes: &[Home]) -> Result<Offered, Gone> {
        let says = match homes {
            [] => return Ok(Offered::Other),
            [home] => {
                remember(line, Some(home));
                line.sounds(&self.offer)
            }
            homes if homes.len() > READ_OUT_MAX || self.each.is_empty() => return Ok(Offered::Other),
            homes => self.choice(line, homes),
        };
        let is_digit = |key: Digit| key.as_char().is_ascii_digit();
        let picked = line.choose(Menu::new(says, &is_digit)).await?;
        remember(line, None);
        let Pick::Key(key) = picked else {
            return Ok(if picked == Pick::Back { Offered::Back } else { Offered::Other });
        };
        let keys_a_place = keys_a_place(line).await?;
        let nth = key.as_char().to_digit(10).map_or(0, |n| n as usize);
        match nth.checked_sub(1).and_then(|n| homes.get(n)).filter(|_| !keys_a_place) {
            Some(home) => {
                keep(line, home.building.clone(), home.room.clone());
                if let Some(resident) = home.resident.clone() {
                    line.change_ticket(TicketChange { resident: Some(resident), ..TicketChange::default() });
                }
                Ok(Offered::Taken)
            }
            None => {
                line.state().keys.push_front(key);
                Ok(Offered::Other)
            }
        }
    }

    /// The places of one number, to choose from.
    fn choice(&self, line: &Line, homes: &[Home]) -> (Lang, Vec<Say>) {
        let (lang, mut say) = line.sounds(&self.several);
        for (home, number) in homes.iter().zip(1..) {
            remember(line, Some(home));
            say.extend(line.sounds(&self.each).1);
            say.extend(line.sounds(&self.before_key).1);
            say.push(Say::Number(number));
        }
        say.extend(line.sounds(&self.other).1);
        (lang, say)
    }

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

/// Whether what follows a key makes it the beginning of another place: building `1` begins as `1 if that is right` does, and
/// a star follows it soon.
async fn keys_a_place(line: &Line) -> Result<bool, Gone> {
    let mut ahead = Vec::new();
    while ahead.len() < BUILDING_MAX && !matches!(ahead.last(), Some(&(Digit::STAR | Digit::HASH))) {
        let Some(key) = line.key(BETWEEN_KEYS).await? else { break };
        ahead.push(key);
    }
    let place = ahead.contains(&Digit::STAR);
    let keys = &mut line.state().keys;
    ahead.into_iter().rev().for_each(|key| keys.push_front(key));
    Ok(place)
}

/// For what is said of it; nothing is kept yet.
fn remember(line: &Line, home: Option<&Home>) {
    let facts = &mut line.state().facts;
    facts.building = home.map(|home| home.building.clone());
    facts.room = home.map(|home| home.room.clone());
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
