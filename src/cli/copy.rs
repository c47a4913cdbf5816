//! A copy of a recording for somebody outside of the data folder; written down before it is given (R12).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::context::{CliError, Context};
use crate::desk::audit::Deed;
use crate::desk::privacy::Kept;
use crate::types::RecordingId;

/// Copies a recording into a new file; `about` is what it belongs to: `message 12`.
pub(super) fn recording(
    context: &Context,
    about: &str,
    recording: Option<&RecordingId>,
    file: &Path,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    context.allow(Kept::Recording, about)?;
    let Some(recording) = recording else {
        return Err(CliError::Failed(format!("{about} has no recording: nothing was said, or it went by [retention]")));
    };
    let folder = context.db_path.parent().unwrap_or(Path::new("")).join("recordings");
    let from = folder.join(&recording.0);
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |fault: io::Error| CliError::Failed(format!("{path}: {fault}"))
    };
    let mut source = File::open(&from).map_err(told(&from))?;
    context.audit(Deed::Exported, about)?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = options.open(file).map_err(told(file))?;
    if let Err(fault) = io::copy(&mut source, &mut target).and_then(|_| target.sync_all()) {
        // Half a copy is none.
        let _ = fs::remove_file(file);
        return Err(told(file)(fault));
    }
    Ok(writeln!(out, "{about} is in {}", file.display())?)
}
