//! What a call asks of the desk's store, and what comes back. The store carries it out; `call` and `flow` only say it.

use super::call_record::CallRecord;
use super::message::{MessageChange, MessageDraft};
use super::ticket::{TicketChange, TicketDraft};
use crate::types::{CallId, MessageId, TicketNumber};

/// Ties a reply to its request; unique within one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// Requests of one call are carried out in the order they were made.
#[derive(Debug, Clone, PartialEq)]
pub enum DeskRequest {
    /// Inserts the row, or puts this one in its place. Not waited for.
    PutCall(Box<CallRecord>),
    /// Replied to once it is on disk (R9).
    OpenTicket { id: RequestId, draft: TicketDraft },
    /// Replied to once it is on disk.
    ChangeTicket { id: RequestId, number: TicketNumber, change: TicketChange },
    /// Replied to once it is on disk.
    OpenMessage { id: RequestId, draft: MessageDraft },
    /// Replied to once it is on disk.
    ChangeMessage { id: RequestId, message: MessageId, change: MessageChange },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskReply {
    pub call: CallId,
    pub id: RequestId,
    pub result: Result<Done, DeskError>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    TicketOpened(TicketNumber),
    MessageOpened(MessageId),
    Changed,
}

/// Why the store could not keep what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error("the store's queue is full ({0} requests): it writes slower than calls come in")]
    Overloaded(usize),
    #[error("the database could not be written: {0}")]
    NotWritten(String),
    #[error("{0} does not exist")]
    Unknown(String),
}
