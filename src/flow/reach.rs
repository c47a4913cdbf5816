//! Reaching people for the caller: they are rung, the caller hears music meanwhile, and then they talk (R15 to R18).

use std::time::Duration;

use super::definition::Word;
use super::io::{Output, Parted, Say, SearchEnd, Whom};
use super::line::{Gone, Line, State};
use crate::desk::request::RequestId;
use crate::types::Digit;

/// How often a waiting caller is told where they stand.
const TOLD_EVERY: Duration = Duration::from_secs(30);

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
}

impl Line {
    pub async fn reach(&self, errand: &Errand<'_>) -> Result<Reached, Gone> {
        let whisper = self.sounds(errand.whisper).1;
        if self.hung_up() {
            return Err(Gone);
        }
        self.state().begin_search(errand, whisper);
        let mut say = self.sounds(errand.say);
        loop {
            if let Some(reached) = self.tell_waiting(errand, &say.1).await? {
                return Ok(reached);
            }
            let (lang, music) = self.sounds(errand.music);
            if !music.is_empty() && !self.state().search.talks() {
                self.state().play_loop(lang, music);
            }
            match self.wait(errand).await? {
                Waited::Reached(reached) => return Ok(reached),
                Waited::Tell => say = self.sounds(errand.queue),
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

    async fn wait(&self, errand: &Errand<'_>) -> Result<Waited, Gone> {
        let tell_at = (!errand.queue.is_empty()).then(|| self.state().now.mono + TOLD_EVERY);
        self.until(|state| match state.waiting(errand) {
            Some(over) => Ok(over.map(Waited::Reached)),
            None if state.search.talks() => Err(None),
            None if tell_at.is_some_and(|at| at <= state.now.mono) && state.queue.is_some() => Ok(Ok(Waited::Tell)),
            None => Err(tell_at.filter(|at| *at > state.now.mono)),
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
            if (errand.keys)(key) {
                self.search = Search::None;
                self.stop_play();
                self.out.push_back(Output::StopSearch { id });
                self.step(Some(key.to_string()));
                return Some(Ok(Reached::Key(key)));
            }
        }
        None
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
}

/// How long it will take, in whole minutes as they are said.
pub fn minutes(wait_s: u32) -> u64 {
    u64::from(wait_s.div_ceil(60).max(1))
}
