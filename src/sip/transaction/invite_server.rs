//! INVITE server transaction (RFC 3261 section 17.2.1 as changed by RFC 6026 section 7.1).

use std::time::Duration;

use super::timers::{Backoff, Timing};
use crate::types::Mono;

/// How long the transaction user may think before `100 Trying` goes out (RFC 3261 section 17.2.1).
pub const TRYING_AFTER: Duration = Duration::from_millis(200);

/// The machine. Responses are kept as the bytes that went out.
#[derive(Debug)]
pub enum InviteServer {
    /// No final response yet. `last` answers retransmissions.
    Proceeding {
        last: Option<Box<[u8]>>,
        trying_at: Option<Mono>,
    },
    /// A 3xx to 6xx went out and waits for its ACK. `again` is Timer G (none over streams), `give_up_at` Timer H.
    Completed {
        response: Box<[u8]>,
        again: Option<Backoff>,
        give_up_at: Mono,
    },
    /// The ACK came; Timer I absorbs its retransmissions.
    Confirmed {
        until: Mono,
    },
    /// A 2xx went out; Timer L absorbs retransmitted INVITEs. The 2xx itself is retransmitted by the core.
    Accepted {
        until: Mono,
    },
    Terminated,
}

/// What an ACK that belongs to this transaction means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It ends the retransmissions of a final response, or repeats itself: nobody else needs it.
    Absorbed,
    /// It acknowledges a 2xx (by a peer that reuses the branch): it is the dialog's.
    ForDialog,
    /// Nothing was there to acknowledge.
    Stray,
}

/// What the machine asks for when its deadline has come.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerTimeout<'a> {
    Nothing,
    /// The transaction user is slow: send `100 Trying` and hand it to `respond`.
    SendTrying,
    /// Timer G: the final response again.
    Resend(&'a [u8]),
    /// Timer H: no ACK came. The machine has ended.
    Unacknowledged,
}

impl InviteServer {
    pub fn new(now: Mono) -> Self {
        InviteServer::Proceeding { last: None, trying_at: Some(now + TRYING_AFTER) }
    }

    /// The INVITE came again: what to send from memory.
    pub fn retransmitted(&self) -> Option<&[u8]> {
        match self {
            InviteServer::Proceeding { last, .. } => last.as_deref(),
            InviteServer::Completed { response, .. } => Some(response),
            InviteServer::Confirmed { .. } | InviteServer::Accepted { .. } | InviteServer::Terminated => None,
        }
    }

    /// The transaction user's response goes out; false when a final one went out before, and this one must not.
    pub fn respond(&mut self, now: Mono, status: u16, bytes: &[u8], timing: &Timing, reliable: bool) -> bool {
        let InviteServer::Proceeding { last, trying_at } = self else {
            return false;
        };
        match status {
            100..=199 => {
                *last = Some(bytes.into());
                *trying_at = None;
            }
            200..=299 => *self = InviteServer::Accepted { until: now + timing.timeout() },
            _ => {
                *self = InviteServer::Completed {
                    response: bytes.into(),
                    again: (!reliable).then(|| Backoff::start(now, timing.t1)),
                    give_up_at: now + timing.timeout(),
                }
            }
        }
        true
    }

    /// An ACK came with this transaction's branch.
    pub fn acknowledged(&mut self, now: Mono, timing: &Timing, reliable: bool) -> Acknowledged {
        match self {
            InviteServer::Completed { .. } => {
                *self = if reliable {
                    InviteServer::Terminated
                } else {
                    InviteServer::Confirmed { until: now + timing.t4 }
                };
                Acknowledged::Absorbed
            }
            InviteServer::Confirmed { .. } => Acknowledged::Absorbed,
            InviteServer::Accepted { .. } => Acknowledged::ForDialog,
            InviteServer::Proceeding { .. } | InviteServer::Terminated => Acknowledged::Stray,
        }
    }

