//! How it is with the lines that the desk is called over, as the daemon last said (R1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrunkState {
    /// Nothing is known yet.
    Starting,
    /// Calls can come in.
    Up,
    Down,
    /// The daemon has left it: it is stopped, or the trunk is no longer in the settings.
    Left,
}

words!(TrunkState { Starting => "starting", Up => "up", Down => "down", Left => "left" });

/// The latest word on one trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkWord {
    pub name: String,
    pub state: TrunkState,
    pub since: DateTime<Utc>,
    /// `address:port` of the server that serves us.
    pub server: Option<String>,
    /// Our own address as its servers see it, where NAT makes it another one.
    pub external: Option<String>,
    /// Why it is down, and what to do.
    pub note: String,
}
