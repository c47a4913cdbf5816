//! A desk whose staff have telephones that register with it, and whose customer has one behind the gateway.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;
use serde_json::Value;
use tempfile::TempDir;

use crate::audio::{SPOKEN, read};
use crate::daemon::Daemon;
use crate::mailbox::give_pin;
use crate::phone::{Phone, command, press};

/// The customer's number.
pub const CUSTOMER: &str = "13800138000";
/// Of all telephones of the staff.
const PASSWORD: &str = "rr4tz-77qpx";
/// Of all who have one.
pub const PIN: &str = "83104711";
/// As often as the microphone of a telephone says its file, before it hangs up: longer than any call here.
const SAYS: usize = 30;

/// Somebody of the staff.
pub struct Person {
    pub extension: &'static str,
    /// As in `people.toml`.
    pub duty: &'static str,
    pub department: &'static str,
    /// Whether they have a telephone; without one, nobody is where they are called.
    pub phone: bool,
    pub pin: bool,
    /// How long their place rings.
    pub ring_s: u32,
}

impl Person {
    pub const fn new(extension: &'static str, duty: &'static str) -> Self {
        Self { extension, duty, department: "工程部", phone: true, pin: false, ring_s: 20 }
    }
}

/// A real telephone and how far its calls are.
pub struct Handset {
    pub phone: Phone,
    control: TcpStream,
    rung: usize,
    talked: usize,
}

impl Handset {
    fn new(daemon: &Daemon, phone: Phone) -> Self {
        let control = phone.connect(daemon);
        Self { phone, control, rung: 0, talked: 0 }
    }

    /// Waits until it rings once more.
    pub fn rings(&mut self, daemon: &Daemon) {
        self.rung += 1;
        self.phone.rings(daemon, self.rung);
    }

    /// Waits until it rings once more, is lifted, and hears something.
    pub fn lifts(&mut self, daemon: &Daemon) {
        self.rings(daemon);
        command(&mut self.control, "accept", "");
        self.hears_something(daemon);
    }

    /// It calls the desk and hears something.
    pub fn calls(&mut self, daemon: &Daemon) {
        command(&mut self.control, "dial", &daemon.uri());
        self.hears_something(daemon);
    }

    fn hears_something(&mut self, daemon: &Daemon) {
        self.talked += 1;
        self.phone.is_spoken_to(daemon, self.talked);
    }

    pub fn keys(&mut self, keys: &str) {
        press(&mut self.control, keys);
    }

    pub fn hangs_up(&mut self) {
        command(&mut self.control, "hangup", "");
    }
}

pub struct House {
    pub daemon: Daemon,
    /// Of the staff, in their order, as far as they have one.
    pub staff: Vec<Handset>,
    pub customer: Handset,
    people_file: PathBuf,
    /// Dropped last.
    _folder: TempDir,
}

impl House {
    /// All telephones have registered.
    pub fn new(people: &[Person], settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        let customer = Phone::start(&room(at, CUSTOMER), &[CUSTOMER], "g711", 8_000);
        let gateway = format!("\"{}\"", customer.sip);
        let [people_file, phones_file] = files(at, people);
        let mut all = vec![
            ("PEOPLE__FILE", people_file.to_str().expect("text")),
            ("PHONES__FILE", phones_file.to_str().expect("text")),
            ("CALL_BACK__GATEWAY", &gateway),
            ("CALL_BACK__HOURS", "00:00-24:00"),
            ("DISPATCH__CALLS", "on"),
            ("FOLLOW_UP__AFTER_H", "0"),
            ("FOLLOW_UP__HOURS", "00:00-24:00"),
        ];
        all.extend(settings);
        let daemon = Daemon::with(&all);
        let with_phones = people.iter().filter(|person| person.phone);
        let staff = with_phones.map(|person| registered(&daemon, at, person.extension)).collect();
        let customer = Handset::new(&daemon, customer);
        customer.phone.says_times(&read(Path::new(SPOKEN)), SAYS);
        Self { daemon, staff, customer, people_file, _folder: folder }
    }

    /// The built-in caller, at the customer's number.
    pub fn calling(&self, keys: &str, hangup_after_s: &str) -> Child {
        let args = ["--keys", keys, "--say", SPOKEN, "--from", CUSTOMER, "--hangup-after", hangup_after_s];
        self.daemon.dialling(&self.daemon.uri(), &args)
    }

    /// An urgent repair in words; gives the ticket's number.
    pub fn reports_a_burst_pipe(&self) -> String {
        // Urgent, burst pipe, building 3 room 1201, this number, and what has happened.
        let caller = self.calling("1,1,3,3*1201#,1,1,p,s,#", "32");
        let number = self.daemon.wait_for("complete ticket", || {
            let ticket = self.daemon.tickets().pop()?;
            (ticket["incomplete"] == false).then(|| ticket["number"].as_str().map(str::to_owned)).flatten()
        });
        drop(caller.wait_with_output());
        number
    }

    /// The same by somebody who came to the desk.
    pub fn opens_a_burst_pipe(&self) -> String {
        self.done(&[
            "tickets",
            "open",
            "--kind",
            "repair",
            "--channel",
            "visit",
            "--category",
            "burst_pipe",
            "--building",
            "3",
            "--room",
            "1201",
            "--callback-number",
            CUSTOMER,
            "--owner",
            "100",
            "--by",
            "王芳",
        ]);
        let ticket = self.daemon.tickets().pop().expect("it is open");
        ticket["number"].as_str().expect("a number").to_owned()
    }

