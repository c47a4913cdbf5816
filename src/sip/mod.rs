//! SIP (RFC 3261), without I/O: bytes and time go in, bytes and events come out.
//!
//! - `wire/`: bytes <-> messages; the only room that names `rsip`.
//! - `channel`: where a message comes from and goes to.
//! - `transaction/`: the four machines of RFC 3261 section 17 (with RFC 6026) and their keys.
//! - `dialog`: route set, tags and sequence numbers of one dialog.
//! - `digest`: who may register; the only room that names hash functions.
//! - `locate`: the servers of a URI (RFC 3263), as questions and answers.
//! - `registrar`: which phones are there, and where.
//! - `trunk`: the lines of carriers and PBXs that we register with; `stun`: how a server sees our address.
//! - `peek`: a glance at a message's head; `mask`: its secrets, where it is kept.
//! - `guard`: who is not served for a while, or not so fast.
//! - `user_agent`: owns them all; the one door for `call` and `driver`.

pub mod channel;
pub mod dialog;
pub mod digest;
pub mod guard;
pub mod locate;
pub mod mask;
pub mod peek;
pub mod registrar;
pub mod stun;
pub mod transaction;
pub mod trunk;
pub mod user_agent;
pub mod wire;
