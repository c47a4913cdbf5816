//! From one typed event to its log line and its metrics. Events are logged here and nowhere else.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::call::admission::Refusal;
use crate::call::events::{CallEvent, What};
use crate::desk::message::MessagesWaiting;
use crate::desk::privacy::mask_text;
use crate::metrics::METRICS;
use crate::telemetry::{Line, SourceThrottle};
use crate::types::Mono;

/// Lines about refused callers and phones: a scanner must not fill the log.
static REFUSED: SourceThrottle = SourceThrottle::new(10, Duration::from_secs(60));

/// Told once: a site may have its reasons.
static KEYS_IN_THE_OPEN: Once = Once::new();

/// Whether the log shows telephone numbers whole (`[privacy] log_numbers`).
static WHOLE_NUMBERS: AtomicBool = AtomicBool::new(false);

/// From now on.
pub fn show_numbers_whole(whole: bool) {
    WHOLE_NUMBERS.store(whole, Ordering::Relaxed);
}

/// A number, or a text that may have one, as the log shows it.
fn shown(text: &str) -> Cow<'_, str> {
    if WHOLE_NUMBERS.load(Ordering::Relaxed) { Cow::Borrowed(text) } else { mask_text(text) }
}

/// Counts an event and writes its line.
pub fn observe(now: Mono, event: &CallEvent) {
    count(&event.what);
    let call = event.call.map_or(0, |call| call.0);
    match &event.what {
        What::Incoming { source, callee } => tracing::info!(call, %source, callee = %shown(callee), "call came in"),
        What::Diverted { from } => tracing::info!(call, from = %shown(from), "was called there first"),
        What::PeerSaidWhy { reason } => tracing::info!(call, reason = %shown(reason), "the peer says why it hangs up"),
        What::Refused { source, why } => {
            refused(now, Some(source.ip()), || tracing::warn!(call, %source, why = why.reason(), "call refused"));
        }
        What::RejectedBySip { source, status } => {
            refused(now, Some(source.ip()), || tracing::warn!(call, %source, status, "INVITE answered with an error"));
        }
        What::Rejected { status, why } => refused(now, None, || tracing::warn!(call, status, why, "call rejected")),
        What::Answered { answer_ms, rings, codec } => {
            tracing::info!(call, answer_ms, rings, codec = codec.map(|c| c.encoding_name()), "answered");
        }
        What::Encrypted { suite, sealed } => {
            tracing::info!(call, suite = suite.name(), "audio is encrypted");
            if !sealed {
                KEYS_IN_THE_OPEN.call_once(|| {
                    tracing::warn!(
                        call,
                        "keys of encrypted audio come in the open: \
                     whoever reads the signalling can listen in; let the telephones use TLS"
                    )
                });
            }
        }
        What::Forged { packets } => {
            tracing::warn!(call, packets, "audio came that was not encrypted with the call's key, and was dropped");
        }
        What::Key { source } => tracing::debug!(call, ?source, "key"),
        What::Node { node } => tracing::debug!(call, node, "step"),
        What::RecordingStarted { recording } => tracing::info!(call, recording = recording.0, "recording"),
        What::RecordingEnded { recording, duration_ms, written } => {
            tracing::info!(call, recording = recording.0, duration_ms, written, "recorded");
        }
        What::Ringing { extension } if extension.is_empty() => tracing::info!(call, "calls a customer"),
        What::Ringing { extension } => tracing::info!(call, extension, "rings a person"),
        What::NextServer { extension, status } => {
            tracing::warn!(call, extension, status, "a server failed: the next one is tried");
        }
        What::LegEnded { extension, end, why } if why.is_empty() => {
            tracing::info!(call, extension, end = end.as_str(), "stopped ringing or talking");
        }
        What::LegEnded { extension, end, why } => {
            tracing::error!(call, extension, end = end.as_str(), why = %shown(why), "a place can't be rung: mend it in people.toml");
        }
        What::ErrandBegun { errand, kind } => {
            tracing::info!(call, errand = errand.0, kind = kind.as_str(), "the desk calls")
        }
        What::Lifted { extension } => tracing::info!(call, extension, "lifted: hears what the desk calls for"),
        What::ErrandEnded { errand, result } => {
            tracing::info!(call, errand = errand.0, result = result.as_str(), "the desk's call is over");
        }
        What::Met { extension } => tracing::info!(call, extension, "put through"),
        What::Parted { how } => tracing::info!(call, ?how, "talk over"),
        What::HandedOn { from, to } => tracing::info!(call, from = %shown(from), to = %shown(to), "caller handed on"),
        What::Parked { extension, slot } => tracing::info!(call, extension, slot, "caller parked"),
        What::Recalled { extension } => tracing::info!(call, extension, "rung to take the caller back"),
        What::PbxTold { status: 200..=299 } => tracing::info!(call, "the PBX has taken the talk over"),
        What::PbxTold { status } => tracing::warn!(call, status, "the PBX does not take the talk over: bridged here"),
        What::Queued { position } => tracing::info!(call, position, "waits for a receptionist"),
        What::TakenOver { extension } => tracing::info!(call, extension, "taken when the caller was gone"),
        What::EmergencyMissed { why } => {
            tracing::error!(call, why = %shown(why), "MISSED EMERGENCY: see `frontdesk alarms`, and call this caller");
        }
        What::TicketOpened { number, .. } => tracing::info!(call, %number, "ticket opened"),
        What::MessageOpened { message } => tracing::info!(call, message = message.0, "message begun"),
        What::PinRefused { extension, locked } => tracing::warn!(call, extension, locked, "PIN refused"),
        What::PinsLocked { whom, minutes } => {
            tracing::warn!(call, whom, minutes, "too many wrong PINs: none is taken for a while");
        }
        What::MessagesWaiting(MessagesWaiting { extension, new, old }) => {
            tracing::debug!(call, extension, new, old, "messages waiting");
        }
        What::StoreFailed { error } => tracing::error!(call, error, "the store could not keep what a caller left"),
        What::PromptMissing { prompt } => tracing::error!(call, prompt, "prompt missing: run `frontdesk check`"),
        What::StreamClosed { sent, received, dropped } => {
            tracing::debug!(call, sent, received, dropped, "audio stream closed");
        }
        What::MediaLost => tracing::warn!(call, "no audio came for too long"),
        What::MediaBack => tracing::info!(call, "audio is back"),
        What::Held { on } => tracing::info!(call, on, "hold"),
        What::Ended { outcome, reason, duration_ms } => {
            tracing::info!(call, ?outcome, reason, duration_ms, "call ended");
        }
        What::PhoneCame { user, source } => tracing::info!(user, %source, "phone registered"),
        What::PhoneRefused { user, source } => {
            refused(now, Some(source.ip()), || tracing::warn!(user, %source, "phone refused: its password is wrong"));
        }
        What::Banned { network, failures, minutes } => {
            tracing::warn!(%network, failures, minutes, "banned: too many wrong passwords; see `frontdesk bans`");
        }
        What::BanLifted { network } => tracing::info!(%network, "ban lifted"),
        What::OutgoingLimit { per_hour_max } => {
            tracing::error!(
                call,
                per_hour_max,
                "TOO MANY CALLS OUT: no more go through the gateway; see `frontdesk alarms`"
            );
        }
        What::PhoneGone { user, why } => tracing::info!(user, why, "phone is gone"),
        What::TrunkUp { trunk, server, external: None } => tracing::info!(trunk, %server, "trunk is up"),
        What::TrunkUp { trunk, server, external: Some(external) } => {
            tracing::info!(trunk, %server, %external, "trunk is up, behind NAT");
        }
        What::TrunkDown { trunk, why } => {
            tracing::error!(trunk, reason = why.as_str(), "LINE DOWN: no calls come in over it; {why}");
        }
        What::SeenOutside { address } => tracing::info!(%address, "the network outside sees this machine there"),
        What::OutsideUnknown => {
            tracing::warn!(
                "the STUN server does not answer: calls name the last external address, or our own; see [sip] external_address"
            );
        }
        What::TrunkLeft { trunk } => tracing::info!(trunk, "trunk was left"),
        What::Panicked { message } => tracing::error!(call, message, "a bug ended this call; please report it"),
    }
}

