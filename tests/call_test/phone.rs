//! What the scripted caller says in SIP.

pub const DESK: &str = "sip:desk@192.0.2.1";

/// One caller's side of a dialog.
#[derive(Debug, Clone)]
pub struct Phone {
    pub number: usize,
    pub host: String,
    pub port: u16,
    /// Who calls, and whom.
    from: String,
    to: String,
    /// One of the staff's: it does by itself what SIP demands of it.
    pub is_staffs: bool,
    /// The desk's tag, once it has answered.
    pub tag: Option<String>,
    pub cseq: u32,
    pub invite_sdp: Option<String>,
}

impl Phone {
    pub fn new(number: usize, host: &str) -> Phone {
        let (from, to) = ("sip:13800138000@pbx.example".to_owned(), DESK.to_owned());
        let (host, port) = (host.to_owned(), 5062);
        Phone { number, host, port, from, to, is_staffs: false, tag: None, cseq: 1, invite_sdp: None }
    }

    /// A second call of a phone that the desk rings.
    pub fn of_staff(number: usize, user: &str, wanted: &str) -> Phone {
        let (from, to) = (format!("sip:{user}@127.0.0.1"), format!("sip:{wanted}@192.0.2.1"));
        Phone { from, to, port: 5080, is_staffs: true, ..Phone::new(number, "127.0.0.1") }
    }

    pub fn call_id(&self) -> String {
        format!("call-{}", self.number)
    }

    pub fn request(&self, method: &str, cseq: u32, branch: &str, content: Option<(&str, &str)>) -> String {
        let (number, host, port, from, to) = (self.number, &self.host, self.port, &self.from, &self.to);
        let tag = self.tag.as_ref().filter(|_| method != "CANCEL").map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let (kind, body) = content.map_or((String::new(), ""), |(k, b)| (format!("Content-Type: {k}\r\n"), b));
        format!(
            "{method} {to} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{branch}-{number}\r\n\
             Max-Forwards: 70\r\nFrom: <{from}>;tag=p{number}\r\nTo: <{to}>{tag}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:201@{host}:{port}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            self.call_id(),
            body.len()
        )
    }
}

/// An offer of one codec by its static payload type, with telephone-events.
pub fn sdp(host: &str, payload_type: u8, direction: &str, version: u32) -> String {
    format!(
        "v=0\r\no=- 1 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP {payload_type} 101\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

/// Two keys of telephones.
pub const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
pub const OTHER_KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

/// An offer of PCMA with a key for encrypted audio.
pub fn encrypted(host: &str, profile: &str, key: &str, direction: &str, version: u32) -> String {
    let plain = sdp(host, 8, direction, version).replace("RTP/AVP", profile);
    format!("{plain}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31\r\n")
}
