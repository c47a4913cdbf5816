//! What is answered. Records leave the desk here and nowhere else, after `Leaving::seen` has hidden what the token's role
//! may not see (R12).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use super::ask::Ask;
use crate::console::problem::ProblemDetails;
use crate::desk::alarm::Alarm;
use crate::desk::call_record::CallRecord;
use crate::desk::happening::Happening;
use crate::desk::journal::KeptEntry;
use crate::desk::message::Message;
use crate::desk::notifications::Notification;
use crate::desk::privacy::{Sight, Surface, mask_text};
use crate::desk::ticket::Ticket;
use crate::desk::token::ApiToken;
use crate::desk::trunk_state::TrunkWord;
use crate::desk::view::{
    AlarmView, CallView, HappeningView, JournalView, MessageView, NotificationView, PersonView, TicketView, TrunkView,
};
use crate::store::KeptAnswer;

/// A record on its way out.
pub enum Leaving {
    Call(Box<CallRecord>),
    Ticket(Box<Ticket>),
    Message(Box<Message>),
    Alarm(Box<Alarm>),
    Entry(Box<KeptEntry>),
    Person(Box<PersonView>),
    Trunk(TrunkWord),
    Happening(Happening),
    Notification(Box<Notification>),
    /// A report as JSON: it counts, and names no caller.
    Report(serde_json::Value),
}

impl Leaving {
    /// The record as it may be seen: every record passes here.
    fn seen(self, sight: Sight<'_>) -> Self {
        match self {
            Leaving::Call(call) => Leaving::Call(Box::new(sight.call(*call))),
            Leaving::Ticket(ticket) => Leaving::Ticket(Box::new(sight.ticket(*ticket))),
            Leaving::Message(message) => Leaving::Message(Box::new(sight.message(*message))),
            Leaving::Alarm(alarm) => Leaving::Alarm(Box::new(sight.alarm(*alarm))),
            Leaving::Entry(entry) => Leaving::Entry(Box::new(sight.entry(*entry))),
            Leaving::Person(_) | Leaving::Trunk(_) | Leaving::Happening(_) | Leaving::Report(_) => self,
            // It names the desk's own people and programs; what a server said of it may have more.
            Leaving::Notification(mut one) => {
                if !sight.role.sees_numbers(sight.surface) {
                    one.error = one.error.map(|error| mask_text(&error).into_owned());
                }
                Leaving::Notification(one)
            }
        }
    }

    /// The JSON of it, for whom this token shows it to.
    pub fn text(self, token: &ApiToken, time_zone: Tz, surface: Surface) -> String {
        let sight = Sight { role: token.role, surface, who: Some(&token.name) };
        let shown = Shown { record: self.seen(sight), time_zone };
        // Views are plain data with text for keys: they always have a JSON.
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

/// A record that has been seen to.
struct Shown {
    record: Leaving,
    time_zone: Tz,
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tz = self.time_zone;
        match &self.record {
            Leaving::Call(call) => CallView::new(call, tz).serialize(serializer),
            Leaving::Ticket(ticket) => TicketView::new(ticket, tz).serialize(serializer),
            Leaving::Message(message) => MessageView::new(message, tz).serialize(serializer),
            Leaving::Alarm(alarm) => AlarmView::new(alarm, tz).serialize(serializer),
            Leaving::Entry(entry) => JournalView::new(entry, tz).serialize(serializer),
            Leaving::Person(person) => person.serialize(serializer),
            Leaving::Trunk(trunk) => TrunkView::new(trunk, tz).serialize(serializer),
            Leaving::Happening(happening) => HappeningView::new(happening, tz).serialize(serializer),
            Leaving::Notification(one) => NotificationView::new(one, tz).serialize(serializer),
            Leaving::Report(report) => report.serialize(serializer),
        }
    }
}

enum What {
    One(Leaving),
    Page { rows: Vec<Leaving>, next: Option<String> },
    Nothing,
}

/// A good answer.
pub struct Reply {
    status: StatusCode,
    what: What,
    version: Option<i64>,
    location: Option<String>,
}

impl Reply {
    fn new(status: StatusCode, what: What) -> Self {
        Self { status, what, version: None, location: None }
    }

    pub fn one(record: Leaving) -> Self {
        Self::new(StatusCode::OK, What::One(record))
    }

    /// A ticket, with the version that changes must name.
    pub fn ticket(ticket: Ticket) -> Self {
        Self { version: Some(ticket.version), ..Self::one(Leaving::Ticket(Box::new(ticket))) }
    }

    /// A report.
    ///
    /// # Errors
    /// 500 where it has no JSON.
    pub fn report(report: &impl Serialize) -> Result<Self, ProblemDetails> {
        let report = serde_json::to_value(report).map_err(|fault| {
            ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the report can't be written: {fault}"))
        })?;
        Ok(Self::one(Leaving::Report(report)))
    }

    pub fn page(rows: Vec<Leaving>, next: Option<String>) -> Self {
        Self::new(StatusCode::OK, What::Page { rows, next })
    }

    pub fn nothing() -> Self {
        Self::new(StatusCode::NO_CONTENT, What::Nothing)
    }

    /// Something new: 201, and where it is.
    pub fn created(self, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..self }
    }

    /// As it goes over the wire.
    pub fn finish(self, ask: &Ask) -> Finished {
        let mut headers = Vec::new();
        headers.extend(self.version.map(|version| ("etag".to_owned(), format!("\"{version}\""))));
        headers.extend(self.location.map(|location| ("location".to_owned(), location)));
        let body = match self.what {
            What::One(record) => record.text(&ask.token, ask.time_zone(), Surface::Record),
            What::Page { rows, next } => {
                headers.extend(next.as_ref().map(|next| ("link".to_owned(), link(ask, next))));
                page_text(ask, rows, next.as_deref())
            }
            What::Nothing => String::new(),
        };
        Finished { status: self.status, headers, body: body.into_bytes() }
    }
}

fn page_text(ask: &Ask, rows: Vec<Leaving>, next: Option<&str>) -> String {
    let rows: Vec<String> = rows.into_iter().map(|row| row.text(&ask.token, ask.time_zone(), Surface::List)).collect();
    format!("{{\"items\":[{}],\"next_cursor\":{}}}", rows.join(","), serde_json::json!(next))
}

/// RFC 8288: the address of the next page.
fn link(ask: &Ask, next: &str) -> String {
    let mut address = ask.path.clone();
    for (at, (name, value)) in ask.query.without_cursor().chain([("cursor", next)]).enumerate() {
        address.push(if at == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        push_escaped(&mut address, value);
    }
    format!("<{address}>; rel=\"next\"")
}

fn push_escaped(address: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// An answer in the form that is sent, and kept for requests that come again.
#[derive(Debug, Clone)]
pub struct Finished {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Finished {
    pub fn to_keep(&self, request: [u8; 32]) -> KeptAnswer {
        let headers = serde_json::json!(self.headers).to_string();
        KeptAnswer { request, status: self.status.as_u16(), headers, body: self.body.clone() }
    }

    pub fn of_kept(kept: KeptAnswer) -> Self {
        let mut headers: Vec<(String, String)> = serde_json::from_str(&kept.headers).unwrap_or_default();
        headers.push(("idempotency-replayed".to_owned(), "true".to_owned()));
        Self { status: StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK), headers, body: kept.body }
    }

    pub fn into_response(self) -> Response {
        let has_body = self.status != StatusCode::NO_CONTENT;
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<axum::http::HeaderName>(), HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
        response
    }
}
