//! What is done for a caller who is gone: duty officers are rung on, and whoever takes the call is told what is known (R18);
//! receptionists are rung for a call-back once the caller's place in the queue comes up. No caller makes the desk dial a
//! number of their choosing: only the number that a call came from is dialled, and only where the call's source vouches for
//! it; else the receptionist is told it.
//!
//! The call's row is ended by then. It gets what comes of the legs, and who took it; its outcome stays.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{End, Hands, LEAVE_MAX, Media, SdpIds, Session, Stage};
use crate::call::disk_words::Word;
use crate::call::events::What;
use crate::call::io::Output;
use crate::call::playback::Playback;
use crate::call::reach::{Consent, Plan, Reach, WayBack, Whisper};
use crate::call::service::Service;
use crate::call::service::WayOut;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::call_back::{CallBackState, CallBackWord, WaitingCallBack};
use crate::desk::request::{DeskRequest, RequestId};
use crate::desk::ticket::TicketChange;
use crate::flow::io::{Finish, Say, Strategy};
use crate::flow::run::FlowRun;
use crate::sip::user_agent::LegId;
use crate::types::{Now, StreamId};

/// Of searches and ticket notes that no flow waits for.
const AFTER: RequestId = RequestId(u32::MAX);

/// The leg of a caller whose call was in an earlier run: no leg has it.
const NO_LEG: LegId = LegId(u64::MAX);

/// What is still to be done, and what came of it.
#[derive(Debug, Default)]
pub(super) struct After {
    call_back: Option<CallBack>,
    /// Duty officers are rung, and nobody has taken the call yet.
    emergency: bool,
    /// Receptionists are rung for a call-back.
    calls_back: bool,
    taken_over: bool,
    /// Why the search for duty officers is ended, where it does not end by itself.
    cut_off: Option<&'static str>,
}

/// What a call-back needs, as it is kept over a restart too.
#[derive(Debug, Serialize, Deserialize)]
struct CallBack {
    strategy: Strategy,
    whisper: Vec<Say>,
    brief: Vec<Say>,
    /// Where the desk itself may call, as the call's source has shown.
    way: Option<String>,
}

impl After {
    /// The caller's place in the queue stays theirs.
    pub fn calls_back(&self) -> bool {
        self.call_back.is_some() || self.calls_back
    }

    /// Receptionists are rung for a call-back now.
    pub fn is_calling_back(&self) -> bool {
        self.calls_back
    }

    /// Somebody took the call when the caller was gone: they did not talk.
    pub fn is_taken_over(&self) -> bool {
        self.taken_over
    }
}

impl Session {
    /// Duty officers begin to ring. What a crash leaves of it is found at the next start.
    pub(super) fn watch_emergency(&mut self, hands: &mut Hands<'_>) {
        self.after.emergency = true;
        self.say_of_emergency(hands, AlarmState::Watched, "duty officers are rung");
    }

    /// Somebody took it.
    pub(super) fn settle_emergency(&mut self, hands: &mut Hands<'_>, extension: &str) {
        if std::mem::take(&mut self.after.emergency) {
            self.say_of_emergency(hands, AlarmState::Settled, &format!("{extension} took the call"));
        }
    }

    /// A search is over, or was given up, without anybody.
    pub(super) fn nobody_took_it(&mut self, hands: &mut Hands<'_>) {
        if std::mem::take(&mut self.after.emergency) {
            let why = match (self.after.cut_off, self.reach.records().is_empty()) {
                (Some(why), _) => why,
                (None, true) => "nobody is on duty for emergencies",
                (None, false) => "no duty officer took the call",
            };
            self.say_of_emergency(hands, AlarmState::Open, why);
            self.tell(hands, What::EmergencyMissed { why: why.to_owned() });
            self.note_in_ticket(hands, why);
        }
        if std::mem::take(&mut self.after.calls_back) {
            hands.board.leave_queue(self.record.id);
            self.say_of_call_back(hands, CallBackState::Over, String::new());
            self.note_in_ticket(hands, "no receptionist took the call-back: call this customer");
        }
    }

    /// The caller is gone: it rings on, if not too many do.
    pub(super) fn ring_on(&mut self, hands: &mut Hands<'_>, brief: Vec<Say>) {
        if self.after.emergency && !hands.board.ring_on(self.record.id) {
            self.after.cut_off = Some("too many emergencies ring at the same time");
            self.reach.stop(hands);
            return self.nobody_took_it(hands);
        }
        self.reaching(hands, |reach, h, caller| reach.know(h, caller, brief));
    }

