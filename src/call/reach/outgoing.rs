//! Legs that lead through a gateway to the telephone network are counted, and too many are refused.

use super::Caller;
use super::place::{Towards, Unreachable};
use crate::call::disk_words::Word;
use crate::call::events::{CallEvent, What};
use crate::call::io::Output;
use crate::call::outgoing::Allowed;
use crate::call::session::Hands;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::types::CallId;

/// The way, where it may be gone. `urgent`: to a duty officer, for an emergency.
pub(super) fn bounded(
    h: &mut Hands<'_>,
    caller: &Caller<'_>,
    call: CallId,
    urgent: bool,
    towards: Result<Towards, Unreachable>,
) -> Result<Towards, Unreachable> {
    let way = towards?;
    let max = caller.service.outgoing_per_hour_max;
    match h.board.outgoing.ask(h.now.mono, max, urgent) {
        Allowed::Yes => return Ok(way),
        Allowed::No { first: false } => {}
        Allowed::No { first: true } => {
            let what = What::OutgoingLimit { per_hour_max: max };
            h.out.push_back(Output::Event(CallEvent { call: Some(call), what }));
            let note = format!("{max} calls went out through the gateway within an hour; no more are made");
            let word = AlarmWord {
                caller: caller.number.map(str::to_owned),
                note,
                ..AlarmWord::of_call(AlarmKind::OutgoingCalls, call, AlarmState::Open)
            };
            h.words.say(h.now.mono, Word::Alarm(word));
        }
    }
    Err(Unreachable::TooManyOut)
}
