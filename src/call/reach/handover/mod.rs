//! A caller on the way from one who took the call to another: transfers blind and announced, callers who are parked, and the
//! ways back. The caller hears music meanwhile; whoever gave the caller away is rung when nobody else takes them, and when
//! they don't either, the caller goes back to the flow: nobody is cut off.
//!
//! | how | from a telephone | by keys |
//! |---|---|---|
//! | blind | REFER | `*2` extension `#` |
//! | announced | a second call to the extension, then REFER with Replaces | `*3` extension `#`, then hang up |
//! | parked | REFER to `park` | `*4` |
//!
//! The console asks for the same (`steer`).
//!
//! Nobody is rung but people of the directory, at their own places (R16).
//!
//! - `begin`: how it begins.
//! - `outcome`: what came of ringing somebody.
//! - `visits`: calls of the staff that become part of it.
//! - `events`: what happens to its lines meanwhile.
//! - `steer`: what is asked for from a screen.

mod begin;
mod events;
mod outcome;
mod steer;
mod visits;

use std::time::Duration;

pub(in crate::call) use self::visits::Visit;
use super::leg::OutLeg;
use super::talk::Talk;
use super::visitor::Visitor;
use super::{Caller, Consent, News, Reach, Whisper};
use crate::call::io::Output;
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::desk::live::Phase;
use crate::desk::request::RequestId;
use crate::flow::io::{Parted, SearchEnd};
use crate::types::Mono;

/// After so long a parked caller is forgotten: whoever parked them is rung.
const PARKED_MAX: Duration = Duration::from_secs(120);
/// Whoever forgets a caller on hold so often has lost them: the flow goes on.
const FORGOTTEN_MAX: u32 = 3;
/// The user part that telephones transfer a caller to who is to be parked.
const PARK: &str = "park";

/// See the module.
pub(in crate::call::reach) struct Handover {
    /// The talk's that it began from: for the flow the caller talks all along.
    id: RequestId,
    /// Who had the caller.
    extension: String,
    /// Still on the line, unless they hung up or talk to the caller (`Reach::talk`).
    from: Option<Box<Talk>>,
    stage: Stage,
}

/// There is one at most, in a box, for a call.
#[allow(clippy::large_enum_variant)]
enum Stage {
    /// Somebody is rung for the caller. `refer`: a telephone waits to be told what came of it.
    Offered { refer: bool },
    /// Somebody is rung for the one who has the caller; with their own second call, or on the line to the caller.
    Asking { to: String, visitor: Option<Visitor> },
    /// They talk.
    Asked { with: OutLeg, visitor: Option<OutLeg> },
    /// The caller waits at a place that has a number. `entered`: one who picks them up, whose ACK has to come yet.
    Parked { until: Mono, visitor: Option<Visitor>, entered: Option<OutLeg> },
    /// Whoever had the caller is rung to take them back.
    Recalled,
}

impl Handover {
    pub fn next_wake(&self) -> Option<Mono> {
        let parked = if let Stage::Parked { until, .. } = &self.stage { Some(*until) } else { None };
        [parked, self.from.as_ref().and_then(|talk| talk.next_wake())].into_iter().flatten().min()
    }

    /// Where the caller is meanwhile, for whoever looks. `slot`: the place where they are parked.
    pub fn phase(&self, slot: Option<u16>) -> Phase {
        let by = self.extension.clone();
        match &self.stage {
            Stage::Offered { .. } => Phase::HandedOn { by },
            Stage::Asking { to, .. } => Phase::Asking { by, whom: to.clone(), answered: false },
            Stage::Asked { with, .. } => Phase::Asking { by, whom: with.extension.clone(), answered: true },
            Stage::Parked { .. } => Phase::Parked { by, slot: slot.unwrap_or_default() },
            Stage::Recalled => Phase::Recalled { by },
        }
    }

    /// Since when; `None` where that is when somebody was first rung.
    pub fn since(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Asked { with, .. } => Some(with.began()),
            Stage::Parked { until, .. } => Some(Mono(until.0.saturating_sub(PARKED_MAX.as_micros() as u64))),
            Stage::Offered { .. } | Stage::Asking { .. } | Stage::Recalled => None,
        }
    }

    fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Asking { .. } | Stage::Asked { .. })
    }

    fn visitor(&self) -> Option<&Visitor> {
        match &self.stage {
            Stage::Asking { visitor, .. } | Stage::Parked { visitor, .. } => visitor.as_ref(),
            Stage::Offered { .. } | Stage::Asked { .. } | Stage::Recalled => None,
        }
    }
}

/// What a telephone hears of its REFER when the search for somebody ends.
fn status_of(end: SearchEnd) -> (u16, &'static str) {
    match end {
        SearchEnd::Declined | SearchEnd::MessageWanted => (603, "Decline"),
        SearchEnd::Absent => (480, "Temporarily Unavailable"),
    }
}

