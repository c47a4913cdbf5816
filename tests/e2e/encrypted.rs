//! Calls with encrypted audio: by the built-in caller, by baresip and by Linphone, through the desk to one another and to
//! telephones in the clear, and by somebody who has not got the key.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use frontdesk::media::clip::Clip;

use crate::audio::{SPOKEN, likeness, read, voices};
use crate::daemon::Daemon;
use crate::linphone::Linphone;
use crate::phone::{PRESS_EVERY, Phone, command, press};
use crate::talker::{Talker, talk, was_heard};

const CALLER: &str = "13800138000";

/// Keys and words of a caller who encrypts like this, or is not let in.
fn reports_a_repair(daemon: &Daemon, from: &str, more: &[&str]) -> Value {
    // Each from a room of their own: a second report of the same place is a repeat call (催单).
    let room = &from[7..];
    let keys = format!("1,1,3,p,3*{room}#,1,1");
    let args = [&["--keys", &keys, "--say", SPOKEN, "--from", from], more].concat();
    let report = daemon.dial(&daemon.uri(), &args);
    let ticket = daemon.tickets().into_iter().find(|ticket| ticket["caller"] == from).expect("a ticket");
    assert_eq!((&ticket["category"], &ticket["room"]), (&"burst_pipe".into(), &room.into()), "{ticket:#}");
    let alike = likeness(&read(Path::new(SPOKEN)), &read(&daemon.recording(&ticket["recording"])));
    assert!(alike > 0.9, "the recording is not what was said: {alike:.3}");
    assert!(report["rtp"]["received"].as_u64().expect("a count") > 500, "{report:#}");
    report
}

#[test]
fn a_repair_is_reported_over_encrypted_audio_and_beside_it_in_the_clear() {
    let daemon = Daemon::start();
    let ways: [(&str, &[&str], bool); 3] = [
        (CALLER, &["--srtp", "required"], true),
        ("13800138001", &["--srtp", "optional", "--codec", "pcmu"], true),
        ("13800138002", &[], false),
    ];
    thread::scope(|scope| {
        for (from, more, encrypted) in ways {
            let daemon = &daemon;
            scope.spawn(move || {
                let report = reports_a_repair(daemon, from, more);
                assert_eq!(report["srtp"].is_string(), encrypted, "{report:#}");
            });
        }
    });
    daemon.logs(&["audio is encrypted", "AES_CM_128_HMAC_SHA1_80"], 2);
    daemon.logs(&["keys of encrypted audio come in the open"], 1);
    assert!(dropped(&daemon.log()) < 5, "{}", daemon.log());
    assert!(!daemon.log().contains("inline:"), "no key is logged");
}

#[test]
fn the_suite_is_the_desks_choice_and_each_is_understood() {
    for suite in ["AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] {
        let daemon = Daemon::with(&[("RTP__SRTP_SUITES", &format!("[\"{suite}\"]"))]);
        let report = daemon.dial(&daemon.uri(), &["--srtp", "required", "--keys", "1,1,5", "--hangup-after", "4"]);
        assert_eq!(report["srtp"], suite, "{report:#}");
        assert!(report["rtp"]["received"].as_u64().expect("a count") > 100, "{report:#}");
        assert_eq!(daemon.tickets()[0]["category"], "lift");
    }
}

#[test]
fn who_does_not_do_as_the_desk_wants_is_refused() {
    for (mode, wish) in [("off", "required"), ("required", "off")] {
        let daemon = Daemon::with(&[("RTP__SRTP", mode)]);
        let output = daemon.dialling(&daemon.uri(), &["--srtp", wish]).wait_with_output().expect("it ends");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["status"], 488, "{mode} {wish} {report:#}");
    }
}

/// baresip reports a lift, with this word for what it wants.
fn baresip_reports_a_lift(wish: &str) {
    let daemon = Daemon::start();
    let folder = daemon.path("phone");
    fs::create_dir(&folder).expect("a folder");
    let account = format!("<sip:13700137000@127.0.0.1>;regint=0;mediaenc={wish}\n");
    let phone = Phone::with_accounts(&folder, &account, "g722", 16_000);
    let mut control = phone.connect(&daemon);
    command(&mut control, "dial", &daemon.uri());
    daemon.logs(&["audio is encrypted"], 1);
    daemon.wait_for("answered call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    press(&mut control, "115");
    let ticket = daemon.wait_for("ticket", || daemon.tickets().pop());
    assert_eq!(ticket["category"], "lift");
    daemon.wait_for("sound in what the phone heard", || phone.heard().filter(|clip| clip.peak_dbfs() > -30.0));
    command(&mut control, "hangup", "");
    let call = daemon.ended_call();
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 20, "{call:#}");
    // Ports are any free ones: a packet or two of a call that another test had there before may still come.
    assert!(dropped(&daemon.log()) < 5, "{}", daemon.log());
}

