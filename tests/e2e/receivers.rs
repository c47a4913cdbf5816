//! A mail server (aiosmtpd) and a program that takes webhooks (Python's own HTTP server), in folders of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::certificates::{Authority, Valid};

/// 32 bytes.
pub const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub struct Receiver {
    child: Child,
    pub folder: PathBuf,
    pub port: u16,
}

impl Receiver {
    /// Takes letters without encryption.
    pub fn of_mail(folder: &Path) -> Self {
        Self::start(&python(), "mail.py", folder, &[])
    }

    /// Takes letters after STARTTLS and a login; the authority that certified it.
    pub fn of_encrypted_mail(folder: &Path, user: &str, password: &str) -> (Self, Authority) {
        fs::create_dir_all(folder).expect("a folder");
        let authority = Authority::new(folder, "authority");
        let [certificate, key] = authority.certifies("mail", &["localhost"], Valid::Now);
        let arguments = [&certificate.to_string_lossy(), &key.to_string_lossy(), user, password];
        (Self::start(&python(), "mail.py", folder, &arguments), authority)
    }

    pub fn of_hooks(folder: &Path) -> Self {
        Self::start(&python(), "hooks.py", folder, &[SECRET])
    }

    fn start(python: &Path, script: &str, folder: &Path, arguments: &[&str]) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/receivers").join(script);
        let errors = fs::File::create(folder.join("errors")).expect("a file");
        let mut child = Command::new(python)
            .arg(script)
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("Python is there");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut port).expect("a line");
        let errors = || fs::read_to_string(folder.join("errors")).unwrap_or_default();
        let port = port.trim().parse().unwrap_or_else(|_| panic!("it does not listen: {}", errors()));
        Self { child, folder: folder.to_owned(), port }
    }

    /// Puts one of the receiver's words into its folder.
    pub fn say(&self, word: &str, text: &str) {
        fs::write(self.folder.join(word), text).expect("written");
    }

    pub fn take_back(&self, word: &str) {
        fs::remove_file(self.folder.join(word)).expect("it was there");
    }

    /// What came, the oldest first.
    pub fn taken(&self, ending: &str) -> Vec<String> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|own| own == ending))
            .collect();
        files.sort();
        files.iter().map(|file| String::from_utf8_lossy(&fs::read(file).expect("a file")).into_owned()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where tests/run puts it.
fn python() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/aiosmtpd/bin/python");
    assert!(path.exists(), "aiosmtpd is missing: run tests/run, it installs what the tests call with");
    path
}

/// A header of a letter, as it stands there.
pub fn header(letter: &str, name: &str) -> String {
    let lines = letter.lines().take_while(|line| !line.is_empty());
    let mut found: Option<String> = None;
    for line in lines {
        match &mut found {
            Some(value) if line.starts_with([' ', '\t']) => value.push_str(line.trim_start()),
            Some(_) => break,
            None => {
                let (own, value) = line.split_once(':').unwrap_or_default();
                found = own.eq_ignore_ascii_case(name).then(|| value.trim().to_owned());
            }
        }
    }
    found.unwrap_or_else(|| panic!("no {name} in:\n{letter}"))
}

/// A letter's parts as Python's e-mail package reads them: subject, text, and the bytes of an attachment in `attachment`.
pub fn read_letter(letter: &str, attachment: &Path) -> (String, String) {
    const READ: &str = "
import email, email.policy, pathlib, sys
letter = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(letter['subject'])
print(letter.get_body(('plain',)).get_content())
for part in letter.iter_attachments():
    pathlib.Path(sys.argv[1]).write_bytes(part.get_content())
";
    let mut child = Command::new(python())
        .args(["-c", READ])
        .arg(attachment)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is there");
    std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), letter.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).expect("text");
    let (subject, text) = told.split_once('\n').expect("two parts");
    (subject.to_owned(), text.trim_end().to_owned())
}
