//! Texts to telephones that are registered here (RFC 3428): to all that an account has, and one that takes it is enough.

use super::UserAgent;
use super::event::Event;
use super::uac::Purpose;
use crate::sip::registrar::{Binding, BindingId};
use crate::sip::wire::{Method, Name, NameAddr};
use crate::types::Mono;

/// RFC 3428 section 8: a request is to fit into one datagram, and the headers have their share of it.
pub const TEXT_BYTES_MAX: usize = 800;
/// Who they are from.
const SENDER: &str = "desk";
/// Texts that are on their way at the same time.
const TEXTS_MAX: usize = 256;
/// No telephone is registered.
const NOBODY_THERE: u16 = 480;
/// There are too many at once.
const BUSY: u16 = 503;

/// Names one text; the transaction user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextId(pub u64);

/// One that is on its way.
#[derive(Debug)]
pub(super) struct Text {
    unanswered: usize,
    /// The best answer so far: the lowest.
    status: u16,
}

impl UserAgent {
    /// Sends a text to every telephone of these accounts, cut at `TEXT_BYTES_MAX`. `Event::TextEnded` says what came of
    /// it: 200 where one of them took it, 480 where none is registered.
    pub fn send_text(&mut self, now: Mono, id: TextId, users: &[String], text: &str) {
        let bindings: Vec<BindingId> =
            users.iter().flat_map(|user| self.registrar.of(user).map(|(id, _)| id)).collect();
        if bindings.is_empty() {
            return self.tell(Event::TextEnded { id, status: NOBODY_THERE });
        }
        if self.is_full() || self.texts.len() >= TEXTS_MAX || self.texts.contains_key(&id) {
            return self.tell(Event::TextEnded { id, status: BUSY });
        }
        self.texts.insert(id, Text { unanswered: bindings.len(), status: u16::MAX });
        for binding in bindings {
            self.send_text_to(now, id, binding, cut(text));
        }
    }

    fn send_text_to(&mut self, now: Mono, id: TextId, binding: BindingId, text: &str) {
        let Some(bound) = self.registrar.get(binding) else { return self.text_answered(id, NOBODY_THERE) };
        let user = bound.user.clone();
        let Binding { contact: target, destination: to, path, .. } = bound.binding.clone();
        let address = NameAddr::new(self.registrar.address_of(&user));
        let from = NameAddr::new(self.registrar.address_of(SENDER));
        let mut request = self.outside_request(Method::Message, target, from, address, to);
        // RFC 3428 section 5: a MESSAGE has none.
        request.headers.remove(&Name::Contact);
        path.iter().for_each(|hop| request.headers.push(Name::Route, hop.to_string()));
        request.set_body("text/plain;charset=UTF-8", text.to_owned());
        self.send_request(now, request, to, Purpose::Text(id));
    }

    pub(super) fn text_answered(&mut self, id: TextId, status: u16) {
        let Some(text) = self.texts.get_mut(&id) else { return };
        text.unanswered = text.unanswered.saturating_sub(1);
        text.status = text.status.min(status);
        // A telephone that took it is enough; one that is silent keeps nobody waiting.
        if (200..300).contains(&status) || text.unanswered == 0 {
            let status = text.status;
            self.texts.remove(&id);
            self.tell(Event::TextEnded { id, status });
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
