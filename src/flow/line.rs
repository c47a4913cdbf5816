//! The line to one caller: what a step can ask of it, and the state behind.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use super::compile::Flow;
use super::definition::{Phrases, Word, placeholder};
use super::house::Question;
use super::io::{Input, Output, PersonMatch, RecordEnd, Say, Token};
use super::papers::Papers;
use super::reach::{Place, Search, minutes};
use super::run::CallerInfo;
use crate::desk::errand::ErrandAbout;
use crate::desk::request::{DeskError, Done, RequestId};
use crate::desk::residents::{Home, OpenRepair};
use crate::types::{Digit, Lang, Mono, Now, RecordingId, TicketNumber};

/// Keys typed ahead beyond this are dropped.
pub const KEYS_MAX: usize = 32;
/// `Output::Step`s beyond this are left out, so that no caller can grow the call's row without end.
pub const STEPS_MAX: u32 = 1_000;
/// A play that has not ended by then counts as ended.
pub const PLAY_MAX: Duration = Duration::from_secs(600);
/// A recording that has not ended so long after its limit, or after the hang-up, counts as failed.
pub const RECORD_GRACE: Duration = Duration::from_secs(5);
/// A lookup that has not been answered by then counts as failed.
pub const FIND_MAX: Duration = Duration::from_secs(3);
/// The key that ended a recording may be reported as a key too, within this time.
const ECHO_MAX: Duration = Duration::from_millis(100);

/// The caller hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// How a step ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// On to this node.
    To(String),
    /// Back one level: `#` alone.
    Back,
    /// The call is over.
    End,
}

impl Exit {
    pub fn to(word: &Word) -> Exit {
        Exit::To(word.get_ref().clone())
    }
}

/// A recording as `RecordDone` told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub recording: RecordingId,
    pub duration_ms: u64,
    pub end: RecordEnd,
}

/// What was learnt in this call, beside tickets and messages.
#[derive(Debug, Default)]
pub struct Facts {
    /// Set by the menu key that led here.
    pub category: Option<String>,
    /// What the ticket that is being written is about.
    pub reported: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    pub callback: Option<String>,
    pub person: Option<PersonMatch>,
    /// The places of the caller's number.
    pub homes: Vec<Home>,
    /// The repair that is open there already.
    pub open_repair: Option<OpenRepair>,
}

/// A ticket or message that is on disk, of which the line speaks: the desk's own call is about it, or a report of the staff.
#[derive(Debug, Default)]
pub struct Subject {
    pub ticket: Option<TicketNumber>,
    /// What is to be told of it, and the name of a clock.
    pub note: Option<String>,
    pub about: ErrandAbout,
}

#[derive(Debug)]
pub struct State {
    pub now: Now,
    pub caller: CallerInfo,
    pub lang: Lang,
    pub facts: Facts,
    pub papers: Papers,
    pub keys: VecDeque<Digit>,
    /// Keys pressed so far.
    pub pressed: u64,
    pub started: bool,
    /// The caller got what they came for without leaving anything: an answer was begun.
    pub served: bool,
    /// The node has asked for keys, so that `#` can come back to it.
    pub asked: bool,
    pub hung_up_at: Option<Mono>,
    /// They were told that what they say is recorded, or need not be.
    pub noticed: bool,
    pub playing: Option<Token>,
    pub recording: Option<Token>,
    pub recorded: Option<Recorded>,
    pub search: Search,
    pub queue: Option<Place>,
    /// What the caller said has happened, while people were rung.
    pub report: Option<RecordingId>,
    /// What the caller said of themselves, for those who are rung.
    pub said_name: Option<RecordingId>,
    pub talked: bool,
    pub finding: Option<RequestId>,
    pub found: Option<Vec<PersonMatch>>,
    pub pin: Question<Option<bool>>,
    pub asked_desk: Question<Result<Done, DeskError>>,
    /// Where the caller lives.
    pub asked_homes: Question<()>,
    /// A recording of the last play that could not be read.
    pub unreadable: Option<RecordingId>,
    /// What the desk calls for, or what is reported on.
    pub subject: Option<Subject>,
    pub node: String,
    pub out: VecDeque<Output>,
    pub wake: Option<Mono>,
    echo: Option<(Digit, Mono)>,
    tokens: u32,
    steps: u32,
}

