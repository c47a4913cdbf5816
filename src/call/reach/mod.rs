//! Reaching people for a caller: whom to ring, ringing them, asking them whether they take the call, and the talk that
//! comes of it (R15 to R18). One `Reach` belongs to one call; its legs are streams of that call.
//!
//! - `whom`: from the directory to rounds of places.
//! - `place`: a configured place as somewhere that can be rung.
//! - `leg`: one leg that rings somebody: from its ports to its end.
//! - `search`: legs tried round by round until one takes the call.
//! - `talk`: the caller and the one who took the call, with holds and keys.
//! - `briefing`: telling one who took the call what is known of it, when the caller is gone.
//! - `call_back`: a receptionist and a customer who is called back.
//! - `errand`: whoever the desk itself calls.
//! - `redirect`: where a telephone that answers 3xx sends us, if that is a place that the desk knows.
//! - `account`: what was tried, for the call's record.
//! - `codes`: what the one who took the call can do by keys.
//! - `handover`: the caller on the way from one of them to another.
//! - `live`: how far it is, for whoever looks.
//! - `visitor`: a call of theirs that comes in for it.
//!
//! What holds: only configured places are ever called (R16); a leg that fails never takes the caller with it; what was
//! tried is in the call's record, to the last leg.

mod account;
mod briefing;
mod call_back;
mod codes;
mod errand;
mod handover;
mod leg;
mod live;
mod outgoing;
mod place;
mod redirect;
mod search;
mod talk;
mod visitor;
mod whom;

use std::collections::VecDeque;

use self::account::Account;
use self::briefing::{Briefing, took};
pub(super) use self::call_back::WayBack;
use self::call_back::{CallBack, Returned};
use self::handover::Handover;
pub(super) use self::handover::Visit;
pub(super) use self::leg::OutLeg;
pub(super) use self::live::Standing;
pub(super) use self::search::Consent;
use self::search::{Search, Searching};
use self::talk::{Talk, Talked};
pub(super) use self::whom::{Colleague, Plan};
use super::io::{LentPorts, Output};
use super::service::Service;
use super::session::Hands;
use crate::desk::call_record::{LegEnd, LegRecord};
use crate::desk::request::RequestId;
use crate::flow::io::{Parted, Say, SearchEnd};
use crate::flow::run::FlowRun;
use crate::media::io::{Encoded, MediaEvent, StreamConfig, StreamReport};
use crate::sip::locate::Target;
use crate::sip::user_agent::{EndReason, LegId};
use crate::sip::wire::Uri;
use crate::types::{CallId, Digit, Lang, Mono, RecordingId, StreamId};

/// Legs that one call rings at most, all searches together: a search that is repeated for ever must end some time.
pub const LEGS_MAX: u32 = 500;

/// What the call's session is to know.
pub(super) enum News {
    /// Somebody took the call: they hear each other.
    Met { id: RequestId },
    /// Somebody whom the desk calls on an errand has lifted, or their voicemail.
    Lifted { leg: Box<OutLeg> },
    /// The search ended without a talk.
    Ended { id: RequestId, end: SearchEnd },
    /// The caller is gone; somebody took the call all the same, and is told of it, or the caller is rung.
    TakenOver { extension: String },
    /// The customer was called back, and talks to the one who took it.
    CalledBack,
    /// The customer did not answer.
    NotCalledBack,
    /// The talk is over.
    Parted { id: RequestId, how: Parted },
    /// Music for the caller, or no more of it, while the other side holds or is away.
    Music { on: bool },
    /// The caller is on the way from one of the staff to another.
    HandedOn { from: String, to: String },
    /// The caller waits at a place of this number.
    Parked { extension: String, slot: u16 },
    /// Whoever had the caller is rung to take them back.
    Recalled { extension: String },
    /// The caller talks to somebody else than before: they are to hear each other.
    Reached { extension: String },
    /// The one who took the call pressed a key that is the caller's to hear.
    Press { digit: Digit },
}