    pub(super) fn taken_over(&mut self, hands: &mut Hands<'_>, extension: String) {
        self.settle_emergency(hands, &extension);
        self.after.taken_over = true;
        hands.board.leave_queue(self.record.id);
        let call_back = std::mem::take(&mut self.after.calls_back);
        if call_back {
            self.say_of_call_back(hands, CallBackState::Over, String::new());
        }
        let what = if call_back { "takes the call-back" } else { "took the call when the caller had hung up" };
        self.note_in_ticket(hands, &format!("{extension} {what}"));
        self.record.handled_by = Some(extension.clone());
        self.tell(hands, What::TakenOver { extension });
        self.put_call(hands);
    }

    /// The caller is gone: their place in the queue may come up.
    pub fn begin_call_back(&mut self, hands: &mut Hands<'_>) {
        let Some(CallBack { strategy, whisper, brief, way }) = self.after.call_back.take() else { return };
        self.after.calls_back = true;
        hands.board.call_back(self.record.id);
        hands.board.wait(hands.now.mono, self.record.id);
        let whisper = Whisper { say: whisper, lang: self.desk_lang(), consent: Consent::Asked };
        let ring = self.service.call_back.ring;
        let way = way.filter(|way| self.is_way_back(hands, way)).map(|address| WayBack { address, ring });
        self.reaching(hands, |reach, h, caller| {
            reach.know(h, caller, brief);
            reach.call_back_at(way);
            reach.begin(h, caller, AFTER, Plan::call_back(strategy), whisper);
        });
    }

    /// The caller will be called back: kept on disk, and begun once they are gone.
    pub(super) fn keep_call_back(
        &mut self,
        hands: &mut Hands<'_>,
        strategy: Strategy,
        whisper: Vec<Say>,
        brief: Vec<Say>,
    ) {
        let call_back = CallBack { strategy, whisper, brief, way: self.way_back(hands) };
        // What can be said can be written down.
        let say = serde_json::to_string(&call_back).unwrap_or_default();
        self.say_of_call_back(hands, CallBackState::Waiting, say);
        self.after.call_back = Some(call_back);
    }

    /// Takes up what an earlier run promised; none if it can't be read any more: the ticket remains.
    pub fn taken_up(waiting: WaitingCallBack, service: Arc<Service>, now: Now) -> Option<Session> {
        let WaitingCallBack { record, say, .. } = waiting;
        let call_back: CallBack = serde_json::from_str(&say).ok()?;
        let earlier_ms = (now.wall - record.started_at).num_milliseconds();
        let call = record.id;
        let flow = FlowRun::new(service.flow.clone(), service.caller_info(&record));
        let reach = Reach::taken_up(record.id, record.legs.clone());
        let end = End {
            at: record.ended_at?,
            mono: now.mono,
            reason: record.end_reason.clone().unwrap_or_default(),
            outcome: record.outcome,
        };
        Some(Self {
            pbx_asked: None,
            leg: NO_LEG,
            record,
            scheduled: None,
            service,
            listener: 0,
            started: now.mono,
            earlier_ms: u64::try_from(earlier_ms).unwrap_or(0),
            answered: None,
            node_since: now.mono,
            stage: Stage::After { until: None },
            media: Media::None,
            local: None,
            sdp_ids: SdpIds { session_id: 0, version: 1 },
            flow,
            flow_wait: None,
            finish: Some(Finish::Ticket),
            playback: Playback::default(),
            playing: None,
            looping: None,
            recording: None,
            recordings: 0,
            source: SocketAddr::from(([0, 0, 0, 0], 0)),
            pin: None,
            feedback: VecDeque::new(),
            end: Some(end),
            opening: None,
            reach,
            after: After { call_back: Some(call_back), ..After::default() },
            told_place: None,
            stream: StreamId::caller(call),
            mission: None,
        })
    }

    /// Where this caller can be called back by the desk itself: a telephone that is registered here and called from there, or
    /// a number that the gateway brought.
    fn way_back(&self, hands: &Hands<'_>) -> Option<String> {
        let number = self.record.caller.as_deref()?;
        let registered = hands.ua.bindings(number).iter().any(|binding| binding.destination.remote == self.source);
        match self.service.call_back.gateway.as_ref().filter(|way_out| self.came_by(way_out)) {
            _ if registered => Some(format!("sip:{number}@{}", hands.ua.realm())),
            Some(way_out) if is_telephone_number(number) && self.service.call_back.may_dial(number) => {
                Some(self.way_over(way_out, number))
            }
            Some(_) | None => None,
        }
    }

