//! How far a call is, for whoever looks at the board or has the caller (R11).

use chrono::{DateTime, TimeDelta, Utc};

use super::{Hands, Session, Stage};
use crate::call::reach::Standing;
use crate::call::switchboard::Switchboard;
use crate::desk::live::{LiveCall, Node, Phase, Steer, SteerFault};
use crate::types::{Mono, Now};

impl Session {
    /// As it is now.
    pub fn live(&self, board: &Switchboard, now: Now) -> LiveCall {
        let (phase, since) = self.phase(board);
        let record = &self.record;
        let so_far_ms = self.answered.unwrap_or(now.mono).ms_since(self.started);
        let number = record.caller.as_deref().or(self.mission.as_deref().and_then(|mission| mission.number()));
        LiveCall {
            id: record.id,
            direction: record.direction,
            caller: number.map(str::to_owned),
            caller_name: record.caller_name.clone(),
            callee: record.callee.clone(),
            trunk: record.trunk.clone(),
            started_at: record.started_at,
            answered_at: record.answered_at,
            rings: record.answer_rings.unwrap_or_else(|| self.service.cadence.rings_begun(so_far_ms)),
            phase,
            since: self.wall(since),
            rung: self.reach.rung(),
            tickets: record.tickets.clone(),
            recording: record.recording.clone(),
        }
    }

    fn phase(&self, board: &Switchboard) -> (Phase, Mono) {
        let call = self.record.id;
        match &self.stage {
            Stage::Arriving { .. } | Stage::Ringing { .. } => return (Phase::Ringing, self.started),
            Stage::Calling => {
                let errand = self.mission.as_deref().map(|mission| mission.kind());
                return (Phase::Calling { errand }, self.started);
            }
            Stage::Leaving { .. } | Stage::Over => return (Phase::Ending, self.ended()),
            Stage::After { .. } => {
                let call_back = self.after.is_calling_back();
                return match self.reach.standing(None) {
                    Standing::Taken(by, since) => (Phase::After { call_back, by: Some(by) }, since),
                    Standing::Rings(_) | Standing::With(..) => (Phase::After { call_back, by: None }, self.ended()),
                    Standing::Nothing => (Phase::Ending, self.ended()),
                };
            }
            Stage::Answered { .. } | Stage::Talking => {}
        }
        if let Standing::With(phase, since) = self.reach.standing(board.slot_of(call)) {
            return (phase, since);
        }
        let name = self.flow.node();
        let title = self.service.flow.title(&name).cloned();
        let node = Node { name, title };
        if let Some(recording) = &self.recording {
            return (Phase::Recording { node }, recording.since);
        }
        if let (Some(place), Some(since)) = (board.position(call), board.waits_since(call)) {
            return (Phase::Queued { place: u32::try_from(place).unwrap_or(u32::MAX) }, since);
        }
        match self.reach.standing(None) {
            Standing::Rings(since) => (Phase::Reaching, since),
            Standing::Nothing | Standing::With(..) | Standing::Taken(..) => (Phase::Menu { node }, self.node_since),
        }
    }

    fn ended(&self) -> Mono {
        self.end.as_ref().map_or(self.started, |end| end.mono)
    }

    /// The same moment whenever it is asked for, whatever becomes of the wall's clock meanwhile.
    fn wall(&self, at: Mono) -> DateTime<Utc> {
        let ms = self.earlier_ms.saturating_add(at.ms_since(self.started));
        self.record.started_at + TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX / 2))
    }

    /// What somebody at a screen wants done with their caller.
    ///
    /// # Errors
    /// Why it can't be done; then nothing has changed.
    pub fn steered(&mut self, hands: &mut Hands<'_>, steer: &Steer, by: Option<&str>) -> Result<(), SteerFault> {
        let mut steered = Err(SteerFault::NoTalk);
        self.reaching(hands, |reach, h, caller| steered = reach.steer(h, caller, steer, by));
        steered
    }
}
