//! What happens to the lines of a handover meanwhile.

use super::super::codes::Pressed;
use super::super::talk::{Talked, press};
use super::super::{Caller, Reach};
use super::Stage;
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::media::io::MediaEvent;
use crate::sip::user_agent::{EndReason, LegId};
use crate::types::{Digit, StreamId};

impl Reach {
    pub(in crate::call::reach) fn handover_times_out(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let Some(handover) = &mut self.handover else { return };
        let talked = handover.from.as_mut().map_or(Talked::GoesOn, |talk| talk.timeout(h));
        let forgotten = matches!(handover.stage, Stage::Parked { until, .. } if until <= h.now.mono);
        self.giver_does(h, caller, talked);
        if !forgotten {
            return;
        }
        if let Some(handover) = self.handover.take_if(|handover| matches!(handover.stage, Stage::Parked { .. })) {
            let (id, extension) = (handover.id, handover.extension.clone());
            if let Some(talk) = self.let_go(h, *handover) {
                talk.end(h, &mut self.account);
            }
            self.recall(h, caller, id, extension, None);
        }
    }

    /// A leg of a handover is over without our doing.
    pub(in crate::call::reach) fn handover_leg_ended(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        reason: EndReason,
    ) {
        let Some(handover) = &mut self.handover else { return };
        if let Some(talk) = &mut handover.from {
            let talked = talk.ended(leg, reason);
            if !matches!(talked, Talked::GoesOn) {
                return self.giver_does(h, caller, talked);
            }
        }
        let of_visitor = handover.visitor().is_some_and(|visitor| visitor.leg == leg);
        let asked = match &handover.stage {
            Stage::Asked { with, visitor } => {
                with.leg() == Some(leg) || visitor.as_ref().is_some_and(|visitor| visitor.leg() == Some(leg))
            }
            Stage::Asking { .. } | Stage::Offered { .. } | Stage::Parked { .. } | Stage::Recalled => false,
        };
        match &mut handover.stage {
            Stage::Parked { entered, .. } if entered.as_ref().is_some_and(|entered| entered.leg() == Some(leg)) => {
                entered.take().into_iter().for_each(|entered| entered.end(h, &mut self.account, LegEnd::Cancelled));
            }
            Stage::Parked { visitor, .. } if of_visitor => {
                visitor.take().into_iter().for_each(|mut visitor| visitor.refuse(h, 487));
            }
            _ if of_visitor || asked => self.take_back(h, caller),
            _ => {}
        }
    }

    pub(in crate::call::reach) fn handover_reinvite(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        leg: LegId,
        offer: Option<&[u8]>,
        acked: bool,
    ) {
        let Some(handover) = &mut self.handover else { return };
        if let Stage::Asked { with, visitor } = &mut handover.stage {
            for other in [Some(with), visitor.as_mut()].into_iter().flatten().filter(|other| other.leg() == Some(leg)) {
                if acked {
                    other.reinvite_acked(h, offer)
                } else {
                    other.reinvite(h, offer)
                };
            }
        }
        let Some(talk) = &mut handover.from else { return };
        let talked = if acked { talk.reinvite_acked(h, leg, offer) } else { talk.reinvite(h, leg, offer) };
        // Whoever was about to be rung for a forgotten caller comes back by themselves.
        if matches!((&handover.stage, talked), (Stage::Recalled, Talked::Music(false))) {
            let Some(talk) = self.handover.take().and_then(|handover| handover.from) else { return };
            self.stop(h);
            self.resume(h, caller, talk);
        }
    }

    pub(in crate::call::reach) fn handover_media(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        event: &MediaEvent,
    ) {
        let Some(handover) = &mut self.handover else { return };
        let asking = handover.is_asking();
        if let Some(talk) = handover.from.as_mut().filter(|talk| talk.leg.stream == stream) {
            // The number of the place was said.
            if matches!((&handover.stage, event), (Stage::Parked { .. }, MediaEvent::PlayDone(_))) {
                if let Some(leg) = talk.leg.leg() {
                    // To one that did not ask by REFER nothing is told.
                    let _ = h.ua.refer_progress(h.now.mono, leg, 200, "OK");
                }
                handover.from.take().into_iter().for_each(|talk| talk.end(h, &mut self.account));
                return;
            }
            let talked = talk.media_event(h, stream, event, asking);
            return self.giver_does(h, caller, talked);
        }
        if let Stage::Asked { with, visitor } = &handover.stage {
            let theirs = with.stream == stream || visitor.as_ref().is_some_and(|visitor| visitor.stream == stream);
            if theirs && matches!(event, MediaEvent::MediaLost) {
                self.take_back(h, caller);
            }
        }
    }

    pub(in crate::call::reach) fn handover_stream_closed(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
    ) {
        let Some(handover) = &mut self.handover else { return };
        let talked = handover.from.as_mut().map_or(Talked::GoesOn, |talk| talk.media_closed(stream));
        let asked = matches!(&handover.stage, Stage::Asked { with, visitor }
            if with.stream == stream || visitor.as_ref().is_some_and(|visitor| visitor.stream == stream));
        self.giver_does(h, caller, talked);
        if asked {
            self.take_back(h, caller);
        }
    }

    pub(in crate::call::reach) fn handover_info(&self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        if let Some(talk) = self.handover.as_ref().and_then(|handover| handover.from.as_ref()) {
            talk.info(h, leg, digit, duration_ms);
        }
    }

    /// The one who gave the caller away, or asks somebody, does something.
    pub(super) fn giver_does(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, talked: Talked) {
        let Some(handover) = &mut self.handover else { return };
        match talked {
            Talked::GoesOn | Talked::Music(_) | Talked::Forgotten => {}
            Talked::Press(digits) => {
                if let Stage::Asked { with, visitor: None } = &handover.stage {
                    digits.into_iter().for_each(|digit| press(h, with, digit));
                }
            }
            Talked::Code(Pressed::Return) => self.take_back(h, caller),
            Talked::Code(_) => {}
            Talked::Over(how) => match &handover.stage {
                // Hanging up is how the two are put together; a line that failed is no hanging up, but the caller must go on.
                Stage::Asking { .. } | Stage::Asked { .. } => self.put_together(h, caller),
                Stage::Offered { .. } | Stage::Parked { .. } | Stage::Recalled => {
                    let _ = how;
                    handover.from.take().into_iter().for_each(|talk| talk.end(h, &mut self.account));
                }
            },
        }
    }
}
