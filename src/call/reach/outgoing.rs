//! Legs that lead through a gateway to the telephone network are counted, and too many are refused.

use super::Caller;
use super::place::{Towards, Unreachable, towards_customer};
use crate::call::disk_words::Word;
use crate::call::events::{CallEvent, What};
use crate::call::io::Output;
use crate::call::outgoing::Allowed;
use crate::call::session::Hands;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::people::PlaceTarget;
use crate::types::CallId;

/// The ways to a customer: one at most. Those that lead out of the house are counted.
pub(super) fn to_customer(
    h: &mut Hands<'_>,
    caller: &Caller<'_>,
    call: CallId,
    target: &PlaceTarget,
) -> Vec<Result<Towards, Unreachable>> {
    let address = target.to_string();
    let towards = towards_customer(h.ua, caller.service, &address, caller.listener);
    let towards =
        towards.map(|towards| if leads_out(h, target) { bounded(h, caller, call, false, towards) } else { towards });
    towards.into_iter().collect()
}

/// Whether a customer is called through a gateway, not at a telephone that is registered here.
fn leads_out(h: &Hands<'_>, target: &PlaceTarget) -> bool {
    let PlaceTarget::Sip(address) = target else { return true };
    let host = address.rsplit('@').next().unwrap_or_default();
    !host.eq_ignore_ascii_case(h.ua.realm())
}

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
