//! What a program is told: the event and the record as it stands, in the form of the HTTP API, for its role's eyes (R12).

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::plan::About;
use super::{NoticeContent, NotifyRules, Webhook};
use crate::desk::happening::Happening;
use crate::desk::privacy::{Sight, Surface, mask_text};
use crate::desk::view::{AlarmView, CallView, HappeningView, JournalView, LocalTime, MessageView, TicketView};

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    event: &'a str,
    timestamp: LocalTime,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    happening: HappeningView<'a>,
    #[serde(flatten)]
    record: Record<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Record<'a> {
    Call(Box<CallView<'a>>),
    Ticket(Box<TicketView<'a>>),
    Message(Box<MessageView<'a>>),
    Alarm(AlarmView<'a>),
    Journal(JournalView<'a>),
}

/// The body of the request, as it is signed.
pub(super) fn payload(
    happening: &Happening,
    about: &About,
    event: &str,
    webhook: &Webhook,
    rules: &NotifyRules,
) -> String {
    let sight = Sight { role: webhook.role, surface: Surface::Export, who: Some(&webhook.name) };
    let zone = rules.time_zone;
    let mut happening = happening.clone();
    if !sight.role.sees_numbers(sight.surface) {
        happening.who = happening.who.map(|who| mask_text(&who).into_owned());
    }
    let write = |record| {
        let data = Data { happening: HappeningView::new(&happening, zone), record };
        let payload = Payload { event, timestamp: LocalTime::new(happening.at, zone), data };
        // Views are plain data with text for keys: they always have a JSON.
        serde_json::to_string(&payload).unwrap_or_default()
    };
    match about {
        About::Call(call) => write(Record::Call(Box::new(CallView::new(&sight.call((**call).clone()), zone)))),
        About::Ticket(ticket) => {
            write(Record::Ticket(Box::new(TicketView::new(&sight.ticket((**ticket).clone()), zone))))
        }
        About::Message(message) => {
            write(Record::Message(Box::new(MessageView::new(&sight.message((**message).clone()), zone))))
        }
        About::Alarm(alarm) => write(Record::Alarm(AlarmView::new(&sight.alarm((**alarm).clone()), zone))),
        About::Entry(entry) => write(Record::Journal(JournalView::new(&sight.entry((**entry).clone()), zone))),
    }
}

/// The body of a trial.
pub fn trial_payload(event: &str, rules: &NotifyRules, now: DateTime<Utc>) -> NoticeContent {
    let timestamp = LocalTime::new(now, rules.time_zone).rfc3339();
    NoticeContent::Payload(serde_json::json!({ "type": event, "timestamp": timestamp, "data": {} }).to_string())
}
