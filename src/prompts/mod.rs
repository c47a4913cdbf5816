//! What the desk says: texts, their audio, and the clips that numbers are put together from.
//!
//! A language is a folder: `catalogue.toml` has the texts, `<id>.wav` or `<id>.flac` the audio, `generated.toml` tells
//! which audio `frontdesk prompts build` made. Audio that is not in it is a studio recording: it wins for ever (a
//! studio's `.wav` also over a generated `.flac` beside it). The project's own folders are inside the binary; those of
//! the directory that `[prompts] dir` names lie over them, prompt by prompt.
//!
//! Invariants: nothing is decoded at load (the first answer must not wait for it); a file that is missing, bad, or goes
//! bad later is replaced by the built-in prompt, then by the first language, and never ends a call.

pub mod audio_check;
pub mod builder;
pub mod catalogue;
pub mod clip;
pub mod folder;
pub mod header;
pub mod library;
pub mod lint;
pub mod manifest;
pub mod numbers;
pub mod speech;

pub use clip::Clip;
pub use library::{Library, LibraryOptions};
