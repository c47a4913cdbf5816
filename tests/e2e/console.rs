//! People at the console, each in a real browser: Chromium, driven by playwright-core. The scripts are in `console/`; what
//! they need outside of the browser they ask for, a line each, and it is done here.

mod day;
mod figures;
mod live;
mod ringing;
mod setup;
mod sign_in;
mod ways_in;
mod work;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use crate::daemon::{BIN, Daemon, peer};

const ROLES: [&str; 4] = ["engineer", "receptionist", "supervisor", "administrator"];

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// An account with the password that the scripts know (`passwordOf` in `desk.mjs`).
fn add_user(daemon: &Daemon, name: &str, role: &str) {
    add_user_at(daemon, name, role, None);
}

/// The same of whoever has this extension.
fn add_user_at(daemon: &Daemon, name: &str, role: &str, extension: Option<&str>) {
    let mut child = Command::new(BIN)
        .args(["user", "add", name, "--role", role, "--password", "--data"])
        .arg(daemon.data())
        .args(extension.into_iter().flat_map(|extension| ["--extension", extension]))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    writeln!(stdin, "correct horse {name} battery").expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

/// A daemon that has an account of each role, named after the role.
fn desk(settings: &[(&str, &str)]) -> Daemon {
    let daemon = Daemon::with(settings);
    for role in ROLES {
        add_user(&daemon, role, role);
    }
    daemon
}

/// Runs `console/NAME.mjs` at the console of this address; `wish` does what it asks for, and gives the answer.
///
/// Pictures of the pages are in `target/console-shots/NAME`.
fn script(name: &str, console: &str, mut wish: impl FnMut(&str) -> String) {
    let packages = target().join("console-browser");
    assert!(packages.join("node_modules").exists(), "playwright-core is missing: run tests/run, it installs it");
    peer("chromium");
    let shots = target().join("console-shots").join(name);
    let _ = fs::remove_dir_all(&shots);
    let mut child = peer("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/console").join(name).with_extension("mjs"))
        .env("CONSOLE", console)
        .env("PACKAGES", packages)
        .env("SHOTS", shots)
        .env("ONLY", env::var("CONSOLE_ONLY").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut stderr = child.stderr.take().expect("it is piped");
    let complaints = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut told = String::new();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("text");
        match line.strip_prefix("ask ") {
            Some(wanted) => writeln!(stdin, "{}", wish(wanted)).expect("it waits for the answer"),
            None => told.push_str(&format!("{line}\n")),
        }
    }
    let status = child.wait().expect("it ends");
    let complaints = complaints.join().expect("it reads to the end");
    println!("{told}");
    assert!(status.success(), "the console in a browser:\n{told}{complaints}");
}

/// Where scripts find the console of a daemon.
fn address(daemon: &Daemon) -> String {
    format!("http://{}", daemon.console)
}

/// For scripts that need nothing but the browser.
fn no_wish(wish: &str) -> String {
    panic!("nobody does this: {wish}");
}

#[test]
fn what_the_scripts_look_for_is_found_where_it_is() {
    script("looks", "http://127.0.0.1:9", no_wish);
}
