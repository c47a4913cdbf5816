//! What the store is asked for tickets and for messages: the two sorts of paper that a call writes.

use std::fmt::Debug;

use crate::desk::message::{MessageChange, MessageDraft};
use crate::desk::request::{DeskRequest, Done, RequestId};
use crate::desk::ticket::{TicketChange, TicketDraft};
use crate::types::{MessageId, TicketNumber};

/// What tickets and messages have in common.
pub trait Sort {
    type Draft: Clone + Debug;
    type Number: Clone + Debug;
    type Change: Clone + Debug + Default + PartialEq;

    fn open(id: RequestId, draft: Self::Draft) -> DeskRequest;
    fn change(id: RequestId, number: Self::Number, change: Self::Change) -> DeskRequest;
    fn number(done: &Done) -> Option<Self::Number>;
    /// Lays the later change over the earlier one.
    fn merge(earlier: &mut Self::Change, later: Self::Change);
    fn mark(complete: bool) -> Self::Change;
    fn mark_of(change: &Self::Change) -> Option<bool>;
}

/// The store's word on tickets (R25).
#[derive(Debug)]
pub struct TicketSort;

impl Sort for TicketSort {
    type Draft = TicketDraft;
    type Number = TicketNumber;
    type Change = TicketChange;

    fn open(id: RequestId, draft: TicketDraft) -> DeskRequest {
        DeskRequest::OpenTicket { id, draft }
    }

    fn change(id: RequestId, number: TicketNumber, change: TicketChange) -> DeskRequest {
        DeskRequest::ChangeTicket { id, number, change }
    }

    fn number(done: &Done) -> Option<TicketNumber> {
        match done {
            Done::TicketOpened(number) => Some(number.clone()),
            Done::MessageOpened(_)
            | Done::Changed
            | Done::MessageChanged(_)
            | Done::Messages { .. }
            | Done::Waiting(_)
            | Done::Homes(_)
            | Done::OpenRepair(_)
            | Done::Work(_) => None,
        }
    }

    fn merge(earlier: &mut TicketChange, later: TicketChange) {
        let note = match (earlier.note.take(), later.note) {
            (Some(a), Some(b)) => Some(format!("{a}; {b}")),
            (a, b) => b.or(a),
        };
        *earlier = TicketChange {
            class: later.class.or(earlier.class),
            urgency: later.urgency.or(earlier.urgency),
            category: later.category.or(earlier.category.take()),
            callback_number: later.callback_number.or(earlier.callback_number.take()),
            building: later.building.or(earlier.building.take()),
            room: later.room.or(earlier.room.take()),
            wanted_time: later.wanted_time.or(earlier.wanted_time.take()),
            description: later.description.or(earlier.description.take()),
            recording: later.recording.or(earlier.recording.take()),
            complete: later.complete.or(earlier.complete),
            resident: later.resident.or(earlier.resident.take()),
            same_as: later.same_as.or(earlier.same_as.take()),
            note,
        };
    }

    fn mark(complete: bool) -> TicketChange {
        TicketChange { complete: Some(complete), ..TicketChange::default() }
    }

    fn mark_of(change: &TicketChange) -> Option<bool> {
        change.complete
    }
}

/// The store's word on messages (R5).
#[derive(Debug)]
pub struct MessageSort;

impl Sort for MessageSort {
    type Draft = MessageDraft;
    type Number = MessageId;
    type Change = MessageChange;

    fn open(id: RequestId, draft: MessageDraft) -> DeskRequest {
        DeskRequest::OpenMessage { id, draft }
    }

    fn change(id: RequestId, message: MessageId, change: MessageChange) -> DeskRequest {
        DeskRequest::ChangeMessage { id, message, change }
    }

    fn number(done: &Done) -> Option<MessageId> {
        match done {
            Done::MessageOpened(id) => Some(*id),
            Done::TicketOpened(_)
            | Done::Changed
            | Done::MessageChanged(_)
            | Done::Messages { .. }
            | Done::Waiting(_)
            | Done::Homes(_)
            | Done::OpenRepair(_)
            | Done::Work(_) => None,
        }
    }

    fn merge(earlier: &mut MessageChange, later: MessageChange) {
        *earlier = MessageChange {
            recording: later.recording.or(earlier.recording.take()),
            duration_ms: later.duration_ms.or(earlier.duration_ms),
            from_number: later.from_number.or(earlier.from_number.take()),
            complete: later.complete.or(earlier.complete),
            relay: later.relay.or(earlier.relay),
            attempts: std::mem::take(&mut earlier.attempts).into_iter().chain(later.attempts).collect(),
            deleted_by: earlier.deleted_by.take().or(later.deleted_by),
            for_person: later.for_person.or(earlier.for_person.take()),
        };
    }

    fn mark(complete: bool) -> MessageChange {
        MessageChange { complete: Some(complete), ..MessageChange::default() }
    }

    fn mark_of(change: &MessageChange) -> Option<bool> {
        change.complete
    }
}
