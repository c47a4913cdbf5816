//! `frontdesk serve`: the daemon.

use super::Global;
use super::failure::Failure;
use crate::config;
use crate::daemon;
use crate::site::Site;
use crate::telemetry;

pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let site = global.load_site()?;
    let log = telemetry::init(global.log_format)?;
    for warning in &site.warnings {
        tracing::warn!("{warning}");
    }
    let reload = || {
        let config = config::load(global.config.as_deref(), config::process_env())?;
        Site::load(config)
    };
    daemon::run(site, &global.data, reload)?;
    drop(log);
    Ok(())
}
