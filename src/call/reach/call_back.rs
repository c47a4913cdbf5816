//! Calling a customer back: a receptionist has taken the call-back and hears music while it rings at the customer's; then
//! they talk. It is tried once. Where it does not come to a talk, the receptionist is told the number.

use std::time::Duration;

use super::Caller;
use super::account::Account;
use super::leg::{Answered, OutLeg, end_of};
use crate::call::io::{LentPorts, Output};
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::media::io::{MediaCommand, MediaEvent};
use crate::sip::locate::Target;
use crate::sip::user_agent::LegId;
use crate::types::{CallId, Digit, Mono, StreamId};

/// Where a customer is called back: the address that their call came from, and for how long it rings there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::call) struct WayBack {
    pub address: String,
    pub ring: Duration,
}

/// What came of something that happened.
pub(super) enum Returned {
    GoesOn,
    /// They talk.
    Met,
    /// The customer could not be had: the receptionist is still there.
    InVain,
    /// The receptionist is gone, or they have talked.
    Over,
}

/// See the module.
pub(super) struct CallBack {
    call: CallId,
    pub desk: OutLeg,
    customer: OutLeg,
    /// When the receptionist took it.
    pub begun: Mono,
    met: Option<Mono>,
}

impl CallBack {
    /// Begins to ring at the customer's; gives the receptionist's leg back when that can't be.
    pub fn begin(
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        desk: OutLeg,
        stream: StreamId,
        way: &WayBack,
        account: &mut Account,
    ) -> Result<Self, Box<OutLeg>> {
        let Some(customer) = OutLeg::begin_to_customer(h, caller, stream, way, account) else {
            return Err(Box::new(desk));
        };
        let music = desk.config().and_then(|config| caller.service.music(config.codec));
        if let Some(music) = music {
            desk.command(h, MediaCommand::PlayLoop { items: vec![music] });
        }
        Ok(Self { call: stream.call, desk, customer, begun: h.now.mono, met: None })
    }

    /// Whether the customer was had.
    pub fn has_met(&self) -> bool {
        self.met.is_some()
    }

    pub fn has_stream(&self, stream: StreamId) -> bool {
        self.desk.stream == stream || self.customer.stream == stream
    }

    pub fn waits_for_ports(&self, stream: StreamId) -> bool {
        self.customer.stream == stream
    }