impl State {
    pub fn new(now: Now, caller: CallerInfo, node: String) -> Self {
        let notice = caller.recording_notice;
        let lang = caller.languages.first().cloned().unwrap_or_else(|| Lang::new("zh"));
        Self {
            now,
            papers: Papers::default(),
            caller,
            lang,
            facts: Facts::default(),
            keys: VecDeque::new(),
            pressed: 0,
            started: false,
            served: false,
            asked: false,
            hung_up_at: None,
            noticed: !notice,
            playing: None,
            recording: None,
            recorded: None,
            search: Search::None,
            queue: None,
            report: None,
            said_name: None,
            talked: false,
            finding: None,
            found: None,
            pin: Question::default(),
            asked_desk: Question::default(),
            asked_homes: Question::default(),
            unreadable: None,
            subject: None,
            node,
            out: VecDeque::new(),
            wake: None,
            echo: None,
            tokens: 0,
            steps: 0,
        }
    }

    /// Takes in what has happened; the step sees it when it is polled next.
    pub fn take_in(&mut self, now: Now, input: Input) {
        self.now = now;
        match input {
            Input::Start => self.started = true,
            Input::Digit(digit) => self.key_pressed(digit),
            Input::PlayDone(token) => {
                if self.playing == Some(token) {
                    self.playing = None;
                }
            }
            Input::RecordDone { token, recording, duration_ms, end } => {
                if self.recording == Some(token) {
                    self.recording = None;
                    self.recorded = Some(Recorded { recording, duration_ms, end });
                    if let RecordEnd::Key(digit) = end {
                        self.pressed += 1;
                        self.echo = Some((digit, now.mono));
                    }
                }
            }
            Input::Found { id, matches } => {
                if self.finding == Some(id) {
                    self.finding = None;
                    self.found = Some(matches);
                }
            }
            Input::Met { id } => {
                if self.search.met(id) {
                    self.talked = true;
                    self.stop_play();
                }
            }
            Input::SearchEnded { id, end } => self.search.ended(id, end),
            Input::Parted { id, how } => self.search.parted(id, how),
            Input::Queue { id, position, wait_s, may_call_back } => {
                if self.search == Search::Rings(id) {
                    self.queue = Some(Place { position, wait_s, may_call_back });
                }
            }
            Input::PinChecked { id, right } => self.pin.answer(id, right),
            Input::Unreadable(recording) => self.unreadable = Some(recording),
            Input::Desk(reply) if self.asked_homes.is(reply.id) => {
                self.asked_homes.answer(reply.id, ());
                if let Ok(Done::Homes(homes)) = reply.result {
                    self.facts.homes = homes;
                }
            }
            Input::Desk(reply) if self.asked_desk.is(reply.id) => self.asked_desk.answer(reply.id, reply.result),
            Input::Desk(reply) => self.papers.reply(reply, &mut self.out),
            Input::Timeout => {}
            Input::HungUp => {
                self.hung_up_at.get_or_insert(now.mono);
                self.playing = None;
            }
        }
    }

    /// A key while recording is the recording's: it stops it, or it is talk.
    fn key_pressed(&mut self, digit: Digit) {
        let echo = self.echo.take().is_some_and(|(d, at)| d == digit && self.now.mono.since(at) < ECHO_MAX);
        if self.recording.is_some() || echo || self.search.talks() {
            return;
        }
        self.pressed += 1;
        if self.keys.len() < KEYS_MAX {
            self.keys.push_back(digit);
        }
    }

