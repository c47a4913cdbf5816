//! What the caller is to hear next: clips of the prompt library, and recordings that must be read from disk first.

use crate::flow::io::{Say, Token};
use crate::media::io::Encoded;
use crate::prompts::Library;
use crate::prompts::library::{Sound, Sounds};
use crate::types::{Codec, Lang, RecordingId};

/// One play request whose recordings are still being read.
#[derive(Default)]
pub(super) struct Playback {
    waiting: Option<Waiting>,
}

struct Waiting {
    token: Token,
    parts: Vec<Part>,
}

enum Part {
    Ready(Encoded),
    Loading(RecordingId),
    Missing,
}

/// What is not at hand.
pub(super) enum Need {
    Recording(RecordingId),
    /// A prompt that no language has: it is left out, and said so.
    Prompt(String),
}

impl Playback {
    /// The audio if all of it is at hand; else what is needed is told, and `loaded` gives it later.
    pub fn prepare(
        &mut self,
        prompts: &Library,
        token: Token,
        say: &[Say],
        lang: &Lang,
        codec: Codec,
        mut need: impl FnMut(Need),
    ) -> Option<(Token, Vec<Encoded>)> {
        let Sounds { sounds, missing } = prompts.sounds(lang, &prompts.expand(lang, say), codec);
        missing.into_iter().for_each(|id| need(Need::Prompt(id)));
        let mut parts = Vec::with_capacity(sounds.len());
        for sound in sounds {
            parts.push(match sound {
                Sound::Encoded(audio) => Part::Ready(audio),
                Sound::Recording(recording) => {
                    need(Need::Recording(recording.clone()));
                    Part::Loading(recording)
                }
            });
        }
        self.waiting = Some(Waiting { token, parts });
        self.take_if_ready()
    }

    /// A recording was read (or could not be: it is left out).
    pub fn loaded(&mut self, id: &RecordingId, audio: Option<Encoded>) -> Option<(Token, Vec<Encoded>)> {
        let waiting = self.waiting.as_mut()?;
        for part in &mut waiting.parts {
            if matches!(part, Part::Loading(wanted) if wanted == id) {
                *part = audio.clone().map_or(Part::Missing, Part::Ready);
            }
        }
        self.take_if_ready()
    }

    pub fn clear(&mut self) {
        self.waiting = None;
    }

    fn take_if_ready(&mut self) -> Option<(Token, Vec<Encoded>)> {
        let waiting = self.waiting.take()?;
        if waiting.parts.iter().any(|part| matches!(part, Part::Loading(_))) {
            self.waiting = Some(waiting);
            return None;
        }
        let items = waiting.parts.into_iter().filter_map(|part| match part {
            Part::Ready(audio) => Some(audio),
            Part::Loading(_) | Part::Missing => None,
        });
        Some((waiting.token, items.collect()))
    }
}
