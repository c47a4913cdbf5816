//! Addresses that are not served for a while, since somebody there guessed passwords.

use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    pub network: BannedNetwork,
    pub since: DateTime<Utc>,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
    /// Wrong passwords that led to it.
    pub failures: u32,
}

/// An address of IPv4; of IPv6 a whole /64, which one host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BannedNetwork(IpAddr);

impl BannedNetwork {
    pub fn of(source: IpAddr) -> Self {
        Self(crate::types::host_network(source))
    }

    pub fn address(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for BannedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => write!(f, "{ip}/64"),
        }
    }
}

impl std::str::FromStr for BannedNetwork {
    type Err = std::net::AddrParseError;

    /// Any address within it, with or without `/64`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().trim_end_matches("/64").parse().map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_host_names_its_network() {
        let network = |text: &str| text.parse::<BannedNetwork>().expect("an address").to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8::1:2:3:4"), "2001:db8::/64");
        assert_eq!(network("2001:db8::/64"), "2001:db8::/64");
        assert!("desk".parse::<BannedNetwork>().is_err());
    }
}
