//! A place in the queue that is kept for a caller who is to be called back (R9, R10).

use chrono::{DateTime, Utc};

use super::call_record::CallRecord;
use super::words::words;
use crate::types::CallId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallBackState {
    Waiting,
    /// A receptionist took it, or none did in time.
    Over,
}

words!(CallBackState { Waiting => "waiting", Over => "over" });

/// What a call has to say of its call-back; the later word holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBackWord {
    pub call: CallId,
    pub state: CallBackState,
    /// What is said to the receptionist and where the caller is called back: the line's own form.
    pub say: String,
}

/// A call-back that an earlier run left waiting.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingCallBack {
    /// The call that asked for it, ended.
    pub record: CallRecord,
    pub since: DateTime<Utc>,
    pub say: String,
}
