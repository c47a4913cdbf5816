//! A call that the desk itself makes (R5, R19, R26, R37): somebody is rung, place by place; one who lifts hears the flow of the
//! errand as a caller hears theirs. A mobile's voicemail presses no key: then the next place is rung (R15).
//!
//! What came of it is on disk before it is said (R9), and said to the store until the store has it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::after::is_telephone_number;
use super::{Hands, Media, SdpIds, Session, Stage};
use crate::call::disk_words::Word;
use crate::call::events::What;
use crate::call::io::Output;
use crate::call::playback::Playback;
use crate::call::reach::{Consent, OutLeg, Plan, Reach, WayBack, Whisper};
use crate::call::service::{Service, WayOut};
use crate::desk::call_record::{CallRecord, Direction, LegEnd, Outcome};
use crate::desk::errand::{Errand, ErrandEnd, ErrandKind, ErrandResult, ErrandTo};
use crate::desk::request::{DeskError, DeskReply, DeskRequest, RequestId};
use crate::flow::io::{Input as FlowInput, SearchEnd};
use crate::flow::run::{CallerInfo, FlowRun};
use crate::sip::user_agent::LegId;
use crate::types::{CallId, Lang, Now, RecordingId, StreamId};

/// Of the search for whoever is called; the flow's own requests begin at 1.
const ON_ERRAND: RequestId = RequestId(0);
/// The leg of nobody: nobody has lifted yet.
const NO_LEG: LegId = LegId(u64::MAX);

/// Why nobody was reached: nobody needed to be any more.
const OVERTAKEN: &str = "overtaken";

/// What the call is for, and what came of it so far.
pub(super) struct Mission {
    errand: Arc<Errand>,
    /// The number of a customer.
    number: Option<String>,
    /// Whoever lifted. Their dialog and stream are the session's.
    lifted: Option<Box<OutLeg>>,
    /// They have pressed a key: it is a human.
    pressed: bool,
    result: Option<ErrandResult>,
    comment: Option<RecordingId>,
    /// The request that keeps the result.
    asked: Option<RequestId>,
    /// All that is known is on disk.
    kept: bool,
}

impl Mission {
    pub fn key_pressed(&mut self) {
        self.pressed = true;
    }

    /// Nobody has lifted: it is the desk that calls.
    pub fn rings(&self) -> bool {
        self.lifted.is_none()
    }

    pub fn kind(&self) -> ErrandKind {
        self.errand.kind
    }

    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    fn end(&self, now: Now, result: ErrandResult, why: Option<String>) -> ErrandEnd {
        ErrandEnd { errand: self.errand.id, at: now.wall, result, why, comment: self.comment.clone() }
    }
}

/// Whether nothing more comes after this result: a customer who is asked may still have something to say.
fn is_last(result: ErrandResult) -> bool {
    !matches!(result, ErrandResult::Satisfied | ErrandResult::NotSatisfied)
}

impl Session {
    /// `None` where the flow has no beginning for calls of this kind.
    pub fn on_errand(
        call: CallId,
        errand: Errand,
        service: Arc<Service>,
        sdp_session_id: u64,
        now: Now,
    ) -> Option<Self> {
        let errand = Arc::new(errand);
        let number = match &errand.to {
            ErrandTo::Person { .. } => None,
            ErrandTo::Customer { number } => Some(number.clone()),
        };
        let record = new_row(call, &errand, now);
        let flow = FlowRun::on_errand(service.flow.clone(), called(&service, call, number.clone(), &errand), &errand)?;
        let mission = Mission {
            errand,
            number,
            lifted: None,
            pressed: false,
            result: None,
            comment: None,
            asked: None,
            kept: false,
        };
        Some(Self {
            leg: NO_LEG,
            stream: StreamId::caller(call),
            record,
            scheduled: None,
            service,
            listener: 0,
            started: now.mono,
            earlier_ms: 0,
            answered: None,
            node_since: now.mono,
            stage: Stage::Calling,
            media: Media::None,
            local: None,
            sdp_ids: SdpIds { session_id: sdp_session_id, version: 1 },
            flow,
            flow_wait: None,
            finish: None,
            playback: Playback::default(),
            playing: None,
            looping: None,
            recording: None,
            recordings: 0,
            source: SocketAddr::from(([0, 0, 0, 0], 0)),
            pin: None,
            feedback: Default::default(),
            end: None,
            opening: None,
            reach: Reach::new(call),
            pbx_asked: None,
            after: Default::default(),
            told_place: None,
            mission: Some(Box::new(mission)),
        })
    }

