//! Trunks: the lines of carriers and PBXs that the desk is reached by, as the side that registers (RFC 3261 section 10) or
//! that asks a peer whether it lives.
//!
//! - `settings`: what is known of a trunk beforehand; `standing`: how it is with it, for people.
//! - `line`: the machine: where its servers are, registering, refreshing, trying again.
//! - `watch`: whether its server still answers; `retry`: how long it waits after what went wrong; `granted`: what a registrar's 200 says.
//!
//! A machine here is told what happened and says what to do (`Act`); the user agent has the transactions.

mod granted;
mod line;
mod retry;
mod settings;
mod standing;
mod watch;

pub use granted::Granted;
pub(in crate::sip) use granted::seen_at;
pub use line::{Act, TrunkLine};
pub use settings::{Account, KeepAlive, TrunkSettings};
pub use standing::{Standing, Why};

/// Names one trunk of the user agent; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrunkId(pub u32);
