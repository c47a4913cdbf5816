//! `frontdesk serve`: the daemon.

use super::Global;
use super::failure::Failure;
use crate::daemon;
use crate::setup::Setup;
use crate::telemetry;

pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let site = global.load_site()?;
    let log = telemetry::init(global.log_format)?;
    for warning in &site.warnings {
        tracing::warn!("{warning}");
    }
    let setup = Setup::new(global.config.clone(), global.data.clone(), site.clone());
    daemon::run(site, &global.data, setup)?;
    drop(log);
    Ok(())
}
