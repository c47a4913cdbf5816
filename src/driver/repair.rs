//! Recordings that a crash cut off are made playable at the next start: their headers say how long they really are.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::media::wav::{RepairOutcome, repair};

/// Folders of one day that are looked at, newest first: older ones were looked at by earlier starts.
const DAYS: usize = 3;
/// Only files written this recently can be unfinished ones of the last run that nobody has looked at.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Mends what is broken below `dir` (`DATA/recordings`, then `YYYY/MM/DD`); gives the number of files mended.
pub fn repair_recordings(dir: &Path) -> usize {
    let mut days: Vec<PathBuf> =
        children(dir).iter().flat_map(|year| children(year)).flat_map(|month| children(&month)).collect();
    days.sort();
    let recent = days.iter().rev().take(DAYS).flat_map(|day| children(day)).filter(|file| is_recent(file));
    recent.filter(|file| mend(file)).count()
}

fn mend(path: &Path) -> bool {
    if path.extension().is_none_or(|e| e != "wav") {
        return false;
    }
    let outcome = File::options().read(true).write(true).open(path).map_err(|error| error.to_string());
    match outcome.and_then(|mut file| repair(&mut file).map_err(|error| error.to_string())) {
        Ok(RepairOutcome::Intact { .. }) => false,
        Ok(outcome) => {
            tracing::warn!(file = %path.display(), ?outcome, "a recording was cut off and is mended");
            true
        }
        Err(error) => {
            tracing::error!(file = %path.display(), error, "a recording can't be mended");
            false
        }
    }
}

fn children(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn is_recent(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|m| m.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).unwrap_or_default() < AGE_MAX)
}
