//! The audit log (R12): who heard, saw, exported, deleted or changed what.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::frame::Frame;
use super::list::{Asked, Listed, ROWS};
use super::{Paged, page, words};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::audit::{Deed, KeptAudit};
use crate::desk::notes::Notes;
use crate::desk::report::table::Both;
use crate::store::AuditFilter;

const PATH: &str = "/setup/audit";

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(list))
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    frame: Frame,
    asked: Asked,
    listed: Listed<KeptAudit>,
    deeds: &'static [Deed],
    notes: Notes<'a>,
}

impl AuditPage<'_> {
    fn about(&self, about: &str) -> String {
        self.notes.audited(about)
    }

    fn person(&self, who: &str) -> String {
        self.notes.person(who)
    }

    /// A deed in the page's language; the mailbox's own words stay as they are.
    fn deed(&self, word: &str) -> String {
        let known = word.parse::<Deed>().ok().map(deed).map(|text| text.of(self.frame.tongue).to_owned());
        known.unwrap_or_else(|| word.to_owned())
    }
}

fn deed(deed: Deed) -> Both {
    match deed {
        Deed::Heard => Both::new("听了录音", "heard"),
        Deed::Shown => Both::new("看到", "shown"),
        Deed::Exported => Both::new("导出", "exported"),
        Deed::Deleted => Both::new("删除", "deleted"),
        Deed::Anonymised => Both::new("匿名化", "anonymised"),
        Deed::Held => Both::new("保留", "held"),
        Deed::Released => Both::new("解除保留", "released"),
        Deed::Refused => Both::new("被拒绝", "refused"),
        Deed::SignedIn => Both::new("登录", "signed in"),
        Deed::SignedOut => Both::new("退出登录", "signed out"),
        Deed::SignInRefused => Both::new("登录失败", "sign-in refused"),
        Deed::AccountChanged => Both::new("帐号变更", "account changed"),
        Deed::SettingsChanged => Both::new("设置变更", "settings changed"),
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let tz = visitor.settings.time_zone;
    let filter = AuditFilter {
        since: asked.time("since", tz),
        until: asked.time("until", tz),
        who: asked.owned("who"),
        what: asked.owned("what"),
        about: asked.owned("about"),
        limit: Some(ROWS as u32 + 1),
        offset: 0,
    };
    let place = asked.place();
    let rows = shared.pool.read(move |reader| Ok(reader.audit_beyond(&filter, place)?)).await?;
    let listed = Listed::new(rows, |row| (row.at, row.id.to_string()));
    let notes = words::notes(&visitor);
    page(&AuditPage { frame: Frame::of(&visitor, PATH), asked, listed, deeds: Deed::ALL, notes })
}
