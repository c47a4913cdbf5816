//! SIP over TLS, with the built-in caller, baresip, Linphone, OpenSSL and another desk as peers.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::certificates::{Authority, Valid};
use crate::daemon::{Daemon, peer};
use crate::phone::Phone;

const LISTEN: (&str, &str) = ("SIP__LISTEN", r#"["udp:127.0.0.1:0", "tls:127.0.0.1:0"]"#);

/// A folder with an authority and the desk's certificate of it.
struct House {
    folder: TempDir,
    ca: Authority,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = Authority::new(folder.path(), "ca");
        ca.certifies("desk", &["localhost", "127.0.0.1"], Valid::Now);
        Self { folder, ca }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn daemon(&self, more: &[(&str, &str)]) -> Daemon {
        let (certificate, key, trust) = (self.path("desk.pem"), self.path("desk.key"), self.path("ca.pem"));
        let settings = [LISTEN, ("TLS__CERTIFICATES", &certificate), ("TLS__KEYS", &key), ("TLS__TRUST", &trust)];
        let kept = settings.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        Daemon::with(&kept.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// People who are reached at this one place.
    fn people(&self, place: &str) -> String {
        let text = format!("[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"{place}\"]\n");
        fs::write(self.path("people.toml"), text).expect("written");
        self.path("people.toml")
    }
}

fn at(daemon: &Daemon) -> SocketAddr {
    daemon.tls.expect("TLS is listened on")
}

/// The built-in caller's end, whether it could call or not.
fn dialled(daemon: &Daemon, uri: &str, args: &[&str]) -> Output {
    daemon.dialling(uri, args).wait_with_output().expect("it ends")
}

#[test]
fn the_built_in_caller_calls_over_tls_and_by_a_sips_uri() {
    let house = House::new();
    let daemon = house.daemon(&[]);
    assert!(daemon.ready.contains(&format!("sip=tls:{}", at(&daemon))), "{}", daemon.ready);
    let ca = house.ca.file.to_str().expect("text");
    for uri in
        [format!("sip:desk@{};transport=tls", at(&daemon)), format!("sips:desk@localhost:{}", at(&daemon).port())]
    {
        let told = daemon.dial(&uri, &["--tls-ca", ca, "--hangup-after", "1"]);
        assert_eq!(told["end_reason"], "caller_hung_up", "{told:#}");
    }
    daemon.dial(&format!("sip:desk@{};transport=tls", at(&daemon)), &["--tls-insecure", "--hangup-after", "0.5"]);
    daemon.wait_for("three ended calls", || {
        let calls = daemon.calls();
        (calls.len() == 3 && calls.iter().all(|call| !call["ended_at"].is_null())).then_some(())
    });
}

#[test]
fn the_built_in_caller_says_why_it_does_not_trust() {
    let house = House::new();
    let daemon = house.daemon(&[]);
    let stranger = Authority::new(house.folder.path(), "stranger");
    let uri = format!("sip:desk@{};transport=tls", at(&daemon));
    let told = dialled(&daemon, &uri, &["--tls-ca", stranger.file.to_str().expect("text")]);
    assert!(!told.status.success());
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(words.contains("comes from an authority that is not trusted"), "{words}");
    daemon.logs(&["a TLS handshake failed", "it does not trust the authority of our certificate"], 1);
    assert!(daemon.calls().is_empty());
}

fn telephone(house: &House, daemon: &Daemon, extra: &str) -> Phone {
    let at_phone = house.folder.path().join("phone");
    fs::create_dir(&at_phone).expect("a folder");
    let account = format!("<sip:desk@{};transport=tls>;auth_pass=rr4tz-77qpx;regint=60{extra}\n", at(daemon));
    Phone::over_tls(&at_phone, &account, &house.ca.file)
}

#[test]
fn a_telephone_registers_over_tls_and_is_rung_through_its_connection() {
    let house = House::new();
    let phones = house.path("phones.toml");
    fs::write(&phones, "[[phone]]\nuser = \"desk\"\npassword = \"rr4tz-77qpx\"\nmd5_only = true\n").expect("written");
    let people = house.people("sip:desk@frontdesk");
    let daemon = house.daemon(&[("PHONES__FILE", &phones), ("PEOPLE__FILE", &people)]);
    let phone = telephone(&house, &daemon, ";answermode=auto");
    daemon.logs(&["phone registered"], 1);
    let caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwww", "--hangup-after", "12"]);
    phone.is_spoken_to(&daemon, 1);
    let output = caller.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// One desk reaches another by TLS: whether it trusts it is seen in its log.
fn reaches(house: &House, place_host: &str, other: &Daemon) -> Daemon {
    let before = other.calls().len();
    let place = format!("sip:201@{place_host}:{};transport=tls", at(other).port());
    let people = house.people(&place);
    let daemon = house.daemon(&[("PEOPLE__FILE", &people)]);
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwww", "--hangup-after", "6"]);
    daemon.wait_for("an end of the search, or a call at the other desk", || {
        (other.calls().len() > before || daemon.log().contains("stopped ringing")).then_some(())
    });
    let _ = caller.kill();
    let _ = caller.wait();
    daemon
}

#[test]
fn a_place_behind_tls_is_rung_when_it_proves_its_name() {
    let house = House::new();
    let other = house.daemon(&[]);
    for host in ["localhost", "127.0.0.1"] {
        let daemon = reaches(&house, host, &other);
        assert!(!daemon.log().contains("a connection could not be made"), "{}", daemon.log());
    }
    assert_eq!(other.calls().len(), 2);
}

#[test]
fn a_place_that_does_not_prove_its_name_is_not_rung_and_the_log_says_why() {
    let house = House::new();
    let stranger = Authority::new(house.folder.path(), "stranger");
    let cases = [
        (house.ca.certifies("wrong", &["elsewhere.example"], Valid::Now), "its certificate is for another name"),
        (house.ca.certifies("old", &["localhost"], Valid::Past), "its certificate has expired"),
        (house.ca.certifies("early", &["localhost"], Valid::Future), "its certificate is not valid yet"),
        (stranger.certifies("strange", &["localhost"], Valid::Now), "an authority that is not trusted"),
    ];
    for ([certificate, key], words) in cases {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let other = house.daemon(&[("TLS__CERTIFICATES", &text(&certificate)), ("TLS__KEYS", &text(&key))]);
        let daemon = reaches(&house, "localhost", &other);
        daemon.logs(&["a connection could not be made", words], 1);
        assert!(other.calls().is_empty(), "{words}");
    }
}

#[test]
fn a_sips_place_without_a_tls_listener_is_a_fault_of_the_directory() {
    let house = House::new();
    let people = house.people("sips:201@localhost");
    let daemon = Daemon::with(&[("PEOPLE__FILE", &people)]);
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,www", "--hangup-after", "4"]);
    daemon.logs(&["a place can't be rung", "no listener of that transport"], 1);
    let _ = caller.kill();
    let _ = caller.wait();
}

/// What OpenSSL's client says of a handshake.
fn s_client(daemon: &Daemon, args: &[&str]) -> String {
    let output = peer("openssl")
        .args(["s_client", "-connect", &at(daemon).to_string()])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}

#[test]
fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let house = House::new();
    house.ca.certifies("other", &["other.example", "*.wild.example"], Valid::Now);
    let list =
        |ext: &str| format!("[{:?}, {:?}]", house.path(&format!("desk.{ext}")), house.path(&format!("other.{ext}")));
    let daemon = house.daemon(&[("TLS__CERTIFICATES", &list("pem")), ("TLS__KEYS", &list("key"))]);
    let ca = house.path("ca.pem");
    let verified = |name: &str| {
        let told = s_client(&daemon, &["-servername", name, "-verify_hostname", name, "-CAfile", &ca]);
        told.contains("Verify return code: 0 (ok)")
    };
    assert!(verified("localhost") && verified("other.example") && verified("a.wild.example"));
    assert!(!verified("nobody.example"));
    assert!(s_client(&daemon, &["-tls1_2", "-CAfile", &ca]).contains("TLSv1.2"));
    assert!(s_client(&daemon, &["-tls1_3", "-CAfile", &ca]).contains("TLSv1.3"));
    assert!(s_client(&daemon, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]).contains("Cipher is (NONE)"));
}

#[test]
fn a_certificate_of_the_other_side_may_be_demanded() {
    let house = House::new();
    let [own, key] = house.ca.certifies("phone", &["phone.example"], Valid::Now);
    let ca = house.path("ca.pem");
    let daemon = house.daemon(&[("TLS__CLIENT_AUTH", "required"), ("TLS__CLIENT_CA", &ca)]);
    assert!(s_client(&daemon, &["-tls1_2", "-CAfile", &ca]).contains("alert"));
    daemon.logs(&["a TLS handshake failed", "it showed no certificate"], 1);
    let [own, key] = [&own, &key].map(|path| path.to_str().expect("text"));
    let told = s_client(&daemon, &["-tls1_2", "-CAfile", &ca, "-cert", own, "-key", key]);
    assert!(told.contains("Verify return code: 0 (ok)") && !told.contains("alert"), "{told}");
    // Another desk shows its own certificate when it is asked to.
    let people = house.people(&format!("sip:201@localhost:{};transport=tls", at(&daemon).port()));
    let asker = house.daemon(&[("PEOPLE__FILE", &people)]);
    let mut caller = asker.dialling(&asker.uri(), &["--keys", "4,201#,wwwwww", "--hangup-after", "8"]);
    daemon.wait_for("a call of the other desk", || daemon.calls().pop());
    let _ = caller.kill();
    let _ = caller.wait();
}

fn refused(mut stream: TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("SIP/2.0"));
}

#[test]
fn whoever_does_not_shake_hands_is_let_go() {
    let house = House::new();
    let daemon = house.daemon(&[]);
    let mut plain = TcpStream::connect(at(&daemon)).expect("open");
    plain.write_all(b"OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\n\r\n").expect("sent");
    refused(plain);
    daemon.logs(&["a TLS handshake failed", "does not speak TLS"], 1);
    // A hello that has begun and goes no further, and nothing at all.
    let mut half = TcpStream::connect(at(&daemon)).expect("open");
    half.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]).expect("sent");
    let silent = TcpStream::connect(at(&daemon)).expect("open");
    refused(half);
    refused(silent);
    daemon.logs(&["a TLS handshake failed", "it did not finish in time"], 2);
    let ca = house.path("ca.pem");
    daemon.dial(&format!("sips:desk@localhost:{}", at(&daemon).port()), &["--tls-ca", &ca, "--hangup-after", "0.5"]);
}

