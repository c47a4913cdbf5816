//! One caller and one flow in virtual time: all contact of the flow tests with the engine is here.
//!
//! It plays the parts of the telephone, the store and the directory, writes down what it sees, and fails at once where an
//! invariant breaks: a run that doesn't settle, a number said before it is on disk, anything said to a caller who is gone.

mod mailbox;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use frontdesk::desk::answers::Answers;
use frontdesk::desk::errand::{Errand, ErrandAbout, ErrandEnd, ErrandId, ErrandKind, ErrandTo};
use frontdesk::desk::hours::Hours;
use frontdesk::desk::message::MessageChange;
use frontdesk::desk::people::Directory;
use frontdesk::desk::request::{DeskError, DeskReply, DeskRequest, Done, RequestId};
use frontdesk::desk::residents::{Home, OpenRepair};
use frontdesk::desk::ticket::{TicketChange, TicketDraft, Urgency};
use frontdesk::flow::io::{Input, Output, Parted, PersonMatch, RecordEnd, RecordSpec, Say, SearchEnd, Token, Whom};
use frontdesk::flow::{CallerInfo, CompileContext, Flow, FlowRun};
use frontdesk::types::{CallId, Digit, Lang, MessageId, Mono, Now, Problem, RecordingId, TicketNumber};

use mailbox::Mailbox;
use work::WorkBook;

/// More outputs than this for one input, or more timeouts for one wait, is a run that doesn't settle.
const SETTLE_MAX: usize = 2_000;

/// Compiles a flow against the built-in answers; every prompt but `no-such-prompt` exists.
pub fn compile(text: &str, file: &str, languages: &[Lang]) -> Result<Flow, Vec<Problem>> {
    let answers = Answers::parse(Answers::default_text(), "built-in answers").expect("the built-in answers are good");
    let hours = "[week]\nmon = [\"08:00-18:00\"]\ntue = []\nwed = []\nthu = []\nfri = []\nsat = []\nsun = []\n\
                 [schedule.fees]\nmon = [\"10:30-12:00\"]\n\
                 [[duty]]\ngroup = \"engineer\"\npeople = [\"201\"]\ndays = [\"mon\"]\nhours = [\"20:00-10:30\", \"09:00-11:00\"]\n";
    let hours = Hours::parse(hours, "hours.toml").expect("the hours are good");
    let context = CompileContext {
        prompts: &|id| id != "no-such-prompt",
        answers: &answers,
        languages,
        hours: &hours,
        time_zone: chrono_tz::Asia::Shanghai,
    };
    Flow::compile(text, file, &context)
}

pub fn default_flow() -> Arc<Flow> {
    static FLOW: OnceLock<Arc<Flow>> = OnceLock::new();
    let compiled = || {
        let flow = compile(Flow::default_text(), "built-in flow", &[Lang::new("zh"), Lang::new("en")]);
        Arc::new(flow.unwrap_or_else(|problems| panic!("{problems:#?}")))
    };
    Arc::clone(FLOW.get_or_init(compiled))
}

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desk {
    Writes,
    /// The next so many requests fail.
    Fails(usize),
    /// Never replies.
    Silent,
}

/// What people do when they are rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    Absent,
    Silent,
    Take,
    Decline,
    WantMessage,
}

pub struct FlowTest {
    run: FlowRun,
    now: Now,
    zero: Mono,
    /// What was seen since it was last taken.
    log: String,
    pub steps: Vec<(String, Option<String>)>,
    pub desk: Desk,
    playing: Option<(Token, Mono)>,
    /// What people do who are rung.
    pub people: People,
    searching: Option<RequestId>,
    recording: Option<Token>,
    recordings: u32,
    wake: Option<Mono>,
    /// What was said or done, and is not yet told to the flow.
    due: VecDeque<Input>,
    /// Tickets and messages, each with the mark that is on disk.
    pub tickets: BTreeMap<String, Option<bool>>,
    pub messages: BTreeMap<i64, Option<bool>>,
    /// Tickets and messages whose last change the store refused: only these may end without a mark.
    unkept: BTreeSet<String>,
    hung_up: bool,
    pub finished: bool,
    directory: Directory,
    pub mailbox: Mailbox,
    /// Places of the caller's number.
    pub homes: Vec<Home>,
    /// What is open there already.
    pub open_repair: Option<OpenRepair>,
    work: WorkBook,
}

