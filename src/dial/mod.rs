//! The built-in caller, without I/O: what it does once the line answers. `driver::dialer` gives it sockets.
//!
//! - `script`: the keys of `dial --keys`.
//! - `conversation`: presses, waits, speaks and hangs up as the script says.
//! - `ladder`: what happened on the wire, with times.

pub mod conversation;
pub mod ladder;
pub mod script;
