//! Host names of configured places: looked up beside the SIP thread's work by the system's resolver, and kept for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::types::{Mono, StreamId};

/// Names that are kept; those that are known no more make room.
const NAMES_MAX: usize = 256;
/// Look-ups under way; one more fails at once.
const ASKED_MAX: usize = 32;
/// So long is an address used before it is looked up again.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// So long is a name that was not found not looked for again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);
/// A look-up that takes longer has failed: the caller waits.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What to do about a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is known, or known not to be.
    Known(Vec<IpAddr>),
    /// Look it up; then tell `answered`.
    LookUp,
    /// It is being looked up for another leg too.
    Waits,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: HashMap<String, (Vec<IpAddr>, Mono)>,
    asked: HashMap<String, Vec<StreamId>>,
}

impl Resolver {
    pub fn ask(&mut self, now: Mono, name: &str, stream: StreamId) -> Asked {
        if let Some((addresses, _)) = self.known.get(name).filter(|(_, until)| *until > now) {
            return Asked::Known(addresses.clone());
        }
        if let Some(waiting) = self.asked.get_mut(name) {
            waiting.push(stream);
            return Asked::Waits;
        }
        if self.asked.len() >= ASKED_MAX {
            tracing::warn!(name, "too many host names are being looked up");
            return Asked::Known(Vec::new());
        }
        self.asked.insert(name.to_owned(), vec![stream]);
        Asked::LookUp
    }

    /// Keeps what was found, and gives the legs that wait for it.
    pub fn answered(&mut self, now: Mono, name: &str, addresses: &[IpAddr]) -> Vec<StreamId> {
        if self.known.len() >= NAMES_MAX {
            self.known.retain(|_, (_, until)| *until > now);
        }
        if self.known.len() < NAMES_MAX {
            let lasts = if addresses.is_empty() { UNKNOWN_FOR } else { KNOWN_FOR };
            self.known.insert(name.to_owned(), (addresses.to_vec(), now + lasts));
        }
        self.asked.remove(name).unwrap_or_default()
    }
}

/// The addresses of a host, in the resolver's order; none where there are none, or not in time.
pub(super) async fn look_up(name: &str) -> Vec<IpAddr> {
    let found = tokio::time::timeout(ANSWER_MAX, tokio::net::lookup_host((name, 0))).await;
    match found {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        Ok(Err(error)) => {
            tracing::warn!(name, %error, "a host name of a place to ring was not found");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!(name, "a host name of a place to ring was not found in time");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CallId;

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn leg(leg: u32) -> StreamId {
        StreamId { call: CallId(1), leg }
    }

    #[test]
    fn one_look_up_serves_all_who_wait_and_those_who_come_soon_after() {
        let mut resolver = Resolver::default();
        let found: Vec<IpAddr> = vec![[192, 0, 2, 9].into()];
        assert_eq!(resolver.ask(at(0), "gw", leg(1)), Asked::LookUp);
        assert_eq!(resolver.ask(at(0), "gw", leg(2)), Asked::Waits);
        assert_eq!(resolver.answered(at(10), "gw", &found), [leg(1), leg(2)]);
        assert_eq!(resolver.ask(at(60_009), "gw", leg(3)), Asked::Known(found));
        assert_eq!(resolver.ask(at(60_010), "gw", leg(4)), Asked::LookUp);
    }

    #[test]
    fn a_name_that_was_not_found_is_soon_looked_for_again() {
        let mut resolver = Resolver::default();
        assert_eq!(resolver.ask(at(0), "gw", leg(1)), Asked::LookUp);
        assert_eq!(resolver.answered(at(0), "gw", &[]), [leg(1)]);
        assert_eq!(resolver.ask(at(4_999), "gw", leg(2)), Asked::Known(Vec::new()));
        assert_eq!(resolver.ask(at(5_000), "gw", leg(3)), Asked::LookUp);
    }

    #[test]
    fn what_is_kept_and_what_is_asked_at_once_has_a_limit() {
        let mut resolver = Resolver::default();
        for n in 0..ASKED_MAX {
            assert_eq!(resolver.ask(at(0), &format!("host-{n}"), leg(1)), Asked::LookUp);
        }
        assert_eq!(resolver.ask(at(0), "one-more", leg(1)), Asked::Known(Vec::new()));
        for n in 0..NAMES_MAX * 2 {
            resolver.answered(at(0), &format!("host-{n}"), &[]);
        }
        assert_eq!(resolver.known.len(), NAMES_MAX);
        resolver.answered(at(10_000), "fresh", &[]);
        assert_eq!(resolver.known.len(), 1);
    }

    #[test]
    fn the_systems_resolver_is_asked() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let found = |name| runtime.block_on(look_up(name));
        assert!(found("localhost").iter().all(IpAddr::is_loopback) && !found("localhost").is_empty());
        assert_eq!(found("nobody.invalid"), Vec::<IpAddr>::new());
    }
}