/// What reaching needs to know of the caller.
pub(super) struct Caller<'a> {
    pub service: &'a Service,
    pub number: Option<&'a str>,
    pub name: Option<&'a str>,
    /// The desk itself calls.
    pub is_desk: bool,
    /// The user part that the caller dialled.
    pub callee: &'a str,
    /// Knows what those are to hear whom the caller is handed to.
    pub flow: &'a FlowRun,
    /// Index of the listener that the call came in on.
    pub listener: usize,
    /// The caller's stream, once it is open.
    pub config: Option<&'a StreamConfig>,
    pub started: Mono,
    /// How long before that the call came in, in an earlier run.
    pub earlier_ms: u64,
}

impl Caller<'_> {
    /// The colleague hears the desk's own language.
    pub fn desk_lang(&self) -> Lang {
        self.service.languages.first().cloned().unwrap_or_else(|| Lang::new("zh"))
    }
}

/// What the one who is rung hears before the call is put through, and whether they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whisper {
    pub say: Vec<Say>,
    pub lang: Lang,
    pub consent: Consent,
}

/// What is told to one who takes the call when the caller is gone; not known while the caller's last words are written.
struct Gone {
    brief: Option<Vec<Say>>,
    /// Where the caller is called back.
    way: Option<WayBack>,
    /// Of the brief.
    lang: Option<Lang>,
}

/// See the module.
pub(super) struct Reach {
    call: CallId,
    /// The stream of whoever people are rung for.
    caller: StreamId,
    next_leg: u32,
    // In boxes: most calls have none of them.
    search: Option<Box<Search>>,
    talk: Option<Box<Talk>>,
    handover: Option<Box<Handover>>,
    /// Set once the caller is gone.
    gone: Option<Gone>,
    briefing: Option<Box<Briefing>>,
    call_back: Option<Box<CallBack>>,
    /// Places that are left to be called on an errand, while somebody at another one has lifted.
    paused: Option<Box<Search>>,
    account: Account,
    news: VecDeque<News>,
}

impl Reach {
    pub fn new(call: CallId) -> Self {
        let (account, news) = (Account::default(), VecDeque::new());
        Self {
            call,
            caller: StreamId::caller(call),
            next_leg: 1,
            search: None,
            talk: None,
            handover: None,
            gone: None,
            briefing: None,
            call_back: None,
            paused: None,
            account,
            news,
        }
    }

    /// Goes on where an earlier run was cut off.
    pub fn taken_up(call: CallId, legs: Vec<LegRecord>) -> Self {
        let next_leg = legs.iter().map(|leg| leg.leg).max().unwrap_or(0).saturating_add(1);
        let gone = Some(Gone { brief: None, way: None, lang: None });
        Self { next_leg, gone, account: Account::of_earlier(legs), ..Self::new(call) }
    }

    /// Whether the caller talks, or is on the way from one to another.
    pub fn is_talking(&self) -> bool {
        self.talk.is_some() || self.handover.is_some()
    }

    /// The legs so far, for the call's record.
    pub fn records(&self) -> &[LegRecord] {
        self.account.records()
    }

    /// Whether the figures of every stream have come.
    pub fn is_settled(&self) -> bool {
        self.account.closing == 0
    }

    /// The search that goes on.
    pub fn searches(&self) -> Option<RequestId> {
        self.search.as_ref().map(|it| it.id())
    }

