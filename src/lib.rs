//! frontdesk: the front desk's telephone line as a daemon.

pub mod desk;
pub mod flow;
pub mod media;
pub mod sip;
pub mod types;
