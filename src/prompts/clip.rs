//! What a caller is to hear, as the pieces that are played one after the other.

use super::numbers;
use crate::flow::io::Say;
use crate::types::{Lang, RecordingId};

/// One piece of what is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clip {
    /// A prompt by its id in the catalogue.
    Prompt(String),
    /// The tone before a recording.
    Beep,
    Silence {
        ms: u32,
    },
    /// What a caller has said: `call` reads it from disk.
    Recording(RecordingId),
}

impl Clip {
    pub(super) fn prompt(id: &str) -> Clip {
        Clip::Prompt(id.to_owned())
    }
}

/// Longest pause that a flow may ask for.
pub const SILENCE_MS_MAX: u32 = 60_000;

/// Turns what a flow says into clips of a language.
pub fn expand(lang: &Lang, say: &[Say]) -> Vec<Clip> {
    let mut clips = Vec::with_capacity(say.len());
    for one in say {
        match one {
            Say::Prompt(id) | Say::IfKnown(id) => clips.push(Clip::prompt(id)),
            Say::Digits(digits) => clips.extend(numbers::digits(lang, digits)),
            Say::Number(n) => clips.extend(numbers::cardinal(lang, *n)),
            Say::Date(date) => clips.extend(numbers::date(lang, *date)),
            Say::Time(time) => clips.extend(numbers::time(lang, *time)),
            // The flow says the word before it, where it wants one.
            Say::Extension(extension) => clips.extend(numbers::digits(lang, extension)),
            Say::Recording(id) => clips.push(Clip::Recording(id.clone())),
            Say::Beep => clips.push(Clip::Beep),
            Say::Silence { ms } => clips.push(Clip::Silence { ms: (*ms).min(SILENCE_MS_MAX) }),
        }
    }
    clips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_say_becomes_its_clips_in_order() {
        let recording = RecordingId("2026/11/23/000001-1.wav".to_owned());
        let say = [
            Say::Prompt("place-readback-room".to_owned()),
            Say::Digits("12".to_owned()),
            Say::Number(2),
            Say::Extension("20".to_owned()),
            Say::Recording(recording.clone()),
            Say::Beep,
            Say::Silence { ms: u32::MAX },
        ];
        let expected = [
            Clip::prompt("place-readback-room"),
            Clip::prompt("digit-yao"),
            Clip::prompt("digit-2"),
            Clip::prompt("digit-2"),
            Clip::prompt("digit-2"),
            Clip::prompt("digit-0"),
            Clip::Recording(recording),
            Clip::Beep,
            Clip::Silence { ms: SILENCE_MS_MAX },
        ];
        assert_eq!(expand(&Lang::new("zh"), &say), expected);
    }
}
