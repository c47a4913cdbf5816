//! One call's audio, without I/O: RTP in, digits and samples out; prompts in, RTP out.

#[cfg(test)]
mod bridge_tests;
pub mod clip;
pub mod codec;
mod control;
mod digits;
pub mod dtmf;
#[cfg(test)]
mod encrypted_tests;
pub mod flac;
mod g711;
mod g722;
mod ice;
#[cfg(test)]
mod ice_tests;
pub mod io;
mod jitter;
mod listener;
mod player;
mod quality;
mod reception;
mod recorder;
mod relay;
pub mod resample;
pub mod rtcp;
pub mod rtp;
mod sender;
pub mod silence;
mod source_lock;
pub mod srtp;
pub mod stream;
pub mod tone_gen;
pub mod transcode;
pub mod wav;