    pub fn next_token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    pub fn play(&mut self, lang: Lang, say: Vec<Say>) {
        let token = self.next_token();
        self.playing = Some(token);
        self.out.push_back(Output::Play { token, say, lang });
    }

    pub fn stop_play(&mut self) {
        if self.playing.take().is_some() {
            self.out.push_back(Output::StopPlay);
        }
    }

    /// Notes where the call is, and what was keyed there.
    pub fn step(&mut self, input: Option<String>) {
        if self.steps < STEPS_MAX {
            self.steps += 1;
            self.out.push_back(Output::Step { node: self.node.clone(), input });
        }
    }

    /// The ticket whose number may be said: on disk, complete (R9); or that of the desk's own call.
    fn number_to_say(&self) -> Option<&TicketNumber> {
        let of_subject = || self.subject.as_ref().and_then(|subject| subject.ticket.as_ref());
        self.papers.number_to_say().or_else(of_subject)
    }

    /// What a word of a saying stands for; nothing when that isn't known.
    fn sound(&self, word: &str, flow: &Flow) -> Vec<Say> {
        let phrases = flow.phrases();
        let digits = |text: Option<&String>| text.cloned().map(Say::Digits).into_iter().collect();
        match placeholder(word) {
            None => vec![Say::Prompt(word.to_owned())],
            Some("ticket") => digits(self.number_to_say().map(|n| &n.0)),
            Some("callback") => digits(self.facts.callback.as_ref()),
            Some("caller") => digits(self.caller.number.as_ref()),
            Some("building") => digits(self.facts.building.as_ref()),
            Some("room") => digits(self.facts.room.as_ref()),
            Some("caller_name") => match (&self.said_name, &self.caller.number) {
                (Some(name), _) => vec![Say::Recording(name.clone())],
                (None, number) => digits(number.as_ref()),
            },
            Some("report") => self.report.clone().map(Say::Recording).into_iter().collect(),
            Some("position") => self.queue.map(|place| Say::Number(place.position.into())).into_iter().collect(),
            Some("minutes") => self.queue.map(|place| Say::Number(minutes(place.wait_s))).into_iter().collect(),
            Some("person") => self.facts.person.as_ref().map(|p| name_of(p, phrases)).unwrap_or_default(),
            Some("home") => self.sound_of_home(phrases),
            Some("repeat") => self.facts.open_repair.iter().map(|open| if_known("repeat", &open.stage)).collect(),
            Some(word) if self.subject.is_some() => self.sound_of_subject(word, flow),
            // The check refuses any other name in braces.
            Some(_) => Vec::new(),
        }
    }
}

impl State {
    /// Where the caller lives, when that is certain, and how many tickets are open for it.
    fn sound_of_home(&self, phrases: &Phrases) -> Vec<Say> {
        let [home] = self.facts.homes.as_slice() else { return Vec::new() };
        let prompt = |word: &Word| Say::Prompt(word.get_ref().clone());
        let mut say = vec![prompt(&phrases.building), Say::Digits(home.building.clone())];
        say.extend([prompt(&phrases.room), Say::Digits(home.room.clone())]);
        if home.open > 0 {
            say.extend([prompt(&phrases.open_tickets), Say::Number(home.open.into())]);
        }
        say
    }

