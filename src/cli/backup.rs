//! `frontdesk backup FILE` and `frontdesk restore FILE`.

use std::path::PathBuf;

use chrono::Utc;
use clap::Args;

use super::Global;
use super::context::CliError;
use super::failure::Failure;
use crate::backup;
use crate::desk::journal::JournalKind;
use crate::desk::privacy::Kept;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write (a tar); one of that name is replaced once the new one is whole.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The file that `frontdesk backup` wrote.
    file: PathBuf,
    /// Restore into a folder that is in use: what is there is put aside inside of it. Stop the line first.
    #[arg(long)]
    force: bool,
}

pub(super) fn back_up(args: &BackupArgs, global: &Global) -> Result<(), Failure> {
    // Faults of the settings must not keep anybody from a backup.
    let (config, _) = global.load_config_as_far_as_it_goes();
    let role = super::role(global, &config).map_err(Failure::Command)?;
    if !role.may_have(Kept::Everything) {
        let told = format!("a backup holds everything: it is not for the role {role} (R12)");
        return Err(Failure::Command(CliError::Failed(told)));
    }
    super::audit_backup(global, &args.file);
    let summary = backup::back_up(&global.data, &args.file, Utc::now())?;
    println!("{}: database and {} recordings, {} bytes", args.file.display(), summary.recordings, summary.bytes);
    Ok(())
}

pub(super) fn restore(args: &RestoreArgs, global: &Global) -> Result<(), Failure> {
    let summary = backup::restore(&args.file, &global.data, args.force, Utc::now())?;
    let text =
        format!("from {} with {} recordings, by {}", args.file.display(), summary.recordings, super::shell_user());
    super::write_down(global, JournalKind::Restored, &text);
    println!("{}: database and {} recordings restored", global.data.display(), summary.recordings);
    Ok(())
}
