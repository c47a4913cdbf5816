//! `ring`: rings the person who was looked up, or the duty officers, tells them who calls, and puts the call through when
//! they take it (R15 to R18). The caller hears music meanwhile, and never the number that is rung (R16).
//!
//! For the duty officers nothing ends the ringing but one who takes the call: not the caller's hang-up, before it has begun
//! or after, and no key. The caller may say meanwhile what has happened.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Limits, Saying, Word};
use crate::flow::io::{Parted, RecordSpec, SearchEnd, Whom};
use crate::flow::line::{Exit, Gone, Line};
use crate::flow::reach::{Errand, Reached, Report};
use crate::flow::take::Taken;
use crate::types::Digit;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Person,
    Emergency,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    whom: Target,
    /// Said while it rings, before the music.
    #[serde(default)]
    say: Saying,
    #[serde(default)]
    music: Saying,
    /// Asks callers whose number is withheld for their name first, so that there is something to be told; not asked unless
    /// it is written.
    #[serde(default)]
    name: Saying,
    /// Asks every caller for their name.
    #[serde(default)]
    name_always: bool,
    /// For the one who lifts: who calls, and 1 takes the call, 2 declines, 3 asks for a message.
    whisper: Saying,
    /// Emergencies: asks for a report while it rings, which goes to the ticket; not asked unless it is written.
    #[serde(default)]
    report: Saying,
    #[serde(default)]
    limits: Limits,
    /// Emergencies: for the one who takes the call when the caller has hung up; `{report}` is what was said. As `whisper`
    /// unless it is written.
    #[serde(default)]
    gone: Saying,
    /// Emergencies: nobody took the call, and a report was given; as `absent` unless it is written.
    reported: Option<Word>,
    /// Nobody took the call; also where the person is absent from the start.
    absent: Word,
    /// The person declined; as `absent` unless it is written.
    declined: Option<Word>,
    /// The person asked for a message; as `absent` unless it is written.
    message: Option<Word>,
    /// After a talk that they ended; the call ends unless it is written.
    over: Option<Word>,
    /// They handed the caller back, or the line to them failed.
    back: Word,
    /// The caller's own way out while it rings, by `0`.
    human: Option<Word>,
}

impl Step for Ring {
    fn links(&self) -> Vec<Link<'_>> {
        let reported = self.reported.iter().map(|to| Link::itself("reported", to));
        let named = [("declined", &self.declined), ("message", &self.message), ("over", &self.over)];
        let named = named.into_iter().filter_map(|(name, to)| Some(Link::person(name, to.as_ref()?)));
        let human = self.human.iter().map(|to| Link::key("0", to));
        [Link::itself("absent", &self.absent), Link::person("back", &self.back)]
            .into_iter()
            .chain(named)
            .chain(reported)
            .chain(human)
            .collect()
    }

    fn words(&self) -> Vec<&Word> {
        [&self.say, &self.music, &self.name, &self.whisper, &self.report, &self.gone].into_iter().flatten().collect()
    }

    fn faults(&self) -> Vec<(Option<usize>, String, String)> {
        if self.whom == Target::Emergency {
            return Vec::new();
        }
        let fault = |name: &str, word: &Word| {
            let what = format!("`{name}` is for emergencies: one person is not rung for a caller who is gone");
            (Some(word.span().start), what, format!("take `{name}` out, or write whom = \"emergency\""))
        };
        let words =
            [("report", self.report.first()), ("gone", self.gone.first()), ("reported", self.reported.as_ref())];
        words.into_iter().filter_map(|(name, word)| Some(fault(name, word?))).collect()
    }

    fn serves_the_gone(&self) -> bool {
        self.whom == Target::Emergency
    }

    fn nature(&self) -> Nature {
        Nature::Passage
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.ring(&line).await })
    }
}

impl Ring {
    async fn ring(&self, line: &Line) -> Result<Exit, Gone> {
        let whom = match self.whom {
            Target::Emergency => Whom::DutyOfficers,
            Target::Person => match line.state().facts.person.clone().filter(|person| person.present) {
                Some(person) => Whom::Person(person.extension),
                None => return Ok(Exit::to(&self.absent)),
            },
        };
        self.ask_name(line).await?;
        let (has_human, emergency) = (self.human.is_some(), self.whom == Target::Emergency);
        let spec = self.limits.over(&line.state().caller.record);
        let errand = Errand {
            whom,
            whisper: &self.whisper,
            say: &self.say,
            music: &self.music,
            queue: &[],
            wait_max_s: 0,
            keys: &|key: Digit| key == Digit::HASH && !emergency || has_human && key.as_char() == '0',
            call_back: None,
            report: (emergency && !self.report.is_empty()).then_some(Report { say: &self.report, spec }),
            gone: emergency.then_some(if self.gone.is_empty() { &self.whisper } else { &self.gone }),
        };
        let otherwise = |to: &Option<Word>| Exit::to(to.as_ref().unwrap_or(&self.absent));
        Ok(match line.reach(&errand).await? {
            Reached::Parted(Parted::TheyHungUp) => self.over.as_ref().map_or(Exit::End, Exit::to),
            Reached::Parted(Parted::HandedBack | Parted::Lost) => Exit::to(&self.back),
            Reached::Ended(SearchEnd::Absent) if line.state().report.is_some() => otherwise(&self.reported),
            Reached::Ended(SearchEnd::Absent) => Exit::to(&self.absent),
            Reached::Ended(SearchEnd::Declined) => otherwise(&self.declined),
            Reached::Ended(SearchEnd::MessageWanted) => otherwise(&self.message),
            Reached::Key(Digit::HASH) => Exit::Back,
            Reached::Key(_) => otherwise(&self.human),
        })
    }

    async fn ask_name(&self, line: &Line) -> Result<(), Gone> {
        {
            let state = line.state();
            let known = state.caller.callable_number().is_some() && !self.name_always;
            if self.name.is_empty() || known || state.said_name.is_some() || state.hung_up_at.is_some() {
                return Ok(());
            }
        }
        let spec = RecordSpec { max_ms: 5_000, silence_ms: 2_000, min_ms: 300, warn_ms: 0, ..RecordSpec::default() };
        if let Taken::Said(said) = line.take(&self.name, &spec).await? {
            line.state().said_name = Some(said.recording);
        }
        Ok(())
    }
}
