//! A ticket is opened by hand, for somebody who came, wrote, or was called (R39).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::changes::who;
use crate::console::gate::Visitor;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::list::Asked;
use crate::console::pages::{Paged, done, page, words};
use crate::console::problem::wrong;
use crate::console::shared::Shared;
use crate::desk::category::{CATEGORIES, Category};
use crate::desk::people::Person;
use crate::desk::report::table::Both;
use crate::desk::ticket::{Channel, Class, Kind};
use crate::desk::ticket_edit::HandTicket;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/tickets/new", get(form)).route("/tickets/open", post(open))
}

/// The fields may be filled by whoever leads here: `?caller=13800138000&building=3&room=502`.
#[derive(Template)]
#[template(path = "ticket_new.html")]
struct NewPage<'a> {
    frame: Frame,
    asked: Asked,
    people: &'a [Person],
}

impl NewPage<'_> {
    fn kinds(&self) -> Vec<(Kind, &'static str, bool)> {
        let chosen: Kind = self.asked.word("kind").unwrap_or(Kind::Repair);
        Kind::ALL.iter().map(|kind| (*kind, words::kind(*kind, self.frame.tongue), *kind == chosen)).collect()
    }

    fn channels(&self) -> Vec<(Channel, &'static str, bool)> {
        let chosen: Channel = self.asked.word("channel").unwrap_or(Channel::Visit);
        let name = |channel: Channel| words::channel(channel).of(self.frame.tongue);
        Channel::ALL.iter().map(|channel| (*channel, name(*channel), *channel == chosen)).collect()
    }

    fn classes(&self) -> Vec<(Class, &'static str)> {
        Class::ALL.iter().map(|class| (*class, words::class(*class).of(self.frame.tongue))).collect()
    }

    /// Categories by kind.
    fn categories(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        let of = |kind: Kind| {
            let found = CATEGORIES.iter().filter(|c: &&Category| c.kind == kind);
            let named = found.map(|c| (c.key, self.frame.say(c.zh, c.en))).collect();
            (words::kind(kind, self.frame.tongue), named)
        };
        Kind::ALL.iter().map(|kind| of(*kind)).filter(|(_, found): &(_, Vec<_>)| !found.is_empty()).collect()
    }
}

async fn form(visitor: Visitor, asked: Asked) -> Paged {
    let title = Both::new("新建工单", "New ticket").of(visitor.tongue).to_owned();
    page(&NewPage { frame: Frame::new(&visitor, title), asked, people: visitor.settings.people.people() })
}

async fn open(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let ticket = HandTicket {
        class: form.text("class").parse().ok(),
        urgency: form.text("urgency").parse().ok(),
        category: form.some("category"),
        owner: form.some("owner").map(|text| who(&text, &visitor)),
        caller: form.some("caller"),
        callback_number: form.some("callback_number"),
        building: form.some("building"),
        room: form.some("room"),
        resident: form.some("resident"),
        wanted_time: form.some("wanted_time"),
        key_left: match form.text("key_left") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
        description: form.some("description"),
        serious: form.ticked("serious"),
        ..HandTicket::new(form.word("kind")?, form.word("channel")?)
    };
    ticket.check().map_err(wrong)?;
    let by = visitor.clone();
    let number = shared
        .pool
        .edit(Arc::clone(&visitor.settings.clocks), move |editor| {
            let desk = (by.settings.time_zone, by.settings.owner.as_str());
            Ok(editor.open_by_hand(by.who(), by.now, desk, &ticket)?)
        })
        .await?;
    done(&format!("/tickets/{number}"), "opened")
}
