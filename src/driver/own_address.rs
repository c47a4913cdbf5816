//! Looks now and then from which of our addresses packets to the trunks' servers leave: when that changes, with another
//! network or another lease, the trunks are told where we are (R1).

use std::time::Duration;

use super::line::{Line, Shared, address_towards};
use crate::call::io::Input;
use crate::sip::locate::Target;

/// A look is a system call or two for each trunk.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// From where these servers are reached, before they are spoken to.
pub(super) fn learn(line: &Shared, servers: &[Target]) {
    for Target { address: peer, .. } in servers {
        if let Some(local) = address_towards(*peer) {
            line.borrow_mut().own_addresses.insert(*peer, local);
            Line::input(line, Input::LocalChanged { peer: *peer, local });
        }
    }
}

pub(super) async fn watch(line: Shared) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let servers = line.borrow().trunk_servers();
        line.borrow_mut().own_addresses.retain(|peer, _| servers.contains(peer));
        for peer in servers {
            // No way there at all is no new address: the trunk's own timers notice.
            let Some(local) = address_towards(peer) else { continue };
            let before = line.borrow_mut().own_addresses.insert(peer, local);
            if before.is_some_and(|before| before != local) {
                tracing::info!(%peer, %local, "our own address towards a trunk has changed");
            }
            if before != Some(local) {
                Line::input(&line, Input::LocalChanged { peer, local });
            }
        }
    }
}
