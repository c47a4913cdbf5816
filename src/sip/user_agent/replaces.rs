//! A new call that takes the place of one of ours (RFC 3891).

use std::collections::VecDeque;

use super::UserAgent;
use super::event::LegId;
use super::leg::LegState;
use crate::sip::transaction::{Key, KeyMap};
use crate::sip::wire::{Headers, Name, Replaces};

/// Dialogs that ended last, so that a late Replaces hears 603 and not 481; an older one hears 481.
const ENDED_MAX: usize = 1_024;

/// The dialogs that ended last.
#[derive(Debug, Default)]
pub(super) struct EndedDialogs {
    order: VecDeque<Key>,
    known: KeyMap<()>,
}

impl EndedDialogs {
    pub fn add(&mut self, key: Key) {
        if self.known.insert(key, ()).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > ENDED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.known.contains_key(key)
    }
}

impl UserAgent {
    /// The answered leg of ours that a `Replaces` names.
    pub fn leg_of(&self, wanted: &Replaces) -> Option<LegId> {
        let id = self.by_dialog.get(&self.keys.dialog(&wanted.call_id, &wanted.to_tag, &wanted.from_tag)).copied()?;
        self.legs.get(&id).filter(|leg| matches!(leg.state, LegState::Up { .. })).map(|_| id)
    }

    /// The leg that an INVITE is to replace, or the status that refuses it (RFC 3891 section 3).
    pub(super) fn replaced_leg(&self, headers: &Headers) -> Result<Option<LegId>, u16> {
        let mut values = headers.all(&Name::Replaces);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(400);
        }
        let wanted: Replaces = value.parse().map_err(|_| 400u16)?;
        let key = self.keys.dialog(&wanted.call_id, &wanted.to_tag, &wanted.from_tag);
        let Some(id) = self.by_dialog.get(&key).copied() else {
            if self.ended.contains(&key) {
                return Err(603);
            }
            return Err(481);
        };
        match self.legs.get(&id).map(|leg| &leg.state) {
            Some(LegState::Up { .. }) if wanted.early_only => Err(486),
            Some(LegState::Up { .. }) => Ok(Some(id)),
            // A call of ours that still rings: somebody picks it up elsewhere.
            Some(LegState::Calling { hung_up: false, .. }) => Ok(Some(id)),
            // An early dialog is only given up by the one who began it.
            Some(LegState::Arriving { .. } | LegState::Calling { .. }) | None => Err(481),
        }
    }
}
