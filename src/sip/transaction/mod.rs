//! The four transaction machines of RFC 3261 section 17, with the Accepted state of RFC 6026.
//!
//! Each machine is a state enum whose variants own their data. It is told what happened and when, and says what must be
//! sent; it knows nothing of sockets, dialogs or the other machines. Whoever owns a machine asks it for its `deadline`
//! after every change and calls `timeout` when that time has come.

mod invite_client;
mod invite_server;
mod key;
mod request_client;
mod request_server;
mod timers;

pub use invite_client::{InviteClient, InviteOutcome};
pub use invite_server::{Acknowledged, InviteServer, ServerTimeout};
pub use key::{Key, KeyMaker, KeyMap};
pub use request_client::RequestClient;
pub use request_server::RequestServer;
pub use timers::{Backoff, Deadlines, Timing};

/// What a client machine asks for when its deadline has come.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientTimeout<'a> {
    Nothing,
    /// Timer A or E: the request again.
    Resend(&'a [u8]),
    /// Timer B or F: no final response; to be treated as 408 (RFC 3261 section 8.1.3.1). The machine has ended.
    GaveUp,
}