impl FlowTest {
    pub fn new(flow: Arc<Flow>, number: Option<&str>, languages: &[&str]) -> Self {
        Self::called("desk", flow, number, languages, false)
    }

    /// Somebody whom the desk calls.
    pub fn on_errand(kind: &str, flow: Arc<Flow>, number: Option<&str>, languages: &[&str]) -> Self {
        let mut test = Self::called("", flow.clone(), number, languages, false);
        let of_message = kind == "message_notice";
        let kind = if of_message { ErrandKind::Notice } else { kind.parse().expect("a kind of errand") };
        let ticket = "20261122-0003";
        let about = ErrandAbout {
            urgency: Some(Urgency::Urgent),
            category: Some("blocked_drain".to_owned()),
            building: Some("3".to_owned()),
            room: Some("1201".to_owned()),
            recording: Some(RecordingId("said.wav".to_owned())),
            from_number: (kind != ErrandKind::Relay).then(|| "13900139000".to_owned()),
            left_at: Some(test.now.wall - Duration::from_secs(600)),
            for_person: (kind == ErrandKind::Relay).then(|| "302".to_owned()),
            ..ErrandAbout::default()
        };
        let errand = Errand {
            id: ErrandId(1),
            kind,
            to: ErrandTo::Person { extension: "201".to_owned() },
            ticket: (!of_message).then(|| TicketNumber(ticket.to_owned())),
            message: of_message.then_some(MessageId(5)),
            note: Some(if of_message { "message_arrived" } else { "overdue on_site" }.to_owned()),
            due: test.now.wall,
            overtaken: false,
            about,
        };
        let caller = CallerInfo {
            call: CallId(42),
            callee: String::new(),
            number: number.map(str::to_owned),
            name: None,
            languages: languages.iter().map(|l| Lang::new(l)).collect(),
            record: RecordSpec::default(),
            recording_notice: false,
        };
        test.run = FlowRun::on_errand(flow, caller, &errand).expect("the flow has a beginning for it");
        test.tickets.insert(ticket.to_owned(), Some(true));
        test
    }

    /// A caller of this user part or number.
    pub fn called(callee: &str, flow: Arc<Flow>, number: Option<&str>, languages: &[&str], notice: bool) -> Self {
        // A Monday, 10:00 in Shanghai.
        let wall: DateTime<Utc> = "2026-11-23T02:00:00Z".parse().expect("it is a time");
        let now = Now { mono: Mono::from_millis(1_000_000), wall };
        let caller = CallerInfo {
            call: CallId(42),
            callee: callee.to_owned(),
            number: number.map(str::to_owned),
            name: None,
            languages: languages.iter().map(|l| Lang::new(l)).collect(),
            record: RecordSpec::default(),
            recording_notice: notice,
        };
        Self {
            run: FlowRun::new(flow, caller),
            now,
            zero: now.mono,
            log: String::new(),
            steps: Vec::new(),
            desk: Desk::Writes,
            playing: None,
            people: People::Absent,
            searching: None,
            recording: None,
            recordings: 0,
            wake: None,
            due: VecDeque::new(),
            tickets: BTreeMap::new(),
            messages: BTreeMap::new(),
            unkept: BTreeSet::new(),
            hung_up: false,
            finished: false,
            mailbox: Mailbox::default(),
            homes: Vec::new(),
            open_repair: None,
            work: WorkBook::default(),
            directory: Directory::parse(Directory::default_text(), "built-in people").expect("they are good"),
        }
    }

    /// Adds so many people called Wang Xin to the directory.
    pub fn add_people(&mut self, count: usize) {
        let person =
            |n| format!("\n[[person]]\nextension = \"{}\"\nname = \"王新\"\ndepartment = \"保洁部\"\n", 500 + n);
        let text = (0..count).map(person).fold(Directory::default_text().to_owned(), |text, person| text + &person);
        self.directory = Directory::parse(&text, "people").expect("they are good");
    }

    pub fn start(&mut self) {
        self.input(Input::Start);
    }

    pub fn key(&mut self, key: char) {
        let digit = Digit::from_char(key).unwrap_or_else(|| panic!("`{key}` is no key"));
        self.input(Input::Digit(digit));
    }

