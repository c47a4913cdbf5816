//! Holds the architecture that `src/lib.rs` describes: which room may use which, what pure rooms may not touch, and
//! where each foreign crate is named.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use, besides itself. A room that is not here may use nothing.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("sip", &["types"]),
    ("sdp", &["types"]),
    ("desk", &["types"]),
    // The stream's figures are a part of the call record (`RtpStats`).
    ("media", &["desk", "types"]),
    ("flow", &["desk", "types"]),
    ("prompts", &["flow", "media", "types"]),
    ("call", &["desk", "flow", "media", "prompts", "sdp", "sip", "types"]),
    ("dial", &["types"]),
    ("store", &["desk", "types"]),
    ("config", &["desk", "types"]),
    // Certificates are checked with the other files, and used by the connections.
    ("tls", &["types"]),
    ("site", &["config", "desk", "flow", "prompts", "sip", "tls", "types"]),
    ("metrics", &["desk", "media"]),
    // What is sent to whom is the desk's, when the store's.
    ("notify", &["desk", "tls", "types"]),
    ("telemetry", &["metrics", "types"]),
    ("backup", &["store"]),
    // What is changed from the console is checked as the daemon would read it.
    ("setup", &["config", "desk", "media", "prompts", "site", "types"]),
    ("console", &["desk", "metrics", "setup", "sheets", "store", "types"]),
    ("sheets", &["desk"]),
    ("driver", &["call", "desk", "dial", "media", "metrics", "sdp", "sip", "telemetry", "tls", "types"]),
    (
        "daemon",
        &[
            "call", "config", "console", "desk", "driver", "flow", "media", "metrics", "notify", "prompts", "setup",
            "site", "sip", "store", "tls", "types",
        ],
    ),
    (
        "cli",
        &[
            "backup",
            "call",
            "config",
            "daemon",
            "desk",
            "dial",
            "driver",
            "flow",
            "media",
            "prompts",
            "setup",
            "sheets",
            "sip",
            "site",
            "store",
            "telemetry",
            "tls",
            "types",
        ],
    ),
    ("main", &[]),
];

/// Rooms that are told the time and everything else from outside.
const PURE: &[&str] = &["types", "sip", "sdp", "media", "flow", "desk", "call"];

/// What would make a room impure.
const IMPURE: &[&str] = &[
    "tokio",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "std::fs",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
    "std::env",
    "std::process",
];

/// The files that may name a foreign crate, as beginnings of paths under `src/`.
const FOREIGN: &[(&str, &[&str])] = &[
    ("aes", &["media/srtp/cipher.rs"]),
    ("aes_gcm", &["media/srtp/cipher.rs"]),
    ("argon2", &["desk/secret_hash.rs"]),
    ("askama", &["console/pages/", "sheets/"]),
    ("audio_codec", &["media/g722.rs"]),
    ("audio_codec_algorithms", &["media/g711.rs"]),
    ("axum", &["console/"]),
    ("base64ct", &["desk/notifications/webhooks.rs", "notify/webhook.rs", "sdp/crypto.rs"]),
    ("claxon", &["media/flac.rs"]),
    ("csv", &["cli/import/", "desk/resident_list.rs", "sheets/spreadsheet.rs"]),
    ("ctr", &["media/srtp/cipher.rs"]),
    ("dimpl", &["driver/dtls.rs"]),
    ("etherparse", &["sheets/pcap.rs"]),
    ("flacenc", &["prompts/builder/"]),
    ("form_urlencoded", &["console/pages/form.rs"]),
    ("futures_util", &["console/api/", "console/pages/live.rs", "driver/websocket.rs"]),
    ("hickory_resolver", &["driver/resolver.rs"]),
    ("hmac", &["media/srtp/cipher.rs", "notify/webhook.rs", "sip/digest/"]),
    ("hound", &["media/wav.rs"]),
    ("http_body_util", &["notify/http.rs"]),
    ("hyper", &["notify/http.rs"]),
    ("hyper_util", &["notify/http.rs"]),
    ("include_dir", &["prompts/folder.rs"]),
    ("ipnet", &["config/", "console/gate.rs", "desk/trunks.rs"]),
    ("lettre", &["notify/mail.rs"]),
    ("libc", &["cli/mod.rs"]),
    ("md5", &["sip/digest/"]),
    ("qrcode", &["console/pages/account.rs"]),
    ("rcgen", &["driver/dtls.rs"]),
    ("rsip", &["sip/wire/"]),
    ("rtp_rs", &["media/rtp.rs"]),
    ("rubato", &["media/resample.rs"]),
    ("rusqlite", &["store/"]),
    ("rustls_native_certs", &["tls/"]),
    ("sdp_types", &["sdp/"]),
    ("sha1", &["media/srtp/cipher.rs"]),
    (
        "sha2",
        &[
            "console/api/serve.rs",
            "desk/token.rs",
            "driver/dtls.rs",
            "notify/webhook.rs",
            "prompts/",
            "setup/content.rs",
            "sip/digest/",
        ],
    ),
    ("socket2", &["daemon/sockets.rs"]),
    ("strsim", &["types/problem.rs"]),
    // The SIP socket asks, the ports of audio answer.
    ("stun_types", &["media/ice.rs", "sip/stun.rs"]),
    ("subtle", &["desk/account/", "desk/token.rs", "sip/digest/"]),
    ("tar", &["backup.rs"]),
    ("tokio", &["cli/dial.rs", "console/", "daemon.rs", "daemon/", "driver/", "notify/"]),
    ("tokio_rustls", &["console/access.rs", "console/listener.rs", "driver/", "notify/http.rs", "tls/"]),
    ("tokio_tungstenite", &["driver/websocket.rs"]),
    ("toml_edit", &["cli/import/", "cli/pin.rs", "setup/"]),
    ("totp_rs", &["desk/account/totp.rs"]),
    ("tower_http", &["console/pages/mod.rs"]),
    ("tracing_subscriber", &["telemetry.rs"]),
    ("unicode_width", &["cli/output.rs"]),
    // Records say themselves what form their JSON has.
    ("utoipa", &["console/api/", "desk/", "types/mod.rs"]),
    ("x509_parser", &["tls/certificate.rs"]),
];

