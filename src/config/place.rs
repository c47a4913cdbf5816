//! Where a setting was written.

use crate::types::Problem;

/// A line of the config file, or an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's path as it was named, or `environment FRONTDESK_SIP__LISTEN`.
    pub file: String,
    /// 1-based; `None` for the environment.
    pub line: Option<usize>,
}

impl Place {
    pub(super) fn environment(variable: &str) -> Self {
        Self { file: format!("environment {variable}"), line: None }
    }

    /// A problem at this place.
    pub fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line: self.line, what: what.into(), remedy: remedy.into() }
    }
}
