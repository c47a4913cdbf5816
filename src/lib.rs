//! frontdesk: the front desk's telephone line as a daemon.

pub mod backup;
pub mod call;
pub mod cli;
pub mod config;
pub mod console;
pub mod daemon;
pub mod desk;
pub mod dial;
pub mod driver;
pub mod flow;
pub mod media;
pub mod metrics;
pub mod prompts;
pub mod sdp;
pub mod sip;
pub mod site;
pub mod store;
pub mod telemetry;
pub mod types;
