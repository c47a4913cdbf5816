//! What came of ringing somebody while a caller is handed over.

use super::super::leg::OutLeg;
use super::super::{Caller, News, Reach};
use super::{FORGOTTEN_MAX, Handover, Stage, status_of};
use crate::call::io::Output;
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::flow::io::{Parted, SearchEnd};

impl Reach {
    /// Somebody was found while a caller was being handed over.
    pub(in crate::call::reach) fn found(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        handover: Handover,
        leg: OutLeg,
    ) {
        let Handover { id, extension, from, stage } = handover;
        match stage {
            Stage::Offered { refer } => {
                if let Some(talk) = from {
                    if let Some(of) = talk.leg.leg().filter(|_| refer) {
                        let _ = h.ua.refer_progress(h.now.mono, of, 200, "OK");
                    }
                    talk.end(h, &mut self.account);
                }
                self.goes_to(h, id, leg);
            }
            Stage::Recalled => {
                from.into_iter().for_each(|talk| talk.end(h, &mut self.account));
                self.goes_to(h, id, leg);
            }
            Stage::Asking { visitor, .. } => {
                let asks = match (visitor, &from) {
                    (Some(visitor), _) => self.enters(h, caller, visitor).map(|leg| (leg.stream, Some(leg))),
                    (None, Some(talk)) => {
                        talk.music(h, caller, false);
                        Some((talk.leg.stream, None))
                    }
                    (None, None) => None,
                };
                let Some((a, visitor)) = asks else {
                    leg.end(h, &mut self.account, LegEnd::Cancelled);
                    return;
                };
                if visitor.is_none() {
                    // The keys of the one who asks may be codes. One who called in is heard once its ACK is here.
                    h.out.push_back(Output::Bridge { a, b: leg.stream, carry_keys: (false, true) });
                }
                h.board.talks(h.now.mono, &leg.extension, self.call);
                if let Some(record) = self.account.of(leg.stream.leg) {
                    record.ring_ms = leg.ms_so_far(h.now.mono);
                    record.talk_ms = Some(0);
                }
                self.handover =
                    Some(Box::new(Handover { id, extension, from, stage: Stage::Asked { with: leg, visitor } }));
            }
            Stage::Asked { .. } | Stage::Parked { .. } => leg.end(h, &mut self.account, LegEnd::Cancelled),
        }
    }

    /// Nobody was found.
    pub(in crate::call::reach) fn not_found(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        handover: Handover,
        end: SearchEnd,
    ) {
        let Handover { id, extension, from, stage } = handover;
        match (stage, from) {
            (Stage::Offered { refer }, Some(talk)) => {
                if let Some(of) = talk.leg.leg().filter(|_| refer) {
                    let (status, reason) = status_of(end);
                    let _ = h.ua.refer_progress(h.now.mono, of, status, reason);
                }
                self.resume(h, caller, talk);
            }
            (Stage::Offered { .. }, None) => self.recall(h, caller, id, extension, None),
            // They go on holding the caller, until they are rung again.
            (Stage::Recalled, Some(talk)) => {
                let given_up = talk.times_forgotten >= FORGOTTEN_MAX;
                self.talk = Some(talk);
                if given_up {
                    self.talk_over(h, Parted::HandedBack);
                }
            }
            (Stage::Recalled, None) => self.news.push_back(News::Parted { id, how: Parted::HandedBack }),
            (Stage::Asking { visitor, .. }, from) => {
                let status = status_of(end).0;
                visitor.into_iter().for_each(|mut visitor| visitor.refuse(h, status));
                if let Some(talk) = from {
                    self.resume(h, caller, talk);
                    self.talk.iter().for_each(|talk| talk.beep(h, caller, 1));
                }
            }
            (stage @ (Stage::Asked { .. } | Stage::Parked { .. }), from) => {
                self.handover = Some(Box::new(Handover { id, extension, from, stage }));
            }
        }
    }
}
