//! What is answered. Records leave the desk here and nowhere else, after `Leaving::seen` has hidden what the token's role
//! may not see (R12).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use super::ROOT;
use super::ask::Ask;
use crate::console::problem::ProblemDetails;
use crate::desk::alarm::Alarm;
use crate::desk::audit::{Deed, KeptAudit};
use crate::desk::call_record::CallRecord;
use crate::desk::errand::ErrandRecord;
use crate::desk::handover::Handover;
use crate::desk::handover_view::HandoverView;
use crate::desk::happening::Happening;
use crate::desk::journal::KeptEntry;
use crate::desk::message::Message;
use crate::desk::notifications::Notification;
use crate::desk::privacy::{Sight, Surface, mask_text};
use crate::desk::residents::Resident;
use crate::desk::retention::Hold;
use crate::desk::roster::StretchView;
use crate::desk::tasks::TaskRow;
use crate::desk::ticket::Ticket;
use crate::desk::trunk_state::TrunkWord;
use crate::desk::view::{
    AlarmView, AuditView, CallView, ErrandView, HappeningView, HoldView, JournalView, MessageView, NotificationView,
    PersonView, TaskView, TicketView, TrunkView,
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
    Task(TaskRow),
    Errand(Box<ErrandRecord>),
    Resident(Resident),
    Handover(Box<Handover>),
    Stretch(Box<StretchView>),
    Audit(Box<KeptAudit>),
    Hold(Box<Hold>),
    /// Something as JSON that names no caller, such as a report; or that was made by `Ask::sight`.
    Value(serde_json::Value),
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
            Leaving::Errand(errand) => Leaving::Errand(Box::new(sight.errand(*errand))),
            Leaving::Resident(resident) => Leaving::Resident(sight.resident(resident)),
            // It names the desk's own people and programs; what a server said of it may have more.
            Leaving::Notification(mut one) => {
                if !sight.role.sees_numbers(sight.surface) {
                    one.error = one.error.map(|error| mask_text(&error).into_owned());
                }
                Leaving::Notification(one)
            }
            Leaving::Person(_)
            | Leaving::Trunk(_)
            | Leaving::Happening(_)
            | Leaving::Task(_)
            | Leaving::Handover(_)
            | Leaving::Stretch(_)
            | Leaving::Audit(_)
            | Leaving::Hold(_)
            | Leaving::Value(_) => self,
        }
    }

    /// For the audit log, what it is, where it tells a caller's number in full or leads to what was recorded of them. It
    /// has been seen to.
    fn shows(&self, surface: Surface) -> Option<String> {
        match self {
            Leaving::Call(call) => call.shows(surface).then(|| format!("call {}", call.id)),
            Leaving::Ticket(ticket) => ticket.shows(surface).then(|| format!("ticket {}", ticket.number)),
            Leaving::Message(message) => message.shows(surface).then(|| format!("message {}", message.id.0)),
            Leaving::Alarm(alarm) => alarm.shows().then(|| format!("alarm {}", alarm.id.0)),
            Leaving::Entry(kept) => kept.shows().then(|| format!("journal entry {}", kept.id)),
            Leaving::Errand(errand) => errand.shows(surface).then(|| format!("errand {}", errand.id.0)),
            Leaving::Resident(resident) => resident.shows().then(|| format!("resident {}", resident.id)),
            Leaving::Person(_)
            | Leaving::Trunk(_)
            | Leaving::Happening(_)
            | Leaving::Notification(_)
            | Leaving::Task(_)
            | Leaving::Handover(_)
            | Leaving::Stretch(_)
            | Leaving::Audit(_)
            | Leaving::Hold(_)
            | Leaving::Value(_) => None,
        }
    }

    /// The JSON of it, for whom this token shows it to; and what is written down of that.
    pub fn text(self, sight: Sight<'_>, time_zone: Tz) -> (String, Option<String>) {
        let record = self.seen(sight);
        let shows = record.shows(sight.surface);
        // Views are plain data with text for keys: they always have a JSON.
        (serde_json::to_string(&Shown { record, time_zone }).unwrap_or_default(), shows)
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
            Leaving::Task(task) => TaskView::new(task, tz).serialize(serializer),
            Leaving::Errand(errand) => ErrandView::new(errand, tz).serialize(serializer),
            Leaving::Resident(resident) => resident.serialize(serializer),
            Leaving::Handover(handover) => HandoverView::new(handover, tz).serialize(serializer),
            Leaving::Stretch(stretch) => stretch.serialize(serializer),
            Leaving::Audit(entry) => AuditView::new(entry, tz).serialize(serializer),
            Leaving::Hold(hold) => HoldView::new(hold, tz).serialize(serializer),
            Leaving::Value(value) => value.serialize(serializer),
        }
    }
}

