//! How it is with a trunk, for people.

use std::fmt;
use std::net::SocketAddr;

use crate::types::Mono;

/// Why calls can't come in over a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its servers' names lead to no address that a listener of ours reaches.
    NoAddress,
    /// None of its servers could be connected to.
    Unreachable,
    /// None of its servers answered in time.
    Silent,
    /// The connection was closed.
    ConnectionLost,
    WrongPassword,
    /// It asks for a password in a way that we don't know, or again and again.
    OddChallenge,
    /// Any other refusal.
    Refused(u16),
    /// The registration's time is over.
    Expired,
}

impl Why {
    /// For metrics and the record.
    pub fn as_str(&self) -> &'static str {
        match self {
            Why::NoAddress => "no_address",
            Why::Unreachable => "unreachable",
            Why::Silent => "no_answer",
            Why::ConnectionLost => "connection_lost",
            Why::WrongPassword => "wrong_password",
            Why::OddChallenge => "odd_challenge",
            Why::Refused(_) => "refused",
            Why::Expired => "expired",
        }
    }

    /// Whether somebody has to change something before it can come back.
    pub fn needs_people(&self) -> bool {
        match self {
            Why::WrongPassword | Why::OddChallenge => true,
            Why::Refused(status) => matches!(status, 400..=499) && !matches!(status, 408 | 480 | 486),
            Why::NoAddress | Why::Unreachable | Why::Silent | Why::ConnectionLost | Why::Expired => false,
        }
    }
}

/// What to do about it too.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NoAddress => f.write_str(
                "its servers were not found: check the host name, DNS, and that [sip] listen has its transport",
            ),
            Why::Unreachable => {
                f.write_str("its servers can't be reached: check address, port, firewall and certificate")
            }
            Why::Silent => f.write_str("its servers do not answer: check address and firewall, or ask the carrier"),
            Why::ConnectionLost => f.write_str("its server closed the connection"),
            Why::WrongPassword => f.write_str("it refuses our user or password: correct them in trunks.toml"),
            Why::OddChallenge => f.write_str("it asks for a password in a way that is not understood: ask the carrier"),
            Why::Refused(status) => write!(f, "it refuses us with {status}: ask the carrier"),
            Why::Expired => f.write_str("its registration could not be renewed in time"),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known yet.
    Starting,
    Up {
        since: Mono,
        server: SocketAddr,
        /// When the registration ends unless it is renewed.
        until: Option<Mono>,
        /// Our own address as its servers see it, where NAT makes it another one.
        external: Option<SocketAddr>,
    },
    Down {
        since: Mono,
        why: Why,
    },
    /// Given up by our own wish.
    Left,
}

impl Standing {
    pub fn is_up(&self) -> bool {
        matches!(self, Standing::Up { .. })
    }
}
