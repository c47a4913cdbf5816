//! Phones that the desk rings: they do what the script says, and what SIP demands of them.

use frontdesk::sip::wire::{Method, Name, Request};

use super::phone::sdp;

/// One INVITE that the desk sent, and the dialog that came of it.
#[derive(Debug, Clone)]
pub struct Callee {
    pub user: String,
    pub leg: u32,
    invite: Request,
    cseq: u32,
    pub answered: bool,
    /// A final response went out.
    pub done: bool,
}

impl Callee {
    pub fn new(invite: &Request) -> Self {
        let body = String::from_utf8_lossy(&invite.body).into_owned();
        let port = body.lines().find_map(|l| l.strip_prefix("m=audio ")?.split(' ').next()?.parse::<u32>().ok());
        let leg = (port.expect("it offers audio") - 6000) / 2;
        let user = invite.uri.user.clone().expect("somebody is called");
        Self { user, leg, invite: invite.clone(), cseq: 0, answered: false, done: false }
    }

    pub fn call_id(&self) -> &str {
        self.invite.headers.call_id().expect("it has one")
    }

    fn tag(&self) -> String {
        format!("callee{}", self.leg)
    }

    /// A response to the INVITE; a 200 brings an answer with this payload type.
    pub fn response(&mut self, status: u16, payload_type: Option<u8>) -> String {
        let mut response = self.invite.response(status);
        if let Ok(mut to) = self.invite.headers.to() {
            to.set_tag(self.tag());
            response.headers.set(Name::To, to.to_string());
        }
        response.headers.push(Name::Contact, format!("<sip:{}@127.0.0.1:5080>", self.user));
        if let Some(payload_type) = payload_type {
            response.set_body("application/sdp", sdp("127.0.0.1", payload_type, "sendrecv", 1).into_bytes());
        }
        self.answered |= status == 200;
        self.done |= status >= 200;
        String::from_utf8(response.to_bytes()).expect("it is text")
    }

    /// A 3xx with these contacts.
    pub fn redirect(&mut self, status: u16, to: &[&str]) -> String {
        let contacts: Vec<String> = to.iter().map(|uri| format!("<{uri}>")).collect();
        let own = format!("Contact: <sip:{}@127.0.0.1:5080>", self.user);
        self.response(status, None).replacen(&own, &format!("Contact: {}", contacts.join(", ")), 1)
    }

    /// A request of the phone within the dialog.
    pub fn request(&mut self, method: &Method, direction: Option<&str>) -> String {
        self.cseq += 1;
        let (from, to) = (self.invite.headers.to().expect("To"), self.invite.headers.from().expect("From"));
        let body = direction.map(|d| sdp("127.0.0.1", 8, d, self.cseq + 1)).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK-{}-{}\r\nMax-Forwards: 70\r\n\
             From: {from};tag={}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n\
             Contact: <sip:{}@127.0.0.1:5080>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            "sip:desk@192.0.2.1",
            self.tag(),
            self.cseq,
            self.tag(),
            self.call_id(),
            self.cseq,
            self.user,
            body.len()
        )
    }

    /// The dialog as the desk is asked to give it up.
    pub fn as_replaces(&self) -> String {
        let from = self.invite.headers.from().expect("From");
        format!("{};to-tag={};from-tag={}", self.call_id(), from.tag().expect("it has one"), self.tag())
    }

    pub fn refer(&mut self, target: &str) -> String {
        let text = self.request(&Method::Refer, None);
        text.replacen("Content-Length:", &format!("Refer-To: <{target}>\r\nContent-Length:"), 1)
    }

    /// The ACK to a 200 of ours to the phone's re-INVITE.
    pub fn ack(&mut self, cseq: u32) -> String {
        let text = self.request(&Method::Ack, None);
        self.cseq -= 1;
        let text = text.replace(&format!("CSeq: {} ACK", self.cseq + 1), &format!("CSeq: {cseq} ACK"));
        text.replace(&format!("branch=z9hG4bK-{}", self.tag()), &format!("branch=z9hG4bK-ack-{cseq}-{}", self.tag()))
    }
}
