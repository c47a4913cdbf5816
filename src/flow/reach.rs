//! Reaching people for the caller: they are rung, the caller hears music meanwhile, and then they talk (R15 to R18).
//!
//! Duty officers are rung on when the caller hangs up. What the caller says has happened meanwhile is taken down, and told
//! to the one who takes the call then.

use std::time::Duration;

use super::definition::Word;
use super::io::{Output, Parted, RecordSpec, Say, SearchEnd, Strategy, Whom};
use super::line::{Gone, Line, RECORD_GRACE, Recorded, State};
use crate::desk::request::RequestId;
use crate::desk::ticket::TicketChange;
use crate::types::Digit;

/// How often a waiting caller is told where they stand.
const TOLD_EVERY: Duration = Duration::from_secs(30);
/// The key by which a caller speaks their report again.
const REPORT_KEY: char = '1';

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// They talked.
    Parted(Parted),
    /// Nobody took the call.
    Ended(SearchEnd),
    /// The caller would rather do something else.
    Key(Digit),
}

/// Whom to reach, and what both sides hear meanwhile.
pub struct Errand<'a> {
    pub whom: Whom,
    /// For those who lift.
    pub whisper: &'a [Word],
    /// For the caller, while it rings; then the music.
    pub say: &'a [Word],
    pub music: &'a [Word],
    /// Said from time to time to one who waits in the queue; `{position}` and `{minutes}` are known then.
    pub queue: &'a [Word],
    pub wait_max_s: u32,
    /// Keys that end the waiting.
    pub keys: &'a (dyn Fn(Digit) -> bool + Sync),
    /// The key by which the caller asks to be called back: the place in the queue is kept.
    pub call_back: Option<Digit>,
    /// The caller is asked for a report while it rings, which goes to the ticket.
    pub report: Option<Report<'a>>,
    /// It rings on when the caller is gone; this is for the one who takes the call then.
    pub gone: Option<&'a [Word]>,
}

/// How the caller is asked for a report.
pub struct Report<'a> {
    pub say: &'a [Word],
    pub spec: RecordSpec,
}

/// How far the search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    #[default]
    None,
    Rings(RequestId),
    Talks(RequestId),
    Over(Reached),
}

impl Search {
    pub fn met(&mut self, id: RequestId) -> bool {
        let met = *self == Search::Rings(id);
        if met {
            *self = Search::Talks(id);
        }
        met
    }

    pub fn ended(&mut self, id: RequestId, end: SearchEnd) {
        if *self == Search::Rings(id) {
            *self = Search::Over(Reached::Ended(end));
        }
    }

    pub fn parted(&mut self, id: RequestId, how: Parted) {
        if *self == Search::Talks(id) {
            *self = Search::Over(Reached::Parted(how));
        }
    }

    pub fn talks(self) -> bool {
        matches!(self, Search::Talks(_))
    }
}

/// What ended one stretch of waiting.
enum Waited {
    Reached(Reached),
    /// Time to say where the caller stands.
    Tell,
    /// The caller wants to speak.
    Report,
}

impl Line {
    pub async fn reach(&self, errand: &Errand<'_>) -> Result<Reached, Gone> {
        let whisper = self.sounds(errand.whisper).1;
        if self.hung_up() && errand.gone.is_none() {
            return Err(Gone);
        }
        self.state().begin_search(errand, whisper);
        let reached = self.wait_for_them(errand).await;
        if let (Err(Gone), Some(brief)) = (reached, errand.gone) {
            self.ring_on(brief);
        }
        reached
    }

    /// Rings the receptionists for a caller who leaves now, once their place in the queue comes up.
    pub fn call_back(&self, strategy: Strategy, whisper: &[Word], brief: &[Word]) {
        let (whisper, brief) = (self.sounds_for_staff(whisper), self.sounds_for_staff(brief));
        self.state().out.push_back(Output::CallBack { strategy, whisper, brief });
    }

    /// Gives up a place in the queue that was kept.
    pub fn leave_queue(&self) {
        self.state().out.push_back(Output::LeaveQueue);
    }

    async fn wait_for_them(&self, errand: &Errand<'_>) -> Result<Reached, Gone> {
        let mut say = self.sounds(errand.say);
        let mut report = errand.report.as_ref();
        loop {
            if let Some(reached) = self.tell_waiting(errand, &say.1).await? {
                return Ok(reached);
            }
            if let Some(report) = report.take()
                && let Some(reached) = self.take_report(errand, report).await?
            {
                return Ok(reached);
            }
            let (lang, music) = self.sounds(errand.music);
            if !music.is_empty() && !self.state().search.talks() {
                self.state().play_loop(lang, music);
            }
            match self.wait(errand).await? {
                Waited::Reached(reached) => return Ok(reached),
                Waited::Tell => say = self.sounds(errand.queue),
                Waited::Report => {
                    report = errand.report.as_ref();
                    say.1.clear();
                }
            }
        }
    }

    /// Says this unless something happens first; what has happened, if it ends the waiting.
    async fn tell_waiting(&self, errand: &Errand<'_>, say: &[Say]) -> Result<Option<Reached>, Gone> {
        if say.is_empty() {
            return Ok(None);
        }
        {
            let mut state = self.state();
            if state.search.talks() {
                return Ok(None);
            }
            if state.hung_up_at.is_some() {
                return Err(Gone);
            }
            let lang = state.lang.clone();
            state.play(lang, say.to_vec());
        }
        self.until(|state| match state.waiting(errand) {
            Some(over) => Ok(over.map(Some)),
            None if state.playing.is_none() || state.search.talks() => Ok(Ok(None)),
            None => Err(None),
        })
        .await
    }

