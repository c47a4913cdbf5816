//! The console's pages: HTML for the people of the desk, in Chinese and English.
//!
//! One file for each area of the desk's work, named after it, with its templates of the same name in `templates/`. `AREAS`
//! says what areas there are and the least role that may see each: the door lets nobody else in, and the bar at the top
//! shows the same table. A page is a function that takes a `Visitor` and gives `page(template)`:
//!
//! 1. `door` finds out who asks (`gate`), refuses roles and changes that may not be, and renews the cookie.
//! 2. The function reads through `Shared::pool`, passes each record through `visitor.sight(surface)` (R12), writes down
//!    what is shown in whole (`shown`), and fills a template, which extends `frame.html` and has a `Frame`.
//! 3. A change is a form (`POST`) that is answered with `done(path, word)`: a redirect, whose page says the word. What can't
//!    be done is a `ProblemDetails` as in the API: for a form it is told above it, and nothing that was typed is lost.
//!
//! Pages need no inline script or style (the content security policy forbids them): `assets/console.css` has the look,
//! `assets/console.js` what several pages do in the browser (see its head). Texts stand in the templates as
//! `frame.say("中文", "English")`.
//!
//! - `frame`: what all pages have around them. `door`: the way in. `fault`: what is shown where something can't be.
//! - `words`: names of what records keep as words. `assets`: files for the browser.
//! - `sign_in`: signing in and out, one-time links. `account`: one's own account.
//! - `setup`: what is set up where; each area below it has its own file.
//! - `board`: what happens now, and the day's figures. `live`: the events of it. `pop`: somebody who calls, for whoever answers.
//! - `list`: rows page by page. `form`, `upload`: what forms send. `users`: everybody's accounts. `audit`: who saw and changed what.
//! - `calls`: the call log. `answer_times`: how fast the line is answered. `flow`: the flow, drawn.

mod account;
mod answer_times;
mod assets;
mod audit;
mod board;
mod calls;
mod door;
mod fault;
mod flow;
mod form;
mod frame;
mod list;
mod live;
mod messages;
mod pop;
mod reports;
mod retention;
mod setup;
mod shift;
mod sign_in;
mod tickets;
mod tokens;
mod upload;
mod users;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::csrf::CsrfLayer;

pub(super) use self::board::parts as board_parts;
pub use self::setup::WaitingLists;

use self::fault::PageFault;
use super::gate::Visitor;
use super::problem::ProblemDetails;
use super::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::privacy::Role;
use crate::desk::report::table::Both;
use crate::desk::told::told;
use crate::store::Reader;

/// What a page's function gives.
pub(super) type Paged = Result<Response, PageFault>;

/// One area of the console: where it is, who may see it, and what the bar at the top calls it.
pub(super) struct Area {
    /// Everything at this path and below.
    pub path: &'static str,
    pub least: Role,
    pub name: Both,
    /// In the bar at the top; the others are reached from a page.
    pub in_bar: bool,
}

const fn area(path: &'static str, least: Role, zh: &'static str, en: &'static str) -> Area {
    Area { path, least, name: Both::new(zh, en), in_bar: true }
}

const fn inner(path: &'static str, least: Role, zh: &'static str, en: &'static str) -> Area {
    Area { in_bar: false, ..area(path, least, zh, en) }
}

/// Every area; the longest path that fits holds.
pub(super) const AREAS: &[Area] = &[
    area("/board", Role::Receptionist, "看板", "Board"),
    inner("/pop", Role::Engineer, "来电", "Caller"),
    area("/tickets", Role::Engineer, "工单", "Tickets"),
    area("/calls", Role::Engineer, "通话", "Calls"),
    area("/messages", Role::Receptionist, "留言", "Messages"),
    area("/desk", Role::Receptionist, "值班", "Desk"),
    area("/answer-times", Role::Supervisor, "应答时间", "Answer times"),
    area("/reports", Role::Supervisor, "报表", "Reports"),
    area("/setup", Role::Supervisor, "设置", "Set-up"),
    inner("/setup/people", Role::Supervisor, "人员", "People"),
    inner("/setup/residents", Role::Supervisor, "住户", "Residents"),
    inner("/setup/prompts", Role::Supervisor, "提示音", "Prompts"),
    inner("/setup/answers", Role::Supervisor, "答复", "Answers"),
    inner("/setup/hours", Role::Supervisor, "服务时间", "Hours"),
    inner("/setup/flow", Role::Supervisor, "来电流程", "Call flow"),
    inner("/setup/lines", Role::Supervisor, "线路与话机", "Lines and telephones"),
    inner("/setup/audit", Role::Supervisor, "审计日志", "Audit log"),
    inner("/setup/retention", Role::Supervisor, "保存期限", "Retention"),
    inner("/setup/tokens", Role::Administrator, "接口令牌", "Tokens of programs"),
    inner("/setup/users", Role::Administrator, "帐号", "Accounts"),
    inner("/account", Role::Engineer, "我的帐号", "My account"),
];