    /// Lets time pass; prompts end and timeouts come when they are due.
    pub fn wait(&mut self, duration: Duration) {
        let target = self.now.mono + duration;
        for _ in 0..SETTLE_MAX {
            let play_end = self.playing.map(|(_, end)| end);
            let Some(next) = [play_end, self.wake].into_iter().flatten().min().filter(|at| *at <= target) else {
                self.go_to(target);
                return;
            };
            self.go_to(next.max(self.now.mono));
            match self.playing.filter(|(_, end)| *end <= self.now.mono) {
                Some((token, _)) => {
                    self.playing = None;
                    self.input(Input::PlayDone(token));
                }
                None => self.input(Input::Timeout),
            }
        }
        panic!("the run does not settle at {}\n{}", self.run.node(), self.log);
    }

    /// Until nothing plays any more.
    pub fn heard(&mut self) {
        for _ in 0..100 {
            let Some((_, end)) = self.playing else { return };
            self.wait(end.since(self.now.mono));
        }
        panic!("it plays for ever");
    }

    /// Speaks after the tone, which comes within 30 s.
    pub fn record(&mut self, duration: Duration, end: RecordEnd) {
        for _ in 0..300 {
            if self.recording.is_some() {
                break;
            }
            self.wait(Duration::from_millis(100));
        }
        assert!(self.recording.is_some(), "nothing is recorded at {}\n{}", self.run.node(), self.log);
        let now = self.now.mono + duration;
        self.go_to(now);
        self.end_recording(duration, end);
    }

    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    fn end_recording(&mut self, duration: Duration, end: RecordEnd) {
        let token = self.recording.take().expect("it is recording");
        self.recordings += 1;
        let recording = RecordingId(format!("rec-{}.wav", self.recordings));
        let duration_ms = u64::try_from(duration.as_millis()).expect("it is short");
        if end == RecordEnd::HangUp {
            self.hung_up = true;
            self.playing = None;
            self.input(Input::HungUp);
        }
        self.input(Input::RecordDone { token, recording, duration_ms, end });
    }

    pub fn hang_up(&mut self) {
        if self.recording.is_some() {
            self.end_recording(Duration::from_millis(500), RecordEnd::HangUp);
        } else {
            self.hung_up = true;
            self.playing = None;
            self.input(Input::HungUp);
        }
    }

    pub fn input(&mut self, input: Input) {
        self.due.push_back(input);
        self.settle();
    }

    pub fn settle(&mut self) {
        for _ in 0..SETTLE_MAX {
            let Some(input) = self.due.pop_front() else { return };
            self.run.handle_input(self.now, input);
            self.drain();
        }
        panic!("the run does not settle at {}\n{}", self.run.node(), self.log);
    }

    /// The talk ends.
    pub fn part(&mut self, how: Parted) {
        let id = self.searching.take().expect("somebody talks");
        self.input(Input::Parted { id, how });
    }

    /// The caller's place in the queue is told.
    pub fn queue(&mut self, position: u32, wait_s: u32) {
        let id = self.searching.expect("a search goes on");
        self.input(Input::Queue { id, position, wait_s, may_call_back: true });
    }

    /// Those who are rung do what they do, if they do anything yet.
    pub fn people_do(&mut self) {
        let Some(id) = self.searching else { return };
        let ended = |end| Input::SearchEnded { id, end };
        let input = match self.people {
            People::Silent => return,
            People::Take => Input::Met { id },
            People::Decline => ended(SearchEnd::Declined),
            People::WantMessage => ended(SearchEnd::MessageWanted),
            People::Absent => ended(SearchEnd::Absent),
        };
        if !matches!(input, Input::Met { .. }) {
            self.searching = None;
        }
        self.due.push_back(input);
    }

    pub fn take_log(&mut self) -> String {
        std::mem::take(&mut self.log)
    }

    /// What must hold when it is over.
    pub fn assert_over(&self) {
        assert!(self.finished, "the flow has not ended at {}", self.run.node());
        if self.desk == Desk::Silent {
            return;
        }
        for (number, mark) in &self.tickets {
            assert!(mark.is_some() || self.unkept.contains(number), "ticket {number} was left without a mark");
        }
        for (id, mark) in &self.messages {
            let unkept = self.unkept.contains(&id.to_string());
            assert!(mark.is_some() || unkept, "message {id} was left without a mark");
        }
    }