enum What {
    One(Leaving),
    Page {
        rows: Vec<Leaving>,
        next: Option<String>,
    },
    /// Not JSON, but of this kind.
    Text {
        kind: &'static str,
        text: String,
    },
    Nothing,
}

/// A good answer.
pub struct Reply {
    status: StatusCode,
    what: What,
    version: Option<i64>,
    location: Option<String>,
    /// What it shows besides its records, for the audit log.
    shows: Option<String>,
    /// What is written down of it: it was shown, or it left the desk.
    deed: Deed,
}

impl Reply {
    fn new(status: StatusCode, what: What) -> Self {
        Self { status, what, version: None, location: None, shows: None, deed: Deed::Shown }
    }

    pub fn one(record: Leaving) -> Self {
        Self::new(StatusCode::OK, What::One(record))
    }

    /// A ticket, with the version that changes must name.
    pub fn ticket(ticket: Ticket) -> Self {
        Self { version: Some(ticket.version), ..Self::one(Leaving::Ticket(Box::new(ticket))) }
    }

    /// What names no caller, or was made by `Ask::sight`.
    ///
    /// # Errors
    /// 500 where it has no JSON.
    pub fn value(value: &impl Serialize) -> Result<Self, ProblemDetails> {
        let value = serde_json::to_value(value).map_err(|fault| {
            ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer can't be written: {fault}"))
        })?;
        Ok(Self::one(Leaving::Value(value)))
    }

    /// A page or a table: `kind` is `text/html` or `text/csv`.
    pub fn text(kind: &'static str, text: String) -> Self {
        Self::new(StatusCode::OK, What::Text { kind, text })
    }

    /// What of it is to be written down.
    pub fn shows(self, shows: Option<String>) -> Self {
        Self { shows, ..self }
    }

    /// It is a file that leaves the desk, and that is to be written down.
    pub fn exports(self, what: String) -> Self {
        Self { shows: Some(what), deed: Deed::Exported, ..self }
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
        let mut shows = self.shows;
        let mut headers = Vec::new();
        headers.extend(self.version.map(|version| ("etag".to_owned(), format!("\"{version}\""))));
        headers.extend(self.location.map(|location| ("location".to_owned(), location)));
        let body = match self.what {
            What::One(record) => {
                let (text, shown) = record.text(ask.sight(Surface::Record), ask.time_zone());
                shows = shows.or(shown);
                text
            }
            What::Page { rows, next } => {
                headers.extend(next.as_ref().map(|next| ("link".to_owned(), link(ask, next))));
                let (text, shown) = page_text(ask, rows, next.as_deref());
                shows = shows.or(shown);
                text
            }
            What::Text { kind, text } => {
                headers.push(("content-type".to_owned(), format!("{kind}; charset=utf-8")));
                text
            }
            What::Nothing => String::new(),
        };
        Finished { status: self.status, headers, body: body.into_bytes(), shows, deed: self.deed }
    }
}

/// A page, and for the audit log which list it is and how many of its rows show something of callers.
fn page_text(ask: &Ask, rows: Vec<Leaving>, next: Option<&str>) -> (String, Option<String>) {
    let mut shown = 0;
    let texts: Vec<String> = rows
        .into_iter()
        .map(|row| {
            let (text, shows) = row.text(ask.sight(Surface::List), ask.time_zone());
            shown += usize::from(shows.is_some());
            text
        })
        .collect();
    let text = format!("{{\"items\":[{}],\"next_cursor\":{}}}", texts.join(","), serde_json::json!(next));
    let list = ask.path.strip_prefix(ROOT).unwrap_or(&ask.path).trim_matches('/');
    (text, (shown > 0).then(|| format!("list of {list}, {shown} rows")))
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
    shows: Option<String>,
    deed: Deed,
}

/// Among the kept headers, what the answer shows of callers; it is never sent.
const SHOWS: &str = "shows";

impl Finished {
    /// What of callers it shows to whoever asks: that is to be written down before it goes.
    pub fn shows(&self) -> Option<&str> {
        self.shows.as_deref()
    }

    /// As what that is written down.
    pub fn deed(&self) -> Deed {
        self.deed
    }

    pub fn to_keep(&self, request: [u8; 32]) -> KeptAnswer {
        let shows = self.shows.iter().map(|about| (SHOWS, about.as_str()));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = serde_json::json!(headers.chain(shows).collect::<Vec<_>>()).to_string();
        KeptAnswer { request, status: self.status.as_u16(), headers, body: self.body.clone() }
    }

    pub fn of_kept(kept: KeptAnswer) -> Self {
        let mut headers: Vec<(String, String)> = serde_json::from_str(&kept.headers).unwrap_or_default();
        let shows = headers.iter().position(|(name, _)| name == SHOWS).map(|at| headers.remove(at).1);
        headers.push(("idempotency-replayed".to_owned(), "true".to_owned()));
        Self {
            status: StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK),
            headers,
            body: kept.body,
            shows,
            deed: Deed::Shown,
        }
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