    pub fn poll(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Begins to ring people; a search that goes on is given up for it.
    pub fn begin(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, id: RequestId, plan: Plan, whisper: Whisper) {
        self.stop(h);
        self.search = Some(Box::new(Search::new(h.now, id, plan, whisper)));
        self.go_on(h, caller);
    }

    /// Gives the search up: whoever rings stops ringing. No news comes of it.
    pub fn stop(&mut self, h: &mut Hands<'_>) {
        if let Some(search) = self.search.take() {
            search.give_up(h, &mut self.account, LegEnd::Cancelled);
        }
    }

    /// The caller is gone: whoever rings or talks is let go, but for those who are rung on (R18).
    pub fn leave(&mut self, h: &mut Hands<'_>) {
        self.drop_handover(h);
        self.gone = Some(Gone { brief: None, way: None, lang: None });
        if !self.search.as_ref().is_some_and(|it| it.outlives_the_caller()) {
            self.stop(h);
        }
        if let Some(talk) = self.talk.take() {
            talk.end(h, &mut self.account);
        }
        self.news.clear();
    }

    /// What is to be told of a caller who is gone.
    pub fn know(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, brief: Vec<Say>) {
        if let Some(briefing) = &mut self.briefing {
            briefing.know(h, caller, brief.clone());
        }
        self.gone = Some(Gone { brief: Some(brief), way: None, lang: None });
    }

    /// The caller, who is gone, is called back there once somebody has taken the call.
    pub fn call_back_at(&mut self, way: Option<WayBack>) {
        if let Some(gone) = &mut self.gone {
            gone.way = way;
        }
    }

    /// Whether people are rung, or told, for a caller who is gone.
    pub fn goes_on(&self) -> bool {
        self.gone.is_some() && (self.search.is_some() || self.briefing.is_some() || self.call_back.is_some())
    }

    /// Lets everybody go.
    pub fn end(&mut self, h: &mut Hands<'_>) {
        self.stop(h);
        self.paused = None;
        if let Some(briefing) = self.briefing.take() {
            briefing.end(h, self.call, &mut self.account);
        }
        if let Some(call_back) = self.call_back.take() {
            call_back.end(h, &mut self.account);
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        let talk = self.talk.as_ref().and_then(|it| it.next_wake());
        let handover = self.handover.as_ref().and_then(|handover| handover.next_wake());
        let briefing = self.briefing.as_ref().and_then(|it| it.next_wake());
        let call_back = self.call_back.as_ref().and_then(|it| it.next_wake());
        let search = self.search.as_ref().and_then(|it| it.next_wake());
        [search, talk, handover, briefing, call_back].into_iter().flatten().min()
    }

    pub fn timeout(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        self.search_does(h, caller, |search, h, account| search.timeout(h, caller, account));
        self.talk_does(h, caller, |talk, h| talk.timeout(h));
        self.handover_times_out(h, caller);
        self.briefing_does(h, |briefing, h| briefing.timeout(h, caller));
        self.call_back_does(h, caller, |call_back, h, _| call_back.timeout(h, caller));
    }

    pub fn ports_lent(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, stream: StreamId, ports: Option<LentPorts>) {
        if self.visitor_has_ports(h, caller, stream, ports) {
            return;
        }
        if self.call_back.as_ref().is_some_and(|call_back| call_back.waits_for_ports(stream)) {
            return self.call_back_does(h, caller, |call_back, h, _| call_back.ports_lent(h, caller, ports));
        }
        let wanted = self.search.as_ref().is_some_and(|search| search.has_stream(stream));
        if !wanted {
            // Given up before the ports came: they go back unused.
            if ports.is_some() {
                h.out.push_back(Output::ReturnPorts { stream });
            }
            return;
        }
        self.search_does(h, caller, |search, h, account| search.ports_lent(h, caller, stream, ports, account));
    }

    pub fn located(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, stream: StreamId, targets: &[Target]) {
        self.search_does(h, caller, |search, h, account| search.located(h, caller, stream, targets, account));
        self.call_back_does(h, caller, |call_back, h, _| call_back.located(h, caller, stream, targets));
    }

    pub fn ringing(&mut self, leg: LegId, sdp: Option<Vec<u8>>) {
        if let Some(search) = &mut self.search {
            search.ringing(leg, sdp);
        } else if let Some(call_back) = &mut self.call_back {
            call_back.ringing(leg, sdp);
        }
    }

    pub fn answered(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, sdp: Option<Vec<u8>>) {
        if self.call_back.is_some() {
            return self.call_back_does(h, caller, |call_back, h, _| call_back.answered(h, leg, sdp));
        }
        self.search_does(h, caller, |search, h, account| search.answered(h, caller, leg, sdp, account));
    }

    pub fn failed(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, status: u16, contacts: &[Uri]) {
        h.legs.remove(&leg);
        if let Some(search) = self.search.as_mut().filter(|_| (300..400).contains(&status)) {
            search.redirected(h, caller, leg, (status, contacts), &mut self.next_leg, &mut self.account);
        }
        self.search_does(h, caller, |search, h, account| search.failed(h, caller, leg, status, account));
        self.call_back_does(h, caller, |call_back, h, account| call_back.failed(h, caller, leg, status, account));
    }

    /// A dialog of ours is over without our doing.
    pub fn ended(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, reason: EndReason) {
        h.legs.remove(&leg);
        self.search_does(h, caller, |search, h, account| search.ended(h, leg, account));
        self.talk_does(h, caller, |talk, _| talk.ended(leg, reason));
        self.handover_leg_ended(h, caller, leg, reason);
        self.briefing_does(h, |briefing, _| briefing.is_leg(leg));
        self.call_back_does(h, caller, |call_back, _, _| call_back.ended(leg));
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, offer: Option<&[u8]>) {
        if let Some(search) = &mut self.search {
            search.reinvite(h, caller, leg, offer);
        }
        if let Some(briefing) = self.briefing.as_mut().filter(|briefing| briefing.is_leg(leg)) {
            briefing.reinvite(h, caller, offer);
        }
        if let Some(call_back) = &mut self.call_back {
            call_back.reinvite(h, caller, leg, offer);
        }
        self.talk_does(h, caller, |talk, h| talk.reinvite(h, leg, offer));
        self.handover_reinvite(h, caller, leg, offer, false);
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, sdp: Option<&[u8]>) {
        if let Some(search) = &mut self.search {
            search.reinvite_acked(h, caller, leg, sdp);
        }
        if let Some(briefing) = self.briefing.as_mut().filter(|briefing| briefing.is_leg(leg)) {
            briefing.reinvite_acked(h, caller, sdp);
        }
        if let Some(call_back) = &mut self.call_back {
            call_back.reinvite_acked(h, caller, leg, sdp);
        }
        self.talk_does(h, caller, |talk, h| talk.reinvite_acked(h, leg, sdp));
        self.handover_reinvite(h, caller, leg, sdp, true);
    }

    pub fn info(&mut self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        if let Some(search) = &self.search {
            search.info(h, leg, digit, duration_ms);
        }
        if let Some(briefing) = self.briefing.as_ref().filter(|briefing| briefing.is_leg(leg)) {
            briefing.info(h, digit, duration_ms);
        }
        if let Some(call_back) = &self.call_back {
            call_back.info(h, leg, digit, duration_ms);
        }
        if let Some(talk) = &self.talk {
            talk.info(h, leg, digit, duration_ms);
        }
        self.handover_info(h, leg, digit, duration_ms);
    }

    pub fn media_event(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, stream: StreamId, event: &MediaEvent) {
        // The key that takes a call is not the caller's to hear.
        if self.search.as_ref().is_some_and(|search| search.has_stream(stream)) {
            return self
                .search_does(h, caller, |search, h, account| search.media_event(h, caller, stream, event, account));
        }
        if self.talk.as_ref().is_some_and(|talk| talk.leg.stream == stream) {
            return self.talk_does(h, caller, |talk, h| talk.media_event(h, stream, event, false));
        }
        self.handover_media(h, caller, stream, event);
        self.briefing_does(h, |briefing, h| briefing.has_stream(stream) && briefing.media_event(h, caller, event));
        self.call_back_does(h, caller, |call_back, _, _| match call_back.has_stream(stream) {
            true => call_back.media_event(event),
            false => Returned::GoesOn,
        });
    }

    /// A leg's stream is closed, with its figures; one that closed by itself leaves a mute leg.
    pub fn media_closed(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, stream: StreamId, report: &StreamReport) {
        self.account.closed(stream.leg, report.stats);
        self.search_does(h, caller, |search, h, account| search.media_closed(h, stream, account));
        self.talk_does(h, caller, |talk, _| talk.media_closed(stream));
        self.handover_stream_closed(h, caller, stream);
        self.briefing_does(h, |briefing, _| briefing.has_stream(stream));
        self.call_back_does(h, caller, |call_back, _, _| match call_back.has_stream(stream) {
            true => Returned::Over,
            false => Returned::GoesOn,
        });
    }

    pub fn recording_loaded(&mut self, h: &mut Hands<'_>, id: &RecordingId, audio: Option<&Encoded>) {
        if let Some(search) = &mut self.search {
            search.recording_loaded(h, id, audio);
        }
        if let Some(briefing) = &mut self.briefing {
            briefing.recording_loaded(h, id, audio);
        }
    }

    /// Lets the caller and the one who took the call hear each other; the caller's stream is open.
    pub fn connect(&self, h: &mut Hands<'_>) {
        if let Some(talk) = &self.talk {
            talk.bridge(h);
        }
    }

    /// Extension of the one who talks to the caller.
    pub fn talks_to(&self) -> Option<&str> {
        self.talk.as_ref().map(|it| it.extension())
    }

    /// The leg of the one who talks to the caller.
    pub fn talks_on(&self) -> Option<LegId> {
        self.talk.as_ref().and_then(|talk| talk.leg.leg())
    }

    /// The caller put the line on hold, or came back.
    pub fn caller_held(&self, h: &mut Hands<'_>, caller: &Caller<'_>, held: bool) {
        if let Some(talk) = &self.talk {
            talk.caller_held(h, caller, held);
        }
    }

    /// A key of the caller that audio does not carry across by itself.
    pub fn caller_pressed(&mut self, h: &mut Hands<'_>, digit: Digit) {
        if let Some(talk) = &self.talk {
            talk.press(h, digit);
        }
    }

    /// Lets the search act, then deals with what came of it.
    fn search_does(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        act: impl FnOnce(&mut Search, &mut Hands<'_>, &mut Account) -> Searching,
    ) {
        let Some(search) = &mut self.search else { return };
        match act(search, h, &mut self.account) {
            Searching::GoesOn => self.go_on(h, caller),
            Searching::Taken(leg) => {
                let Some(mut search) = self.search.take() else { return };
                if search.is_errand() {
                    search.pause(h, &mut self.account);
                    self.paused = Some(search);
                    return self.news.push_back(News::Lifted { leg });
                }
                let (id, lang) = (search.id(), search.lang());
                search.taken(h, &mut self.account);
                if let Some(handover) = self.handover.take() {
                    return self.found(h, caller, *handover, *leg);
                }
                if self.gone.is_some() {
                    return self.taken_over(h, caller, *leg, lang);
                }
                self.talk = Some(Box::new(Talk::begin(h, id, self.caller, *leg, &mut self.account)));
                self.news.push_back(News::Met { id });
            }
            Searching::Over(end) => {
                let Some(search) = self.search.take() else { return };
                let id = search.id();
                search.give_up(h, &mut self.account, LegEnd::Cancelled);
                self.search_over(h, caller, id, end);
            }
        }
    }

    /// Rings the next places where nobody rings any more.
    fn go_on(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let Some(search) = &mut self.search else { return };
        if let Searching::Over(end) = search.go_on(h, caller, self.call, &mut self.next_leg, &mut self.account) {
            let Some(search) = self.search.take() else { return };
            self.search_over(h, caller, search.id(), end);
        }
    }

    fn search_over(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, id: RequestId, end: SearchEnd) {
        match self.handover.take() {
            Some(handover) => self.not_found(h, caller, *handover, end),
            None => self.news.push_back(News::Ended { id, end }),
        }
    }

    /// Somebody took the call whose caller is gone: the caller is called back where that can be, else they are told of it.
    fn taken_over(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: OutLeg, lang: Lang) {
        let Some(gone) = &mut self.gone else { return };
        self.news.push_back(News::TakenOver { extension: leg.extension.clone() });
        gone.lang = Some(lang.clone());
        let what = (gone.brief.clone(), lang);
        let mut leg = leg;
        let may_dial = may_dial(h, caller) && self.next_leg < LEGS_MAX;
        if let Some(way) = gone.way.take().filter(|_| may_dial) {
            took(h, self.call, &leg, &mut self.account);
            let stream = StreamId { call: self.call, leg: self.next_leg };
            self.next_leg += 1;
            match CallBack::begin(h, caller, leg, stream, &way, &mut self.account) {
                Ok(call_back) => return self.call_back = Some(Box::new(call_back)),
                Err(desk) => leg = *desk,
            }
            self.news.push_back(News::NotCalledBack);
        }
        self.briefing = Some(Box::new(Briefing::begin(h, caller, self.call, leg, what, &mut self.account)));
    }

    fn call_back_does(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        act: impl FnOnce(&mut CallBack, &mut Hands<'_>, &mut Account) -> Returned,
    ) {
        let Some(call_back) = &mut self.call_back else { return };
        match act(call_back, h, &mut self.account) {
            Returned::GoesOn => {}
            Returned::Met => self.news.push_back(News::CalledBack),
            Returned::InVain => {
                let Some(call_back) = self.call_back.take() else { return };
                let leg = call_back.give_up(h, &mut self.account);
                let gone = self.gone.as_ref();
                let what = (gone.and_then(|gone| gone.brief.clone()), gone.and_then(|gone| gone.lang.clone()));
                let what = (what.0, what.1.unwrap_or_else(|| Lang::new("zh")));
                self.briefing = Some(Box::new(Briefing::of(h, caller, leg, what)));
                self.news.push_back(News::NotCalledBack);
            }
            Returned::Over => {
                let Some(call_back) = self.call_back.take() else { return };
                if !call_back.has_met() {
                    // The receptionist hung up too early: the ticket says that nobody has talked to the customer yet.
                    self.news.push_back(News::NotCalledBack);
                }
                call_back.end(h, &mut self.account);
            }
        }
    }

    /// Lets the briefing act; `act` says whether it is over.
    fn briefing_does(&mut self, h: &mut Hands<'_>, act: impl FnOnce(&mut Briefing, &mut Hands<'_>) -> bool) {
        if self.briefing.as_mut().is_some_and(|briefing| act(briefing, h))
            && let Some(briefing) = self.briefing.take()
        {
            briefing.end(h, self.call, &mut self.account);
        }
    }

    fn talk_does(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        act: impl FnOnce(&mut Talk, &mut Hands<'_>) -> Talked,
    ) {
        let Some(talk) = &mut self.talk else { return };
        match act(talk, h) {
            Talked::GoesOn => {}
            Talked::Music(on) => self.news.push_back(News::Music { on }),
            Talked::Press(digits) => self.news.extend(digits.into_iter().map(|digit| News::Press { digit })),
            Talked::Code(code) => self.code(h, caller, code),
            Talked::Forgotten => self.forgotten(h, caller),
            Talked::Over(how) => self.talk_over(h, how),
        }
    }
}

/// Whether the desk may dial a customer now (R10).
fn may_dial(h: &Hands<'_>, caller: &Caller<'_>) -> bool {
    let time = h.now.wall.with_timezone(&caller.service.time_zone).time();
    caller.service.call_back.hours.is_none_or(|hours| hours.contains(time))
}
