//! NOTIFY within a call: how a transfer goes (RFC 3515 section 2.4, RFC 3420, RFC 6665).

use super::UserAgent;
use super::event::{Event, LegId};
use super::receive::Incoming;
use super::uac::Purpose;
use crate::sip::wire::{Method, Name, readable};
use crate::types::Mono;

/// What our NOTIFYs say that the subscription still lasts. A call ends earlier, and with it the subscription.
const SUBSCRIBED_S: u32 = 3_600;
/// A reason phrase that a NOTIFY repeats is cut here.
const REASON_CHARS_MAX: usize = 120;

impl UserAgent {
    /// One NOTIFY about the peer's REFER, unless it does not want to be told; the REFER is forgotten at a final status.
    pub(super) fn notify_refer(&mut self, now: Mono, id: LegId, status: u16, reason: &str) {
        let full = self.is_full();
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(transfer) = leg.transfer.as_deref_mut() else { return };
        let is_final = status >= 200;
        let theirs = if is_final { transfer.theirs.take() } else { None };
        let Some(theirs) = theirs.as_ref().or(transfer.theirs.as_ref()) else { return };
        if theirs.silent || full {
            return;
        }
        let event = theirs.id.map_or_else(|| "refer".to_owned(), |id| format!("refer;id={id}"));
        let mut request = leg.dialog.request(Method::Notify, None);
        let (to, trunk) = (leg.dialog.next_hop(), leg.trunk);
        let user = leg.dialog.local.uri.user.clone();
        let contact = self.contact(to.channel, to.remote, user.as_deref());
        request.headers.push(Name::Contact, contact.to_string());
        request.headers.push(Name::Event, event);
        let state =
            if is_final { "terminated;reason=noresource".to_owned() } else { format!("active;expires={SUBSCRIBED_S}") };
        request.headers.push(Name::SubscriptionState, state);
        let reason: String = readable(reason).chars().take(REASON_CHARS_MAX).collect();
        request.set_body("message/sipfrag;version=2.0", format!("SIP/2.0 {status} {reason}\r\n"));
        self.send_within(now, trunk, request, to, Purpose::NotifyRefer(id));
    }

    /// The peer no longer knows of its REFER, or hears nothing: it is told no more. The call is not concerned.
    pub(super) fn notify_answered(&mut self, id: LegId, status: u16) {
        if matches!(status, 408 | 481)
            && let Some(transfer) = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_deref_mut())
            && let Some(theirs) = &mut transfer.theirs
        {
            theirs.silent = true;
        }
    }

    /// The peer tells how the call goes that our REFER asked for.
    pub(super) fn notify_received(&mut self, now: Mono, id: LegId, incoming: &Incoming) {
        let headers = &incoming.request.headers;
        let (event, refer_id) = event_of(headers.first(&Name::Event).unwrap_or_default());
        let refer_id = refer_id.and_then(|id| id.parse().ok());
        let transfer = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_deref_mut());
        let Some(transfer) = transfer.filter(|t| event.eq_ignore_ascii_case("refer") && t.is_about_ours(refer_id))
        else {
            return self.answer_plainly(now, incoming, 481);
        };
        let told_before = transfer.ours.as_mut().is_some_and(|ours| std::mem::replace(&mut ours.accepted, true));
        let over = headers.first(&Name::SubscriptionState).is_some_and(|state| {
            state.split(';').next().is_some_and(|word| word.trim().eq_ignore_ascii_case("terminated"))
        });
        let is_report = headers.content_type().is_some_and(|t| t == "message/sipfrag");
        let status = is_report.then(|| sipfrag_status(&incoming.request.body)).flatten();
        self.answer_plainly(now, incoming, 200);
        if !told_before {
            // The NOTIFY overtook the 202.
            self.tell(Event::ReferAccepted { leg: id });
        }
        if let Some(status) = status {
            self.tell(Event::ReferProgress { leg: id, status });
        }
        let is_final = status.is_some_and(|status| status >= 200);
        if is_final || over {
            self.forget_our_refer(id);
        }
        if over && !is_final {
            self.tell(Event::ReferFailed { leg: id, status: 408 });
        }
    }
}

/// The package and its `id`.
pub(super) fn event_of(value: &str) -> (&str, Option<&str>) {
    let mut parts = value.split(';').map(str::trim);
    let package = parts.next().unwrap_or_default();
    let id = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("id"));
    (package, id.map(|(_, id)| id.trim()))
}

/// The status of a message fragment's first line.
fn sipfrag_status(body: &[u8]) -> Option<u16> {
    let line = body.split(|b| matches!(b, b'\r' | b'\n')).next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let is_sip = words.next()?.eq_ignore_ascii_case("SIP/2.0");
    let status = words.next().filter(|word| word.len() == 3)?.parse().ok()?;
    (is_sip && (100..700).contains(&status)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_read_by_their_first_line() {
        assert_eq!(sipfrag_status(b"SIP/2.0 180 Ringing\r\nTo: x\r\n"), Some(180));
        assert_eq!(sipfrag_status(b"SIP/2.0 200"), Some(200));
        for bad in ["", "SIP/2.0", "SIP/2.0 99 x", "SIP/2.0 700 x", "SIP/2.0 0200 OK", "HTTP/1.1 200 OK"] {
            assert_eq!(sipfrag_status(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(sipfrag_status(b"\xff\xfe"), None);
    }

    #[test]
    fn events_have_a_package_and_perhaps_an_id() {
        assert_eq!(event_of("refer"), ("refer", None));
        assert_eq!(event_of("refer ; id = 93809824"), ("refer", Some("93809824")));
        assert_eq!(event_of("message-summary;foo"), ("message-summary", None));
    }
}
