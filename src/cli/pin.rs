//! `frontdesk people pin`: gives a person the PIN that opens their messages by phone.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rand::Rng;
use toml_edit::{DocumentMut, Value};

use super::context::CliError;
use super::secret_input;
use crate::desk::people::Directory;
use crate::desk::pin::check_strength;
use crate::desk::secret_hash::{SALT_BYTES, SecretHash};
use crate::setup::toml_file::{person_of, put, write_over};
use crate::types::Redacted;

#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// Whose PIN it is
    pub extension: String,
    /// Put it into the people's file, in place of printing the line for it
    #[arg(long)]
    pub write: bool,
}

/// Asks for the PIN (or reads one line, when stdin is no terminal) and makes its hash. `file` is the people's file;
/// without one they are built in.
pub fn run(args: &PinArgs, file: Option<&Path>, out: &mut dyn Write) -> Result<(), CliError> {
    let extension = &args.extension;
    let text = match file {
        Some(path) => fs::read_to_string(path).map_err(|e| failed(path, &e))?,
        None if args.write => {
            let what = "the people are built in: copy config/people.toml and name it in [people] file";
            return Err(CliError::Failed(what.to_owned()));
        }
        None => Directory::default_text().to_owned(),
    };
    // Not the ready directory: a hash that is no good must not keep a good one from being made.
    let mut document: DocumentMut =
        text.parse().map_err(|fault| CliError::Failed(format!("the people's file: {fault}")))?;
    let Some(person) = person_of(&mut document, extension) else {
        return Err(CliError::Failed(format!(
            "nobody has extension {extension}; `frontdesk people` shows who there is"
        )));
    };
    let pin = secret_input::ask("PIN", &format!("PIN of extension {extension}"))?;
    let pin = Redacted(pin.0.trim().to_owned());
    check_strength(&pin.0, extension).map_err(|weak| CliError::Failed(weak.to_string()))?;
    let mut salt = [0; SALT_BYTES];
    rand::rng().fill_bytes(&mut salt);
    let hash =
        SecretHash::make(&pin, &salt).ok_or_else(|| CliError::Failed("there is not enough memory".to_owned()))?;
    match file.filter(|_| args.write) {
        None => writeln!(out, "pin = \"{}\"", hash.text())?,
        Some(path) => {
            put(person, "pin", Value::from(hash.text()));
            write_over(path, &document.to_string()).map_err(|e| failed(path, &e))?;
            writeln!(out, "extension {extension} has a new PIN in {}; SIGHUP makes the line use it", path.display())?;
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &io::Error) -> CliError {
    CliError::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: &str = "# ours\n\n[[person]]\nextension = \"201\" # first\nname = \"张伟\"\n\n# the other one\n[[person]]\nextension = \"202\"\nname = \"周伟\"\npin = \"old\" # lost\n\n# the end\n";

    fn hash() -> SecretHash {
        SecretHash::make(&Redacted("4711".to_owned()), &[7; SALT_BYTES]).expect("there is memory")
    }

    fn with_pin_of(extension: &str) -> String {
        let mut document: DocumentMut = PEOPLE.parse().expect("it is TOML");
        let person = person_of(&mut document, extension).expect("they are there");
        put(person, "pin", Value::from(hash().text()));
        document.to_string()
    }

    #[test]
    fn the_rest_of_the_file_stays_as_it_is() {
        let line = format!("pin = \"{}\"", hash().text());
        assert_eq!(with_pin_of("202"), PEOPLE.replace("pin = \"old\"", &line));
        assert_eq!(with_pin_of("201"), PEOPLE.replace("name = \"张伟\"\n", &format!("name = \"张伟\"\n{line}\n")));
        let mut document: DocumentMut = PEOPLE.parse().expect("it is TOML");
        assert!(person_of(&mut document, "203").is_none());
    }
}
