//! Why a command failed, as the person at the shell reads it.

use std::error::Error;
use std::fmt;

use super::context::CliError;
use super::prompts::PromptsError;
use crate::types::Problem;

/// Ends the program.
#[derive(Debug)]
pub enum Failure {
    /// Faults in what the desk's people wrote.
    Problems(Vec<Problem>),
    /// The faults have been told on stdout already: so many.
    Told(usize),
    /// A command on the store failed, or its arguments don't make sense.
    Command(CliError),
    /// A command on the prompts failed.
    Prompts(PromptsError),
    /// What the room that was asked says.
    Because(Box<dyn Error>),
}

impl Failure {
    /// 1, but for wrong usage that only the command itself could see: 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Command(error) => error.exit_code(),
            Failure::Prompts(error) => error.exit_code(),
            Failure::Problems(_) | Failure::Told(_) | Failure::Because(_) => 1,
        }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Because(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Problems(problems) => {
                for problem in problems {
                    writeln!(f, "{problem}")?;
                }
                count(problems.len(), f)
            }
            Failure::Told(n) => count(*n, f),
            Failure::Command(error) if error.exit_code() == 0 => Ok(()),
            Failure::Command(error) => writeln!(f, "frontdesk: {error}"),
            Failure::Prompts(error) if error.exit_code() == 0 => Ok(()),
            Failure::Prompts(error) => writeln!(f, "frontdesk: {error}"),
            Failure::Because(error) => {
                write!(f, "frontdesk: {error}")?;
                let (mut text, mut cause) = (error.to_string(), error.source());
                while let Some(error) = cause {
                    // Many errors end in their cause's own words already.
                    let words = error.to_string();
                    if !text.contains(&words) {
                        write!(f, ": {words}")?;
                    }
                    (text, cause) = (words, error.source());
                }
                writeln!(f)
            }
        }
    }
}

fn count(n: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let faults = if n == 1 { "fault" } else { "faults" };
    writeln!(f, "frontdesk: {n} {faults} found")
}