    fn came_by(&self, way_out: &WayOut) -> bool {
        match way_out {
            WayOut::Address(gateway) => gateway.ip() == self.source.ip(),
            WayOut::Trunk(name) => self.record.trunk.as_ref() == Some(name),
        }
    }

    /// A number behind the gateway, as it is kept (`call::reach::place` reads it).
    pub(super) fn way_over(&self, way_out: &WayOut, number: &str) -> String {
        let number = self.service.numbers.write(number, self.service.call_back.number_format);
        match way_out {
            WayOut::Address(gateway) => format!("sip:{number}@{gateway}"),
            WayOut::Trunk(name) => format!("trunk:{name}:{number}"),
        }
    }

    /// Whether it still is one by the settings of today.
    fn is_way_back(&self, hands: &Hands<'_>, way: &str) -> bool {
        let number = self.record.caller.as_deref().unwrap_or_default();
        let gateway = self.service.call_back.gateway.as_ref().map(|way_out| self.way_over(way_out, number));
        let may_dial = self.service.call_back.may_dial(number);
        may_dial && gateway.as_deref() == Some(way) || way == format!("sip:{number}@{}", hands.ua.realm())
    }

    fn say_of_call_back(&self, hands: &mut Hands<'_>, state: CallBackState, say: String) {
        let word = CallBackWord { call: self.record.id, state, say };
        let request = DeskRequest::PutCallBack { id: AFTER, word };
        hands.out.push_back(Output::Desk { call: self.record.id, request });
    }

    pub(super) fn called_back(&mut self, hands: &mut Hands<'_>, talks: bool) {
        let note = if talks { "called back, and they talk" } else { "the customer did not answer: call by hand" };
        self.note_in_ticket(hands, note);
    }

    /// The line takes no new calls: a call-back that still waits goes on at the next start.
    pub fn shutting_down(&mut self, hands: &mut Hands<'_>) {
        if matches!(self.stage, Stage::Calling) {
            self.hang_up(hands, "shutdown", None);
        }
        if std::mem::take(&mut self.after.calls_back) {
            self.reach.stop(hands);
            hands.board.leave_queue(self.record.id);
            self.end_when_over(hands);
        }
    }

    /// The line ends now.
    pub fn shut_down(&mut self, hands: &mut Hands<'_>) {
        self.hang_up(hands, "shutdown", None);
        self.cut_off(hands, "the line was shut down while duty officers rang");
    }

    /// Nothing more is done for the caller.
    pub(super) fn cut_off(&mut self, hands: &mut Hands<'_>, why: &'static str) {
        self.after.cut_off = Some(why);
        self.after.call_back = None;
        self.shutting_down(hands);
        self.reach.end(hands);
        self.nobody_took_it(hands);
        self.end_when_over(hands);
    }

    /// Once the row is ended and nobody is rung or told any more, only streams that close are waited for.
    pub(super) fn end_when_over(&mut self, hands: &mut Hands<'_>) {
        let Stage::After { until } = &mut self.stage else { return };
        if self.reach.goes_on() {
            return;
        }
        if self.reach.is_settled() {
            return self.over(hands);
        }
        until.get_or_insert(hands.now.mono + LEAVE_MAX);
    }

    pub(super) fn over(&mut self, hands: &mut Hands<'_>) {
        self.stage = Stage::Over;
        if !self.reach.records().is_empty() {
            self.put_call(hands);
        }
    }

    fn say_of_emergency(&self, hands: &mut Hands<'_>, state: AlarmState, note: &str) {
        let word = AlarmWord {
            caller: self.record.caller.clone(),
            ticket: self.record.tickets.last().cloned(),
            note: note.to_owned(),
            ..AlarmWord::of_call(AlarmKind::MissedEmergency, self.record.id, state)
        };
        hands.words.say(hands.now.mono, Word::Alarm(word));
    }

    fn note_in_ticket(&self, hands: &mut Hands<'_>, note: &str) {
        let Some(number) = self.record.tickets.last().cloned() else { return };
        let change = TicketChange { note: Some(note.to_owned()), ..TicketChange::default() };
        let request = DeskRequest::ChangeTicket { id: AFTER, number, change };
        hands.out.push_back(Output::Desk { call: self.record.id, request });
    }
}

/// Digits, with a plus before them: neither a name nor a service of the network (`*21*`).
pub(super) fn is_telephone_number(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    (3..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_dialled_back() {
        for number in ["13800138000", "+8613800138000", "110"] {
            assert!(is_telephone_number(number), "{number}");
        }
        for other in ["", "+", "12", "*21*138#", "anonymous", "138;phone-context=x", "13800138000@evil", "１３８００"]
        {
            assert!(!is_telephone_number(other), "{other}");
        }
    }
}