    fn go_to(&mut self, at: Mono) {
        self.now = self.now.after(at.since(self.now.mono));
    }

    fn drain(&mut self) {
        for _ in 0..SETTLE_MAX {
            match self.run.poll_output() {
                Output::Wait(wake) => {
                    assert!(self.finished || wake.is_none_or(|at| at > self.now.mono), "it waits for what has been");
                    self.wake = wake;
                    return;
                }
                output => self.see(output),
            }
        }
        panic!("the run does not settle at {}\n{}", self.run.node(), self.log);
    }

    fn see(&mut self, output: Output) {
        assert!(!self.finished, "after the end: {output:?}");
        match output {
            Output::Play { token, say, lang } => {
                assert!(!self.hung_up, "said to a caller who is gone: {say:?}");
                self.assert_committed(&say);
                let text: Vec<String> = say.iter().map(shown).collect();
                self.note(format!("play [{lang}] {}", text.join(", ")));
                let ms: u64 = say.iter().map(duration_ms).sum();
                self.playing = Some((token, self.now.mono + Duration::from_millis(ms)));
                if let Some(lost) = self.mailbox.unreadable_of(&say) {
                    self.due.push_back(Input::Unreadable(lost));
                    self.due.push_back(Input::PlayDone(token));
                    self.playing = None;
                }
            }
            Output::PlayLoop { say, lang } => {
                assert!(!self.hung_up, "played to a caller who is gone: {say:?}");
                let text: Vec<String> = say.iter().map(shown).collect();
                self.note(format!("loop [{lang}] {}", text.join(", ")));
                self.playing = None;
            }
            Output::Search { id, whom, whisper, .. } => {
                let rings_on = whom == Whom::DutyOfficers;
                assert!(!self.hung_up || rings_on, "people are rung for a caller who is gone");
                let whisper: Vec<String> = whisper.iter().map(shown).collect();
                self.note(format!("ring {whom:?} whisper {}", whisper.join(", ")));
                self.searching = Some(id);
                self.people_do();
            }
            Output::StopSearch { id, keeps_place } => {
                assert_eq!(self.searching.take(), Some(id), "another search is stopped");
                self.note(if keeps_place { "stop ringing, keep the place" } else { "stop ringing" });
            }
            Output::LeaveQueue => self.note("leave the queue"),
            Output::RingOn { id, brief } => {
                // Those who are absent have said so already.
                assert!(self.searching.take().is_none_or(|rung| rung == id), "another search goes on");
                let brief: Vec<String> = brief.iter().map(shown).collect();
                self.note(format!("ring on, brief {}", brief.join(", ")));
            }
            Output::CallBack { strategy, whisper, brief } => {
                let parts = [whisper, brief].map(|say| say.iter().map(shown).collect::<Vec<_>>().join(", "));
                self.note(format!("call back by {strategy:?} whisper {}; brief {}", parts[0], parts[1]));
            }
            Output::StopPlay => {
                self.playing = None;
                self.note("stop playing");
            }
            Output::Record { token, spec } => {
                assert!(!self.hung_up, "asked to record a caller who is gone");
                assert!(self.playing.is_none(), "records while it plays");
                let RecordSpec { max_ms, silence_ms, min_ms, warn_ms, stop_keys } = spec;
                let stop: String = stop_keys.iter().map(|k| k.as_char()).collect();
                self.note(format!("record max {max_ms} silence {silence_ms} min {min_ms} warn {warn_ms} stop {stop}"));
                self.recording = Some(token);
            }
            Output::StopRecord => self.note("stop recording"),
            Output::Find { id, digits } => {
                self.note(format!("find {digits}"));
                let matches = self.directory.find(&digits).into_iter().map(PersonMatch::from);
                self.due.push_back(Input::Found { id, matches: matches.collect() });
            }
            Output::CheckPin { id, extension, pin } => {
                self.note(format!("check the PIN of {extension}"));
                self.due.push_back(Input::PinChecked { id, right: self.mailbox.opens(&extension, &pin.0) });
            }
            Output::Desk(request) => self.serve(request),
            Output::Errand { id, result } => {
                let at = DateTime::UNIX_EPOCH;
                let end = ErrandEnd { errand: ErrandId(1), at, result, why: None, comment: None };
                self.serve(DeskRequest::KeepErrand { id, end, over: true });
            }
            Output::Comment(recording) => self.note(format!("comment {}", recording.0)),
            Output::Step { node, input } => {
                let keys = input.as_ref().map(|i| format!(" keyed {i}")).unwrap_or_default();
                self.note(format!("at {node}{keys}"));
                self.steps.push((node, input));
            }
            Output::Finished(finish) => {
                self.finished = true;
                self.note(format!("finished {finish:?}"));
            }
            Output::Wait(_) => unreachable!("the caller of `see` takes it"),
        }
    }

