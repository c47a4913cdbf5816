//! The answer to a request that could not be read (RFC 3261 section 8.2 and 21.4.1).

use std::hash::{DefaultHasher, Hash, Hasher};

use super::headers::Headers;
use super::message::{Method, Response};
use super::model;
use super::name::Name;
use super::text;
use super::via::Via;

/// Reason phrases longer than this are cut: they go back to whoever sent the fault.
const REASON_CHARS_MAX: usize = 120;

/// What could be saved of a faulty request, so that its sender hears of the fault. Values are as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerable {
    /// 400, or what the RFC asks for: 413, 505, 513.
    pub status: u16,
    /// Says what is wrong, as RFC 3261 section 21.4.1 asks.
    pub reason: String,
    /// From the top; never empty.
    pub vias: Vec<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub call_id: Option<String>,
    pub cseq: Option<String>,
}

impl Answerable {
    /// The top Via, where it can be read; else the answer can only go where the request came from.
    pub fn via_top(&self) -> Option<Via> {
        self.vias.first()?.parse().ok()
    }

    /// The answer, with a To tag that is the same for each retransmission (RFC 3261 section 8.2.7).
    pub fn to_response(&self) -> Response {
        let to = self.to.as_ref().map(|to| self.with_tag(to));
        model::refusal(
            self.status,
            &self.reason,
            &self.vias,
            [
                (Name::From, self.from.clone()),
                (Name::To, to),
                (Name::CallId, self.call_id.clone()),
                (Name::CSeq, self.cseq.clone()),
            ],
        )
    }

    fn with_tag(&self, to: &str) -> String {
        let has_tag =
            to.split(';').skip(1).any(|p| p.trim_start().get(..3).is_some_and(|t| t.eq_ignore_ascii_case("tag")));
        if has_tag {
            return to.to_owned();
        }
        let mut hasher = DefaultHasher::new();
        (&self.vias, &self.from, &self.call_id, &self.cseq).hash(&mut hasher);
        format!("{to};tag={:016x}", hasher.finish())
    }
}

/// `None` for responses, for ACK, and where there is no Via to answer to.
pub(super) fn salvage(line: &[u8], headers: &Headers, status: u16, reason: &str) -> Option<Box<Answerable>> {
    let method = line.split(|b| *b == b' ').next().unwrap_or(line);
    let is_response = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    let is_ack = method.eq_ignore_ascii_case(b"ACK") || headers.cseq().is_ok_and(|c| c.method == Method::Ack);
    if is_response || is_ack {
        return None;
    }
    let mut values = headers.all(&Name::Via);
    let mut vias = vec![values.next().filter(|via| !via.is_empty())?.to_owned()];
    vias.extend(values.filter(|via| via.parse::<Via>().is_ok()).map(str::to_owned));
    let first = |name| headers.first(&name).map(str::to_owned);
    Some(Box::new(Answerable {
        status,
        reason: text::readable(reason).chars().take(REASON_CHARS_MAX).collect(),
        vias,
        from: first(Name::From),
        to: first(Name::To),
        call_id: first(Name::CallId),
        cseq: first(Name::CSeq),
    }))
}
