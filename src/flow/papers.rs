//! Tickets and messages of one call, while they are being written: at most one request of each is under way, what
//! comes meanwhile is put together into the next, and what could not be written is kept and sent again.

use std::collections::VecDeque;
use std::time::Duration;

use super::definition::Word;
use super::io::Output;
use super::line::{Gone, Line, State};
use super::sorts::{MessageSort, Sort, TicketSort};
use crate::desk::message::{MessageChange, MessageDraft};
use crate::desk::request::{DeskReply, DeskRequest, RequestId};
use crate::desk::ticket::{Class, Kind, TicketChange, TicketDraft, Urgency};
use crate::types::TicketNumber;

/// Tickets, and messages, that one call can begin: what comes after goes into the last one.
pub const PAPERS_MAX: usize = 8;
/// The store is waited for so long before the caller hears an apology.
pub const DESK_MAX: Duration = Duration::from_secs(5);

/// The store could not keep it (yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsaved;

/// One ticket or message.
#[derive(Debug)]
pub struct Paper<S: Sort> {
    pub draft: S::Draft,
    number: Option<S::Number>,
    under_way: Option<(RequestId, Option<S::Change>)>,
    pending: S::Change,
    /// The last request failed: nothing is sent until it is tried again.
    stalled: bool,
    /// The caller said what it is about: a hang-up from here on leaves it complete.
    pub described: bool,
    /// The mark that was asked for.
    marked: Option<bool>,
    /// The mark that is on disk.
    kept: Option<bool>,
}

impl<S: Sort> Paper<S> {
    fn new(draft: S::Draft) -> Self {
        Self {
            draft,
            number: None,
            under_way: None,
            pending: S::Change::default(),
            stalled: false,
            described: false,
            marked: None,
            kept: None,
        }
    }

    /// No more is expected of the caller for this one.
    pub fn closed(&self) -> bool {
        self.marked.is_some()
    }

    fn settled(&self) -> bool {
        self.under_way.is_none() && (self.stalled || self.number.is_some() && self.pending == S::Change::default())
    }

    fn change(&mut self, change: S::Change) {
        self.marked = S::mark_of(&change).or(self.marked);
        S::merge(&mut self.pending, change);
        self.stalled = false;
    }

    /// What is to be sent now, if anything.
    fn send(&mut self, ids: &mut u32) -> Option<DeskRequest> {
        if self.stalled || self.under_way.is_some() {
            return None;
        }
        let Some(number) = &self.number else {
            let id = next(ids);
            self.under_way = Some((id, None));
            return Some(S::open(id, self.draft.clone()));
        };
        if self.pending == S::Change::default() {
            return None;
        }
        let id = next(ids);
        let change = std::mem::take(&mut self.pending);
        self.under_way = Some((id, Some(change.clone())));
        Some(S::change(id, number.clone(), change))
    }

    /// Whether the reply was for this one.
    fn reply(&mut self, reply: &DeskReply) -> bool {
        if self.under_way.as_ref().is_none_or(|(id, _)| *id != reply.id) {
            return false;
        }
        let sent = self.under_way.take().and_then(|(_, change)| change);
        match (&reply.result, sent) {
            (Ok(_), Some(change)) => self.kept = S::mark_of(&change).or(self.kept),
            (Ok(done), None) => {
                self.number = S::number(done);
                self.stalled = self.number.is_none();
            }
            (Err(_), Some(mut change)) => {
                S::merge(&mut change, std::mem::take(&mut self.pending));
                self.pending = change;
                self.stalled = true;
            }
            (Err(_), None) => self.stalled = true,
        }
        true
    }
}

/// All of one sort in a call, the last being the current one.
#[derive(Debug)]
pub struct Pile<S: Sort>(VecDeque<Paper<S>>);

impl<S: Sort> Default for Pile<S> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<S: Sort> Pile<S> {
    /// The one that is being written.
    pub fn open(&mut self) -> Option<&mut Paper<S>> {
        self.0.back_mut().filter(|p| !p.closed())
    }

