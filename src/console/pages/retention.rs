//! How long what was recorded is kept, and what is held back from deletion (R12).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};

use super::account::change;
use super::form::Form;
use super::frame::Frame;
use super::list::Asked;
use super::{Paged, done, page};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::report::table::Both;
use crate::desk::retention::{HeldKind, Hold};

const PATH: &str = "/setup/retention";
/// Holds that are shown; a desk with more asks the API.
const HOLDS_MAX: u32 = 500;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(list).post(hold)).route("/setup/retention/{id}/lift", post(lift))
}

#[derive(Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    frame: Frame,
    /// What, the key in `[retention]`, and for how many days; 0 is for ever.
    rules: Vec<(&'static str, &'static str, u32)>,
    holds: Vec<Hold>,
    kinds: &'static [HeldKind],
    lifted_too: bool,
}

impl RetentionPage {
    fn kind(&self, kind: &HeldKind) -> &'static str {
        let text = match kind {
            HeldKind::Ticket => Both::new("工单", "ticket"),
            HeldKind::Message => Both::new("留言", "message"),
            HeldKind::Call => Both::new("来电", "call"),
            HeldKind::Recording => Both::new("录音", "recording"),
        };
        text.of(self.frame.tongue)
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let lifted_too = asked.text("lifted") == "1";
    let holds = shared.pool.read(move |reader| Ok(reader.holds_before(lifted_too, HOLDS_MAX, None)?)).await?;
    let kept = visitor.settings.retention;
    let named = [
        (Both::new("工单录音（关闭后）", "Recordings of tickets, from their closing"), "ticket_days", kept.ticket_days),
        (Both::new("留言（听过或删除后）", "Messages, once heard or taken off"), "message_days", kept.message_days),
        (Both::new("来电录音", "Recordings of calls"), "call_days", kept.call_days),
        (Both::new("客户意见录音", "What customers said of the work"), "feedback_days", kept.feedback_days),
        (Both::new("号码与姓名", "Numbers and names"), "numbers_days", kept.numbers_days),
        (Both::new("审计日志", "The audit log"), "audit_days", kept.audit_days),
    ];
    let rules = named.map(|(text, key, days)| (text.of(visitor.tongue), key, days)).to_vec();
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&RetentionPage { frame, rules, holds, kinds: HeldKind::ALL, lifted_too })
}

async fn hold(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let what: HeldKind = form.word("what")?;
    let (about, why) = (form.text("about").to_owned(), form.text("why").to_owned());
    change(&shared, &visitor, move |editor, by| {
        editor.hold(what, &about, (by.who, by.from_where), by.at, &why).map(drop)
    })
    .await?;
    done(PATH, "saved")
}

async fn lift(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, form: Form) -> Paged {
    let why = form.text("why").to_owned();
    change(&shared, &visitor, move |editor, by| editor.lift_hold(id, (by.who, by.from_where), by.at, &why)).await?;
    done(PATH, "saved")
}
