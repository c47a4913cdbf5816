//! What every request shares, whether a program's or a browser's.

use std::sync::Arc;

use super::access::DeskAccess;
use super::api::Events;
use super::board::Board;
use super::daemon_ask::Daemon;
use super::gate::{Gate, GateOptions};
use super::pages::WaitingLists;
use super::pool::Pool;
use super::tries::Tries;

pub(super) struct Shared {
    pub access: DeskAccess,
    pub pool: Pool,
    /// Wrong tokens of late.
    pub tries: Tries,
    pub events: Events,
    pub gate: Gate,
    pub daemon: Daemon,
    pub board: Arc<Board>,
    /// Lists of residents that were looked at.
    pub waiting_lists: WaitingLists,
}

impl Shared {
    pub fn new(access: DeskAccess, events: Events, gate: GateOptions, daemon: Daemon) -> Arc<Self> {
        let pool = Pool::new(access.database.clone());
        let board = Board::new(daemon.clone(), access.clone());
        Arc::new(Self {
            pool,
            access,
            tries: Tries::default(),
            events,
            gate: Gate::new(gate),
            daemon,
            board,
            waiting_lists: WaitingLists::default(),
        })
    }
}