    /// The same for what is known of the desk's own call, or of the ticket that is reported on.
    fn sound_of_subject(&self, word: &str, flow: &Flow) -> Vec<Say> {
        let phrases = flow.phrases();
        let prompt = |word: &Word| Say::Prompt(word.get_ref().clone());
        let Some(subject) = &self.subject else { return Vec::new() };
        let about = &subject.about;
        match word {
            "urgency" => about.urgency.map(|urgency| if_known("urgency", urgency.as_str())).into_iter().collect(),
            "category" => about.category.as_ref().map(|category| if_known("category", category)).into_iter().collect(),
            "note" => subject.note.iter().flat_map(|note| note.split(' ')).map(|word| if_known("note", word)).collect(),
            "for_person" => about.for_person.as_ref().map_or_else(Vec::new, |extension| {
                vec![prompt(&phrases.for_person), Say::Extension(extension.clone())]
            }),
            "said" => about.recording.clone().map(Say::Recording).into_iter().collect(),
            "place" => {
                let of = |phrase: &Word, number: &Option<String>| {
                    number.clone().map(|number| [prompt(phrase), Say::Digits(number)]).into_iter().flatten()
                };
                of(&phrases.building, &about.building).chain(of(&phrases.room, &about.room)).collect()
            }
            "left" => about.left_at.map_or_else(Vec::new, |at| {
                let left = flow.local(at);
                vec![Say::Date(left.date()), Say::Time(left.time())]
            }),
            "from" => vec![about.from_number.clone().map_or_else(|| prompt(&phrases.withheld), Say::Digits)],
            _ => Vec::new(),
        }
    }
}

/// The prompt of a word of ours, or of the site's own: prompts have dashes where words have underscores.
pub fn if_known(of: &str, word: &str) -> Say {
    Say::IfKnown(format!("{of}-{}", word.replace('_', "-")))
}

/// A person's name as it can be said: its recording, or the extension.
pub fn name_of(person: &PersonMatch, phrases: &Phrases) -> Vec<Say> {
    match &person.name_prompt {
        Some(id) => vec![Say::Prompt(id.clone())],
        None => vec![Say::Prompt(phrases.extension.get_ref().clone()), Say::Extension(person.extension.clone())],
    }
}

/// A handle on the caller, for the step that is running. Steps of one call never run at the same time.
#[derive(Debug, Clone)]
pub struct Line {
    state: Arc<Mutex<State>>,
    pub flow: Arc<Flow>,
}

impl Line {
    pub fn new(state: State, flow: Arc<Flow>) -> Self {
        Self { state: Arc::new(Mutex::new(state)), flow }
    }

