//! INVITE client transaction (RFC 3261 section 17.1.1 as changed by RFC 6026 section 7.2).

use super::ClientTimeout;
use super::timers::{Backoff, Timing};
use crate::types::Mono;

#[derive(Debug)]
pub enum InviteClient {
    /// Nothing heard yet: Timer A repeats the INVITE (none over streams), Timer B gives up.
    Calling {
        request: Box<[u8]>,
        again: Option<Backoff>,
        give_up_at: Mono,
    },
    /// A provisional came: the callee may ring as long as the transaction user lets it. `give_up_at` is set once a CANCEL
    /// went out: a callee that never answers the INVITE after it is given up (RFC 3261 section 9.1).
    Proceeding {
        give_up_at: Option<Mono>,
    },
    /// A 3xx to 6xx came; its ACK answers retransmissions until Timer D.
    Completed {
        ack: Box<[u8]>,
        until: Mono,
    },
    /// A 2xx came; further ones (of other forks, or the same again) reach the core until Timer M.
    Accepted {
        until: Mono,
    },
    Terminated,
}

/// What the transaction user must do about a response.
#[derive(Debug, PartialEq, Eq)]
pub enum InviteOutcome<'a> {
    /// Late or repeated: nothing.
    Ignored,
    Provisional,
    /// Any 2xx, the first and the later ones alike: the core acknowledges it.
    Success,
    /// The first 3xx to 6xx: make its ACK and hand it to `acknowledge`.
    Failure,
    /// The same failure again: this ACK once more.
    AckAgain(&'a [u8]),
}

impl InviteClient {
    pub fn new(now: Mono, request: &[u8], timing: &Timing, reliable: bool) -> Self {
        InviteClient::Calling {
            request: request.into(),
            again: (!reliable).then(|| Backoff::start(now, timing.t1)),
            give_up_at: now + timing.timeout(),
        }
    }