    /// Asks for a report and takes it down; it is cut short when somebody takes the call.
    async fn take_report(&self, errand: &Errand<'_>, report: &Report<'_>) -> Result<Option<Reached>, Gone> {
        let mut say = self.sounds(report.say).1;
        say.push(Say::Beep);
        if let Some(reached) = self.tell_waiting(errand, &say).await? {
            return Ok(Some(reached));
        }
        if self.state().search.talks() {
            return Ok(None);
        }
        let deadline = self.begin_recording(&report.spec);
        let mut stopped = false;
        let recorded = self
            .until(|state| {
                if state.search.talks() && !stopped {
                    stopped = true;
                    state.out.push_back(Output::StopRecord);
                }
                let deadline = state.hung_up_at.map_or(deadline, |at| deadline.min(at + RECORD_GRACE));
                match state.recorded.take() {
                    Some(recorded) => Ok(Some(recorded)),
                    None if state.now.mono >= deadline => {
                        state.recording = None;
                        Ok(None)
                    }
                    None => Err(Some(deadline)),
                }
            })
            .await;
        if let Some(recorded) = recorded {
            self.keep_report(&recorded, u64::from(report.spec.min_ms));
        }
        if self.hung_up() { Err(Gone) } else { Ok(None) }
    }

    /// A second report stands beside the first: neither takes the other's place.
    fn keep_report(&self, recorded: &Recorded, min_ms: u64) {
        let enough = recorded.duration_ms >= min_ms;
        if recorded.duration_ms == 0 || !enough && !self.hung_up() {
            return;
        }
        let first = {
            let mut state = self.state();
            if let Some(ticket) = state.papers.tickets.open() {
                ticket.described |= enough;
            }
            let first = state.report.is_none();
            state.report = Some(recorded.recording.clone());
            first
        };
        let recording = recorded.recording.clone();
        self.change_ticket(match first {
            true => TicketChange { recording: Some(recording), ..TicketChange::default() },
            false => TicketChange { note: Some(format!("said more: {}", recording.0)), ..TicketChange::default() },
        });
    }

    fn ring_on(&self, brief: &[Word]) {
        let brief = self.sounds_for_staff(brief);
        let mut state = self.state();
        if let Search::Rings(id) = state.search {
            state.search = Search::None;
            state.out.push_back(Output::RingOn { id, brief });
        }
    }

    async fn wait(&self, errand: &Errand<'_>) -> Result<Waited, Gone> {
        let tell_at = (!errand.queue.is_empty()).then(|| self.state().now.mono + TOLD_EVERY);
        self.until(|state| {
            if errand.report.is_some() && state.wants_to_report() {
                return Ok(Ok(Waited::Report));
            }
            match state.waiting(errand) {
                Some(over) => Ok(over.map(Waited::Reached)),
                None if state.search.talks() => Err(None),
                None if tell_at.is_some_and(|at| at <= state.now.mono) && state.queue.is_some() => Ok(Ok(Waited::Tell)),
                None => Err(tell_at.filter(|at| *at > state.now.mono)),
            }
        })
        .await
    }
}

impl State {
    fn begin_search(&mut self, errand: &Errand<'_>, whisper: Vec<Say>) {
        let id = self.papers.next_request();
        self.search = Search::Rings(id);
        self.queue = None;
        self.keys.clear();
        let (whom, wait_max_s) = (errand.whom.clone(), errand.wait_max_s);
        self.out.push_back(Output::Search { id, whom, whisper, wait_max_s });
    }

    /// What ends the waiting, if anything does; a search that is given up is stopped.
    fn waiting(&mut self, errand: &Errand<'_>) -> Option<Result<Reached, Gone>> {
        if self.hung_up_at.is_some() {
            return Some(Err(Gone));
        }
        if let Search::Over(reached) = self.search {
            self.search = Search::None;
            self.stop_play();
            return Some(Ok(reached));
        }
        let Search::Rings(id) = self.search else {
            self.keys.clear();
            return None;
        };
        while let Some(key) = self.keys.pop_front() {
            let wants_call_back = errand.call_back == Some(key);
            let keeps_place = wants_call_back && self.queue.is_some_and(|place| place.may_call_back);
            if (errand.keys)(key) || wants_call_back {
                self.search = Search::None;
                self.stop_play();
                self.out.push_back(Output::StopSearch { id, keeps_place });
                self.step(Some(key.to_string()));
                return Some(Ok(Reached::Key(key)));
            }
        }
        None
    }

    fn wants_to_report(&mut self) -> bool {
        let wants = matches!(self.search, Search::Rings(_))
            && self.hung_up_at.is_none()
            && self.keys.iter().any(|key| key.as_char() == REPORT_KEY);
        if wants {
            self.keys.clear();
            self.stop_play();
        }
        wants
    }

    fn play_loop(&mut self, lang: crate::types::Lang, say: Vec<Say>) {
        // No `PlayDone` comes for it: the token is one that never ends.
        let token = self.next_token();
        self.playing = Some(token);
        self.out.push_back(Output::PlayLoop { say, lang });
    }
}

/// Where the caller stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub position: u32,
    pub wait_s: u32,
    pub may_call_back: bool,
}

/// How long it will take, in whole minutes as they are said.
pub fn minutes(wait_s: u32) -> u64 {
    u64::from(wait_s.div_ceil(60).max(1))
}
