//! The search for somebody who takes the call: round by round, each place rung, asked, and let go (R15, R17).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::account::Account;
use super::leg::{Answered, OutLeg, end_of};
use super::outgoing;
use super::place;
use super::redirect;
use super::whom::{Candidate, Plan};
use super::{Caller, LEGS_MAX, Whisper};
use crate::call::io::{LentPorts, Output};
use crate::call::playback::{Need, Playback};
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::desk::people::PlaceTarget;
use crate::desk::request::RequestId;
use crate::flow::io::{SearchEnd, Token};
use crate::media::io::{Encoded, MediaCommand, MediaEvent, MediaToken};
use crate::sip::locate::Target;
use crate::sip::user_agent::LegId;
use crate::sip::wire::Uri;
use crate::types::{CallId, Digit, Mono, RecordingId, StreamId};

/// How long one who lifted is waited for after each time that they were asked.
const CONSENT_WAIT: Duration = Duration::from_secs(5);
/// How often they are asked.
const ASKED_MAX: u32 = 3;

/// One who lifted has so long to take the call.
const ASKED_FOR: Duration = Duration::from_secs(90);

/// Whether the one who lifts is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// 1 takes the call, 2 declines, 3 asks for a message; a machine that answers is nobody (R15).
    Asked,
    /// Whoever lifts has taken the call, after the whisper.
    Lifted,
}

/// What a search came to.
pub(super) enum Searching {
    GoesOn,
    Taken(Box<OutLeg>),
    Over(SearchEnd),
}

/// A leg of the search, and how far it is.
struct Trial {
    leg: OutLeg,
    /// Of which place: the number of its first leg. Several telephones of one account share it.
    place: u32,
    asked: Option<Asking>,
}

/// One who lifted and hears the whisper.
struct Asking {
    playback: Playback,
    times: u32,
    /// Set between the end of the whisper and the next one.
    waits_until: Option<Mono>,
    /// Then it is nobody who takes the call, whatever they do: whoever puts us on hold hears nothing to its end.
    until: Mono,
}

/// See the module.
pub(super) struct Search {
    id: RequestId,
    plan: Plan,
    whisper: Whisper,
    rounds: VecDeque<Vec<Candidate>>,
    trials: Vec<Trial>,
    begun: Mono,
    /// When to begin over.
    again_at: Option<Mono>,
    /// Times that somebody was rung from the beginning.
    times: u32,
    /// Addresses that were rung since then: a redirection leads to none of them again.
    rung: BTreeSet<String>,
    /// Those of them to which a redirection led.
    followed: BTreeSet<String>,
    fresh: bool,
    /// Somebody rang, or is only busy: waiting for them makes sense.
    alive: bool,
}

impl Search {
    pub fn new(now: crate::types::Now, id: RequestId, plan: Plan, whisper: Whisper) -> Self {
        let (rounds, trials) = (VecDeque::new(), Vec::new());
        Self {
            id,
            plan,
            whisper,
            rounds,
            trials,
            begun: now.mono,
            again_at: None,
            times: 0,
            rung: BTreeSet::new(),
            followed: BTreeSet::new(),
            fresh: true,
            alive: false,
        }
    }

    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Those who lift from now on hear this, and are asked.
    pub fn ask(&mut self, whisper: Whisper) {
        self.whisper = whisper;
    }

    /// Of the whisper.
    pub fn lang(&self) -> crate::types::Lang {
        self.whisper.lang.clone()
    }

    pub fn begun(&self) -> Mono {
        self.begun
    }

    /// Whom it rings, or asks, now; customers have no extension.
    pub fn rung(&self) -> impl Iterator<Item = &str> {
        self.trials.iter().map(|trial| trial.leg.extension.as_str()).filter(|extension| !extension.is_empty())
    }

    pub fn outlives_the_caller(&self) -> bool {
        self.plan.outlives_the_caller()
    }

    /// Whether it is the desk that calls.
    pub fn is_errand(&self) -> bool {
        self.plan.is_errand()
    }

