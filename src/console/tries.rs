//! How often an address may show wrong secrets: tokens, passwords, links.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::types::host_network;

/// Wrong secrets that an address may show within `WINDOW`; more are not told what is wrong, or logged.
const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; with more the oldest are forgotten.
const ADDRESSES_MAX: usize = 1_024;

/// Wrong secrets of late, by address; of IPv6 by /64.
#[derive(Default)]
pub struct Tries(Mutex<HashMap<IpAddr, Wrong>>);

#[derive(Clone, Copy)]
struct Wrong {
    since: Instant,
    count: u32,
}

impl Tries {
    /// Seconds until the address may try again; `None` where it may now.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<u16> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = tries.get(&host_network(address)).filter(|wrong| wrong.count >= WRONG_MAX)?;
        let left = (wrong.since + WINDOW).checked_duration_since(now)?;
        u16::try_from(left.as_secs() + 1).ok()
    }

    pub fn note(&self, address: IpAddr, now: Instant) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = host_network(address);
        if tries.len() >= ADDRESSES_MAX && !tries.contains_key(&address) {
            tries.retain(|_, wrong| now.duration_since(wrong.since) < WINDOW);
            let oldest = tries.iter().min_by_key(|(_, wrong)| wrong.since).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| tries.len() >= ADDRESSES_MAX) {
                tries.remove(&oldest);
            }
        }
        let wrong = tries.entry(address).or_insert(Wrong { since: now, count: 0 });
        if now.duration_since(wrong.since) >= WINDOW {
            *wrong = Wrong { since: now, count: 0 };
        }
        wrong.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_secrets_are_counted_by_address_for_a_minute_in_bounded_room() {
        let (tries, now) = (Tries::default(), Instant::now());
        let address: IpAddr = "192.0.2.7".parse().expect("an address");
        for _ in 0..WRONG_MAX {
            assert_eq!(tries.wait(address, now), None);
            tries.note(address, now);
        }
        assert_eq!(tries.wait(address, now), Some(61));
        assert_eq!(tries.wait("192.0.2.8".parse().expect("an address"), now), None);
        assert_eq!(tries.wait(address, now + WINDOW + Duration::from_secs(1)), None);
        for n in 0..2 * ADDRESSES_MAX {
            tries.note(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]), now);
        }
        assert_eq!(tries.0.lock().expect("nobody panicked").len(), ADDRESSES_MAX);
    }
}