impl Reach {
    /// The caller now talks to them.
    fn goes_to(&mut self, h: &mut Hands<'_>, id: RequestId, leg: OutLeg) {
        let extension = leg.extension.clone();
        let talk = Talk::begin(h, id, self.caller, leg, &mut self.account);
        self.news.push_back(News::Music { on: talk.is_held() });
        self.talk = Some(Box::new(talk));
        self.news.push_back(News::Reached { extension });
    }

    /// Back to the one who had the caller.
    fn resume(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, talk: Box<Talk>) {
        talk.music(h, caller, false);
        if !talk.is_held() {
            self.news.push_back(News::Music { on: false });
        }
        talk.bridge(h);
        self.talk = Some(talk);
    }

    /// Whoever asks has heard enough: the caller goes to the one who was asked.
    fn put_together(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let Some(handover) = self.handover.take() else { return };
        let Handover { id, extension, from, stage } = *handover;
        let talk = from.or_else(|| self.talk.take());
        match stage {
            Stage::Asked { with, visitor } => {
                h.out.push_back(Output::Unbridge { a: with.stream });
                talk.into_iter().for_each(|talk| talk.end(h, &mut self.account));
                visitor.into_iter().for_each(|leg| self.has_talked(h, leg));
                self.news.push_back(News::HandedOn { from: extension, to: with.extension.clone() });
                self.goes_to(h, id, with);
            }
            // Not taken yet: the one who is rung hears who calls, and is asked.
            Stage::Asking { to, visitor } => {
                talk.into_iter().for_each(|talk| talk.end(h, &mut self.account));
                visitor.into_iter().for_each(|mut visitor| visitor.refuse(h, 487));
                self.search.iter_mut().for_each(|search| search.ask(announcement(caller)));
                self.news.push_back(News::Music { on: true });
                self.news.push_back(News::HandedOn { from: extension.clone(), to });
                self.handover =
                    Some(Box::new(Handover { id, extension, from: None, stage: Stage::Offered { refer: false } }));
            }
            stage @ (Stage::Offered { .. } | Stage::Parked { .. } | Stage::Recalled) => {
                self.handover = Some(Box::new(Handover { id, extension, from: talk, stage }));
            }
        }
    }

    /// Whoever asks goes back to the caller; the one who was asked is let go.
    fn take_back(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let Some(handover) = self.handover.take_if(|handover| handover.is_asking()) else { return };
        self.stop(h);
        let from = self.let_go(h, *handover);
        if let Some(talk) = from {
            self.resume(h, caller, talk);
        }
    }

    /// Lets go one who talked to one of the staff.
    fn has_talked(&mut self, h: &mut Hands<'_>, leg: OutLeg) {
        if let Some(record) = self.account.of(leg.stream.leg) {
            record.talk_ms = Some(leg.ms_so_far(h.now.mono).saturating_sub(record.ring_ms));
        }
        leg.end(h, &mut self.account, LegEnd::Talked);
    }

    /// Ends all of a handover but the line of the one who has the caller.
    fn let_go(&mut self, h: &mut Hands<'_>, handover: Handover) -> Option<Box<Talk>> {
        match handover.stage {
            Stage::Asking { visitor, .. } => visitor.into_iter().for_each(|mut visitor| visitor.refuse(h, 487)),
            Stage::Asked { with, visitor } => {
                h.out.push_back(Output::Unbridge { a: with.stream });
                h.board.talked(h.now.mono, &with.extension, self.call);
                self.has_talked(h, with);
                visitor.into_iter().for_each(|leg| self.has_talked(h, leg));
            }
            Stage::Parked { visitor, entered, .. } => {
                h.board.unpark(self.call);
                visitor.into_iter().for_each(|mut visitor| visitor.refuse(h, 480));
                entered.into_iter().for_each(|leg| leg.end(h, &mut self.account, LegEnd::Cancelled));
            }
            Stage::Offered { .. } | Stage::Recalled => {}
        }
        handover.from
    }

    /// The caller is gone, or the talk that goes on beside it is over.
    pub(super) fn drop_handover(&mut self, h: &mut Hands<'_>) {
        let Some(handover) = self.handover.take() else { return };
        self.stop(h);
        if let Some(talk) = self.let_go(h, *handover) {
            talk.end(h, &mut self.account);
        }
    }

    /// The talk is over: the flow goes on.
    pub(super) fn talk_over(&mut self, h: &mut Hands<'_>, how: Parted) {
        let Some(talk) = self.talk.take() else { return };
        let id = talk.id();
        talk.end(h, &mut self.account);
        self.drop_handover(h);
        self.news.push_back(News::Parted { id, how });
    }
}

/// Who is handed a caller hears who it is, and is asked (R15).
fn announcement(caller: &Caller<'_>) -> Whisper {
    Whisper { say: caller.flow.announcement(), lang: caller.desk_lang(), consent: Consent::Asked }
}

/// Whoever lifts is talked to at once.
fn unasked(caller: &Caller<'_>) -> Whisper {
    Whisper { say: Vec::new(), lang: caller.desk_lang(), consent: Consent::Lifted }
}
