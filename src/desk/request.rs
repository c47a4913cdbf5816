//! What a call asks of the desk's store, and what comes back. The store carries it out; `call` and `flow` only say it.

use super::alarm::AlarmWord;
use super::ban::Ban;
use super::call_back::CallBackWord;
use super::call_record::CallRecord;
use super::errand::{ErrandEnd, ErrandId};
use super::journal::JournalEntry;
use super::ladder::CallLadder;
use super::message::{Message, MessageChange, MessageDraft, MessagesWaiting};
use super::residents::{Home, OpenRepair};
use super::ticket::{TicketChange, TicketDraft};
use super::trunk_state::TrunkWord;
use super::work_report::{WorkFound, WorkWord};
use crate::types::{CallId, MessageId, TicketNumber};

/// Ties a reply to its request; unique within one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// Requests of one call are carried out in the order they were made.
#[derive(Debug, Clone, PartialEq)]
pub enum DeskRequest {
    /// Inserts the row, or puts this one in its place. Not waited for.
    PutCall(Box<CallRecord>),
    /// Keeps the SIP messages of a call that is over, while there is room. Not waited for.
    PutLadder(Box<CallLadder>),
    /// Keeps a ban. Not waited for.
    PutBan(Ban),
    /// Replied to once it is on disk (R9).
    OpenTicket { id: RequestId, draft: TicketDraft },
    /// Replied to once it is on disk.
    ChangeTicket { id: RequestId, number: TicketNumber, change: TicketChange },
    /// Replied to once it is on disk.
    OpenMessage { id: RequestId, draft: MessageDraft },
    /// Replied to once it is on disk.
    ChangeMessage { id: RequestId, message: MessageId, change: MessageChange },
    /// Messages for an extension, those not heard yet first, then the oldest first; `LISTED_MAX` of them at most.
    ListMessages { id: RequestId, for_person: String },
    /// Where the resident lives whose number this is (R11).
    FindHomes { id: RequestId, number: String },
    /// The repair that is open there already, of that category, that another call or a person has begun.
    FindOpenRepair { id: RequestId, building: String, room: String, category: Option<String> },
    /// How many messages wait for an extension.
    CountMessages { id: RequestId, for_person: String },
    /// Inserts the alarm, or puts this word in the place of an older one of the same call.
    PutAlarm { id: RequestId, word: AlarmWord },
    /// The same for how it is with a trunk.
    PutTrunk { id: RequestId, word: TrunkWord },
    /// Adds to the journal.
    PutJournal { id: RequestId, entry: JournalEntry },
    /// The same for a call-back.
    PutCallBack { id: RequestId, word: CallBackWord },
    /// The ticket that somebody of the staff means by these keys.
    FindWork { id: RequestId, digits: String },
    /// Somebody of the staff says how far a ticket is. Replied to once it is on disk.
    ReportWork { id: RequestId, number: TicketNumber, extension: String, word: WorkWord },
    /// Claims a waiting errand for this call; an error when it waits no more. Replied to once it is on disk.
    BeginErrand { id: RequestId, errand: ErrandId },
    /// What came of an errand so far; `over`: nothing more comes. The same word may be said again.
    KeepErrand { id: RequestId, end: ErrandEnd, over: bool },
}

/// Messages in one list: as many as anybody listens to in one call.
pub const LISTED_MAX: usize = 50;

impl DeskRequest {
    /// `None` for what is not replied to.
    pub fn id(&self) -> Option<RequestId> {
        match self {
            DeskRequest::PutCall(_) | DeskRequest::PutLadder(_) | DeskRequest::PutBan(_) => None,
            DeskRequest::OpenTicket { id, .. }
            | DeskRequest::ChangeTicket { id, .. }
            | DeskRequest::OpenMessage { id, .. }
            | DeskRequest::ChangeMessage { id, .. }
            | DeskRequest::ListMessages { id, .. }
            | DeskRequest::FindHomes { id, .. }
            | DeskRequest::FindOpenRepair { id, .. }
            | DeskRequest::CountMessages { id, .. }
            | DeskRequest::PutAlarm { id, .. }
            | DeskRequest::PutTrunk { id, .. }
            | DeskRequest::PutJournal { id, .. }
            | DeskRequest::PutCallBack { id, .. }
            | DeskRequest::FindWork { id, .. }
            | DeskRequest::ReportWork { id, .. }
            | DeskRequest::BeginErrand { id, .. }
            | DeskRequest::KeepErrand { id, .. } => Some(*id),
        }
    }
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
    /// A message was changed; how many wait now, for each extension where that is another number than before.
    MessageChanged(Vec<MessagesWaiting>),
    /// The list, and how many there are beside it.
    Messages {
        list: Vec<Message>,
        waiting: MessagesWaiting,
    },
    Waiting(MessagesWaiting),
    /// None for a number that nobody here has.
    Homes(Vec<Home>),
    OpenRepair(Option<OpenRepair>),
    /// The ticket that was asked for; none where there is no such one.
    Work(Option<Box<WorkFound>>),
}

impl Done {
    /// Extensions for which another number of messages waits than before.
    pub fn waiting_changed(&self) -> &[MessagesWaiting] {
        match self {
            Done::MessageChanged(waiting) => waiting,
            Done::TicketOpened(_)
            | Done::MessageOpened(_)
            | Done::Changed
            | Done::Messages { .. }
            | Done::Waiting(_)
            | Done::Homes(_)
            | Done::OpenRepair(_)
            | Done::Work(_) => &[],
        }
    }
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
