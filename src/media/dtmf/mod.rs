//! Digits that come as telephone-events or as tones in the audio.

pub mod event;
pub mod sender;
pub mod tone;
