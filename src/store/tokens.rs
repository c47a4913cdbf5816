//! What the HTTP API asks of an `Editor` beside the desk's own changes: tokens, kept answers, and what it has just changed.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::editor::Editor;
use super::{KeptAnswer, RequestKey, StoreError};
use super::{
    alarm_rows, answer_rows, errand_rows, journal_rows, message_rows, resident_rows, ticket_reads, token_rows,
};
use crate::desk::alarm::{Alarm, AlarmId};
use crate::desk::errand::{ErrandId, ErrandRecord};
use crate::desk::journal::KeptEntry;
use crate::desk::message::Message;
use crate::desk::residents::Resident;
use crate::desk::ticket::Ticket;
use crate::desk::token::{TokenDraft, TokenHash};
use crate::desk::told::told;
use crate::types::{MessageId, TicketNumber};

impl Editor {
    /// Keeps a token that was made; gives its id.
    pub fn add_token(&mut self, draft: &TokenDraft, hash: &TokenHash) -> Result<i64, StoreError> {
        draft.check().map_err(StoreError::Refused)?;
        self.transaction(|t| token_rows::add(t, draft, hash))
    }

    /// Takes a token back: it opens nothing from now on.
    pub fn revoke_token(&mut self, id: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.transaction(|t| token_rows::revoke(t, id, at))? {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::Refused(told!("令牌 {id} 已吊销过", "token {id} was revoked before"))),
            None => Err(StoreError::Unknown(told!("令牌 {id}", "token {id}"))),
        }
    }

    /// Notes that a token was used.
    pub fn token_used(&mut self, id: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.transaction(|t| token_rows::used(t, id, at))
    }

    /// What was answered to that request before, within a day.
    pub fn kept_answer(&mut self, of: RequestKey<'_>, now: DateTime<Utc>) -> Result<Option<KeptAnswer>, StoreError> {
        self.transaction(|t| answer_rows::find(t, of, now))
    }

    /// Keeps what is answered to that request.
    pub fn keep_answer(
        &mut self,
        of: RequestKey<'_>,
        now: DateTime<Utc>,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        self.transaction(|t| answer_rows::keep(t, of, now, answer))
    }

    /// A ticket as it is now, what is being changed included.
    pub fn ticket(&mut self, number: &TicketNumber, now: DateTime<Utc>) -> Result<Option<Ticket>, StoreError> {
        self.transaction(|t| {
            let sql = format!("SELECT {} FROM tickets WHERE number = ?1", ticket_reads::COLUMNS);
            let Some((id, mut ticket)) = t.query_row(&sql, [&number.0], ticket_reads::read).optional()? else {
                return Ok(None);
            };
            ticket_reads::fill(t, id, &mut ticket, now)?;
            Ok(Some(ticket))
        })
    }

    /// A message, likewise.
    pub fn message(&mut self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.transaction(|t| {
            let sql = format!("SELECT {} FROM messages WHERE id = ?1", message_rows::COLUMNS);
            let Some(mut message) = t.query_row(&sql, [id.0], message_rows::read).optional()? else {
                return Ok(None);
            };
            message_rows::fill(t, &mut message)?;
            Ok(Some(message))
        })
    }

    /// An alarm, likewise.
    pub fn alarm(&mut self, id: AlarmId) -> Result<Option<Alarm>, StoreError> {
        self.transaction(|t| alarm_rows::one(t, id))
    }

    /// A resident, likewise.
    pub fn resident(&mut self, id: i64) -> Result<Option<Resident>, StoreError> {
        self.transaction(|t| resident_rows::one(t, id))
    }

    /// A call of the desk's own, likewise.
    pub fn errand(&mut self, id: ErrandId) -> Result<Option<ErrandRecord>, StoreError> {
        self.transaction(|t| errand_rows::one(t, id))
    }

    /// An entry of the journal, likewise.
    pub fn journal_entry(&mut self, id: i64) -> Result<Option<KeptEntry>, StoreError> {
        self.transaction(|t| journal_rows::one(t, id))
    }
}