/// Packets that were not encrypted with their call's key, by the log.
pub fn dropped(log: &str) -> u32 {
    let lines = log.lines().filter(|line| line.contains("not encrypted with the call's key"));
    lines.filter_map(|line| line.split("packets=").nth(1)?.split_whitespace().next()?.parse::<u32>().ok()).sum()
}

#[test]
fn a_telephone_that_demands_encryption_reports_a_lift() {
    baresip_reports_a_lift("srtp-mand");
}

#[test]
fn a_telephone_that_would_like_encryption_reports_a_lift() {
    baresip_reports_a_lift("srtp");
}

/// A desk with a receptionist's baresip.
struct Desk {
    daemon: Daemon,
    phone: Phone,
    _folder: TempDir,
}

impl Desk {
    fn new(mediaenc: &str, srtp: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().join("phone");
        fs::create_dir(&at).expect("a folder");
        let accounts = format!("<sip:201@127.0.0.1>;regint=0{mediaenc}\n");
        let phone = Phone::with_accounts(&at, &accounts, "g711", 8_000);
        let daemon = of_people(folder.path(), &format!("sip:201@{}", phone.sip), srtp);
        Self { daemon, phone, _folder: folder }
    }
}

/// A desk of one person at this address.
fn of_people(folder: &Path, address: &str, srtp: &str) -> Daemon {
    let people = folder.join("people.toml");
    let person = format!(
        "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"{address}\"]\nduty = [\"receptionist\", \"emergency\"]\n"
    );
    fs::write(&people, person).expect("written");
    Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text")), ("RTP__SRTP", srtp)])
}

/// A caller and a telephone hear each other through the desk; each of them encrypts or does not.
fn talk_through(desk: &Desk, encrypted: usize, caller: &[&str]) {
    let [callers_voice, persons_voice, _] = voices();
    desk.phone.says(&persons_voice);
    let mut control = desk.phone.connect(&desk.daemon);
    let caller = Talker::calls(&desk.daemon, "4,201#", &callers_voice, caller);
    desk.phone.rings(&desk.daemon, 1);
    command(&mut control, "accept", "");
    desk.phone.is_spoken_to(&desk.daemon, 1);
    thread::sleep(PRESS_EVERY);
    press(&mut control, "1");
    desk.daemon.logs(&["put through", "extension=\"201\""], 1);
    talk(&desk.daemon, "the caller", &callers_voice, || desk.phone.heard());
    command(&mut control, "hangup", "");
    let (call, heard) = caller.over();
    assert_eq!(call["outcome"], "transferred", "{call:#}");
    was_heard("the telephone", &persons_voice, &heard);
    desk.daemon.logs(&["audio is encrypted"], encrypted);
    assert!(dropped(&desk.daemon.log()) < 5, "{}", desk.daemon.log());
}

#[test]
fn two_who_encrypt_talk_through_the_desk() {
    let desk = Desk::new(";mediaenc=srtp-mand", "required");
    talk_through(&desk, 2, &["--srtp", "required", "--codec", "g722"]);
}

#[test]
fn one_who_encrypts_talks_to_one_who_does_not() {
    let desk = Desk::new("", "optional");
    talk_through(&desk, 1, &["--srtp", "required", "--codec", "pcma"]);
}

#[test]
fn linphone_that_demands_encryption_is_rung_and_hears_the_caller() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("linphone");
    fs::create_dir(&at).expect("a folder");
    let mut phone = Linphone::encrypting(&at, "201");
    let daemon = of_people(folder.path(), &format!("sip:201@{}", phone.sip), "required");
    let [callers_voice, persons_voice, _] = voices();
    let caller = Talker::calls(&daemon, "0", &callers_voice, &["--srtp", "required"]);
    phone.shows(&daemon, &["Receiving new incoming call"]);
    phone.told("answer");
    daemon.logs(&["put through", "extension=\"201\""], 1);
    phone.says(&persons_voice);
    talk(&daemon, "the caller", &callers_voice, || phone.heard());
    phone.told("terminate");
    let (_, heard) = caller.over();
    was_heard("Linphone", &persons_voice, &heard);
    daemon.logs(&["audio is encrypted"], 2);
}