    fn assert_committed(&self, say: &[Say]) {
        for digits in say.iter().filter_map(|s| if let Say::Digits(d) = s { Some(d) } else { None }) {
            if let Some(mark) = self.tickets.get(digits) {
                assert_eq!(*mark, Some(true), "R9: {digits} is said before it is on disk");
            }
            let known = self.tickets.contains_key(digits) || digits == work::NUMBER;
            assert!(!digits.contains('-') || known, "{digits} is nobody's number");
        }
    }

    /// `3*1201`: a place of the caller's number, with a ticket open for it.
    pub fn add_home(&mut self, place: &str) {
        let (building, room) = place.split_once('*').expect("building * room");
        let resident = self.homes.is_empty().then(|| "李四".to_owned());
        self.homes.push(Home { building: building.to_owned(), room: room.to_owned(), resident, open: 1 });
    }

    /// A burst pipe that is open there already, at that stage.
    pub fn add_open_repair(&mut self, stage: &str) {
        let number = TicketNumber("20261122-0009".to_owned());
        self.open_repair =
            Some(OpenRepair { number, stage: stage.to_owned(), category: Some("burst_pipe".to_owned()) });
    }

    /// What is known of the caller: asked for nothing and told by nobody where there is nothing.
    fn look_up(&mut self, request: &DeskRequest) -> bool {
        let (id, found, done) = match request {
            DeskRequest::FindHomes { id, number } => {
                let homes = self.homes.clone();
                (
                    *id,
                    (!homes.is_empty()).then(|| format!("find homes of {number} -> {}", homes.len())),
                    Done::Homes(homes),
                )
            }
            DeskRequest::FindOpenRepair { id, building, room, category } => {
                let told = self.open_repair.as_ref().map(|open| match open.category == *category {
                    true => format!("find open repair at {building} {room} -> {}", open.number),
                    false => format!("find open repair at {building} {room} -> another than {category:?}"),
                });
                let open = self.open_repair.clone().filter(|open| open.category == *category);
                (*id, told, Done::OpenRepair(open))
            }
            _ => return false,
        };
        if let Some(told) = found {
            self.note(told);
        }
        if self.desk != Desk::Silent {
            self.due.push_back(Input::Desk(DeskReply { call: CallId(42), id, result: Ok(done) }));
        }
        true
    }

    fn serve(&mut self, request: DeskRequest) {
        if self.look_up(&request) {
            return;
        }
        let fails = match self.desk {
            Desk::Silent => {
                self.note(format!("{} (no reply)", request_shown(&request)));
                return;
            }
            Desk::Fails(0) | Desk::Writes => false,
            Desk::Fails(n) => {
                self.desk = if n == 1 { Desk::Writes } else { Desk::Fails(n - 1) };
                true
            }
        };
        let text = request_shown(&request);
        let changed = match &request {
            DeskRequest::ChangeTicket { number, .. } => Some(number.0.clone()),
            DeskRequest::ChangeMessage { message, .. } => Some(message.0.to_string()),
            DeskRequest::OpenTicket { .. }
            | DeskRequest::OpenMessage { .. }
            | DeskRequest::ListMessages { .. }
            | DeskRequest::CountMessages { .. }
            | DeskRequest::FindHomes { .. }
            | DeskRequest::FindOpenRepair { .. }
            | DeskRequest::PutAlarm { .. }
            | DeskRequest::PutTrunk { .. }
            | DeskRequest::PutJournal { .. }
            | DeskRequest::PutLadder(_)
            | DeskRequest::PutBan(_)
            | DeskRequest::PutCallBack { .. }
            | DeskRequest::BeginErrand { .. }
            | DeskRequest::KeepErrand { .. }
            | DeskRequest::FindWork { .. }
            | DeskRequest::ReportWork { .. }
            | DeskRequest::PutCall(_) => None,
        };
        if let Some(changed) = changed {
            if fails {
                self.unkept.insert(changed)
            } else {
                self.unkept.remove(&changed)
            };
        }
        let (id, result) = if fails {
            (request.id().expect("it is replied to"), Err(DeskError::NotWritten("disk full".to_owned())))
        } else {
            self.carry_out(request)
        };
        let told = match &result {
            Ok(Done::TicketOpened(number)) => format!("{text} -> {number}"),
            Ok(Done::MessageOpened(MessageId(id))) => format!("{text} -> message {id}"),
            Ok(Done::Messages { list, .. }) => format!("{text} -> {}", list.len()),
            Ok(Done::Work(Some(work))) => format!("{text} -> {}{}", work.stage, if work.moved { " now" } else { "" }),
            Ok(Done::Work(None)) => format!("{text} -> none"),
            Ok(Done::Changed | Done::MessageChanged(_) | Done::Waiting(_) | Done::Homes(_) | Done::OpenRepair(_)) => {
                text
            }
            Err(_) => format!("{text} -> fails"),
        };
        self.note(told);
        self.due.push_back(Input::Desk(DeskReply { call: CallId(42), id, result }));
    }