    pub fn ports_lent(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, ports: Option<LentPorts>) -> Returned {
        match ports.is_some_and(|ports| self.customer.ports_lent(h, caller, ports)) {
            true => Returned::GoesOn,
            false => Returned::InVain,
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.customer.rings_until()
    }

    /// Where the customer's host is.
    pub fn located(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        targets: &[Target],
    ) -> Returned {
        let right = self.customer.stream != stream || self.customer.located(h, caller, targets);
        if right { Returned::GoesOn } else { Returned::InVain }
    }

    pub fn timeout(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) -> Returned {
        let now = h.now.mono;
        self.customer.leaves_the_silent(h, caller);
        if self.customer.rings_until().is_some_and(|until| until <= now) { Returned::InVain } else { Returned::GoesOn }
    }

    pub fn ringing(&mut self, leg: LegId, sdp: Option<Vec<u8>>) {
        self.customer.ringing(leg, sdp);
    }

    pub fn answered(&mut self, h: &mut Hands<'_>, leg: LegId, sdp: Option<Vec<u8>>) -> Returned {
        match self.customer.answered(h, leg, sdp) {
            Answered::NotOurs => Returned::GoesOn,
            Answered::NoMedia => Returned::InVain,
            Answered::Up => {
                self.met = Some(h.now.mono);
                self.desk.command(h, MediaCommand::StopPlay);
                let (a, b) = (self.desk.stream, self.customer.stream);
                h.out.push_back(Output::Bridge { a, b, carry_keys: (true, true) });
                Returned::Met
            }
        }
    }

    pub fn failed(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        status: u16,
        account: &mut Account,
    ) -> Returned {
        if self.customer.leg() != Some(leg) || self.customer.goes_elsewhere(h, caller, status) {
            return Returned::GoesOn;
        }
        if let Some(record) = account.of(self.customer.stream.leg) {
            record.status = Some(status);
            record.end = Some(end_of(status));
        }
        Returned::InVain
    }

    /// One of them hung up, or is lost.
    pub fn ended(&self, leg: LegId) -> Returned {
        if self.desk.leg() == Some(leg) || self.customer.leg() == Some(leg) { Returned::Over } else { Returned::GoesOn }
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, offer: Option<&[u8]>) {
        let Some((one, other)) = self.leg_and_other(leg) else { return };
        let heard = one.reinvite(h, offer);
        held(h, caller, other, heard);
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, answer: Option<&[u8]>) {
        let Some((one, other)) = self.leg_and_other(leg) else { return };
        let heard = one.reinvite_acked(h, answer);
        held(h, caller, other, heard);
    }

    pub fn info(&self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        for one in [&self.desk, &self.customer].into_iter().filter(|one| one.leg() == Some(leg)) {
            one.command(h, MediaCommand::InfoDigit { digit, duration_ms });
        }
    }

    pub fn media_event(&self, event: &MediaEvent) -> Returned {
        match event {
            MediaEvent::MediaLost => Returned::Over,
            MediaEvent::Digit { .. }
            | MediaEvent::PlayDone(_)
            | MediaEvent::RecordDone { .. }
            | MediaEvent::MediaBack
            | MediaEvent::Keyed { .. }
            | MediaEvent::Locked { .. } => Returned::GoesOn,
        }
    }

    /// The customer is let go, and the receptionist kept.
    pub fn give_up(self, h: &mut Hands<'_>, account: &mut Account) -> (OutLeg, Mono) {
        let late = self.customer.rings_until().is_some_and(|until| until <= h.now.mono);
        let refused = account.of(self.customer.stream.leg).and_then(|record| record.end);
        let end = refused.unwrap_or(if late { LegEnd::NoAnswer } else { LegEnd::Failed });
        self.customer.end(h, account, end);
        self.desk.command(h, MediaCommand::StopPlay);
        (self.desk, self.begun)
    }

    /// Both are let go.
    pub fn end(self, h: &mut Hands<'_>, account: &mut Account) {
        if let Some(met) = self.met {
            h.out.push_back(Output::Unbridge { a: self.desk.stream });
            if let Some(record) = account.of(self.customer.stream.leg) {
                record.talk_ms = Some(h.now.mono.ms_since(met));
            }
        }
        h.board.talked(h.now.mono, &self.desk.extension, self.call);
        if let Some(record) = account.of(self.desk.stream.leg) {
            record.talk_ms = Some(h.now.mono.ms_since(self.begun));
        }
        let customer_end = if self.met.is_some() { LegEnd::Talked } else { LegEnd::Cancelled };
        self.customer.end(h, account, customer_end);
        self.desk.end(h, account, LegEnd::Talked);
    }

    fn leg_and_other(&mut self, leg: LegId) -> Option<(&mut OutLeg, &OutLeg)> {
        if self.desk.leg() == Some(leg) {
            Some((&mut self.desk, &self.customer))
        } else if self.customer.leg() == Some(leg) {
            Some((&mut self.customer, &self.desk))
        } else {
            None
        }
    }
}

/// Music for one of them while the other side holds.
fn held(h: &mut Hands<'_>, caller: &Caller<'_>, other: &OutLeg, may_be_heard: Option<bool>) {
    let (Some(heard), Some(config)) = (may_be_heard, other.config()) else { return };
    let music = caller.service.music(config.codec).filter(|_| !heard);
    other.command(h, music.map_or(MediaCommand::StopPlay, |music| MediaCommand::PlayLoop { items: vec![music] }));
}