fn serial(daemon: &Daemon) -> String {
    let told = s_client(daemon, &[]);
    let begin = told.find("-----BEGIN CERTIFICATE-----").expect("a certificate");
    told[begin..].lines().take(8).collect()
}

#[test]
fn a_new_certificate_is_shown_after_a_reload_and_a_bad_one_is_not() {
    let house = House::new();
    let daemon = house.daemon(&[]);
    let ca = house.path("ca.pem");
    let uri = format!("sips:desk@localhost:{}", at(&daemon).port());
    let live = daemon.dialling(&uri, &["--tls-ca", &ca, "--hangup-after", "4"]);
    daemon.wait_for("live call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    let before = serial(&daemon);
    house.ca.certifies("desk", &["localhost", "127.0.0.1"], Valid::Now);
    daemon.signal(libc::SIGHUP);
    daemon.logs(&["read again"], 1);
    let after = daemon.wait_for("another certificate", || Some(serial(&daemon)).filter(|now| *now != before));
    fs::write(house.path("desk.key"), "no key").expect("written");
    daemon.signal(libc::SIGHUP);
    daemon.logs(&["not reloaded", "there is no private key in it"], 1);
    assert_eq!(serial(&daemon), after);
    let told = live.wait_with_output().expect("it ends");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(daemon.ended_call()["end_reason"], "caller_hung_up");
}

fn check(house: &House, daemon_folder: &Path, more: &[(&str, &str)]) -> String {
    let mut command = std::process::Command::new(crate::daemon::BIN);
    let (certificate, key) = (house.path("desk.pem"), house.path("desk.key"));
    let settings = [LISTEN, ("TLS__CERTIFICATES", certificate.as_str()), ("TLS__KEYS", key.as_str())];
    for (name, value) in settings.iter().chain(more) {
        command.env(format!("FRONTDESK_{name}"), value);
    }
    let output = command.args(["check", "--data"]).arg(daemon_folder).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn check_says_what_is_wrong_with_certificates() {
    let house = House::new();
    let data = house.folder.path().join("data");
    assert!(check(&house, &data, &[("TLS__NAMES", "localhost")]).starts_with("ok "));
    let wrong = check(&house, &data, &[("TLS__NAMES", "desk.example.com")]);
    assert!(wrong.contains("no certificate is for desk.example.com: this one is for localhost, 127.0.0.1"), "{wrong}");
    let [other, other_key] = house.ca.certifies("old", &["localhost"], Valid::Past);
    let [other, other_key] = [other, other_key].map(|path| path.to_string_lossy().into_owned());
    assert!(check(&house, &data, &[("TLS__KEYS", &other_key)]).contains("this key does not fit the certificate"));
    let old = check(&house, &data, &[("TLS__CERTIFICATES", &other), ("TLS__KEYS", &other_key)]);
    assert!(old.contains("this certificate has expired on 2020-01-01"), "{old}");
    assert!(check(&house, &data, &[("TLS__TRUST", "/none.pem")]).contains("/none.pem: there is no such file"));
}

/// Nobody on the way can read the keys, so nobody is warned of them.
#[test]
fn linphone_calls_over_tls_with_encrypted_audio() {
    let house = House::new();
    let daemon = house.daemon(&[("RTP__SRTP", "required")]);
    let at_phone = house.folder.path().join("linphone");
    fs::create_dir(&at_phone).expect("a folder");
    let mut phone = crate::linphone::Linphone::over_tls_encrypting(&at_phone, "13700137000", &house.ca.file);
    phone.told(&format!("call sip:desk@localhost:{};transport=tls", at(&daemon).port()));
    daemon.logs(&["audio is encrypted"], 1);
    daemon.wait_for("sound at Linphone", || phone.heard().filter(|clip| clip.peak_dbfs() > -30.0));
    phone.says(&crate::audio::voices()[0]);
    let heard = || phone.heard().map_or(0, |clip| clip.duration_ms());
    let until = heard() + 2_000;
    daemon.wait_for("two more seconds at Linphone", || (heard() >= until).then_some(()));
    phone.told("terminate");
    let call = daemon.ended_call();
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 20, "{call:#}");
    let log = daemon.log();
    assert!(!log.contains("come in the open") && crate::encrypted::dropped(&log) < 5, "{log}");
}

#[test]
fn linphone_registers_over_tls() {
    let house = House::new();
    let phones = house.path("phones.toml");
    fs::write(&phones, "[[phone]]\nuser = \"desk\"\npassword = \"rr4tz-77qpx\"\n").expect("written");
    let daemon = house.daemon(&[("PHONES__FILE", &phones)]);
    let at_phone = house.folder.path().join("linphone");
    fs::create_dir(&at_phone).expect("a folder");
    let mut phone = crate::linphone::Linphone::over_tls(&at_phone, "desk", &house.ca.file);
    let desk = format!("sip:localhost:{};transport=tls", at(&daemon).port());
    phone.told(&format!("register sip:desk@localhost {desk} rr4tz-77qpx"));
    daemon.logs(&["phone registered", "user=\"desk\""], 1);
}