    /// Begins to ring.
    pub fn begin_errand(&mut self, hands: &mut Hands<'_>) {
        let Some(mission) = &self.mission else { return };
        let errand = mission.errand.clone();
        self.put_call(hands);
        self.tell(hands, What::ErrandBegun { errand: errand.id, kind: errand.kind });
        match self.plan_of(hands, &errand) {
            Ok(plan) => {
                let whisper = Whisper { say: Vec::new(), lang: self.desk_lang(), consent: Consent::Lifted };
                self.reaching(hands, |reach, h, caller| reach.begin(h, caller, ON_ERRAND, plan, whisper));
            }
            Err((result, why)) => self.errand_fails(hands, result, why),
        }
    }

    /// Nobody needs to be called any more: the telephone stops ringing. Who has lifted hears it out (R6).
    pub fn overtaken(&mut self, hands: &mut Hands<'_>) {
        if matches!(self.stage, Stage::Calling) {
            self.errand_fails(hands, ErrandResult::NotReached, OVERTAKEN);
        }
    }

    fn plan_of(&self, hands: &Hands<'_>, errand: &Errand) -> Result<Plan, (ErrandResult, &'static str)> {
        if errand.overtaken {
            return Err((ErrandResult::NotReached, OVERTAKEN));
        }
        match &errand.to {
            ErrandTo::Person { extension } => {
                let person = self.service.person(extension).ok_or((ErrandResult::Failed, "unknown_extension"))?;
                let standing = hands.board.presences.of(person, self.service.time_zone, hands.now.wall);
                if !standing.is_in() {
                    return Err((ErrandResult::NotReached, "out"));
                }
                if hands.board.is_engaged(extension) {
                    return Err((ErrandResult::NotReached, "busy"));
                }
                Ok(Plan::errand(&self.service, person, hands.now))
            }
            ErrandTo::Customer { number } => {
                let way = self.way_to_customer(hands, number, errand).map_err(|why| (ErrandResult::Failed, why))?;
                Ok(Plan::customer(way))
            }
        }
    }

