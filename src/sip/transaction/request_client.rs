//! Non-INVITE client transaction (RFC 3261 section 17.1.2).

use super::ClientTimeout;
use super::timers::{Backoff, Timing};
use crate::types::Mono;

#[derive(Debug)]
pub enum RequestClient {
    /// Nothing heard yet: Timer E repeats the request (none over streams), Timer F gives up.
    Trying {
        request: Box<[u8]>,
        again: Option<Backoff>,
        give_up_at: Mono,
    },
    /// A provisional came: Timer E goes on at T2.
    Proceeding {
        request: Box<[u8]>,
        again: Option<Backoff>,
        give_up_at: Mono,
    },
    /// The final response came; Timer K absorbs its retransmissions.
    Completed {
        until: Mono,
    },
    Terminated,
}

impl RequestClient {
    pub fn new(now: Mono, request: &[u8], timing: &Timing, reliable: bool) -> Self {
        RequestClient::Trying {
            request: request.into(),
            again: (!reliable).then(|| Backoff::start(now, timing.t1)),
            give_up_at: now + timing.timeout(),
        }
    }

    /// A response came; true when it is the first final one, which the transaction user gets.
    pub fn response(&mut self, now: Mono, status: u16, timing: &Timing, reliable: bool) -> bool {
        match std::mem::replace(self, RequestClient::Terminated) {
            RequestClient::Trying { request, again, give_up_at } if status < 200 => {
                let again = again.map(|mut timer_e| {
                    timer_e.restart(now, timing.t2);
                    timer_e
                });
                *self = RequestClient::Proceeding { request, again, give_up_at };
                false
            }
            proceeding @ RequestClient::Proceeding { .. } if status < 200 => {
                *self = proceeding;
                false
            }
            RequestClient::Trying { .. } | RequestClient::Proceeding { .. } => {
                if !reliable {
                    *self = RequestClient::Completed { until: now + timing.t4 };
                }
                true
            }
            over @ (RequestClient::Completed { .. } | RequestClient::Terminated) => {
                *self = over;
                false
            }
        }
    }

    pub fn timeout(&mut self, now: Mono, timing: &Timing) -> ClientTimeout<'_> {
        match self {
            RequestClient::Trying { give_up_at, .. } | RequestClient::Proceeding { give_up_at, .. }
                if now >= *give_up_at =>
            {
                *self = RequestClient::Terminated;
                return ClientTimeout::GaveUp;
            }
            RequestClient::Completed { until } if now >= *until => {
                *self = RequestClient::Terminated;
                return ClientTimeout::Nothing;
            }
            _ => {}
        }
        match self {
            RequestClient::Trying { request, again: Some(again), .. }
            | RequestClient::Proceeding { request, again: Some(again), .. } => {
                if again.fire(now, Some(timing.t2)) {
                    ClientTimeout::Resend(request)
                } else {
                    ClientTimeout::Nothing
                }
            }
            RequestClient::Trying { .. }
            | RequestClient::Proceeding { .. }
            | RequestClient::Completed { .. }
            | RequestClient::Terminated => ClientTimeout::Nothing,
        }
    }

    pub fn deadline(&self) -> Option<Mono> {
        match self {
            RequestClient::Trying { again, give_up_at, .. } | RequestClient::Proceeding { again, give_up_at, .. } => {
                Some(again.map_or(*give_up_at, |again| again.at.min(*give_up_at)))
            }
            RequestClient::Completed { until } => Some(*until),
            RequestClient::Terminated => None,
        }
    }

    /// No final response came yet: a transport failure concerns it.
    pub fn is_pending(&self) -> bool {
        matches!(self, RequestClient::Trying { .. } | RequestClient::Proceeding { .. })
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self, RequestClient::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn sent_at(tx: &mut RequestClient, timing: &Timing) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some(at) = tx.deadline() {
            match tx.timeout(at, timing) {
                ClientTimeout::Resend(bytes) => {
                    assert_eq!(bytes, b"BYE");
                    sent.push(at.as_millis());
                }
                ClientTimeout::GaveUp | ClientTimeout::Nothing => {}
            }
        }
        sent
    }

    #[test]
    fn timer_e_doubles_to_t2_and_timer_f_gives_up() {
        let timing = Timing::default();
        let mut tx = RequestClient::new(ms(0), b"BYE", &timing, false);
        let sent = sent_at(&mut tx, &timing);
        assert_eq!(sent, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
        assert!(tx.is_terminated());
    }

    #[test]
    fn a_provisional_slows_the_repeats_to_t2() {
        let timing = Timing::default();
        let mut tx = RequestClient::new(ms(0), b"BYE", &timing, false);
        assert!(!tx.response(ms(100), 100, &timing, false));
        assert_eq!(sent_at(&mut tx, &timing), [4_100, 8_100, 12_100, 16_100, 20_100, 24_100, 28_100]);
    }

    #[test]
    fn the_user_gets_one_final_response_and_timer_k_the_rest() {
        let timing = Timing::default();
        let mut tx = RequestClient::new(ms(0), b"BYE", &timing, false);
        assert!(tx.response(ms(10), 200, &timing, false));
        assert!(!tx.response(ms(20), 200, &timing, false));
        assert_eq!(tx.deadline(), Some(ms(5_010)));
        let mut stream = RequestClient::new(ms(0), b"BYE", &timing, true);
        assert_eq!(stream.deadline(), Some(ms(32_000)));
        assert!(stream.response(ms(10), 200, &timing, true));
        assert!(stream.is_terminated());
    }
}