    /// Leaves a message for somebody who is out as long as the caller speaks; gives the message as it is then.
    pub fn leaves_a_message_for(&self, extension: &str) -> Value {
        self.is(extension, "out");
        let caller = self.calling(&format!("4,p,{extension}#,p,1,p,s,#,p,1"), "45");
        self.daemon.wait_for("message that is being left", || self.daemon.messages().pop());
        self.is(extension, "in");
        let message = self.daemon.wait_for("message that was left", || {
            self.daemon.messages().pop().filter(|message| message["incomplete"] == false)
        });
        drop(caller.wait_with_output());
        message
    }

    /// Somebody is out, or in again.
    fn is(&self, extension: &str, presence: &str) {
        let people = self.people_file.to_str().expect("text");
        let args = ["people", "set", extension, presence];
        let output = self.daemon.cli_with(&args, &[("FRONTDESK_PEOPLE__FILE", people)]);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The newest recording, once so much of it is on disk.
    pub fn recorded(&self, at_least: Duration) -> Clip {
        self.daemon.wait_for("recording", || {
            let clip = wav::read(fs::File::open(newest(&self.daemon.data().join("recordings"))?).ok()?).ok()?;
            (u128::from(clip.duration_ms()) >= at_least.as_millis()).then_some(clip)
        })
    }

    pub fn ticket(&self, number: &str) -> Value {
        self.daemon.json(&["tickets", "show", number, "--json"])
    }

    /// The ticket, once it stands there.
    pub fn at_stage(&self, number: &str, stage: &str) -> Value {
        self.daemon.wait_for(&format!("ticket at {stage}"), || {
            Some(self.ticket(number)).filter(|ticket| ticket["stage"] == stage)
        })
    }

    pub fn advances(&self, number: &str, to: &str, more: &[&str]) {
        self.done(&[&["tickets", "advance", number, to, "--by", "李强"], more].concat());
    }

    pub fn done(&self, args: &[&str]) {
        let output = self.daemon.cli(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What the desk has called for.
    pub fn errands(&self) -> Vec<Value> {
        self.daemon.json(&["errands", "--json"]).as_array().expect("a list").clone()
    }

    /// The newest of this kind, once it is over.
    pub fn ended_errand(&self, kind: &str) -> Value {
        self.daemon.wait_for(&format!("ended call of the kind {kind}"), || {
            let newest = self.errands().into_iter().filter(|errand| errand["kind"] == kind).max_by_key(id)?;
            (newest["state"] == "ended").then_some(newest)
        })
    }

    /// Waits until the newest of this kind has this answer, whether its call is over or not.
    pub fn answered(&self, kind: &str, result: &str) {
        self.daemon.wait_for(&format!("answer {result}"), || {
            let newest = self.errands().into_iter().filter(|errand| errand["kind"] == kind).max_by_key(id)?;
            (newest["result"] == result).then_some(())
        });
    }

    pub fn open_alarms(&self) -> Vec<Value> {
        self.daemon.json(&["alarms", "--open", "--json"]).as_array().expect("a list").clone()
    }
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().expect("a number")
}

/// The words of a ticket's history, in their order.
pub fn history(ticket: &Value) -> Vec<&str> {
    let events = ticket["events"].as_array().expect("a history");
    events.iter().map(|event| event["what"].as_str().expect("a word")).collect()
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let below = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let files = below.filter_map(|path| if path.is_dir() { newest(&path) } else { Some(path) });
    files.filter(|path| path.extension().is_some_and(|ext| ext == "wav")).max()
}

fn room(at: &Path, name: &str) -> PathBuf {
    let room = at.join(name);
    fs::create_dir(&room).expect("a folder");
    room
}

/// Who there is, and their telephones' accounts.
fn files(at: &Path, people: &[Person]) -> [PathBuf; 2] {
    let person = |person: &Person| {
        let Person { extension, duty, department, phone, ring_s, .. } = person;
        // Nobody listens at port 9.
        let place = if *phone { format!("sip:p{extension}@frontdesk") } else { "sip:nobody@127.0.0.1:9".to_owned() };
        format!(
            "[[person]]\nextension = \"{extension}\"\nname = \"张伟\"\ndepartment = \"{department}\"\nduty = [{duty}]\n\
             hunt = [{{ uri = \"{place}\", ring_s = {ring_s} }}]\n\n"
        )
    };
    let account = |person: &Person| {
        let extension = person.extension;
        format!(
            "[[phone]]\nuser = \"p{extension}\"\npassword = \"{PASSWORD}\"\nmd5_only = true\nextension = \"{extension}\"\n\n"
        )
    };
    let [people_file, phones_file] = ["people.toml", "phones.toml"].map(|name| at.join(name));
    fs::write(&people_file, people.iter().map(person).collect::<String>()).expect("written");
    fs::write(&phones_file, people.iter().map(account).collect::<String>()).expect("written");
    for person in people.iter().filter(|person| person.pin) {
        give_pin(&people_file, person.extension, PIN);
    }
    [people_file, phones_file]
}

/// A telephone of the staff, once it has registered.
fn registered(daemon: &Daemon, at: &Path, extension: &str) -> Handset {
    let account = format!("<sip:p{extension}@{}>;auth_pass={PASSWORD};regint=60\n", daemon.udp);
    let phone = Phone::with_accounts(&room(at, extension), &account, "g711", 8_000);
    phone.says_times(&read(Path::new(SPOKEN)), SAYS);
    daemon.logs(&["phone registered", &format!("user=\"p{extension}\"")], 1);
    Handset::new(daemon, phone)
}
