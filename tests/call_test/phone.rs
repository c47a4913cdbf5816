//! What the scripted caller says in SIP.

pub const DESK: &str = "sip:desk@192.0.2.1";

/// One caller's side of a dialog.
#[derive(Debug, Clone)]
pub struct Phone {
    pub number: usize,
    pub host: String,
    /// The desk's tag, once it has answered.
    pub tag: Option<String>,
    pub cseq: u32,
    pub invite_sdp: Option<String>,
}

impl Phone {
    pub fn new(number: usize, host: &str) -> Phone {
        Phone { number, host: host.to_owned(), tag: None, cseq: 1, invite_sdp: None }
    }

    pub fn call_id(&self) -> String {
        format!("call-{}", self.number)
    }

    pub fn request(&self, method: &str, cseq: u32, branch: &str, content: Option<(&str, &str)>) -> String {
        let (number, host) = (self.number, &self.host);
        let tag = self.tag.as_ref().filter(|_| method != "CANCEL").map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let (kind, body) = content.map_or((String::new(), ""), |(k, b)| (format!("Content-Type: {k}\r\n"), b));
        format!(
            "{method} {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5062;branch=z9hG4bK-{branch}-{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:13800138000@pbx.example>;tag=p{number}\r\nTo: <{DESK}>{tag}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:201@{host}:5062>\r\n{kind}\
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
