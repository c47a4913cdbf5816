//! The caller's telephone as one that is registered with the desk: account and number are the same.

use frontdesk::sip::digest::Challenge;
use frontdesk::sip::user_agent::{Account, Secret};
use frontdesk::types::Redacted;

/// The Call-ID of its REGISTERs.
pub const CALL_ID: &str = "registration";
pub const USER: &str = "13800138000";
const PASSWORD: &str = "k9fjw-2xq7m";

/// It is the telephone of 301.
pub const PHONES: &str = "[[phone]]\nuser = \"13800138000\"\npassword = \"k9fjw-2xq7m\"\nextension = \"301\"\n";

pub fn account() -> Account {
    let secret = Secret::Password(Redacted(PASSWORD.to_owned()));
    Account { user: USER.to_owned(), secret, md5_only: false }
}

/// A REGISTER from this host; with an answer to the challenge once there is one.
pub fn request(host: &str, challenge: Option<&str>) -> String {
    let cseq = 1 + u32::from(challenge.is_some());
    let answer = challenge.map(|value| {
        let challenge = Challenge::read(value).expect("a challenge");
        let answer = challenge.answer("REGISTER", "sip:frontdesk", USER, PASSWORD, "c0ffee", 1);
        format!("Authorization: {answer}\r\n")
    });
    format!(
        "REGISTER sip:frontdesk SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5062;branch=z9hG4bK-register-{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{USER}@frontdesk>;tag=r\r\nTo: <sip:{USER}@frontdesk>\r\nCall-ID: {CALL_ID}\r\n\
         CSeq: {cseq} REGISTER\r\nContact: <sip:{USER}@{host}:5062>\r\nExpires: 600\r\n{}Content-Length: 0\r\n\r\n",
        answer.unwrap_or_default()
    )
}