/// The area that a path is in.
fn area_of(path: &str) -> Option<&'static Area> {
    let within =
        |area: &&Area| path.strip_prefix(area.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    AREAS.iter().filter(within).max_by_key(|area| area.path.len())
}

/// Where somebody begins.
fn home_of(role: Role) -> &'static str {
    let first = AREAS.iter().find(|area| area.in_bar && role >= area.least);
    first.map_or("/account", |area| area.path)
}

/// The routes of all pages.
pub(super) fn router<S: Clone + Send + Sync + 'static>(shared: Arc<Shared>) -> Router<S> {
    let inside = Router::new()
        .route("/", get(home))
        .merge(account::router())
        .merge(answer_times::router())
        .merge(audit::router())
        .merge(board::router())
        .merge(calls::router())
        .merge(flow::router())
        .merge(live::router())
        .merge(messages::router())
        .merge(pop::router())
        .merge(reports::router())
        .merge(retention::router())
        .merge(setup::router())
        .merge(shift::router())
        .merge(tickets::router())
        .merge(tokens::router())
        .merge(users::router())
        .route_layer(from_fn_with_state(Arc::clone(&shared), door::door));
    let small = SizeAbove::new(512).and(NotForContentType::SSE).and(NotForContentType::IMAGES);
    let compression =
        CompressionLayer::new().gzip(true).compress_when(small.and(NotForContentType::const_new("audio/")));
    inside
        .merge(sign_in::router())
        .layer(CsrfLayer::new())
        .merge(assets::router())
        .layer(compression)
        .layer(axum::middleware::map_response(door::guarded))
        .with_state(shared)
}

async fn home(visitor: Visitor) -> Redirect {
    Redirect::to(home_of(visitor.user.role))
}

/// A page, from its template.
pub(super) fn page(template: &impl Template) -> Paged {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(fault) => {
            tracing::error!(%fault, "a page could not be made");
            let what = told!("页面无法生成；原因见服务日志", "the page could not be made; the daemon's log says why");
            Err(ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, what).into())
        }
    }
}

/// Reads what a page shows. Where that tells whole numbers or leads to recordings, `work` says of what (`ticket
/// 20261123-0007`), and it is written down before it is given (R12).
pub(super) async fn shown<T: Send + 'static>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    work: impl FnOnce(&Reader) -> Result<(T, Option<String>), ProblemDetails> + Send + 'static,
) -> Result<T, ProblemDetails> {
    let (access, visitor) = (shared.access.clone(), visitor.clone());
    let read = move |reader: &Reader| {
        let (found, about) = work(reader)?;
        if let Some(about) = about {
            access.audit(&visitor.entry(Deed::Shown, &about))?;
        }
        Ok(found)
    };
    shared.pool.read(read).await
}

/// The answer to a form that did what it was sent for: the page at `path`, which says so (`form::SAID`).
pub(super) fn done(path: &str, said: &str) -> Paged {
    let mark = if path.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{path}{mark}said={said}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_that_fits_says_who_may_see_a_page() {
        let least = |path: &str| area_of(path).map(|area| area.least);
        assert_eq!(least("/setup/users/3"), Some(Role::Administrator));
        assert_eq!(least("/setup/usersx"), Some(Role::Supervisor));
        assert_eq!(least("/setup"), Some(Role::Supervisor));
        assert_eq!(least("/setups"), None);
        assert!(AREAS.iter().all(|area| area_of(area.path).is_some_and(|found| found.path == area.path)));
    }
}