    pub fn timeout(&mut self, now: Mono, timing: &Timing) -> ServerTimeout<'_> {
        // Ends are decided first, so that the borrow of what is sent again can leave the function.
        match self {
            InviteServer::Completed { give_up_at, .. } if now >= *give_up_at => {
                *self = InviteServer::Terminated;
                return ServerTimeout::Unacknowledged;
            }
            InviteServer::Confirmed { until } | InviteServer::Accepted { until } if now >= *until => {
                *self = InviteServer::Terminated;
                return ServerTimeout::Nothing;
            }
            _ => {}
        }
        match self {
            InviteServer::Proceeding { trying_at: Some(at), .. } if now >= *at => ServerTimeout::SendTrying,
            InviteServer::Completed { response, again: Some(again), .. } => {
                if again.fire(now, Some(timing.t2)) {
                    ServerTimeout::Resend(response)
                } else {
                    ServerTimeout::Nothing
                }
            }
            InviteServer::Proceeding { .. }
            | InviteServer::Completed { .. }
            | InviteServer::Confirmed { .. }
            | InviteServer::Accepted { .. }
            | InviteServer::Terminated => ServerTimeout::Nothing,
        }
    }

    pub fn deadline(&self) -> Option<Mono> {
        match self {
            InviteServer::Proceeding { trying_at, .. } => *trying_at,
            InviteServer::Completed { again, give_up_at, .. } => {
                Some(again.map_or(*give_up_at, |again| again.at.min(*give_up_at)))
            }
            InviteServer::Confirmed { until } | InviteServer::Accepted { until } => Some(*until),
            InviteServer::Terminated => None,
        }
    }

    pub fn is_proceeding(&self) -> bool {
        matches!(self, InviteServer::Proceeding { .. })
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self, InviteServer::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn trying_goes_out_after_200_ms_of_thought_and_not_after_a_180() {
        let timing = Timing::default();
        let mut slow = InviteServer::new(ms(0));
        assert_eq!(slow.deadline(), Some(ms(200)));
        assert_eq!(slow.timeout(ms(200), &timing), ServerTimeout::SendTrying);
        assert!(slow.respond(ms(200), 100, b"100", &timing, false));
        assert_eq!(slow.retransmitted(), Some(&b"100"[..]));
        let mut quick = InviteServer::new(ms(0));
        quick.respond(ms(1), 180, b"180", &timing, false);
        assert_eq!(quick.deadline(), None);
    }

    #[test]
    fn a_refusal_is_repeated_by_timer_g_until_timer_h() {
        let timing = Timing::default();
        let mut tx = InviteServer::new(ms(0));
        tx.respond(ms(0), 486, b"486", &timing, false);
        let mut repeats = 0;
        loop {
            let at = tx.deadline().expect("a completed transaction has a deadline");
            match tx.timeout(at, &timing) {
                ServerTimeout::Resend(bytes) => assert_eq!(bytes, b"486"),
                ServerTimeout::Unacknowledged => {
                    assert_eq!(at, ms(32_000));
                    break;
                }
                other => panic!("unexpected {other:?}"),
            }
            repeats += 1;
        }
        assert_eq!(repeats, 10);
        assert!(tx.is_terminated());
    }

    #[test]
    fn an_ack_ends_the_repeats_and_timer_i_the_transaction() {
        let timing = Timing::default();
        let mut tx = InviteServer::new(ms(0));
        tx.respond(ms(0), 486, b"486", &timing, false);
        assert_eq!(tx.acknowledged(ms(50), &timing, false), Acknowledged::Absorbed);
        assert_eq!(tx.retransmitted(), None);
        assert_eq!(tx.deadline(), Some(ms(5_050)));
        assert_eq!(tx.timeout(ms(5_050), &timing), ServerTimeout::Nothing);
        assert!(tx.is_terminated());
        let mut stream = InviteServer::new(ms(0));
        stream.respond(ms(0), 486, b"486", &timing, true);
        assert_eq!(stream.deadline(), Some(ms(32_000)), "Timer G is off over streams");
        stream.acknowledged(ms(50), &timing, true);
        assert!(stream.is_terminated(), "Timer I is zero over streams");
    }

    #[test]
    fn an_accepted_invite_is_absorbed_until_timer_l() {
        let timing = Timing::default();
        let mut tx = InviteServer::new(ms(0));
        assert!(tx.respond(ms(0), 200, b"200", &timing, false));
        assert_eq!(tx.retransmitted(), None);
        assert_eq!(tx.acknowledged(ms(10), &timing, false), Acknowledged::ForDialog);
        assert!(!tx.respond(ms(10), 487, b"487", &timing, false));
        assert_eq!(tx.deadline(), Some(ms(32_000)));
        tx.timeout(ms(32_000), &timing);
        assert!(tx.is_terminated());
    }
}
