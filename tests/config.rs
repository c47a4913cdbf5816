//! The settings from outside: files that are right, files that are named for their fault, the environment, the documents.
//!
//! After a change that is meant, `UPDATE_EXPECTED=1 cargo test --test config` writes the pinned problems and the
//! documents' tables anew.

use std::fs;
use std::path::{Path, PathBuf};

use frontdesk::config::{
    self, CallBackGateway, ClientAuth, Config, External, InbandDtmf, Key, Listen, Ports, ReliableProvisional, SECTIONS,
    Source,
};
use frontdesk::desk::trunks::Gateway;
use frontdesk::types::{Lang, NumberFormat, Problem};

fn update() -> bool {
    std::env::var_os("UPDATE_EXPECTED").is_some()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new("tests/config").join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|p| p.extension().unwrap() == "toml").collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn load(path: Option<&Path>, env: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    config::load(path, env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{p}\n")).collect()
}

#[test]
fn every_bad_file_tells_all_its_faults_with_lines_and_remedies() {
    for path in files("bad") {
        let problems = load(Some(&path), &[]).expect_err(&path.to_string_lossy());
        let expected = path.with_extension("expected");
        if update() {
            fs::write(&expected, lines(&problems)).unwrap();
        }
        assert_eq!(lines(&problems), fs::read_to_string(&expected).unwrap(), "{}", path.display());
        assert!(problems.iter().all(|p| p.line.is_some() && !p.remedy.is_empty()));
    }
}

#[test]
fn every_good_file_is_taken() {
    for path in files("good") {
        let config = load(Some(&path), &[]).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
        assert_eq!(config.file.as_deref(), Some(&*path));
    }
}

#[test]
fn every_setting_arrives() {
    let config = load(Some(Path::new("tests/config/good/everything.toml")), &[]).unwrap();
    assert_eq!(config.desk.name_in(&Lang::new("en")), "Sunshine Property Services");
    assert_eq!(config.desk.name_in(&Lang::new("zh")), "阳光物业客户服务中心");
    assert_eq!(config.desk.time_zone, chrono_tz::Asia::Urumqi);
    assert_eq!(config.sip.listen[1], Listen::Tcp("[::]:5060".parse().unwrap()));
    assert_eq!(config.sip.listen[2], Listen::Tls("0.0.0.0:5061".parse().unwrap()));
    assert_eq!(config.sip.listen[3], Listen::Wss("[::]:443".parse().unwrap()));
    assert_eq!(config.sip.dns, ["192.168.0.53:53".parse().unwrap(), "[2001:db8::53]:5353".parse().unwrap()]);
    assert_eq!((config.sip.connections_max, config.sip.connections_per_source_max), (300, 30));
    assert_eq!(config.sip.keep_alive_s, 20);
    assert_eq!(config.tls.certificates, [Path::new("tests/config/good/desk.pem"), Path::new("/etc/desk/old.pem")]);
    assert_eq!(config.tls.keys, [Path::new("tests/config/good/desk.key"), Path::new("/etc/desk/old.key")]);
    assert_eq!(
        (config.tls.names.as_slice(), config.tls.client_auth),
        (["desk.example.com".to_owned()].as_slice(), ClientAuth::Optional)
    );
    assert_eq!(config.tls.client_ca.as_deref(), Some(Path::new("tests/config/good/phones.pem")));
    assert_eq!(config.tls.trust.as_deref(), Some(Path::new("tests/config/good/carrier.pem")));
    assert_eq!(
        config.sip.refer_to.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.10/32", "2001:db8::/64"]
    );
    assert_eq!(config.sip.external_address, Some(External::Fixed("203.0.113.7".parse().unwrap())));
    assert_eq!((config.sip.t1_ms, config.sip.t2_ms, config.sip.t4_ms), (250, 2000, 2500));
    assert_eq!(config.sip.gateway, Some(Gateway::Address("sip:gw.example.com:5070;transport=tcp".to_owned())));
    assert_eq!(config.sip.allowed_sources.len(), 3);
    assert_eq!((config.sip.number_format, config.sip.trusted_networks.len()), (NumberFormat::E164, 1));
    assert_eq!((config.sip.session_expires_s, config.sip.min_se_s), (600, 120));
    assert_eq!(config.sip.reliable_provisional, ReliableProvisional::Always);
    assert_eq!((config.numbers.country_code.as_str(), config.numbers.area_code.as_deref()), ("49", Some("30")));
    assert_eq!((config.numbers.international_prefix.as_str(), config.numbers.national_prefix.as_str()), ("000", ""));
    assert_eq!(config.call_back.number_format, NumberFormat::National);
    assert_eq!(config.rtp.ports, Ports::Range { first: 30_000, last: 30_999 });
    assert_eq!(config.rtp.inband_dtmf, InbandDtmf::Always);
    assert!(!config.rtp.send_silence);
    assert_eq!(config.rtp.media_timeout_ms, 30_000);
    assert_eq!(config.console.listen, "[::1]:8080".parse().unwrap());
    assert_eq!(config.answer.delay_ms(), 6000);
    assert_eq!(config.call_back.gateway, Some(CallBackGateway::Address("192.168.0.10:5060".parse().unwrap())));
    assert_eq!((config.call_back.hours.to_string().as_str(), config.call_back.ring_s), ("09:00-20:00", 30));
    assert_eq!((config.record.max_ms, config.record.silence_ms), (300_000, 8000));
    assert_eq!((config.record.min_ms, config.record.warn_ms), (2000, 15_000));
    assert_eq!(config.record.disk_free_min_bytes, 2_000_000_000);
    assert_eq!(config.store.queue_max, 5000);
    assert_eq!(config.daemon.shutdown_grace_ms, 60_000);
}

#[test]
fn relative_names_begin_at_the_config_file_and_from_the_environment_at_the_working_folder() {
    let file = Path::new("tests/config/good/everything.toml");
    let config = load(Some(file), &[("FRONTDESK_HOURS__FILE", "my-hours.toml")]).unwrap();
    assert_eq!(config.flow.path(), Some(Path::new("tests/config/good/flow.toml")));
    assert_eq!(config.answers.path(), Some(Path::new("tests/config/good/../answers.toml")));
    assert_eq!(config.people.path(), Some(Path::new("/etc/frontdesk/people.toml")));
    assert_eq!(config.phones.path(), Some(Path::new("tests/config/good/phones.toml")));
    assert_eq!(config.hours.path(), Some(Path::new("my-hours.toml")));
    let Source::At { place, .. } = config.flow else { panic!("the file names a flow") };
    assert_eq!(place.line, Some(58));
}

#[test]
fn without_a_file_the_defaults_hold() {
    let config = load(None, &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.flow, Source::BuiltIn);
    assert_eq!(config.answer.delay_ms(), 0);
}

#[test]
fn the_environment_goes_over_the_file_as_toml_or_as_plain_text() {
    let file = Path::new("tests/config/good/everything.toml");
    let env = [
        ("FRONTDESK_SIP__LISTEN", "[\"udp:127.0.0.1:0\"]"),
        ("FRONTDESK_DESK__NAME", "光明"),
        ("FRONTDESK_DESK__NAMES__EN", "Bright"),
        ("FRONTDESK_RTP__PORTS", "0"),
        ("FRONTDESK_SIP__CALLS_MAX", "7"),
        ("FRONTDESK_SIP__USER_AGENT", "2026"),
        ("FRONTDESK_CONSOLE__LISTEN", "127.0.0.1:0"),
        ("FRONTDESK_SIP__ALLOWED_SOURCES", "192.0.2.0/24"),
        ("FRONTDESK_DATA", "/var/lib/frontdesk"),
        ("FRONTDESK_CONFIG", "/etc/frontdesk.toml"),
        ("FRONTDESK_PORT", "tcp://10.0.0.1:5060"),
        ("PATH", "/bin"),
    ];
    let config = load(Some(file), &env).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    assert_eq!(config.sip.listen, [Listen::Udp("127.0.0.1:0".parse().unwrap())]);
    assert_eq!((config.desk.name.as_str(), config.desk.name_in(&Lang::new("en"))), ("光明", "Bright"));
    assert_eq!(config.rtp.ports, Ports::Any);
    assert_eq!((config.sip.calls_max, config.sip.user_agent.as_str()), (7, "2026"));
    assert_eq!(config.console.listen.port(), 0);
    assert_eq!(config.sip.allowed_sources.len(), 1);
    assert_eq!(config.answer.after_rings, 2, "the file still holds where no variable speaks");
}

#[test]
fn wrong_variables_are_faults_by_their_names() {
    let env = [
        ("FRONTDESK_SIP__LISTTEN", "x"),
        ("FRONTDESK_WEATHER__RAIN", "3"),
        ("FRONTDESK_SIP__CALLS_MAX", "0"),
        ("FRONTDESK_SIP__LISTEN", "5060"),
        ("FRONTDESK_SIP__LISTEN__FIRST", "udp:127.0.0.1:5060"),
        ("FRONTDESK_CONSOLE_LISTEN", "127.0.0.1:8081"),
        ("FRONTDESK_SIP__", "x"),
    ];
    let expected = "\
environment FRONTDESK_CONSOLE_LISTEN: no such setting; put two underscores between section and key: FRONTDESK_CONSOLE__LISTEN
environment FRONTDESK_SIP__: no such setting; unset it; docs/configuration.md lists the settings
environment FRONTDESK_SIP__CALLS_MAX: calls_max = 0 is out of range; write a number from 1 to 100000
environment FRONTDESK_SIP__LISTEN: listen is a whole number, but a list is wanted; write listen = [\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]
environment FRONTDESK_SIP__LISTEN__FIRST: no such setting; did you mean FRONTDESK_SIP__LISTEN?
environment FRONTDESK_SIP__LISTTEN: no such setting; did you mean FRONTDESK_SIP__LISTEN?
environment FRONTDESK_WEATHER__RAIN: no such setting; unset it; docs/configuration.md lists the settings
";
    assert_eq!(lines(&load(None, &env).unwrap_err()), expected);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| load(Some(path), &[]).unwrap_err()[0].what.clone();
    assert_eq!(told(&folder.path().join("missing.toml")), "there is no such file");
    let path = folder.path().join("latin1.toml");
    fs::write(&path, b"[desk]\nname = \"Fa\xe7ade\"\n").unwrap();
    assert_eq!(told(&path), "it is not UTF-8 text");
    fs::write(&path, vec![b'#'; 1_000_001]).unwrap();
    assert_eq!(told(&path), "1000001 bytes are too many");
    assert!(told(folder.path()).starts_with("it can't be read"));
}

#[test]
fn no_cut_of_a_file_makes_the_reading_fail() {
    let text = fs::read_to_string("tests/config/good/everything.toml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.toml");
    for (cut, _) in text.char_indices() {
        fs::write(&path, &text[..cut]).unwrap();
        // Either is right: what matters is that every answer is one of the two, with a reason.
        if let Err(problems) = load(Some(&path), &[]) {
            assert!(problems.iter().all(|p| !p.remedy.is_empty()), "cut at {cut}");
        }
    }
}

/// The rows that a document must hold for a section, made from the table of keys.
fn table(section: &config::SectionKeys, none: &str, about: &str, meaning: fn(&Key) -> &str) -> String {
    let mut out = format!("## [{}]\n\n{about}\n\n", section.name);
    out += if none == "none" {
        "| key | default | meaning |\n|---|---|---|\n"
    } else {
        "| 键 | 默认值 | 含义 |\n|---|---|---|\n"
    };
    for key in section.keys {
        let default = key.default.map_or(none.to_owned(), |d| format!("`{d}`"));
        out += &format!("| `{}` | {default} | {} |\n", key.name, meaning(key));
    }
    out
}

#[test]
fn the_documents_tell_every_key_with_default_and_meaning() {
    const BEGIN: &str = "<!-- keys: made from the tables in src/config by the test in tests/config.rs -->\n";
    const END: &str = "<!-- end of keys -->\n";
    let english = SECTIONS.iter().map(|s| table(s, "none", s.en, |k| k.en)).collect::<Vec<_>>().join("\n");
    let chinese = SECTIONS.iter().map(|s| table(s, "无", s.zh, |k| k.zh)).collect::<Vec<_>>().join("\n");
    for (file, wanted) in [("docs/configuration.md", english), ("docs/configuration.zh.md", chinese)] {
        let text = fs::read_to_string(file).unwrap();
        let (head, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{file} has no mark for the keys"));
        let (held, tail) = rest.split_once(END).unwrap_or_else(|| panic!("{file} has no mark after the keys"));
        let wanted = format!("\n{wanted}\n");
        if update() {
            fs::write(file, format!("{head}{BEGIN}{wanted}{END}{tail}")).unwrap();
        } else {
            assert_eq!(held, wanted, "{file} is out of date: UPDATE_EXPECTED=1 cargo test --test config");
        }
    }
}