fn refused(now: Mono, source: Option<IpAddr>, write: impl FnOnce()) {
    match REFUSED.line(now, source) {
        Line::Write { left_out } => {
            write();
            if left_out > 0 {
                tracing::warn!(left_out, "more calls or phones were refused since the last such line");
            }
        }
        Line::LeaveOut => {}
    }
}

fn count(what: &What) {
    match what {
        What::Incoming { .. } => {
            METRICS.calls_started.add(1);
            METRICS.calls_live.add(1);
        }
        What::ErrandBegun { .. } => METRICS.calls_live.add(1),
        What::ErrandEnded { result, .. } => METRICS.errands_ended.add(*result, 1),
        What::Refused { why, .. } => {
            METRICS.calls_started.add(1);
            match why {
                Refusal::NotAllowed => METRICS.sip_forbidden.add(1),
                Refusal::SourceTooFast | Refusal::TooFast | Refusal::Full | Refusal::ShuttingDown => {
                    METRICS.sip_shed.add(1);
                }
            }
        }
        What::RejectedBySip { .. } => METRICS.calls_started.add(1),
        What::Answered { answer_ms, rings, .. } => {
            METRICS.answer_seconds.observe(Duration::from_millis(*answer_ms));
            if *rings > 2 {
                METRICS.answers_late.add(1);
            }
        }
        What::Key { source } => METRICS.digits.add(*source, 1),
        What::RecordingStarted { .. } => METRICS.recordings_live.add(1),
        What::RecordingEnded { written, .. } => {
            METRICS.recordings_live.add(-1);
            if !written {
                METRICS.recordings_failed.add(1);
            }
        }
        What::MessageOpened { .. } => METRICS.messages_opened.add(1),
        What::PinRefused { .. } => METRICS.pins_refused.add(1),
        What::PinsLocked { .. } => METRICS.pins_locked.add(1),
        What::StoreFailed { .. } => METRICS.store_failed.add(1),
        What::PromptMissing { .. } => METRICS.prompts_missing.add(1),
        What::Ended { outcome, .. } => {
            METRICS.calls_live.add(-1);
            METRICS.calls_ended.add(*outcome, 1);
        }
        What::Banned { .. } => METRICS.bans.add(1),
        What::OutgoingLimit { .. } => METRICS.outgoing_limit.add(1),
        What::PhoneRefused { .. } => METRICS.phones_refused.add(1),
        What::Panicked { .. } => METRICS.calls_panicked.add(1),
        What::Ringing { .. } => METRICS.legs_begun.add(1),
        What::LegEnded { end, .. } => METRICS.legs_ended.add(*end, 1),
        What::EmergencyMissed { .. } => METRICS.emergencies_missed.add(1),
        What::Met { .. } => METRICS.talks_begun.add(1),
        What::TicketOpened { kind: Some(kind), .. } => METRICS.tickets_opened.add(*kind, 1),
        What::StreamClosed { sent, received, dropped } => {
            METRICS.rtp_sent.add(*sent);
            METRICS.rtp_received.add(*received);
            METRICS.rtp_dropped.add(*dropped);
        }
        What::TrunkUp { trunk, .. } => METRICS.trunk_up.set(trunk, 1),
        What::TrunkDown { trunk, .. } => METRICS.trunk_up.set(trunk, 0),
        What::TrunkLeft { trunk } => METRICS.trunk_up.forget(trunk),
        What::Forged { packets } => METRICS.srtp_forged.add(*packets),
        What::Encrypted { .. }
        | What::Lifted { .. }
        | What::SeenOutside { .. }
        | What::OutsideUnknown
        | What::Parted { .. }
        | What::NextServer { .. }
        | What::Diverted { .. }
        | What::PeerSaidWhy { .. }
        | What::HandedOn { .. }
        | What::Parked { .. }
        | What::Recalled { .. }
        | What::PbxTold { .. }
        | What::Queued { .. }
        | What::TakenOver { .. }
        | What::TicketOpened { kind: None, .. }
        | What::MessagesWaiting(_)
        | What::Rejected { .. }
        | What::Node { .. }
        | What::MediaLost
        | What::MediaBack
        | What::PhoneCame { .. }
        | What::BanLifted { .. }
        | What::PhoneGone { .. }
        | What::Held { .. } => {}
    }
}