#[test]
fn linphone_that_demands_encryption_calls_and_hears_the_desk() {
    let daemon = Daemon::start();
    let at = daemon.path("linphone");
    fs::create_dir(&at).expect("a folder");
    let mut phone = Linphone::encrypting(&at, "13700137000");
    phone.told(&format!("call {}", daemon.uri()));
    daemon.logs(&["audio is encrypted"], 1);
    daemon.wait_for("sound at Linphone", || phone.heard().filter(|clip: &Clip| clip.peak_dbfs() > -30.0));
    // Until it has something to say it sends nothing.
    phone.says(&voices()[0]);
    let heard = || phone.heard().map_or(0, |clip| clip.duration_ms());
    let until = heard() + 2_000;
    daemon.wait_for("two more seconds at Linphone", || (heard() >= until).then_some(()));
    phone.told("terminate");
    let call = daemon.ended_call();
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 20, "{call:#}");
    assert!(dropped(&daemon.log()) < 5, "{}", daemon.log());
}

/// Sends and receives what the desk has for it.
fn exchange(socket: &UdpSocket, request: &str, until: &str) -> String {
    socket.send(request.replace('\n', "\r\n").as_bytes()).expect("sent");
    let mut bytes = [0; 4096];
    loop {
        let length = socket.recv(&mut bytes).expect("an answer within the time");
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if text.starts_with(until) {
            return text;
        }
    }
}

#[test]
fn who_has_not_got_the_key_is_not_heard_and_the_call_ends_for_want_of_audio() {
    let mut daemon = Daemon::with(&[("RTP__MEDIA_TIMEOUT_S", "5")]);
    let [sip, rtp] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port"));
    sip.connect(daemon.udp).expect("an address");
    sip.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    let (at, audio) = (sip.local_addr().expect("an address"), rtp.local_addr().expect("an address").port());
    let head = |method: &str, tag: &str, cseq: u32| {
        format!(
            "{method} sip:desk@{desk} SIP/2.0\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{method}\nMax-Forwards: 70\n\
             From: <sip:{CALLER}@{at}>;tag=k\nTo: <sip:desk@{desk}>{tag}\nCall-ID: keyless\nCSeq: {cseq} {method}\n\
             Contact: <sip:{CALLER}@{at}>\n",
            desk = daemon.udp
        )
    };
    let body = format!(
        "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {audio} RTP/SAVP 8\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
    );
    let length = body.replace('\n', "\r\n").len();
    let invite = format!("{}Content-Type: application/sdp\nContent-Length: {length}\n\n{body}", head("INVITE", "", 1));
    let answer = exchange(&sip, &invite, "SIP/2.0 200");
    let part =
        |from: &str, to: char| answer.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect(from).trim();
    let tag = format!(
        ";tag={}",
        answer
            .split("\r\nTo: ")
            .nth(1)
            .expect("To")
            .split(";tag=")
            .nth(1)
            .expect("a tag")
            .split(['\r', ';'])
            .next()
            .expect("it")
    );
    assert!(answer.contains("RTP/SAVP 8") && answer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), "{answer}");
    let desk_audio: u16 = part("m=audio ", ' ').parse().expect("a port");
    sip.send(format!("{}Content-Length: 0\n\n", head("ACK", &tag, 1)).replace('\n', "\r\n").as_bytes()).expect("sent");
    sip.set_read_timeout(Some(Duration::from_millis(20))).expect("a time");
    // In the clear, and with all kinds of endings.
    let mut bye = None;
    for n in 0..2_000u16 {
        let mut packet = vec![0x80, 8, (n >> 8) as u8, n as u8, 0, 0, 0, 0, 1, 2, 3, (n % 3) as u8];
        packet.resize(12 + usize::from(n) % 200, 0x55);
        rtp.send_to(&packet, ("127.0.0.1", desk_audio)).expect("sent");
        let mut bytes = [0; 4096];
        if let Ok(length) = sip.recv(&mut bytes)
            && bytes[..length].starts_with(b"BYE ")
        {
            bye = Some(n);
            break;
        }
    }
    assert!(bye.is_some_and(|n| n > 150), "it lasts as long as a silent call: {bye:?}");
    daemon.logs(&["not encrypted with the call's key"], 1);
    let call = daemon.ended_call();
    assert_eq!((&call["end_reason"], &call["rtp"]["received"]), (&"media_silence".into(), &0.into()), "{call:#}");
    assert!(daemon.lives() && !daemon.log().contains("panicked"));
}
