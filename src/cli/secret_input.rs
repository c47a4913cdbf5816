//! Secrets that are typed: the terminal does not show them, and asks twice.

use std::io::{self, BufRead, IsTerminal};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::context::CliError;
use crate::types::Redacted;

/// Longer input is no secret of a person.
const LINE_BYTES_MAX: u64 = 1_000;

/// Asks on the terminal, or reads one line, when stdin is none. `kind` is what it is called, `whose` what is asked.
///
/// # Errors
/// When it can't be read, or the second one differs.
pub(super) fn ask(kind: &str, whose: &str) -> Result<Redacted<String>, CliError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return line(kind, &mut stdin.lock());
    }
    let _quiet = Quiet::begin()?;
    let asked = |what: &str| {
        eprint!("{what}: ");
        let line = line(kind, &mut stdin.lock());
        // The key that ended it was not shown either.
        eprintln!();
        line
    };
    let secret = asked(whose)?;
    if asked("The same again")? == secret {
        Ok(secret)
    } else {
        Err(CliError::Failed(format!("these are two different {kind}s")))
    }
}

fn line(kind: &str, input: &mut dyn BufRead) -> Result<Redacted<String>, CliError> {
    let mut text = String::new();
    io::Read::take(input, LINE_BYTES_MAX)
        .read_line(&mut text)
        .map_err(|error| CliError::Failed(format!("the {kind} could not be read: {error}")))?;
    // Spaces may be part of a password: only what ended the line goes.
    Ok(Redacted(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal shows nothing of what is typed until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Self, CliError> {
        let before = tcgetattr(io::stdin()).map_err(io::Error::from)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).map_err(io::Error::from)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