struct Source {
    /// Under `src/`, with slashes.
    path: String,
    room: String,
    /// Lines of code with their numbers: no comments, and nothing from a file's tests on.
    code: Vec<(usize, String)>,
}

#[test]
fn rooms_use_only_the_rooms_that_their_arrows_lead_to() {
    let mut faults = Vec::new();
    for source in sources() {
        let allowed = ARROWS.iter().find(|(room, _)| *room == source.room).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            faults.push(format!("{}: the room {} is not in the table of arrows", source.path, source.room));
            continue;
        };
        for (number, line) in &source.code {
            for used in rooms_in(line) {
                if used != source.room && !allowed.contains(&used.as_str()) {
                    faults.push(format!("{}:{number}: {} may not use {used}", source.path, source.room));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn arrows_make_no_circle() {
    // Takes away rooms that only lead to rooms taken away before; what stays is on a circle.
    let mut left: Vec<_> = ARROWS.to_vec();
    loop {
        let names: Vec<&str> = left.iter().map(|(room, _)| *room).collect();
        let before = left.len();
        left.retain(|(_, allowed)| allowed.iter().any(|room| names.contains(room)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "on a circle, or leading to one: {left:?}");
}

#[test]
fn pure_rooms_touch_no_socket_file_thread_or_clock() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.room.as_str())) {
        for (number, line) in &source.code {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: {word} in a pure room", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_foreign_crate_is_named_in_its_place_alone() {
    let sources = sources();
    let mut faults = Vec::new();
    for (name, places) in FOREIGN {
        let mut used = false;
        for source in &sources {
            for (number, _) in source.code.iter().filter(|(_, line)| names_crate(line, name)) {
                used = true;
                if !places.iter().any(|place| source.path.starts_with(place)) {
                    faults.push(format!("{}:{number}: {name} is for {places:?}", source.path));
                }
            }
        }
        if !used {
            faults.push(format!("{name} is used nowhere: take it out of the table"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every source file but those of tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let sources: Vec<Source> = files.iter().filter_map(|file| read(&root, file)).collect();
    assert!(sources.len() > 100, "only {} files found", sources.len());
    sources
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder of the source") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Option<Source> {
    let path = file.strip_prefix(root).expect("under src").to_string_lossy().replace('\\', "/");
    let of_tests = path.split('/').any(|part| part.trim_end_matches(".rs").ends_with("tests"));
    if of_tests || path == "lib.rs" {
        return None;
    }
    let room = path.split('/').next()?.trim_end_matches(".rs").to_owned();
    let text = fs::read_to_string(file).expect("a source file");
    Some(Source { path, room, code: code_of(&text) })
}

/// Tests stand last in a file; `#[cfg(test)]` before a `mod x;` or a single item leaves the rest in.
fn code_of(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].starts_with("#[cfg(test)]") && pair[1].contains("mod ") && pair[1].trim_end().ends_with('{')
    });
    let numbered = lines.iter().take(tests.unwrap_or(lines.len())).enumerate();
    numbered
        .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect()
}

fn rooms_in(line: &str) -> Vec<String> {
    let used = line.match_indices("crate::").filter(|(at, _)| !line[..*at].ends_with(is_word));
    used.flat_map(|(at, found)| {
        let rest = &line[at + found.len()..];
        match rest.strip_prefix('{') {
            // `use crate::{a::B, c}`: the first word of each part.
            Some(group) => group.split(',').map(first_word).collect(),
            None => vec![first_word(rest)],
        }
    })
    .filter(|room| ARROWS.iter().any(|(known, _)| known == room))
    .collect()
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| is_word(*c)).collect()
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let begins = !before.ends_with(|c: char| is_word(c) || c == ':' || c == '.');
        begins && (after.starts_with("::") || (before.trim_end().ends_with("use") && after.starts_with([';', ' '])))
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