    /// A telephone that is registered here; else the gateway, for the number that the customer called from or that somebody of
    /// the desk has written down. No caller makes the desk dial a number of their choosing (R10).
    fn way_to_customer(&self, hands: &Hands<'_>, number: &str, errand: &Errand) -> Result<WayBack, &'static str> {
        let ring = self.service.call_back.ring;
        if !hands.ua.bindings(number).is_empty() {
            return Ok(WayBack { address: format!("sip:{number}@{}", hands.ua.realm()), ring });
        }
        let way_out = self.service.call_back.gateway.as_ref().ok_or("no_gateway")?;
        if !is_telephone_number(number) || !self.service.call_back.may_dial(number) {
            return Err("number_denied");
        }
        let about = &errand.about;
        let vouched = match way_out {
            WayOut::Trunk(name) => about.trunk.as_ref() == Some(name),
            WayOut::Address(_) => true,
        };
        let called_from = about.called_from.as_deref() == Some(number) && vouched;
        let by_hand = errand.ticket.is_none() && errand.message.is_none();
        match called_from || about.number_by.is_some() || by_hand {
            true => Ok(WayBack { address: self.way_over(way_out, number), ring }),
            false => Err("number_not_confirmed"),
        }
    }

    /// Somebody lifted, or their voicemail: they are the call from now on.
    pub(super) fn lifted(&mut self, hands: &mut Hands<'_>, out: Box<OutLeg>) {
        let (leg, config, local) = (out.leg(), out.config().cloned(), out.local());
        let (Some(leg), Some(config), Some((local, version))) = (leg, config, local) else { return };
        (self.leg, self.stream) = (leg, out.stream);
        (self.sdp_ids.session_id, self.sdp_ids.version) = (local.session_id, version);
        self.local = Some(local.clone());
        self.record.codec = Some(config.codec);
        self.media = Media::Open(config);
        self.answered = Some(hands.now.mono);
        self.record.answered_at = Some(hands.now.wall);
        if let Some(call_id) = hands.ua.call_id(leg) {
            call_id.clone_into(&mut self.record.sip_call_id);
        }
        self.reach.lifted(hands, &out);
        self.tell(hands, What::Lifted { extension: out.extension.clone() });
        if let Some(mission) = &mut self.mission {
            mission.lifted = Some(out);
        }
        self.stage = Stage::Talking;
        self.put_call(hands);
        self.drive(hands, FlowInput::Start);
    }

    /// Whether the call goes on at another place, as nobody here has pressed a key (R15).
    pub(super) fn tries_next_place(&mut self, hands: &mut Hands<'_>) -> bool {
        if !matches!(self.stage, Stage::Talking) || self.end.is_some() {
            return false;
        }
        let Some(mission) = self.mission.as_mut().filter(|mission| !mission.pressed) else { return false };
        let Some(mut out) = mission.lifted.take() else { return false };
        out.goes_on_as(self.leg);
        let number = mission.number.clone();
        let called = called(&self.service, self.record.id, number, &mission.errand);
        let Some(flow) = FlowRun::on_errand(self.service.flow.clone(), called, &mission.errand) else {
            return false;
        };
        self.flow = flow;
        (self.flow_wait, self.finish, self.answered) = (None, None, None);
        self.playback.clear();
        (self.playing, self.looping) = (None, None);
        self.feedback.clear();
        (self.media, self.local) = (Media::None, None);
        (self.leg, self.stream) = (NO_LEG, StreamId::caller(self.record.id));
        self.stage = Stage::Calling;
        self.reaching(hands, |reach, h, caller| reach.next_place(h, caller, *out));
        true
    }

    /// No place is left.
    pub(super) fn nobody_lifted(&mut self, hands: &mut Hands<'_>, end: SearchEnd) {
        let last = self.reach.last_end();
        let (result, why) = match (last, end) {
            (None, _) => (ErrandResult::Failed, "nowhere_to_call"),
            (Some(LegEnd::NotCalled), _) => (ErrandResult::Failed, LegEnd::NotCalled.as_str()),
            (Some(last), _) => (ErrandResult::NotReached, last.as_str()),
        };
        self.errand_fails(hands, result, why);
    }

    fn errand_fails(&mut self, hands: &mut Hands<'_>, result: ErrandResult, why: &'static str) {
        if let Some(mission) = &mut self.mission {
            mission.result.get_or_insert(result);
        }
        let outcome = if result == ErrandResult::Failed { Outcome::Failed } else { Outcome::Abandoned };
        self.leave(hands, why, Some(outcome));
    }

    /// The flow knows what came of it: on disk first.
    pub(super) fn keep_result(&mut self, hands: &mut Hands<'_>, id: RequestId, result: ErrandResult) {
        let call = self.record.id;
        let Some(mission) = &mut self.mission else {
            let result = Err(DeskError::Unknown("an errand".to_owned()));
            return self.feedback.push_back(FlowInput::Desk(DeskReply { call, id, result }));
        };
        let result = *mission.result.get_or_insert(result);
        mission.asked = Some(id);
        let end = mission.end(hands.now, result, None);
        let request = DeskRequest::KeepErrand { id, end, over: is_last(result) };
        hands.out.push_back(Output::Desk { call, request });
    }

    pub(super) fn result_replied(&mut self, reply: &DeskReply) {
        if let Some(mission) = self.mission.as_mut().filter(|mission| mission.asked == Some(reply.id)) {
            mission.kept = reply.result.is_ok() && mission.result.is_some_and(is_last);
        }
    }

    pub(super) fn keep_comment(&mut self, hands: &mut Hands<'_>, comment: RecordingId) {
        let Some(mission) = &mut self.mission else { return };
        mission.comment = Some(comment);
        mission.kept = false;
        if let Some(result) = mission.result {
            let end = mission.end(hands.now, result, None);
            hands.words.say(hands.now.mono, Word::Errand { end, over: false });
        }
    }

    /// The call is over for whoever lifted.
    pub(super) fn heard_out(&mut self, hands: &mut Hands<'_>) {
        let Some(mission) = &mut self.mission else { return };
        let end = if mission.pressed { LegEnd::Talked } else { LegEnd::NoConsent };
        if let Some(out) = mission.lifted.take() {
            self.reach.heard_out(hands, &out, end);
        }
    }

    /// Nothing more comes of the call: what came of it is said until it is kept. One that the end of the line cut off is made
    /// again at the next start.
    pub(super) fn end_errand(&mut self, hands: &mut Hands<'_>) {
        let reason = self.record.end_reason.clone().unwrap_or_default();
        let Some(mission) = &self.mission else { return };
        let result = match mission.result {
            Some(result) => result,
            None if reason == "shutdown" => return,
            None if reason == "internal_error" => ErrandResult::Failed,
            None if mission.errand.kind == ErrandKind::Relay && mission.pressed => ErrandResult::Heard,
            None => ErrandResult::NotReached,
        };
        let end = mission.end(hands.now, result, mission.result.is_none_or(|r| !answers(r)).then_some(reason));
        let (errand, kept) = (end.errand, mission.kept);
        if !kept {
            hands.words.say(hands.now.mono, Word::Errand { end, over: true });
        }
        self.tell(hands, What::ErrandEnded { errand, result });
    }
}

/// Whether somebody gave it as an answer.
fn answers(result: ErrandResult) -> bool {
    !matches!(result, ErrandResult::NotReached | ErrandResult::Failed | ErrandResult::Heard)
}

fn own_first(mut languages: Vec<Lang>, own: Option<&Lang>) -> Vec<Lang> {
    if let Some(at) = languages.iter().position(|lang| Some(lang) == own) {
        languages[..=at].rotate_right(1);
    }
    languages
}

/// Whoever is called is spoken to in the language that they spoke with the desk, where the line still has it.
fn called(service: &Service, call: CallId, number: Option<String>, errand: &Errand) -> CallerInfo {
    let languages = own_first(service.languages.clone(), errand.about.language.as_ref());
    CallerInfo {
        call,
        callee: String::new(),
        number,
        name: None,
        languages,
        record: service.record.clone(),
        recording_notice: service.recording_notice,
    }
}

/// The row of a call that the desk makes (R4).
fn new_row(id: CallId, errand: &Errand, now: Now) -> CallRecord {
    let callee = match &errand.to {
        ErrandTo::Person { extension } => extension.clone(),
        ErrandTo::Customer { number } => number.clone(),
    };
    CallRecord { callee, ..CallRecord::begun(id, Direction::Out, now.wall) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_hears_their_own_language_where_the_line_has_it() {
        let line = ["zh", "en", "yue"].map(Lang::new).to_vec();
        let begins = |own: Option<&str>| {
            let ordered = own_first(line.clone(), own.map(Lang::new).as_ref());
            ordered.iter().map(|lang| lang.0.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(begins(None), "zh en yue");
        assert_eq!(begins(Some("zh")), "zh en yue");
        assert_eq!(begins(Some("yue")), "yue zh en");
        assert_eq!(begins(Some("fr")), "zh en yue", "a language that the line had once");
    }
}
