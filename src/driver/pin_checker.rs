//! The thread that checks PINs: each takes tens of milliseconds by design, which no call may wait for.

use std::sync::mpsc::Receiver;

use crate::desk::request::RequestId;
use crate::desk::secret_hash::SecretHash;
use crate::types::{CallId, Redacted};

#[derive(Debug)]
pub struct PinCheck {
    pub call: CallId,
    pub id: RequestId,
    /// `None` where no PIN can be right.
    pub hash: Option<SecretHash>,
    pub pin: Redacted<String>,
}

/// Runs until every sender is gone.
pub fn run(inbox: &Receiver<PinCheck>, tell: &dyn Fn(CallId, RequestId, bool)) {
    while let Ok(PinCheck { call, id, hash, pin }) = inbox.recv() {
        tell(call, id, SecretHash::verify(hash.as_ref(), &pin));
    }
}
