//! Calls of the staff that become part of a caller's: a second call to ask a colleague, one that picks a parked caller up, one that
//! takes another's place.

use std::net::SocketAddr;

use super::super::leg::OutLeg;
use super::super::visitor::Visitor;
use super::super::whom::Colleague;
use super::super::{Caller, News, Reach};
use super::{Handover, Stage};
use crate::call::io::{LentPorts, Output};
use crate::call::session::Hands;
use crate::desk::call_record::{CallRecord, LegEnd};
use crate::sip::user_agent::LegId;
use crate::types::StreamId;

/// In place of an address, for a telephone that came in by itself.
const JOINED: &str = "replaces";

/// A call of one of the staff.
pub struct Visit {
    pub colleague: Colleague,
    /// Whom they called: the user part.
    pub wanted: String,
    pub offer: Option<Vec<u8>>,
    pub listener: usize,
    pub source: SocketAddr,
    /// Its row in the call log, as far as it is known.
    pub row: Box<CallRecord>,
}

impl Reach {
    pub(super) fn visits(&self, leg: LegId) -> bool {
        match self.handover.as_ref().map(|handover| &handover.stage) {
            Some(Stage::Asking { visitor, .. }) => visitor.as_ref().is_some_and(|visitor| visitor.leg == leg),
            Some(Stage::Asked { visitor, .. }) => visitor.as_ref().is_some_and(|visitor| visitor.leg() == Some(leg)),
            Some(Stage::Offered { .. } | Stage::Parked { .. } | Stage::Recalled) | None => false,
        }
    }

    /// One of the staff calls while this caller is theirs, or to pick the caller up. The status that refuses it.
    pub fn visit(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, visit: Visit) -> Result<(), u16> {
        let Visit { colleague, wanted, offer, listener, source, row } = visit;
        let offer = offer.ok_or(488u16)?;
        let stream = StreamId { call: self.call, leg: self.next_leg };
        let visitor = Visitor::new(leg, stream, (colleague, source), row, offer);
        match self.handover.as_mut().map(|handover| &mut handover.stage) {
            Some(Stage::Parked { visitor: place @ None, entered: None, .. })
                if h.board.parked_at(&wanted) == Some(self.call) =>
            {
                *place = Some(visitor);
                self.next_leg += 1;
                h.legs.insert(leg, self.call);
            }
            None if self.talk.is_some() => {
                let to = caller.service.person(&wanted).ok_or(404u16)?.extension.clone();
                self.next_leg += 1;
                h.legs.insert(leg, self.call);
                self.ask(h, caller, None, to, Some(visitor));
            }
            Some(_) | None => return Err(486),
        }
        // Where nobody could be rung it has been refused already.
        if self.handover.as_ref().is_some_and(|handover| handover.visitor().is_some()) {
            h.out.push_back(Output::LendPorts { stream, listener, peer: source });
        }
        Ok(())
    }

    /// Whether these ports were for one who calls in.
    pub(in crate::call::reach) fn visitor_has_ports(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        ports: Option<LentPorts>,
    ) -> bool {
        let Some(handover) = &mut self.handover else { return false };
        let (Stage::Asking { visitor: place, .. } | Stage::Parked { visitor: place, .. }) = &mut handover.stage else {
            return false;
        };
        let Some(visitor) = place.as_mut().filter(|visitor| visitor.stream == stream) else { return false };
        let rings = visitor.ports_lent(h, caller.service, ports);
        match (&mut handover.stage, rings) {
            (Stage::Parked { visitor, .. }, true) => {
                let leg = visitor.take().and_then(|visitor| self.enters(h, caller, visitor));
                if let Some(Stage::Parked { entered, .. }) = self.handover.as_mut().map(|handover| &mut handover.stage)
                {
                    *entered = leg;
                }
            }
            (Stage::Parked { visitor, .. }, false) => *visitor = None,
            (_, true) => {}
            (_, false) => self.drop_handover(h),
        }
        true
    }

    /// Lets in one who has called, for the record too.
    pub(super) fn enters(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, visitor: Visitor) -> Option<OutLeg> {
        let at_ms = h.now.mono.ms_since(caller.started);
        self.account.begin(visitor.stream.leg, at_ms, &visitor.colleague.extension, &visitor.source.to_string());
        let number = visitor.stream.leg;
        let Some(leg) = visitor.answer(h) else {
            self.account.of(number).into_iter().for_each(|record| record.end = Some(LegEnd::Cancelled));
            return None;
        };
        if let Some(record) = self.account.of(leg.stream.leg) {
            record.talk_ms = Some(0);
        }
        Some(leg)
    }

    /// The ACK of one who called in has come: it is where it says that it is, and hears what is said from now on.
    pub fn acked(&mut self, h: &mut Hands<'_>, leg: LegId) {
        let is_it = |other: &OutLeg| other.leg() == Some(leg);
        match self.handover.as_mut().map(|handover| &mut handover.stage) {
            Some(Stage::Asked { with, visitor: Some(visitor) }) if is_it(visitor) => {
                h.out.push_back(Output::Bridge { a: visitor.stream, b: with.stream, carry_keys: (true, true) });
            }
            Some(Stage::Parked { entered, .. }) if entered.as_ref().is_some_and(is_it) => {
                let Some(leg) = entered.take() else { return };
                let Some(handover) = self.handover.take() else { return };
                let Handover { id, from, .. } = *handover;
                h.board.unpark(self.call);
                from.into_iter().for_each(|talk| talk.end(h, &mut self.account));
                self.goes_to(h, id, leg);
            }
            Some(_) | None => {}
        }
    }

    /// Another call takes the place of the line of the one who took the call (RFC 3891). The status that refuses it.
    pub fn replaced(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        old: LegId,
        by: LegId,
        offer: Option<&[u8]>,
        colleague: Option<&Colleague>,
    ) -> Result<(), u16> {
        let Some(talk) = self.talk.as_mut().filter(|talk| talk.is(old)) else { return Err(481) };
        // Nobody but the staff has a place of theirs (R16).
        let colleague = colleague.ok_or(403u16)?;
        talk.leg.replaced(h, by, offer)?;
        talk.look_at_hold(h);
        let held = talk.is_held();
        let from = talk.extension().to_owned();
        if colleague.extension != from {
            h.board.talked(h.now.mono, &from, self.call);
            talk.leg.extension.clone_from(&colleague.extension);
            h.board.talks(h.now.mono, &colleague.extension, self.call);
            let at_ms = h.now.mono.ms_since(caller.started);
            talk.goes_on_with(h, at_ms, JOINED, &mut self.account);
            self.news.push_back(News::HandedOn { from, to: colleague.extension.clone() });
            self.news.push_back(News::Reached { extension: colleague.extension.clone() });
        }
        self.news.push_back(News::Music { on: held });
        Ok(())
    }
}
