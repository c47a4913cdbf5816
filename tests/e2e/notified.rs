//! People and programs are told what happens: e-mails at a real mail server, webhooks at a program, texts at telephones.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::receivers::{Receiver, SECRET, header, read_letter};

/// 李雷 is never in, so that messages are left for him; 陈主管 is told what goes wrong.
const PEOPLE: &str = r#"
[[person]]
extension = "301"
name = "李雷"
present = false
email = "lilei@example.com"
[[person]]
extension = "801"
name = "陈主管"
duty = ["supervisor"]
email = "chen@example.com"
language = "en"
"#;

struct House {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut house = Self { settings: Vec::new(), folder };
        let people = house.file("people.toml", PEOPLE);
        house.set("PEOPLE__FILE", people);
        house.set("RELAY__CALLS", "off".to_owned());
        house.set("NOTIFICATIONS__QUIET", "off".to_owned());
        house.set("NOTIFICATIONS__AGAIN_S", r#"["1"]"#.to_owned());
        house
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file = self.path().join(name);
        fs::write(&file, text).expect("written");
        file.to_string_lossy().into_owned()
    }

    fn set(&mut self, key: &'static str, value: String) {
        self.settings.push((key, value));
    }

    fn mailed_by(&mut self, mail: &Receiver) {
        self.set("MAIL__SERVER", format!("127.0.0.1:{}", mail.port));
        self.set("MAIL__SECURITY", "none".to_owned());
        self.set("MAIL__FROM", "frontdesk@example.com".to_owned());
        self.set("MAIL__TIMEOUT_S", "5".to_owned());
    }

    fn hooked_to(&mut self, hooks: &Receiver, events: &str) {
        let text = format!(
            "[[webhook]]\nname = \"erp\"\nurl = \"http://127.0.0.1:{}/hooks\"\nsecret = \"whsec_{SECRET}\"\n\
             events = {events}\n",
            hooks.port
        );
        let file = self.file("webhooks.toml", &text);
        self.set("WEBHOOKS__FILE", file);
        self.set("WEBHOOKS__TIMEOUT_S", "1".to_owned());
    }

    fn daemon(&self) -> Daemon {
        let settings: Vec<(&str, &str)> = self.settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Daemon::with(&settings)
    }
}

fn notifications(daemon: &Daemon, args: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = ["notifications", "list", "--json"].into_iter().chain(args.iter().copied()).collect();
    daemon.json(&args).as_array().expect("a list").clone()
}

/// The person is absent: 1 leaves a message, `#` ends it, 1 keeps it.
fn leave_a_message(daemon: &Daemon) {
    let spoken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fault.wav");
    let keys = "4,p,301#,p,1,p,s,#,p,1";
    daemon.dial(&daemon.uri(), &["--keys", keys, "--say", &spoken.to_string_lossy(), "--from", "13800138000"]);
}

#[test]
fn r5_an_absent_person_has_the_message_in_their_mailbox_once() {
    let mut house = House::new();
    let mail = Receiver::of_mail(&house.path().join("mail"));
    house.mailed_by(&mail);
    let daemon = house.daemon();
    leave_a_message(&daemon);
    let letter = daemon.wait_for("letter", || mail.taken("eml").pop());
    let message = daemon.wait_for("message that was passed on", || {
        daemon.messages().into_iter().find(|message| message["relay"] == "notified")
    });
    let attempt = &message["attempts"][0];
    assert_eq!((attempt["channel"].as_str(), attempt["result"].as_str()), (Some("email: 301"), Some("sent")));
    assert!(header(&letter, "From").ends_with("<frontdesk@example.com>"), "{letter}");
    assert!(header(&letter, "To").ends_with("<lilei@example.com>"), "{letter}");
    assert_eq!(header(&letter, "Auto-Submitted"), "auto-generated");
    let attached = house.path().join("attached.wav");
    let (subject, text) = read_letter(&letter, &attached);
    assert_eq!(subject, "光明物业项目服务机构：有您的留言（13800138000）");
    assert!(text.contains("李雷，您好：") && text.contains("来电号码：13800138000"), "{text}");
    assert_eq!(
        fs::read(&attached).expect("it is attached"),
        fs::read(daemon.recording(&message["recording"])).expect("it is kept")
    );
    let daemon = daemon.kill_and_restart();
    let sent = notifications(&daemon, &["--state", "sent"]);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!((sent[0]["event"].as_str(), sent[0]["tries"].as_u64()), (Some("message.left"), Some(1)));
    assert_eq!(mail.taken("eml").len(), 1);
}