    pub fn response(&mut self, now: Mono, status: u16, timing: &Timing) -> InviteOutcome<'_> {
        match (&*self, status) {
            (InviteClient::Calling { .. }, 100..=199) => {
                *self = InviteClient::Proceeding { give_up_at: None };
                InviteOutcome::Provisional
            }
            (InviteClient::Proceeding { .. }, 100..=199) => InviteOutcome::Provisional,
            (InviteClient::Calling { .. } | InviteClient::Proceeding { .. }, 200..=299) => {
                *self = InviteClient::Accepted { until: now + timing.timeout() };
                InviteOutcome::Success
            }
            (InviteClient::Accepted { .. }, 200..=299) => InviteOutcome::Success,
            (InviteClient::Calling { .. } | InviteClient::Proceeding { .. }, _) => InviteOutcome::Failure,
            (InviteClient::Completed { .. }, 300..) => match self {
                InviteClient::Completed { ack, .. } => InviteOutcome::AckAgain(ack),
                _ => InviteOutcome::Ignored,
            },
            (InviteClient::Completed { .. } | InviteClient::Accepted { .. } | InviteClient::Terminated, _) => {
                InviteOutcome::Ignored
            }
        }
    }

    /// The ACK to the failure that `response` announced; it has gone out once. Timer D is zero over streams.
    pub fn acknowledge(&mut self, now: Mono, ack: &[u8], timing: &Timing, reliable: bool) {
        *self = if reliable {
            InviteClient::Terminated
        } else {
            InviteClient::Completed { ack: ack.into(), until: now + timing.timer_d() }
        };
    }

    /// A CANCEL went out: without a final response within 64*T1 the transaction is over (RFC 3261 section 9.1).
    pub fn cancelled(&mut self, now: Mono, timing: &Timing) {
        if let InviteClient::Proceeding { give_up_at } = self {
            *give_up_at = Some(now + timing.timeout());
        }
    }

    /// No person has to decide about a re-INVITE: its final response is due within 64*T1 of the first provisional.
    pub fn expect_soon(&mut self, now: Mono, timing: &Timing) {
        if let InviteClient::Proceeding { give_up_at: give_up_at @ None } = self {
            *give_up_at = Some(now + timing.timeout());
        }
    }

    pub fn timeout(&mut self, now: Mono) -> ClientTimeout<'_> {
        match self {
            InviteClient::Calling { give_up_at, .. } | InviteClient::Proceeding { give_up_at: Some(give_up_at) }
                if now >= *give_up_at =>
            {
                *self = InviteClient::Terminated;
                return ClientTimeout::GaveUp;
            }
            InviteClient::Completed { until, .. } | InviteClient::Accepted { until } if now >= *until => {
                *self = InviteClient::Terminated;
                return ClientTimeout::Nothing;
            }
            _ => {}
        }
        match self {
            // Timer A doubles without a cap: Timer B ends it after seven sendings.
            InviteClient::Calling { request, again: Some(again), .. } => {
                if again.fire(now, None) {
                    ClientTimeout::Resend(request)
                } else {
                    ClientTimeout::Nothing
                }
            }
            InviteClient::Calling { .. }
            | InviteClient::Proceeding { .. }
            | InviteClient::Completed { .. }
            | InviteClient::Accepted { .. }
            | InviteClient::Terminated => ClientTimeout::Nothing,
        }
    }

    pub fn deadline(&self) -> Option<Mono> {
        match self {
            InviteClient::Calling { again, give_up_at, .. } => {
                Some(again.map_or(*give_up_at, |again| again.at.min(*give_up_at)))
            }
            InviteClient::Proceeding { give_up_at } => *give_up_at,
            InviteClient::Completed { until, .. } | InviteClient::Accepted { until } => Some(*until),
            InviteClient::Terminated => None,
        }
    }

    pub fn is_proceeding(&self) -> bool {
        matches!(self, InviteClient::Proceeding { .. })
    }

    /// A CANCEL went out and the final response has not come.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, InviteClient::Proceeding { give_up_at: Some(_) })
    }

    /// No final response came yet: a transport failure concerns it.
    pub fn is_pending(&self) -> bool {
        matches!(self, InviteClient::Calling { .. } | InviteClient::Proceeding { .. })
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self, InviteClient::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn timer_a_repeats_the_invite_six_times_and_timer_b_gives_up() {
        let timing = Timing::default();
        let mut tx = InviteClient::new(ms(0), b"INVITE", &timing, false);
        let mut sent = Vec::new();
        while let Some(at) = tx.deadline() {
            match tx.timeout(at) {
                ClientTimeout::Resend(_) => sent.push(at.as_millis()),
                ClientTimeout::GaveUp => assert_eq!(at, ms(32_000)),
                ClientTimeout::Nothing => {}
            }
        }
        assert_eq!(sent, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    }

    #[test]
    fn ringing_has_no_end_of_its_own_and_a_cancel_gives_it_one() {
        let timing = Timing::default();
        let mut tx = InviteClient::new(ms(0), b"INVITE", &timing, false);
        assert_eq!(tx.response(ms(10), 180, &timing), InviteOutcome::Provisional);
        assert_eq!(tx.deadline(), None);
        tx.cancelled(ms(1_000), &timing);
        assert_eq!(tx.deadline(), Some(ms(33_000)));
        assert_eq!(tx.timeout(ms(33_000)), ClientTimeout::GaveUp);
    }

    #[test]
    fn a_repeated_failure_gets_the_same_ack_until_timer_d() {
        let timing = Timing::default();
        let mut tx = InviteClient::new(ms(0), b"INVITE", &timing, false);
        assert_eq!(tx.response(ms(10), 486, &timing), InviteOutcome::Failure);
        tx.acknowledge(ms(10), b"ACK", &timing, false);
        assert_eq!(tx.response(ms(20), 486, &timing), InviteOutcome::AckAgain(b"ACK"));
        assert_eq!(tx.response(ms(30), 200, &timing), InviteOutcome::Ignored);
        assert_eq!(tx.deadline(), Some(ms(32_010)));
    }

    #[test]
    fn every_success_reaches_the_core_until_timer_m() {
        let timing = Timing::default();
        let mut tx = InviteClient::new(ms(0), b"INVITE", &timing, true);
        assert_eq!(tx.response(ms(10), 200, &timing), InviteOutcome::Success);
        assert_eq!(tx.response(ms(20), 200, &timing), InviteOutcome::Success);
        assert_eq!(tx.response(ms(30), 486, &timing), InviteOutcome::Ignored);
        assert_eq!(tx.deadline(), Some(ms(32_010)));
        assert_eq!(tx.timeout(ms(32_010)), ClientTimeout::Nothing);
        assert!(tx.is_terminated());
    }
}
