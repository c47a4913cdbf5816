//! A call of one of the staff that comes in for a caller who is here already: to ask a colleague while the caller waits,
//! or to pick a parked caller up. It has a stream of that caller's call, so that all who talk share one media worker.

use std::net::SocketAddr;

use super::leg::OutLeg;
use super::whom::Colleague;
use crate::call::events::{CallEvent, What};
use crate::call::io::{LentPorts, Output};
use crate::call::service::Service;
use crate::call::session::Hands;
use crate::desk::call_record::{CallRecord, Outcome};
use crate::desk::request::DeskRequest;
use crate::media::io::StreamConfig;
use crate::sdp::{self, LocalMedia};
use crate::sip::user_agent::LegId;
use crate::types::StreamId;

enum State {
    /// Waits for ports.
    Arriving {
        offer: Vec<u8>,
    },
    /// Hears the line ring.
    Rings(Box<Agreed>),
    Over,
}

struct Agreed {
    body: Vec<u8>,
    config: StreamConfig,
    local: LocalMedia,
}

/// See the module.
pub(super) struct Visitor {
    pub leg: LegId,
    pub stream: StreamId,
    pub colleague: Colleague,
    pub source: SocketAddr,
    /// Its own row in the call log, until that is ended (R4).
    row: Option<Box<CallRecord>>,
    state: State,
}

impl Visitor {
    pub fn new(
        leg: LegId,
        stream: StreamId,
        (colleague, source): (Colleague, SocketAddr),
        row: Box<CallRecord>,
        offer: Vec<u8>,
    ) -> Self {
        Self { leg, stream, colleague, source, row: Some(row), state: State::Arriving { offer } }
    }

    /// False when nothing can be agreed on: it is refused then.
    pub fn ports_lent(&mut self, h: &mut Hands<'_>, service: &Service, ports: Option<LentPorts>) -> bool {
        let State::Arriving { offer } = &self.state else { return true };
        let Some(ports) = ports else {
            self.refuse(h, 503);
            return false;
        };
        // Offers of ours come later, if at all: then it is known whether it is encrypted.
        let srtp = service.local_srtp(h.random, false, None);
        let local = service.local_media(ports, h.random.u64() >> 2, 1, srtp);
        match sdp::answer(offer, &local) {
            Ok(answered) => {
                let _ = h.ua.ring(h.now.mono, self.leg);
                let (body, config) = (answered.body, answered.stream);
                self.state = State::Rings(Box::new(Agreed { body, config, local }));
                true
            }
            Err(error) => {
                h.out.push_back(Output::ReturnPorts { stream: self.stream });
                self.refuse(h, error.status());
                false
            }
        }
    }

    /// Lets it in; `None` when it has just gone.
    pub fn answer(mut self, h: &mut Hands<'_>) -> Option<OutLeg> {
        let State::Rings(agreed) = std::mem::replace(&mut self.state, State::Over) else { return None };
        if h.ua.answer(h.now.mono, self.leg, agreed.body).is_err() {
            h.out.push_back(Output::ReturnPorts { stream: self.stream });
            h.legs.remove(&self.leg);
            self.end_row(h, Outcome::Failed, "cancelled");
            return None;
        }
        self.end_row(h, Outcome::Transferred, &format!("joined_call_{}", self.stream.call.0));
        let call = Some(self.stream.call);
        let encrypted = What::encryption(None, &agreed.config, false);
        h.out.extend(encrypted.map(|what| Output::Event(CallEvent { call, what })));
        h.out.push_back(Output::OpenStream { stream: self.stream, config: agreed.config.clone() });
        Some(OutLeg::up(h.now.mono, self.stream, self.colleague.extension, self.leg, agreed.config, agreed.local))
    }

    /// Nothing comes of it.
    pub fn refuse(&mut self, h: &mut Hands<'_>, status: u16) {
        // One that gave up by itself is gone.
        let _ = h.ua.reject(h.now.mono, self.leg, status, None);
        h.legs.remove(&self.leg);
        if let State::Rings(_) = self.state {
            h.out.push_back(Output::ReturnPorts { stream: self.stream });
        }
        self.state = State::Over;
        match status {
            487 => self.end_row(h, Outcome::Failed, "cancelled"),
            _ => self.end_row(h, Outcome::Failed, &format!("rejected_{status}")),
        }
    }

    /// What it comes to from here on is told in the caller's row.
    fn end_row(&mut self, h: &mut Hands<'_>, outcome: Outcome, reason: &str) {
        let Some(mut row) = self.row.take() else { return };
        row.ended_at = Some(h.now.wall);
        (row.outcome, row.end_reason) = (Some(outcome), Some(reason.to_owned()));
        h.out.push_back(Output::Desk { call: row.id, request: DeskRequest::PutCall(row) });
    }
}
