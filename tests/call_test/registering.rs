//! Telephones that register with the desk, and people who say where they are.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use frontdesk::call::io::Input;
use frontdesk::desk::presence::{Notice, Presences};
use frontdesk::sip::digest::Challenge;
use frontdesk::sip::user_agent::{Account, Secret};
use frontdesk::sip::wire::{Message, Method, Name};
use frontdesk::types::Redacted;

use super::{CallTest, Due};

const ACCOUNT: &str = "reception";
const PASSWORD: &str = "k9fjw-2xq7m";

/// The one account, of which there may be several telephones.
pub fn accounts() -> Vec<Account> {
    let secret = Secret::Password(Redacted(PASSWORD.to_owned()));
    vec![Account { user: ACCOUNT.to_owned(), md5_only: false, secret }]
}

/// One telephone; its contact's user tells it from the others.
#[derive(Debug, Clone)]
pub struct Registering {
    account: String,
    contact: String,
    cseq: u32,
}

impl Registering {
    fn call_id(&self) -> String {
        format!("register-{}", self.contact)
    }

    fn request(&mut self, authorization: &str) -> String {
        self.cseq += 1;
        let Registering { account, contact, cseq } = self;
        format!(
            "REGISTER sip:frontdesk SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK-r-{contact}-{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{account}@frontdesk>;tag=r{contact}\r\nTo: <sip:{account}@frontdesk>\r\n\
             Call-ID: register-{contact}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{contact}@127.0.0.1:5080>\r\n\
             Expires: 3600\r\n{authorization}Content-Length: 0\r\n\r\n"
        )
    }
}

fn at() -> SocketAddr {
    "127.0.0.1:5080".parse().expect("an address")
}

impl CallTest {
    pub(super) fn register(&mut self, account: &str, contact: &str) {
        let mut phone = Registering { account: account.to_owned(), contact: contact.to_owned(), cseq: 0 };
        let text = phone.request("");
        self.registering.push(phone);
        self.receive(at(), &text);
        self.settle();
    }

    /// What a telephone that registers gets: a challenge is answered, what it is asked is granted.
    pub(super) fn sent_to_registered(&mut self, to: SocketAddr, call_id: &str, message: &Message) -> bool {
        match message {
            Message::Request(request) => {
                let of_a_call = self.callees.iter().any(|callee| callee.call_id() == call_id);
                let is_its = to == at() && !of_a_call && matches!(request.method, Method::Options | Method::Notify);
                if is_its {
                    let answer = String::from_utf8(request.response(200).to_bytes()).expect("it is text");
                    self.after(std::time::Duration::ZERO, Due::Sip(to, answer));
                }
                is_its
            }
            Message::Response(response) => {
                let Some(phone) = self.registering.iter_mut().find(|phone| phone.call_id() == call_id) else {
                    return false;
                };
                let challenge = response.headers.first(&Name::WwwAuthenticate).and_then(Challenge::read);
                let Some(challenge) = challenge.filter(|_| phone.cseq == 1) else {
                    let told = format!("{} registered: {}", phone.contact, response.status);
                    self.note(told);
                    return true;
                };
                let answer = challenge.answer("REGISTER", "sip:frontdesk", &phone.account, PASSWORD, "c0ffee", 1);
                let text = phone.request(&format!("Authorization: {answer}\r\n"));
                self.after(std::time::Duration::ZERO, Due::Sip(to, text));
                true
            }
        }
    }

    pub(super) fn presence(&mut self, extension: &str, state: &str, until: Option<DateTime<Utc>>) {
        let state = state.parse().expect("in, out or dnd");
        let set_at = self.now.wall;
        let notice = Notice { extension: extension.to_owned(), state, until, set_at, set_by: "script".to_owned() };
        self.said.insert(extension.to_owned(), notice);
        let presences = Presences::new(self.said.values().cloned());
        self.input(Input::Presences(presences));
    }
}