    pub fn is_open(&self) -> bool {
        self.0.back().is_some_and(|p| !p.closed())
    }

    /// Begins a new one; the one that was being written is left as it is. When the pile is full, goes on with its last.
    fn begin(&mut self, draft: S::Draft) {
        if let Some(paper) = self.open() {
            let described = paper.described;
            paper.change(S::mark(described));
        }
        if self.0.len() < PAPERS_MAX {
            self.0.push_back(Paper::new(draft));
        }
    }

    fn change(&mut self, change: S::Change) {
        if let Some(paper) = self.0.back_mut() {
            paper.change(change);
        }
    }

    /// Marks the one that is being written as complete; whether there is one.
    fn complete(&mut self) -> bool {
        let open = self.open();
        let found = open.is_some();
        if let Some(paper) = open {
            paper.change(S::mark(true));
        }
        found
    }

    /// Whether it is on disk that the last one is complete.
    fn kept(&self) -> bool {
        self.0.back().is_some_and(|p| p.kept == Some(true))
    }

    fn try_again(&mut self) {
        self.0.iter_mut().for_each(|p| p.stalled = false);
    }

    fn stalled(&self) -> bool {
        self.0.iter().any(|p| p.stalled)
    }

    fn mark_rest(&mut self) {
        for paper in self.0.iter_mut().filter(|p| !p.closed()) {
            let described = paper.described;
            paper.change(S::mark(described));
        }
    }

    fn settled(&self) -> bool {
        self.0.iter().all(Paper::settled)
    }
}

/// All papers of a call and the numbering of its requests.
#[derive(Debug, Default)]
pub struct Papers {
    pub tickets: Pile<TicketSort>,
    pub messages: Pile<MessageSort>,
    requests: u32,
}

impl Papers {
    pub fn next_request(&mut self) -> RequestId {
        next(&mut self.requests)
    }

    /// The current ticket's number, once it is on disk that the report is complete (R9).
    pub fn number_to_say(&self) -> Option<&TicketNumber> {
        self.tickets.0.back().filter(|t| t.kept == Some(true)).and_then(|t| t.number.as_ref())
    }

    /// The current ticket's number, once there is one, complete or not.
    pub fn number(&self) -> Option<&TicketNumber> {
        self.tickets.0.back().and_then(|t| t.number.as_ref())
    }

    /// Whether a ticket exists on disk.
    pub fn any_ticket(&self) -> bool {
        self.tickets.0.iter().any(|t| t.number.is_some())
    }

    /// Whether a message exists on disk.
    pub fn any_message(&self) -> bool {
        self.messages.0.iter().any(|m| m.number.is_some())
    }

    /// Whether something was begun that never came to be on disk.
    pub fn any_unsaved(&self) -> bool {
        self.tickets.0.iter().any(|t| t.number.is_none()) || self.messages.0.iter().any(|m| m.number.is_none())
    }

    pub fn change_ticket(&mut self, change: TicketChange, out: &mut VecDeque<Output>) {
        self.tickets.change(change);
        self.send(out);
    }

    pub fn begin_message(&mut self, draft: MessageDraft, out: &mut VecDeque<Output>) {
        self.messages.begin(draft);
        self.send(out);
    }

    pub fn change_message(&mut self, change: MessageChange, out: &mut VecDeque<Output>) {
        self.messages.change(change);
        self.send(out);
    }

    pub fn reply(&mut self, reply: DeskReply, out: &mut VecDeque<Output>) {
        let known =
            self.tickets.0.iter_mut().any(|p| p.reply(&reply)) || self.messages.0.iter_mut().any(|p| p.reply(&reply));
        if known {
            self.send(out);
        }
    }

    pub fn settled(&self) -> bool {
        self.tickets.settled() && self.messages.settled()
    }

    fn send(&mut self, out: &mut VecDeque<Output>) {
        let ids = &mut self.requests;
        let tickets = self.tickets.0.iter_mut().filter_map(|p| p.send(ids));
        out.extend(tickets.map(Output::Desk));
        let messages = self.messages.0.iter_mut().filter_map(|p| p.send(ids));
        out.extend(messages.map(Output::Desk));
    }
}

