//! What a step asks of the house on the caller's behalf: whether a PIN is right, messages, and changes to them that the
//! caller waits for.

use std::time::Duration;

use super::io::{Output, Say};
use super::line::{Gone, Line, State};
use super::papers::{DESK_MAX, Unsaved};
use crate::desk::errand::ErrandResult;
use crate::desk::message::{Message, MessageChange, MessagesWaiting};
use crate::desk::request::{DeskRequest, Done, RequestId};
use crate::desk::residents::{Home, OpenRepair};
use crate::desk::work_report::{WorkFound, WorkWord};
use crate::types::{MessageId, Mono, RecordingId, Redacted, TicketNumber};

/// A PIN that has not been checked by then counts as not checked.
pub const PIN_MAX: Duration = Duration::from_secs(10);

/// What only makes the way shorter for a caller is waited for so long.
const LOOK_UP_MAX: Duration = Duration::from_secs(1);

/// A question that is under way, and its answer once it has come. One at a time: an older one's answer is ignored.
#[derive(Debug)]
pub struct Question<T> {
    open: Option<RequestId>,
    answer: Option<T>,
}

impl<T> Default for Question<T> {
    fn default() -> Self {
        Self { open: None, answer: None }
    }
}

impl<T> Question<T> {
    fn ask(&mut self, id: RequestId) {
        *self = Self { open: Some(id), answer: None };
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn is(&self, id: RequestId) -> bool {
        self.open == Some(id)
    }

    pub fn answer(&mut self, id: RequestId, answer: T) {
        if self.is(id) {
            *self = Self { open: None, answer: Some(answer) };
        }
    }
}

/// How much of a recording was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    ToItsEnd,
    /// A key cut it short, or was waiting already.
    Cut,
    /// It can't be read.
    Unreadable,
}

impl Line {
    /// Whether this PIN opens the messages of this extension; `None` when that could not be found out.
    pub async fn check_pin(&self, extension: &str, pin: Redacted<String>) -> Result<Option<bool>, Gone> {
        let deadline = {
            let mut state = self.state();
            let id = state.papers.next_request();
            state.pin.ask(id);
            state.out.push_back(Output::CheckPin { id, extension: extension.to_owned(), pin });
            state.now.mono + PIN_MAX
        };
        Ok(self.answer(deadline, |state| &mut state.pin).await?.flatten())
    }

    /// An extension's messages, and how many there are beside those in the list; `None` when they can't be read.
    pub async fn messages_of(&self, extension: &str) -> Result<Option<(Vec<Message>, MessagesWaiting)>, Gone> {
        let for_person = extension.to_owned();
        Ok(match self.desk(|id| DeskRequest::ListMessages { id, for_person }).await? {
            Some(Done::Messages { list, waiting }) => Some((list, waiting)),
            Some(_) | None => None,
        })
    }

    /// Changes a message and waits until that is on disk.
    pub async fn change_message_of(
        &self,
        message: MessageId,
        change: MessageChange,
    ) -> Result<Result<(), Unsaved>, Gone> {
        let done = self.desk(|id| DeskRequest::ChangeMessage { id, message, change }).await?;
        Ok(done.map(drop).ok_or(Unsaved))
    }

    /// Has a message changed without waiting: the store tells its own failures.
    pub fn note_on_message(&self, message: MessageId, change: MessageChange) {
        let state = &mut *self.state();
        let id = state.papers.next_request();
        state.out.push_back(Output::Desk(DeskRequest::ChangeMessage { id, message, change }));
    }

    /// The ticket that somebody of the staff means by these keys; the outer `None` when that can't be found out.
    pub async fn find_work(&self, digits: String) -> Result<Option<Option<WorkFound>>, Gone> {
        self.work(|id| DeskRequest::FindWork { id, digits }).await
    }

    /// Reports how far it is, and waits until that is on disk.
    pub async fn report_work(
        &self,
        number: TicketNumber,
        extension: String,
        word: WorkWord,
    ) -> Result<Option<Option<WorkFound>>, Gone> {
        self.work(|id| DeskRequest::ReportWork { id, number, extension, word }).await
    }

