//! `generated.toml`: which audio files of a folder were made by `frontdesk prompts build`, and of what.
//!
//! A file whose hash is not in it is a studio recording: it is never overwritten, and never called stale.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::speech::{Speech, hash};
use crate::types::{Problem, line_of};

/// The manifest's name in its folder.
pub const FILE_NAME: &str = "generated.toml";

const HEAD: &str = "\
# Written by `frontdesk prompts build`: what each generated prompt was made of (speech) and what came of it (audio).
# A file whose hash is not here is a studio recording, and is never overwritten.
";

/// One generated prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Hash of what was spoken and how.
    pub speech: String,
    /// Hash of the audio file.
    pub audio: String,
    /// A speech service's voice, when it wasn't espeak-ng.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_voice: Option<String>,
    /// The desk's name that it says, if it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_name: Option<String>,
    /// The person's name that it says, if it is one (`name-201`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Made {
    /// Whether its text, voice or settings have changed since.
    pub fn is_stale(&self, speech: &Speech) -> bool {
        match &self.service_voice {
            Some(voice) => self.speech != speech.service_hash(voice),
            None => self.speech != speech.espeak_hash(),
        }
    }
}

/// All generated prompts of a folder, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest {
    made: BTreeMap<String, Made>,
}

impl Manifest {
    /// Reads it; on a fault every file counts as a studio recording, which loses nothing.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        toml::from_str(text).map_err(|fault| Problem {
            file: file.to_owned(),
            line: fault.span().map(|span| line_of(text, span.start)),
            what: format!("not a list of generated prompts: {}", fault.message()),
            remedy: "restore it, or delete it together with the generated files and run `frontdesk prompts build`"
                .to_owned(),
        })
    }

    /// As its file is written: one line per prompt, sorted by id.
    pub fn to_toml(&self) -> String {
        let mut out = HEAD.to_owned();
        for (id, made) in &self.made {
            let quote = |text: &str| toml::Value::from(text).to_string();
            let mut line = format!("{id} = {{ speech = {}, audio = {}", quote(&made.speech), quote(&made.audio));
            let more =
                [("service_voice", &made.service_voice), ("desk_name", &made.desk_name), ("person", &made.person)];
            for (key, value) in more {
                if let Some(value) = value {
                    line.push_str(&format!(", {key} = {}", quote(value)));
                }
            }
            out.push_str(&line);
            out.push_str(" }\n");
        }
        out
    }

    /// How this audio of that id was made; `None` for a studio recording.
    pub fn made(&self, id: &str, audio: &[u8]) -> Option<&Made> {
        self.made.get(id).filter(|made| made.audio == hash(audio))
    }

    pub fn insert(&mut self, id: &str, made: Made) {
        self.made.insert(id.to_owned(), made);
    }

    /// Forgets what the test doesn't keep.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.made.retain(|id, _| keep(id));
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.made.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(audio: &[u8]) -> Made {
        Made {
            speech: "s".to_owned(),
            audio: hash(audio),
            service_voice: None,
            desk_name: Some("光明 \"物业\"".to_owned()),
            person: None,
        }
    }

    #[test]
    fn a_file_that_was_replaced_is_a_studio_recording() {
        let mut manifest = Manifest::default();
        manifest.insert("greeting", made(b"generated"));
        assert!(manifest.made("greeting", b"generated").is_some());
        assert!(manifest.made("greeting", b"spoken by a person").is_none());
        assert!(manifest.made("main-menu", b"generated").is_none());
    }

    #[test]
    fn it_reads_what_it_writes() {
        let mut manifest = Manifest::default();
        manifest.insert("b", made(b"1"));
        manifest.insert("a-1", Made { service_voice: Some("alloy".to_owned()), ..made(b"2") });
        let text = manifest.to_toml();
        assert_eq!(Manifest::parse("f", &text), Ok(manifest));
        assert!(text.find("a-1 =") < text.find("b ="), "{text}");
    }

    #[test]
    fn a_fault_names_its_line() {
        let problem = Manifest::parse("zh/generated.toml", "# x\na = { speech = 1 }\n").expect_err("not a manifest");
        assert!(problem.to_string().starts_with("zh/generated.toml:2: "), "{problem}");
    }
}