#[test]
fn a_letter_that_was_under_way_in_a_power_cut_comes_again_under_the_same_id() {
    let mut house = House::new();
    let mail = Receiver::of_mail(&house.path().join("mail"));
    house.mailed_by(&mail);
    let daemon = house.daemon();
    mail.say("hang", "");
    leave_a_message(&daemon);
    daemon.wait_for("notification under way", || notifications(&daemon, &["--state", "sending"]).pop());
    let daemon = daemon.kill_and_restart();
    mail.take_back("hang");
    daemon.wait_for("letter that was sent", || notifications(&daemon, &["--state", "sent"]).pop());
    let letters = mail.taken("eml");
    // The server may have taken the first one too, as its answer had nobody to go to.
    assert!((1..=2).contains(&letters.len()), "{}", letters.len());
    let id = header(&letters[0], "Message-ID");
    assert!(letters.iter().all(|letter| header(letter, "Message-ID") == id), "{letters:?}");
    assert!(id.starts_with("<frontdesk.") && id.ends_with("@example.com>"), "{id}");
}

#[test]
fn a_mail_server_asks_for_encryption_and_a_login() {
    let mut house = House::new();
    let (mail, authority) = Receiver::of_encrypted_mail(&house.path().join("mail"), "frontdesk", "k9fjw-2xq7m");
    house.set("MAIL__SERVER", format!("localhost:{}", mail.port));
    house.set("MAIL__FROM", "frontdesk@example.com".to_owned());
    house.set("MAIL__USER", "frontdesk".to_owned());
    house.set("MAIL__PASSWORD", "k9fjw-2xq7m".to_owned());
    let trusting = house.settings.len();
    house.set("TLS__TRUST", authority.file.to_string_lossy().into_owned());
    let environment = |house: &House| -> Vec<(String, String)> {
        house.settings.iter().map(|(key, value)| (format!("FRONTDESK_{key}"), value.clone())).collect()
    };
    let trial = |daemon: &Daemon, house: &House| {
        let environment = environment(house);
        let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let output = daemon.cli_with(&["notifications", "trial", "801"], &environment);
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let daemon = house.daemon();
    let (sent, told) = trial(&daemon, &house);
    assert!(sent && told == "email to 801: sent\n", "{told}\n{}", daemon.log());
    assert_eq!(mail.taken("tls"), ["yes"]);
    let (subject, text) = read_letter(&mail.taken("eml")[0], &house.path().join("none"));
    assert!(subject.ends_with(": a trial") && text.starts_with("Hello 陈主管,"), "{subject}\n{text}");
    drop(daemon);
    // Nobody certifies it: nothing is said to it, the password least of all.
    house.settings.remove(trusting);
    let daemon = house.daemon();
    let (sent, told) = trial(&daemon, &house);
    assert!(!sent && told.contains("certificate"), "{told}");
    assert_eq!(mail.taken("eml").len(), 1);
}

#[test]
fn a_wrong_login_is_told_and_a_refused_address_is_an_alarm() {
    let mut house = House::new();
    let mail = Receiver::of_mail(&house.path().join("mail"));
    house.mailed_by(&mail);
    let daemon = house.daemon();
    mail.say("refuse", "550 5.1.1 no such mailbox");
    leave_a_message(&daemon);
    let failed = daemon.wait_for("failed notification", || {
        notifications(&daemon, &["--state", "failed", "--about", "1"])
            .into_iter()
            .find(|one| one["event"] == "message.left")
    });
    assert!(failed["error"].as_str().expect("why").contains("no such mailbox"), "{failed}");
    assert_eq!(failed["tries"], 1, "an address that is refused is not asked again");
    let message = daemon.messages().pop().expect("a message");
    assert_eq!(message["relay"], "pending");
    assert!(message["attempts"][0]["result"].as_str().expect("text").starts_with("failed: "), "{message}");
    let alarms = daemon.json(&["alarms", "--json"]);
    let alarm =
        alarms.as_array().expect("a list").iter().find(|alarm| alarm["about"] == "email 301").expect("an alarm");
    assert_eq!(alarm["kind"], "channel_failing");
    // The supervisor's address is refused too: that is another alarm, and no circle.
    daemon.wait_for("failed alarm notice", || {
        notifications(&daemon, &["--state", "failed"]).into_iter().find(|one| one["recipient"] == "801")
    });
    mail.take_back("refuse");
    let id = failed["id"].to_string();
    let output = daemon.cli(&["notifications", "retry", &id]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 to be sent now\n");
    daemon.wait_for("letter", || mail.taken("eml").pop());
    daemon.wait_for("message that was passed on", || daemon.messages().into_iter().find(|m| m["relay"] == "notified"));
}

#[test]
fn a_program_that_never_answers_keeps_no_letter_waiting_and_is_an_alarm_in_the_mail() {
    let mut house = House::new();
    let mail = Receiver::of_mail(&house.path().join("mail"));
    let hooks = Receiver::of_hooks(&house.path().join("hooks"));
    house.mailed_by(&mail);
    house.hooked_to(&hooks, r#"["message.*", "alarm.raised", "call.ended"]"#);
    let daemon = house.daemon();
    hooks.say("hang", "");
    leave_a_message(&daemon);
    daemon.wait_for("letter to 301", || mail.taken("eml").into_iter().find(|l| header(l, "To").contains("lilei")));
    let letter = daemon.wait_for("letter to the supervisor", || {
        mail.taken("eml").into_iter().find(|l| header(l, "To").contains("chen"))
    });
    let (subject, text) = read_letter(&letter, &house.path().join("none"));
    assert!(subject.contains("ALARM: notifications fail webhook erp"), "{subject}");
    assert!(text.contains("no answer within 1 s"), "{text}");
    // It is mended: everything comes, each event once, but for the alarm about itself.
    hooks.take_back("hang");
    let waiting = || notifications(&daemon, &["--channel", "webhook"]).into_iter().all(|one| one["state"] == "sent");
    daemon.wait_for("program that has everything", || waiting().then_some(()));
    let bodies: Vec<Value> = hooks.taken("json").iter().map(|body| serde_json::from_str(body).expect("JSON")).collect();
    let of = |event: &str| bodies.iter().filter(|body| body["type"] == event).count();
    assert!(of("message.left") >= 1 && of("message.notified") >= 1 && of("call.ended") >= 1, "{bodies:?}");
    assert_eq!(of("alarm.raised"), 0, "{bodies:?}");
    let left = bodies.iter().find(|body| body["type"] == "message.left").expect("it is there");
    assert_eq!(left["data"]["message"]["from_number"], "138****8000", "a receptionist's list is masked");
    let ids: std::collections::BTreeSet<(String, String)> = hooks
        .taken("headers")
        .iter()
        .map(|headers| serde_json::from_str::<Value>(headers).expect("JSON"))
        .map(|headers| headers["webhook-id"].as_str().expect("an id").to_owned())
        .zip(hooks.taken("json"))
        .collect();
    let distinct: std::collections::BTreeSet<&String> = ids.iter().map(|(id, _)| id).collect();
    assert_eq!(distinct.len(), ids.len(), "one id stands for one body");
    daemon.logs(&["notifications go through again"], 1);
}

#[test]
fn a_trial_says_what_is_wrong() {
    let mut house = House::new();
    let hooks = Receiver::of_hooks(&house.path().join("hooks"));
    house.hooked_to(&hooks, r#"["*"]"#);
    let daemon = house.daemon();
    let environment: Vec<(String, String)> =
        house.settings.iter().map(|(key, value)| (format!("FRONTDESK_{key}"), value.clone())).collect();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let trial = |args: &[&str]| {
        let args: Vec<&str> = ["notifications", "trial"].into_iter().chain(args.iter().copied()).collect();
        let output = daemon.cli_with(&args, &environment);
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
        (output.status.success(), told)
    };
    assert_eq!(trial(&["--webhook", "erp"]), (true, "webhook to erp: sent\n".to_owned()));
    hooks.say("status", "500");
    let (sent, told) = trial(&["--webhook", "erp"]);
    assert!(!sent && told.contains("webhook to erp: it answered 500"), "{told}");
    let (sent, told) = trial(&["--webhook", "crm"]);
    assert!(!sent && told.contains("webhooks.toml has no webhook `crm`: erp"), "{told}");
    let (sent, told) = trial(&["801"]);
    assert!(!sent && told.contains("[mail] names no server"), "{told}");
    let (sent, told) = trial(&["999"]);
    assert!(!sent && told.contains("people.toml has nobody with extension 999"), "{told}");
}