    async fn work(&self, request: impl FnOnce(RequestId) -> DeskRequest) -> Result<Option<Option<WorkFound>>, Gone> {
        Ok(match self.desk(request).await? {
            Some(Done::Work(found)) => Some(found.map(|found| *found)),
            Some(_) | None => None,
        })
    }

    /// Keeps what came of the call that the desk makes; whether that is on disk.
    pub async fn keep_result(&self, result: ErrandResult) -> Result<bool, Gone> {
        let deadline = {
            let mut state = self.state();
            let id = state.papers.next_request();
            state.asked_desk.ask(id);
            // They got what they were called for, or said what they had to.
            state.served = true;
            state.out.push_back(Output::Errand { id, result });
            state.now.mono + DESK_MAX
        };
        let answer = self.answer(deadline, |state| &mut state.asked_desk).await?;
        Ok(answer.is_some_and(|answer| answer.is_ok()))
    }

    /// Plays a recording, to its end or until a key.
    pub async fn listen(&self, recording: &RecordingId) -> Result<Heard, Gone> {
        let pressed = {
            let mut state = self.state();
            state.unreadable = None;
            if !state.keys.is_empty() {
                return Ok(Heard::Cut);
            }
            state.pressed
        };
        self.announce(&[(self.lang(), vec![Say::Recording(recording.clone())])]).await?;
        let state = self.state();
        Ok(if state.unreadable.as_ref() == Some(recording) {
            Heard::Unreadable
        } else if state.pressed == pressed {
            Heard::ToItsEnd
        } else {
            Heard::Cut
        })
    }

    /// Asks where the caller lives (R11), as the call begins: the answer is there when somebody wants to know.
    pub fn look_up_homes(&self) {
        let state = &mut *self.state();
        let Some(number) = state.caller.callable_number() else { return };
        let id = state.papers.next_request();
        state.asked_homes.ask(id);
        state.out.push_back(Output::Desk(DeskRequest::FindHomes { id, number }));
    }

    /// The places that the caller's number belongs to. None for a number that nobody here has, and when the store does not
    /// say so in time: the caller is then one who is not known.
    pub async fn homes(&self) -> Result<Vec<Home>, Gone> {
        let deadline = self.state().now.mono + LOOK_UP_MAX;
        self.until(|state| {
            if state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            let waits = state.asked_homes.is_open() && state.now.mono < deadline;
            if waits { Err(Some(deadline)) } else { Ok(Ok(state.facts.homes.clone())) }
        })
        .await
    }

    /// The repair that is open at the caller's place already, of the category that they chose.
    pub async fn open_repair(&self) -> Result<Option<OpenRepair>, Gone> {
        let (building, room, category) = {
            let facts = &self.state().facts;
            let (Some(building), Some(room)) = (facts.building.clone(), facts.room.clone()) else { return Ok(None) };
            (building, room, facts.reported.clone())
        };
        let request = |id| DeskRequest::FindOpenRepair { id, building, room, category };
        Ok(match self.desk_within(LOOK_UP_MAX, request).await? {
            Some(Done::OpenRepair(found)) => found,
            Some(_) | None => None,
        })
    }

    /// What the store did; `None` when it could not, or not in time.
    async fn desk(&self, request: impl FnOnce(RequestId) -> DeskRequest) -> Result<Option<Done>, Gone> {
        self.desk_within(DESK_MAX, request).await
    }

    async fn desk_within(
        &self,
        time: Duration,
        request: impl FnOnce(RequestId) -> DeskRequest,
    ) -> Result<Option<Done>, Gone> {
        let deadline = {
            let mut state = self.state();
            let id = state.papers.next_request();
            state.asked_desk.ask(id);
            state.out.push_back(Output::Desk(request(id)));
            state.now.mono + time
        };
        let answer = self.answer(deadline, |state| &mut state.asked_desk).await?;
        Ok(answer.and_then(Result::ok))
    }

    async fn answer<T>(&self, deadline: Mono, of: fn(&mut State) -> &mut Question<T>) -> Result<Option<T>, Gone> {
        self.until(|state| {
            if state.hung_up_at.is_some() {
                return Ok(Err(Gone));
            }
            match of(state).answer.take() {
                Some(answer) => Ok(Ok(Some(answer))),
                None if state.now.mono >= deadline => Ok(Ok(None)),
                None => Err(Some(deadline)),
            }
        })
        .await
    }
}