    /// Somebody lifted: the other telephones of the place are let go, the places that are left stay.
    pub fn pause(&mut self, h: &mut Hands<'_>, account: &mut Account) {
        self.trials.iter_mut().for_each(|trial| trial.leg.taken_elsewhere());
        self.drop_where(h, account, LegEnd::Cancelled, |_| true);
    }

    pub fn has_stream(&self, stream: StreamId) -> bool {
        self.trials.iter().any(|trial| trial.leg.stream == stream)
    }

    pub fn next_wake(&self) -> Option<Mono> {
        let asked = |asked: &Asking| asked.waits_until.map_or(asked.until, |at| at.min(asked.until));
        let of = |trial: &Trial| trial.leg.rings_until().or(trial.asked.as_ref().map(asked));
        self.trials.iter().filter_map(of).chain(self.again_at).min()
    }

    /// Rings the next round where nobody rings; begins over where that is planned; else it is over.
    pub fn go_on(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        call: CallId,
        next_leg: &mut u32,
        account: &mut Account,
    ) -> Searching {
        while self.trials.is_empty() {
            if *next_leg >= LEGS_MAX {
                return Searching::Over(SearchEnd::Absent);
            }
            if let Some(mut round) = self.rounds.pop_front() {
                self.again_at = None;
                round.retain(|candidate| self.plan.still_wants(candidate, caller.service, h.board, h.now));
                // Where a redirection led already, nobody is rung a second time.
                for candidate in &round {
                    if !self.followed.contains(&candidate.target.to_string()) {
                        self.ring(h, caller, candidate, call, next_leg, account);
                    }
                }
                continue;
            }
            let now = h.now.mono;
            let begins = std::mem::take(&mut self.fresh) || self.again_at.is_some_and(|at| at <= now);
            if begins {
                self.rounds = self.plan.rounds(caller.service, h.board, call, h.now);
                self.again_at = None;
                if !self.rounds.is_empty() {
                    self.times += 1;
                    self.rung.clear();
                    self.followed.clear();
                    continue;
                }
                if !self.plan.is_queue() {
                    // There is nobody at all: ringing them later would be waiting for nothing.
                    return Searching::Over(SearchEnd::Absent);
                }
                self.alive |= self.plan.has_staff(caller.service, h.board, h.now);
            }
            if self.again_at.is_some() {
                return Searching::GoesOn;
            }
            match self.plan.again {
                Some(again) if again.times_max.is_some_and(|max| self.times >= max) => {
                    return Searching::Over(SearchEnd::Absent);
                }
                Some(again) if now.since(self.begun) < again.for_at_most && (self.alive || !self.plan.is_queue()) => {
                    self.again_at = Some(now + again.after);
                }
                Some(_) | None => return Searching::Over(SearchEnd::Absent),
            }
        }
        Searching::GoesOn
    }

    fn ring(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        candidate: &Candidate,
        call: CallId,
        next_leg: &mut u32,
        account: &mut Account,
    ) {
        self.rung.insert(candidate.target.to_string());
        let place = *next_leg;
        let ways = match candidate.extension.is_empty() {
            true => outgoing::to_customer(h, caller, call, &candidate.target),
            false => place::towards(h.ua, caller.service, &candidate.target, caller.listener),
        };
        for towards in ways {
            let towards = match candidate.target {
                PlaceTarget::Number(_) => outgoing::bounded(h, caller, call, self.plan.outlives_the_caller(), towards),
                PlaceTarget::Sip(_) | PlaceTarget::Phones(_) => towards,
            };
            let stream = StreamId { call, leg: *next_leg };
            *next_leg += 1;
            if let Some(mut leg) = OutLeg::begin(h, caller, stream, candidate, towards, account) {
                leg.replaces = self.plan.replaces.clone();
                self.trials.push(Trial { leg, place, asked: None });
            }
        }
    }

