//! What is known of a trunk beforehand.

use std::time::Duration;

use crate::sip::wire::Uri;
use crate::types::{Network, Redacted};

/// Who we are to a registrar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    pub password: Redacted<String>,
}

/// What keeps NATs open between requests, and tells that the other side has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    Off,
    /// OPTIONS so often; two in a row without an answer and the trunk is down.
    Options(Duration),
    /// Over UDP an empty datagram, over streams a ping that is answered (RFC 5626 sections 3.5.1 and 4.4.1).
    Crlf(Duration),
    /// A STUN binding request (RFC 5626 section 4.4.2): it also tells when the NAT gives us another address. UDP only.
    Stun(Duration),
}

impl KeepAlive {
    pub fn every(self) -> Option<Duration> {
        match self {
            KeepAlive::Off => None,
            KeepAlive::Options(every) | KeepAlive::Crlf(every) | KeepAlive::Stun(every) => Some(every),
        }
    }
}

/// One trunk. Changed settings make a new trunk of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkSettings {
    pub name: String,
    /// Ours there: `sip:user@domain`. It is From and To of a REGISTER, and From of the calls that we make.
    pub address: Uri,
    /// The domain that is registered with or called at: `sip:domain`.
    pub domain: Uri,
    /// Where requests are sent: the outbound proxy, else the domain.
    pub servers: Uri,
    /// For challenges; none for a peer that trusts our address.
    pub account: Option<Account>,
    /// How long a registration is asked to last; none for a peer that takes none.
    pub register_for: Option<Duration>,
    pub keep_alive: KeepAlive,
    /// Networks that its calls come from, beside the addresses of its servers.
    pub sources: Vec<Network>,
}