fn next(ids: &mut u32) -> RequestId {
    *ids = ids.wrapping_add(1);
    RequestId(*ids)
}

impl State {
    /// Begins a ticket with what the caller has told so far: the number to call back, and for a first ticket the place
    /// (a second one may be about another).
    pub fn begin_ticket(&mut self, kind: Kind, class: Class, urgency: Option<Urgency>, category: Option<String>) {
        let first = self.papers.tickets.0.is_empty();
        let draft = TicketDraft {
            kind,
            class,
            urgency,
            category,
            caller: self.caller.number.clone(),
            call: self.caller.call,
            language: Some(self.lang.clone()),
        };
        self.papers.tickets.begin(draft);
        self.papers.tickets.change(TicketChange {
            callback_number: self.facts.callback.clone(),
            building: self.facts.building.clone().filter(|_| first),
            room: self.facts.room.clone().filter(|_| first),
            ..TicketChange::default()
        });
        self.papers.send(&mut self.out);
    }
}

impl Line {
    pub fn change_ticket(&self, change: TicketChange) {
        let state = &mut *self.state();
        state.papers.change_ticket(change, &mut state.out);
    }

    pub fn change_message(&self, change: MessageChange) {
        let state = &mut *self.state();
        state.papers.change_message(change, &mut state.out);
    }

    /// Begins a message to the person that was looked up, or to the desk, unless one to them is being written.
    pub fn begin_message(&self) {
        let state = &mut *self.state();
        let for_person = state.facts.person.as_ref().map(|p| p.extension.clone());
        if state.papers.messages.open().is_some_and(|m| m.draft.for_person == for_person) {
            return;
        }
        let draft = MessageDraft {
            for_person,
            from_number: state.caller.number.clone(),
            from_name: state.caller.name.clone(),
            call: state.caller.call,
            language: Some(state.lang.clone()),
        };
        state.papers.begin_message(draft, &mut state.out);
    }

    /// Marks what is being written as complete and waits until that is on disk. When it can't be written, or not in time,
    /// apologises and tries once more.
    pub async fn complete(&self, sorry: &[Word]) -> Result<Result<(), Unsaved>, Gone> {
        let (ticket, message) = {
            let papers = &mut self.state().papers;
            (papers.tickets.complete(), papers.messages.complete())
        };
        let kept = |papers: &Papers| (!ticket || papers.tickets.kept()) && (!message || papers.messages.kept());
        self.write_again();
        self.wait_written(true).await?;
        if !kept(&self.state().papers) {
            self.tell(sorry).await?;
            self.write_again();
            self.wait_written(true).await?;
        }
        let kept = kept(&self.state().papers);
        Ok(if kept { Ok(()) } else { Err(Unsaved) })
    }

    /// At the end of the call: marks the rest as it stands, tries once more what could not be written, and waits for it.
    pub async fn close_papers(&self) {
        {
            let state = &mut *self.state();
            state.papers.tickets.mark_rest();
            state.papers.messages.mark_rest();
        }
        self.write_again();
        // Waiting without regard to the hang-up cannot end in `Gone`.
        let _ = self.wait_written(false).await;
        let stalled = {
            let state = self.state();
            state.papers.tickets.stalled() || state.papers.messages.stalled()
        };
        if stalled {
            self.write_again();
            let _ = self.wait_written(false).await;
        }
    }

    fn write_again(&self) {
        let state = &mut *self.state();
        state.papers.tickets.try_again();
        state.papers.messages.try_again();
        state.papers.send(&mut state.out);
    }

    async fn wait_written(&self, caller_waits: bool) -> Result<(), Gone> {
        let deadline = self.state().now.mono + DESK_MAX;
        self.until(|state| {
            if caller_waits && state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            let over = state.papers.settled() || state.now.mono >= deadline;
            if over { Ok(Ok(())) } else { Err(Some(deadline)) }
        })
        .await
    }
}