    fn carry_out(&mut self, request: DeskRequest) -> (RequestId, Result<Done, DeskError>) {
        match request {
            DeskRequest::OpenTicket { id, .. } => {
                let number = format!("20261123-{:04}", self.tickets.len() + 1);
                self.tickets.insert(number.clone(), None);
                (id, Ok(Done::TicketOpened(TicketNumber(number))))
            }
            DeskRequest::ChangeTicket { id, number, change } => {
                let mark = self.tickets.get_mut(&number.0).expect("only an open ticket is changed");
                *mark = change.complete.or(*mark);
                (id, Ok(Done::Changed))
            }
            DeskRequest::OpenMessage { id, .. } => {
                let message = i64::try_from(self.messages.len()).expect("they are few") + 1;
                self.messages.insert(message, None);
                (id, Ok(Done::MessageOpened(MessageId(message))))
            }
            DeskRequest::ChangeMessage { id, message, change } => {
                if !self.mailbox.change(message, &change) {
                    let mark = self.messages.get_mut(&message.0).expect("only an open message is changed");
                    *mark = change.complete.or(*mark);
                }
                (id, Ok(Done::MessageChanged(Vec::new())))
            }
            DeskRequest::KeepErrand { id, .. } => (id, Ok(Done::Changed)),
            DeskRequest::FindWork { id, digits } => (id, Ok(Done::Work(self.work.find(&digits).map(Box::new)))),
            DeskRequest::ReportWork { id, word, .. } => (id, Ok(Done::Work(Some(Box::new(self.work.report(word)))))),
            DeskRequest::ListMessages { id, for_person } => (id, Ok(self.mailbox.list(&for_person))),
            DeskRequest::CountMessages { .. }
            | DeskRequest::FindHomes { .. }
            | DeskRequest::FindOpenRepair { .. }
            | DeskRequest::PutCall(_)
            | DeskRequest::PutAlarm { .. }
            | DeskRequest::PutTrunk { .. }
            | DeskRequest::PutJournal { .. }
            | DeskRequest::PutLadder(_)
            | DeskRequest::PutBan(_)
            | DeskRequest::BeginErrand { .. }
            | DeskRequest::PutCallBack { .. } => {
                panic!("a flow does not ask for that")
            }
        }
    }

    fn note(&mut self, text: impl AsRef<str>) {
        let ms = self.now.mono.ms_since(self.zero);
        let (minutes, seconds, ms) = (ms / 60_000, ms / 1000 % 60, ms % 1000);
        writeln!(self.log, "{minutes:02}:{seconds:02}.{ms:03} {}", text.as_ref()).expect("a string takes all");
    }
}

/// Every text lasts two seconds, a digit 400 ms.
fn duration_ms(say: &Say) -> u64 {
    match say {
        Say::Prompt(_) | Say::IfKnown(_) | Say::Recording(_) => 2_000,
        Say::Digits(text) | Say::Extension(text) => 400 * text.len() as u64,
        Say::Number(_) => 400,
        Say::Date(_) | Say::Time(_) => 1_000,
        Say::Beep => 200,
        Say::Silence { ms } => u64::from(*ms),
    }
}

