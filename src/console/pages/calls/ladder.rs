//! The SIP messages of one call as a ladder, for administrators: they tell numbers and addresses as they went over the wire.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;

use super::seconds;
use crate::console::gate::Visitor;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, page, shown};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::ladder_view::{DESK, LadderView, MessageView, column};
use crate::desk::privacy::Kept;
use crate::desk::report::table::Both;
use crate::types::CallId;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/calls/{id}/ladder", get(ladder))
}

/// In units of the drawing.
const FIRST_X: usize = 180;
const SPAN: usize = 230;
const HEAD: usize = 56;
const ROW: usize = 34;
/// Letters that fit between two columns.
const LETTERS: usize = 30;

/// An arrow of the drawing.
struct Arrow {
    y: usize,
    from_x: usize,
    to_x: usize,
    text_x: usize,
    text: String,
    at: String,
    again: bool,
}

#[derive(Template)]
#[template(path = "ladder.html")]
struct LadderPage {
    frame: Frame,
    ladder: LadderView,
    /// Each party's column: where, name, address.
    parties: Vec<(usize, String, String)>,
    arrows: Vec<Arrow>,
    width: usize,
    height: usize,
}

impl LadderPage {
    fn seconds(&self, ms: &u64) -> String {
        seconds(*ms)
    }

    fn is_gap(&self, index: &usize) -> bool {
        self.ladder.left_out > 0 && *index == self.ladder.gap_at
    }
}

async fn ladder(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<String>) -> Paged {
    let missing = || ProblemDetails::new(StatusCode::NOT_FOUND, "no SIP messages are kept of this call");
    let id = CallId(id.parse().map_err(|_| missing())?);
    if !visitor.user.role.may_have(Kept::Signalling) {
        let (access, by) = (shared.access.clone(), visitor.clone());
        let about = format!("SIP messages of call {id}");
        shared.pool.read(move |_| Ok(access.audit(&by.entry(Deed::Refused, &about))?)).await?;
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, "SIP messages are for administrators").into());
    }
    let kept = shown(&shared, &visitor, move |reader| {
        let kept = reader.ladder(id)?.ok_or_else(missing)?;
        Ok((kept, Some(format!("SIP messages of call {id}"))))
    });
    let view = LadderView::new(&kept.await?, visitor.settings.time_zone);
    let x = |party: usize| FIRST_X + party * SPAN;
    let parties = view.parties.iter().enumerate();
    let parties = parties.map(|(at, party)| (x(at), cut(&party.name), cut(&party.address))).collect();
    let title = format!("{} {id}", Both::new("SIP 消息 · 通话", "SIP messages of call").of(visitor.tongue));
    page(&LadderPage {
        frame: Frame::new(&visitor, title),
        parties,
        arrows: view.messages.iter().enumerate().map(|(row, message)| arrow(row, message, x)).collect(),
        width: x(view.parties.len()) - SPAN / 3,
        height: HEAD + (view.messages.len() + 1) * ROW,
        ladder: view,
    })
}

fn arrow(row: usize, message: &MessageView, x: impl Fn(usize) -> usize) -> Arrow {
    let (desk, peer) = (x(DESK), x(column(message.leg)));
    let (from_x, to_x) = if message.direction == "out" { (desk, peer) } else { (peer, desk) };
    // The text stands beside the desk's line, where there is always room.
    let text_x = if peer < desk { (peer + desk) / 2 } else { desk + SPAN / 2 };
    let mut text = cut(&message.summary);
    if message.retransmission {
        text = format!("↻ {text}");
    }
    Arrow {
        y: HEAD + (row + 1) * ROW,
        from_x,
        to_x,
        text_x,
        text,
        at: seconds(message.at_ms),
        again: message.retransmission,
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        return text.to_owned();
    }
    text.chars().take(LETTERS - 1).chain(['…']).collect()
}
