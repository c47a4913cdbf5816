//! The SIP messages of one call as a ladder, for administrators: they tell numbers and addresses as they went over the wire.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;

use super::{file, seconds};
use crate::console::gate::Visitor;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, page};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::ladder::CallLadder;
use crate::desk::ladder_view::{DESK, LadderView, MessageView, column};
use crate::desk::privacy::Kept;
use crate::desk::report::table::Both;
use crate::sheets::pcap;
use crate::store::Reader;
use crate::types::CallId;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/calls/{id}/ladder", get(ladder)).route("/calls/{id}/ladder.pcap", get(packets))
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

/// The SIP messages, for those who may have them; what is done with them is written down (R12).
async fn kept(shared: &Arc<Shared>, visitor: &Visitor, id: &str, deed: Deed) -> Result<CallLadder, ProblemDetails> {
    let tongue = visitor.tongue;
    let missing = move || {
        let what = Both::new("这个通话没有保存 SIP 消息", "No SIP messages are kept of this call").of(tongue);
        ProblemDetails::new(StatusCode::NOT_FOUND, what)
    };
    let id = CallId(id.parse().map_err(|_| missing())?);
    let (access, by, about) = (shared.access.clone(), visitor.clone(), format!("SIP messages of call {id}"));
    if !visitor.user.role.may_have(Kept::Signalling) {
        shared.pool.read(move |_| Ok(access.audit(&by.entry(Deed::Refused, &about))?)).await?;
        let what = Both::new("SIP 消息只供管理员查看", "SIP messages are for administrators").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what));
    }
    let read = move |reader: &Reader| {
        let kept = reader.ladder(id)?.ok_or_else(missing)?;
        access.audit(&by.entry(deed, &about))?;
        Ok(kept)
    };
    shared.pool.read(read).await
}

/// For Wireshark and others.
async fn packets(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<String>) -> Paged {
    let kept = kept(&shared, &visitor, &id, Deed::Exported).await?;
    let mut bytes = Vec::new();
    let fault = |fault: std::io::Error| ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string());
    pcap::write(&kept, &mut bytes).map_err(fault)?;
    Ok(file(bytes, "application/vnd.tcpdump.pcap", &format!("call-{}.pcap", kept.call)))
}

async fn ladder(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<String>) -> Paged {
    let view = LadderView::new(&kept(&shared, &visitor, &id, Deed::Shown).await?, visitor.settings.time_zone);
    let x = |party: usize| FIRST_X + party * SPAN;
    let parties = view.parties.iter().enumerate();
    let parties = parties.map(|(at, party)| (x(at), cut(&party.name), cut(&party.address))).collect();
    let title = Both::new("SIP 消息 · 通话", "SIP messages of call").of(visitor.tongue);
    page(&LadderPage {
        frame: Frame::new(&visitor, format!("{title} {}", view.call)),
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