fn shown(say: &Say) -> String {
    match say {
        Say::Prompt(id) => id.clone(),
        Say::IfKnown(id) => format!("{id} if known"),
        Say::Digits(text) => format!("digits {text}"),
        Say::Number(n) => format!("number {n}"),
        Say::Date(date) => format!("date {date}"),
        Say::Time(time) => format!("time {}", time.format("%H:%M")),
        Say::Extension(text) => format!("extension {text}"),
        Say::Recording(id) => format!("recording {}", id.0),
        Say::Beep => "beep".to_owned(),
        Say::Silence { ms } => format!("silence {ms}"),
    }
}

fn request_shown(request: &DeskRequest) -> String {
    match request {
        DeskRequest::OpenTicket { draft, .. } => {
            let TicketDraft { kind, class, urgency, category, caller, call: _, language: _ } = draft;
            let urgency = urgency.map(|u| format!(" {u:?}")).unwrap_or_default();
            let category = category.as_ref().map(|c| format!(" {c}")).unwrap_or_default();
            let caller = caller.as_deref().unwrap_or("withheld");
            format!("open ticket {kind:?} {class:?}{urgency}{category} caller {caller}")
        }
        DeskRequest::ChangeTicket { number, change, .. } => format!("change {number}{}", ticket_change(change)),
        DeskRequest::OpenMessage { draft, .. } => {
            let person = draft.for_person.as_deref().unwrap_or("the desk");
            format!("open message for {person} from {}", draft.from_number.as_deref().unwrap_or("withheld"))
        }
        DeskRequest::ChangeMessage { message, change, .. } => {
            let MessageChange {
                recording,
                duration_ms,
                from_number,
                complete,
                relay,
                attempts,
                deleted_by,
                for_person,
            } = change;
            let mut text = format!("change message {}", message.0);
            let recording = recording.as_ref().map(|r| r.0.clone());
            let parts = [
                ("recording", recording),
                ("duration_ms", duration_ms.map(|d| d.to_string())),
                ("from_number", from_number.clone()),
                ("complete", complete.map(|c| c.to_string())),
                ("relay", relay.map(|r| r.to_string())),
                ("deleted_by", deleted_by.clone()),
                ("for_person", for_person.clone()),
            ];
            text.push_str(&fields(parts));
            for attempt in attempts {
                write!(text, " ({}: {})", attempt.channel, attempt.result).expect("a string takes all");
            }
            text
        }
        DeskRequest::KeepErrand { end, .. } => format!("keep {}", end.result),
        DeskRequest::FindWork { digits, .. } => format!("find ticket {digits}"),
        DeskRequest::ReportWork { number, extension, word, .. } => format!("report {number} {word} by {extension}"),
        DeskRequest::ListMessages { for_person, .. } => format!("list messages of {for_person}"),
        DeskRequest::CountMessages { for_person, .. } => format!("count messages of {for_person}"),
        DeskRequest::PutCall(_)
        | DeskRequest::FindHomes { .. }
        | DeskRequest::FindOpenRepair { .. }
        | DeskRequest::PutAlarm { .. }
        | DeskRequest::PutTrunk { .. }
        | DeskRequest::PutJournal { .. }
        | DeskRequest::PutLadder(_)
        | DeskRequest::PutBan(_)
        | DeskRequest::BeginErrand { .. }
        | DeskRequest::PutCallBack { .. } => {
            panic!("a flow knows nothing of rows and alarms")
        }
    }
}

fn ticket_change(change: &TicketChange) -> String {
    fields([
        ("class", change.class.map(|c| format!("{c:?}"))),
        ("urgency", change.urgency.map(|u| format!("{u:?}"))),
        ("category", change.category.clone()),
        ("building", change.building.clone()),
        ("room", change.room.clone()),
        ("callback", change.callback_number.clone()),
        ("recording", change.recording.as_ref().map(|r| r.0.clone())),
        ("resident", change.resident.clone()),
        ("same_as", change.same_as.as_ref().map(|n| n.0.clone())),
        ("note", change.note.clone()),
        ("complete", change.complete.map(|c| c.to_string())),
    ])
}

fn fields<const N: usize>(parts: [(&str, Option<String>); N]) -> String {
    parts.into_iter().filter_map(|(name, value)| value.map(|v| format!(" {name}={v}"))).collect()
}
