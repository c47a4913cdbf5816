//! The HTTP API of a running daemon: its document against what it does, by schemathesis.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::daemon::{Daemon, peer};

/// Requests for each operation; the document has some forty.
const EXAMPLES_MAX: &str = "12";
/// The same requests in every run: what fails can be asked again.
const SEED: &str = "20261128";
/// Of a connection that was closed as it was used again.
const RETRIES_MAX: &str = "2";

/// Every status, header and field that the document promises, and no other, for requests that are right and wrong.
#[test]
fn the_document_says_what_the_daemon_does() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "2,1,2,p,1", "--hangup-after", "5"]);
    let token = daemon.cli(&["tokens", "add", "schemathesis", "--scope", "admin", "--role", "administrator"]);
    let token = String::from_utf8(token.stdout).expect("text");
    let root = format!("http://{}/api/v1", daemon.console);
    let curl = |path: &str| {
        let bearer = format!("Authorization: Bearer {}", token.trim());
        let output = peer("curl").args(["-sS", "-H", &bearer, &format!("{root}{path}")]).output().expect("it runs");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    assert_eq!(curl("/calls")["items"][0]["id"], daemon.calls()[0]["id"], "the same as the command line's");
    assert_eq!(daemon.json(&["tokens", "--json"])[0]["name"], "schemathesis");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let ran = Command::new(schemathesis())
        .arg("--config-file")
        .arg(tests.join("data/schemathesis.toml"))
        .args(["run", &format!("{root}/openapi.json"), "--max-examples", EXAMPLES_MAX])
        .args(["--seed", SEED, "--request-retries", RETRIES_MAX])
        .env("FRONTDESK_TOKEN", token.trim())
        .current_dir(daemon.folder.path())
        .output()
        .expect("it runs");
    let (told, failed) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    // What it found stands last, where a long output is still read.
    assert!(ran.status.success(), "{}\n{failed}\n{told}", daemon.log());
}

/// Where tests/run puts it.
fn schemathesis() -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/st");
    assert!(path.exists(), "schemathesis is missing: run tests/run, it installs what the tests call with");
    path
}