    /// The state, for as long as a synchronous look takes; never held over an `await`.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` is ready. While it isn't, it tells when to look again even if nothing comes in.
    pub async fn until<T>(&self, mut look: impl FnMut(&mut State) -> Result<T, Option<Mono>>) -> T {
        poll_fn(|_| {
            let mut state = self.state();
            match look(&mut state) {
                Ok(ready) => Poll::Ready(ready),
                Err(wake) => {
                    state.wake = wake;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Says this to its end, or until a key is pressed (which stays in the queue); not at all when one is waiting.
    pub async fn announce(&self, says: &[(Lang, Vec<Say>)]) -> Result<(), Gone> {
        for (lang, say) in says {
            if self.key_waits()? {
                return Ok(());
            }
            self.play_to_end(lang, say, true).await?;
        }
        Ok(())
    }

    /// Says this even when keys were typed ahead; only a key pressed meanwhile cuts it short, and only if `barge_in`.
    pub async fn insist(&self, says: &[(Lang, Vec<Say>)], barge_in: bool) -> Result<(), Gone> {
        for (lang, say) in says {
            self.play_to_end(lang, say, barge_in).await?;
        }
        Ok(())
    }

    /// The same for one saying of the flow file, in the caller's language.
    pub async fn tell(&self, saying: &[Word]) -> Result<(), Gone> {
        let says = [self.sounds(saying)];
        self.announce(&says).await
    }

    async fn play_to_end(&self, lang: &Lang, say: &[Say], barge_in: bool) -> Result<(), Gone> {
        if say.is_empty() {
            return Ok(());
        }
        let (pressed, deadline) = {
            let mut state = self.state();
            if state.hung_up_at.is_some() {
                return Err(Gone);
            }
            state.play(lang.clone(), say.to_vec());
            (state.pressed, state.now.mono + PLAY_MAX)
        };
        self.until(|state| {
            if state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            if barge_in && state.pressed != pressed || state.now.mono >= deadline {
                state.stop_play();
            }
            if state.playing.is_none() { Ok(Ok(())) } else { Err(Some(deadline)) }
        })
        .await
    }

    fn key_waits(&self) -> Result<bool, Gone> {
        let state = self.state();
        if state.hung_up_at.is_some() { Err(Gone) } else { Ok(!state.keys.is_empty()) }
    }

    /// The next key, typed ahead or pressed within this time; `None` for none.
    pub async fn key(&self, within: Duration) -> Result<Option<Digit>, Gone> {
        let deadline = self.state().now.mono + within;
        self.until(|state| {
            if state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            match state.keys.pop_front() {
                Some(key) => Ok(Ok(Some(key))),
                None if state.now.mono >= deadline => Ok(Ok(None)),
                None => Err(Some(deadline)),
            }
        })
        .await
    }

    /// People by extension or the digits of a name; none when the lookup does not answer.
    pub async fn find(&self, digits: String) -> Result<Vec<PersonMatch>, Gone> {
        let deadline = {
            let mut state = self.state();
            let id = state.papers.next_request();
            state.finding = Some(id);
            state.found = None;
            state.out.push_back(Output::Find { id, digits });
            state.now.mono + FIND_MAX
        };
        self.until(|state| {
            if state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            match state.found.take() {
                Some(matches) => Ok(Ok(matches)),
                None if state.now.mono >= deadline => Ok(Ok(Vec::new())),
                None => Err(Some(deadline)),
            }
        })
        .await
    }

    /// A saying made ready, in the caller's language. One that names a number not yet on disk becomes an apology (R9).
    pub fn sounds(&self, saying: &[Word]) -> (Lang, Vec<Say>) {
        let state = self.state();
        let unsaved =
            saying.iter().any(|w| placeholder(w.get_ref()) == Some("ticket")) && state.number_to_say().is_none();
        let say = if unsaved {
            vec![Say::Prompt(self.flow.phrases().unsaved.get_ref().clone())]
        } else {
            saying.iter().flat_map(|w| state.sound(w.get_ref(), &self.flow)).collect()
        };
        (state.lang.clone(), say)
    }

    /// A saying for the desk's own people: a ticket's number is told as soon as there is one.
    pub fn sounds_for_staff(&self, saying: &[Word]) -> Vec<Say> {
        let state = self.state();
        let sound = |word: &Word| match placeholder(word.get_ref()) {
            Some("ticket") => state.papers.number().map(|n| Say::Digits(n.0.clone())).into_iter().collect(),
            _ => state.sound(word.get_ref(), &self.flow),
        };
        saying.iter().flat_map(sound).collect()
    }

    /// A lone prompt in the caller's language.
    pub fn prompt(&self, word: &Word) -> Say {
        Say::Prompt(word.get_ref().clone())
    }

    pub fn lang(&self) -> Lang {
        self.state().lang.clone()
    }

    /// Whether a menu offers this node to the caller.
    pub fn is_offered(&self, node: &str) -> bool {
        self.flow.step(node).is_some_and(|step| step.is_offered(&self.state().caller))
    }

    pub fn hung_up(&self) -> bool {
        self.state().hung_up_at.is_some()
    }

    /// The language after the caller's, when more than one is configured.
    pub fn next_lang(&self) -> Option<Lang> {
        let state = self.state();
        let all = &state.caller.languages;
        let here = all.iter().position(|l| *l == state.lang)?;
        all.get((here + 1) % all.len()).filter(|l| **l != state.lang).cloned()
    }

    /// Keys typed ahead are meant for what was expected: they are dropped when something else comes.
    pub fn forget_keys(&self) {
        self.state().keys.clear();
    }

    pub fn note_keys(&self, keys: impl Into<String>) {
        self.state().step(Some(keys.into()));
    }
}