    pub fn timeout(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, account: &mut Account) -> Searching {
        let now = h.now.mono;
        for trial in &mut self.trials {
            trial.leg.leaves_the_silent(h, caller);
        }
        let late = |trial: &mut Trial| trial.leg.rings_until().is_some_and(|until| until <= now);
        self.drop_where(h, account, LegEnd::NoAnswer, late);
        let mut silent = Vec::new();
        for trial in &mut self.trials {
            if trial.asked.as_ref().is_some_and(|asked| asked.until <= now) {
                silent.push(trial.leg.stream);
                continue;
            }
            let Some(asked) = trial.asked.as_mut().filter(|a| a.waits_until.is_some_and(|at| at <= now)) else {
                continue;
            };
            asked.waits_until = None;
            if asked.times >= ASKED_MAX {
                silent.push(trial.leg.stream);
            } else {
                asked.times += 1;
                whisper(h, caller, &self.whisper, &trial.leg, asked);
            }
        }
        self.drop_where(h, account, LegEnd::NoConsent, |trial| silent.contains(&trial.leg.stream));
        Searching::GoesOn
    }

    pub fn ports_lent(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        ports: Option<LentPorts>,
        account: &mut Account,
    ) -> Searching {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.leg.stream == stream) else {
            return Searching::GoesOn;
        };
        let rings = ports.is_some_and(|ports| trial.leg.ports_lent(h, caller, ports));
        if !rings {
            self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.stream == stream);
        }
        Searching::GoesOn
    }

    /// A leg's URI leads to these servers. One without any is given up at once.
    pub fn located(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        targets: &[Target],
        account: &mut Account,
    ) -> Searching {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.leg.stream == stream) else {
            return Searching::GoesOn;
        };
        if !trial.leg.located(h, caller, targets) {
            self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.stream == stream);
        }
        Searching::GoesOn
    }

    pub fn ringing(&mut self, leg: LegId, sdp: Option<Vec<u8>>) {
        if let Some(trial) = self.trial_of(leg) {
            trial.leg.ringing(leg, sdp);
        }
    }

    pub fn answered(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        sdp: Option<Vec<u8>>,
        account: &mut Account,
    ) -> Searching {
        let Some(trial) = self.trial_of(leg) else { return Searching::GoesOn };
        let place = trial.place;
        match trial.leg.answered(h, leg, sdp) {
            Answered::Up => {}
            Answered::NotOurs => return Searching::GoesOn,
            Answered::NoMedia => {
                self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.leg() == Some(leg));
                return Searching::GoesOn;
            }
        }
        // The first telephone of an account that answers has it (RFC 3261 section 16.7, step 10).
        let others = self.trials.iter_mut().filter(|t| t.place == place && t.leg.leg() != Some(leg));
        others.for_each(|trial| trial.leg.taken_elsewhere());
        self.drop_where(h, account, LegEnd::Cancelled, |trial| trial.place == place && trial.leg.leg() != Some(leg));
        let Some(at) = self.trials.iter().position(|trial| trial.leg.leg() == Some(leg)) else {
            return Searching::GoesOn;
        };
        let trial = &mut self.trials[at];
        if self.whisper.say.is_empty() && self.whisper.consent == Consent::Lifted {
            return Searching::Taken(Box::new(self.trials.swap_remove(at).leg));
        }
        let asked = trial.asked.insert(Asking {
            playback: Playback::default(),
            times: 1,
            waits_until: None,
            until: h.now.mono + ASKED_FOR,
        });
        whisper(h, caller, &self.whisper, &trial.leg, asked);
        Searching::GoesOn
    }

    pub fn failed(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        status: u16,
        account: &mut Account,
    ) -> Searching {
        let end = end_of(status);
        let Some(trial) = self.trial_of(leg) else { return Searching::GoesOn };
        if trial.leg.goes_elsewhere(h, caller, status) {
            return Searching::GoesOn;
        }
        let (stream, place) = (trial.leg.stream, trial.place);
        if let Some(record) = account.of(stream.leg) {
            record.status = Some(status);
        }
        if status >= 600 {
            // It speaks for the whole place (section 16.7, step 5).
            self.drop_where(h, account, LegEnd::Cancelled, |t| t.place == place && t.leg.stream != stream);
        }
        self.drop_where(h, account, end, |trial| trial.leg.stream == stream);
        if end == LegEnd::Declined && self.plan.one_person {
            return Searching::Over(SearchEnd::Declined);
        }
        Searching::GoesOn
    }

    /// A 3xx: followed to places that the desk knows and has not rung yet; else it is a refusal like any other (R16).
    pub fn redirected(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        (status, contacts): (u16, &[Uri]),
        next_leg: &mut u32,
        account: &mut Account,
    ) {
        let Some(trial) = self.trial_of(leg) else { return };
        let (from, stream) = (trial.leg.extension.clone(), trial.leg.stream);
        let call = stream.call;
        for contact in contacts {
            let Some(place) = redirect::known_place(h, caller, contact, &from) else { continue };
            let busy =
                self.plan.is_queue() && place.extension != from && !h.board.is_free(&place.extension, call, h.now.mono);
            if busy || self.rung.contains(&place.target.to_string()) || *next_leg >= LEGS_MAX {
                continue;
            }
            if let Some(record) = account.of(stream.leg) {
                record.status = Some(status);
            }
            self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.stream == stream);
            self.followed.insert(place.target.to_string());
            return self.ring(h, caller, &place, call, next_leg, account);
        }
    }

    /// Hung up while it was asked: nobody took the call.
    pub fn ended(&mut self, h: &mut Hands<'_>, leg: LegId, account: &mut Account) -> Searching {
        self.drop_where(h, account, LegEnd::NoConsent, |trial| trial.leg.leg() == Some(leg));
        Searching::GoesOn
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, offer: Option<&[u8]>) {
        self.changes(h, caller, leg, |leg, h| leg.reinvite(h, offer));
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, answer: Option<&[u8]>) {
        self.changes(h, caller, leg, |leg, h| leg.reinvite_acked(h, answer));
    }

    /// What is whispered is said again in another codec, once that is agreed on.
    fn changes(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        change: impl FnOnce(&mut OutLeg, &mut Hands<'_>) -> Option<bool>,
    ) {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.leg.leg() == Some(leg)) else { return };
        let before = trial.leg.codec();
        change(&mut trial.leg, h);
        if let Some(asked) = trial.asked.as_mut().filter(|asked| asked.waits_until.is_none())
            && trial.leg.codec() != before
        {
            whisper(h, caller, &self.whisper, &trial.leg, asked);
        }
    }

    pub fn info(&self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        if let Some(trial) = self.trials.iter().find(|trial| trial.leg.leg() == Some(leg)) {
            trial.leg.command(h, MediaCommand::InfoDigit { digit, duration_ms });
        }
    }

    pub fn media_event(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        event: &MediaEvent,
        account: &mut Account,
    ) -> Searching {
        let Some(at) = self.trials.iter().position(|trial| trial.leg.stream == stream) else {
            return Searching::GoesOn;
        };
        match event {
            MediaEvent::Digit { digit, .. } => self.pressed(h, caller, at, *digit, account),
            MediaEvent::PlayDone(MediaToken(times)) => self.whispered(h, at, *times),
            MediaEvent::MediaLost => {
                self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.stream == stream);
                Searching::GoesOn
            }
            MediaEvent::RecordDone { .. }
            | MediaEvent::MediaBack
            | MediaEvent::Keyed { .. }
            | MediaEvent::Locked { .. } => Searching::GoesOn,
        }
    }

    pub fn media_closed(&mut self, h: &mut Hands<'_>, stream: StreamId, account: &mut Account) -> Searching {
        self.drop_where(h, account, LegEnd::Failed, |trial| trial.leg.stream == stream);
        Searching::GoesOn
    }

    pub fn recording_loaded(&mut self, h: &mut Hands<'_>, id: &RecordingId, audio: Option<&Encoded>) {
        for trial in &mut self.trials {
            let Some(asked) = &mut trial.asked else { continue };
            let fits = audio.filter(|audio| trial.leg.config().is_some_and(|config| config.codec == audio.codec));
            if let Some((Token(times), items)) = asked.playback.loaded(id, fits.cloned()) {
                trial.leg.command(h, MediaCommand::Play { token: MediaToken(times), items });
            }
        }
    }

    /// Lets go of everybody.
    /// As `give_up`: somebody has taken the call.
    pub fn taken(mut self, h: &mut Hands<'_>, account: &mut Account) {
        self.trials.iter_mut().for_each(|trial| trial.leg.taken_elsewhere());
        self.give_up(h, account, LegEnd::Cancelled);
    }

    pub fn give_up(self, h: &mut Hands<'_>, account: &mut Account, end: LegEnd) {
        for trial in self.trials {
            trial.leg.end(h, account, end);
        }
    }

    fn pressed(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        at: usize,
        digit: Digit,
        account: &mut Account,
    ) -> Searching {
        let trial = &mut self.trials[at];
        let Some(asked) = &mut trial.asked else { return Searching::GoesOn };
        match digit.as_char() {
            '1' => {
                trial.leg.command(h, MediaCommand::StopPlay);
                Searching::Taken(Box::new(self.trials.swap_remove(at).leg))
            }
            '2' => self.refused(h, at, LegEnd::Declined, SearchEnd::Declined, account),
            '3' => self.refused(h, at, LegEnd::MessageWanted, SearchEnd::MessageWanted, account),
            // Any other key: asked again at once, without counting.
            _ => {
                asked.waits_until = None;
                whisper(h, caller, &self.whisper, &trial.leg, asked);
                Searching::GoesOn
            }
        }
    }

    fn refused(
        &mut self,
        h: &mut Hands<'_>,
        at: usize,
        end: LegEnd,
        of_search: SearchEnd,
        account: &mut Account,
    ) -> Searching {
        self.alive = true;
        self.trials.swap_remove(at).leg.end(h, account, end);
        if self.plan.one_person { Searching::Over(of_search) } else { Searching::GoesOn }
    }

    /// The whisper was heard to its end.
    fn whispered(&mut self, h: &mut Hands<'_>, at: usize, times: u32) -> Searching {
        let trial = &mut self.trials[at];
        let Some(asked) = trial.asked.as_mut().filter(|asked| asked.times == times) else { return Searching::GoesOn };
        match self.whisper.consent {
            Consent::Lifted => Searching::Taken(Box::new(self.trials.swap_remove(at).leg)),
            Consent::Asked => {
                asked.waits_until = Some(h.now.mono + CONSENT_WAIT);
                Searching::GoesOn
            }
        }
    }

    fn trial_of(&mut self, leg: LegId) -> Option<&mut Trial> {
        self.trials.iter_mut().find(|trial| trial.leg.leg() == Some(leg))
    }

    fn drop_where(
        &mut self,
        h: &mut Hands<'_>,
        account: &mut Account,
        end: LegEnd,
        mut gone: impl FnMut(&mut Trial) -> bool,
    ) {
        let rang = matches!(end, LegEnd::NoAnswer | LegEnd::NoConsent | LegEnd::Declined | LegEnd::Busy);
        let mut at = 0;
        while at < self.trials.len() {
            if gone(&mut self.trials[at]) {
                self.alive |= rang;
                let leg = self.trials.swap_remove(at).leg;
                let (extension, call) = (leg.extension.clone(), leg.stream.call);
                leg.end(h, account, end);
                // Whose other telephone still rings is not free.
                if self.trials.iter().any(|trial| trial.leg.extension == extension) {
                    h.board.rings(&extension, call);
                }
            } else {
                at += 1;
            }
        }
    }
}

/// Tells one who lifted who calls and what they can press.
fn whisper(h: &mut Hands<'_>, caller: &Caller<'_>, whisper: &Whisper, leg: &OutLeg, asked: &mut Asking) {
    let Some(codec) = leg.config().map(|config| config.codec) else { return };
    let (call, token) = (leg.stream.call, Token(asked.times));
    let prompts = &caller.service.prompts;
    let ready = asked.playback.prepare(prompts, token, &whisper.say, &whisper.lang, codec, |need| {
        if let Need::Recording(recording) = need {
            h.out.push_back(Output::LoadRecording { call, recording, codec });
        }
    });
    let Some((Token(times), items)) = ready else { return };
    leg.command(h, MediaCommand::Play { token: MediaToken(times), items });
}
