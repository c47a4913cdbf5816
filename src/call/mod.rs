//! Where SIP, SDP, media, flow and desk meet: one call from its INVITE to its outcome, without I/O.
//!
//! - `exchange`: all calls and the user agent behind one `handle_input` / `poll_output`.
//! - `service`: what calls are served with: settings and content.
//! - `session`: one call.
//! - `reach`: ringing people for the caller, and the talk that comes of it (R15 to R18).
//! - `switchboard`: who of the staff is free, and the queue of those who wait for one.
//! - `lines`: the watch over the trunks; `disk_words`: alarms, trunks and journal on their way to the disk (R41).
//! - `admission`: who may call, how fast, how many at once (R1).
//! - `outgoing`: how many calls the desk makes through a gateway.
//! - `ladders`: the SIP messages of each call, while it lives; `legs`: whose each leg is.
//! - `events`: what happened, as one typed event for log, metric and live view.
//! - `info_digits`: keys in the body of a SIP INFO.
//! - `reasons`: why a call ends, as SIP says it.
//! - `answering`: when to answer, and how many rings that is (R2).

pub mod admission;
pub mod answering;
mod disk_words;
pub mod events;
pub mod exchange;
pub mod info_digits;
pub mod io;
pub mod ladders;
mod legs;
mod lines;
pub mod outgoing;
pub mod pin_locks;
mod playback;
mod reach;
mod reasons;
mod recording;
pub mod service;
mod session;
pub mod switchboard;
