//! Non-INVITE server transaction (RFC 3261 section 17.2.2).
//!
//! This user agent answers most such requests at once: their machine is made when the final response goes out. One whose
//! answer the transaction user makes (an offer in an UPDATE or PRACK) is `Trying` until then.

use super::timers::Timing;
use crate::types::Mono;

#[derive(Debug)]
pub enum RequestServer {
    /// The answer is being made: the request that comes again is absorbed.
    Trying,
    /// The final response answers retransmissions until Timer J.
    Completed {
        response: Box<[u8]>,
        until: Mono,
    },
    Terminated,
}

impl RequestServer {
    /// Over streams Timer J is zero: there are no retransmissions, and nothing to remember.
    pub fn completed(now: Mono, response: &[u8], timing: &Timing, reliable: bool) -> Self {
        if reliable {
            RequestServer::Terminated
        } else {
            RequestServer::Completed { response: response.into(), until: now + timing.timeout() }
        }
    }

    /// The request came again: what to send from memory.
    pub fn retransmitted(&self) -> Option<&[u8]> {
        match self {
            RequestServer::Completed { response, .. } => Some(response),
            RequestServer::Trying | RequestServer::Terminated => None,
        }
    }

    pub fn timeout(&mut self, now: Mono) {
        if self.deadline().is_some_and(|until| now >= until) {
            *self = RequestServer::Terminated;
        }
    }

    pub fn deadline(&self) -> Option<Mono> {
        match self {
            RequestServer::Completed { until, .. } => Some(*until),
            RequestServer::Trying | RequestServer::Terminated => None,
        }
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self, RequestServer::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_remembered_until_timer_j() {
        let timing = Timing::default();
        let mut tx = RequestServer::completed(Mono(0), b"200", &timing, false);
        assert_eq!(tx.retransmitted(), Some(&b"200"[..]));
        assert_eq!(tx.deadline(), Some(Mono::from_millis(32_000)));
        tx.timeout(Mono::from_millis(31_999));
        assert!(!tx.is_terminated());
        tx.timeout(Mono::from_millis(32_000));
        assert!(tx.is_terminated());
    }

    #[test]
    fn nothing_is_remembered_over_a_stream() {
        assert!(RequestServer::completed(Mono(0), b"200", &Timing::default(), true).is_terminated());
    }
}
