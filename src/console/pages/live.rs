//! What happens now, as server-sent events for pages: the board's parts where a page shows them (`?board=1`), and whoever
//! calls the visitor's own extension on every page (R11).
//!
//! | event | data |
//! |---|---|
//! | `board-...` | the HTML of that part of the board |
//! | `pop-now` | where the caller of the page is (`?call=12`) |
//! | `pop` | the HTML of callers who ring for the visitor, or talk with them |
//! | `go` | the path of the page of such a caller, the newest first: a window where nothing is being typed goes there once |
//!
//! All who listen get the bytes of the same rendering (`console::board`); only `pop` and `go` are one's own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::Utc;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Paged;
use super::board::{Shown, Who, Words};
use super::list::Asked;
use super::pop::{may_see, now_part};
use crate::console::board::{KnownCall, LISTENERS_MAX, Part, Seen, event};
use crate::console::gate::{self, Visitor};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::privacy::Role;
use crate::desk::report::table::{Both, Tongue};
use crate::types::CallId;

/// A comment is sent so often, for proxies that cut what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So often it is looked whether the visitor is still signed in.
const SESSION_EVERY: Duration = Duration::from_secs(30);
/// A browser that is cut off comes again after so many ms.
const RETRY_MS: u32 = 1_000;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/live", get(live))
}

async fn live(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked, headers: HeaderMap) -> Paged {
    let room = Arc::clone(&shared.board.room).try_acquire_owned().map_err(|_| {
        let what = Both::new("观看的人太多，请稍后再试", "Too many watch: try again in a moment").of(visitor.tongue);
        tracing::warn!(limit = LISTENERS_MAX, "one more listener of the board is told to come again");
        ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, what).with(header::RETRY_AFTER, 10_u16)
    })?;
    let seen = shared.board.listen();
    // Somebody who comes to an idle board sees it as it is now.
    shared.board.now().await;
    let now = tokio::time::Instant::now();
    let listener = Listener {
        board: asked.some("board").is_some() && visitor.may(Role::Receptionist),
        call: asked.some("call").and_then(|id| id.parse().ok()).map(CallId),
        stopped: shared.events.stopping(),
        shared,
        visitor,
        headers,
        seen,
        told: Told::default(),
        waiting: vec![Bytes::from(format!("retry: {RETRY_MS}\n\n"))],
        began: true,
        keep_alive: tokio::time::interval_at(now + KEEP_ALIVE, KEEP_ALIVE),
        session: tokio::time::interval_at(now + SESSION_EVERY, SESSION_EVERY),
        _room: room,
    };
    let events = stream::unfold(listener, async |mut listener| {
        let bytes = listener.next().await?;
        Some((Ok::<_, Infallible>(bytes), listener))
    });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Proxies that gather answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One page that listens.
struct Listener {
    shared: Arc<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    /// It shows the board.
    board: bool,
    /// It shows this caller.
    call: Option<CallId>,
    seen: watch::Receiver<Arc<Seen>>,
    stopped: watch::Receiver<bool>,
    told: Told,
    /// What is to be sent, the last first.
    waiting: Vec<Bytes>,
    /// Nothing was looked at yet.
    began: bool,
    keep_alive: tokio::time::Interval,
    session: tokio::time::Interval,
    _room: OwnedSemaphorePermit,
}

/// What this page knows already.
#[derive(Debug, Default)]
struct Told {
    /// Of the board's parts, by their names.
    serials: Vec<(&'static str, u64)>,
    pop: Option<String>,
    /// How it was with the caller of this page.
    now: Option<String>,
    /// Callers for whom it was told to go to their page.
    went: Vec<CallId>,
}

impl Listener {
    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop() {
                return Some(bytes);
            }
            if *self.stopped.borrow() {
                return None;
            }
            if std::mem::take(&mut self.began) {
                self.look();
                continue;
            }
            tokio::select! {
                _ = self.stopped.changed() => return None,
                changed = self.seen.changed() => {
                    changed.ok()?;
                    self.look();
                }
                _ = self.keep_alive.tick() => return Some(Bytes::from_static(b":\n\n")),
                _ = self.session.tick() => self.still_signed_in().await?,
            }
        }
    }

    /// What is new of what there is to be seen.
    fn look(&mut self) {
        let seen = Arc::clone(&self.seen.borrow_and_update());
        let mut news = Vec::new();
        if self.board {
            news.extend(self.told.parts(&seen, self.visitor.tongue));
        }
        let settings = self.shared.access.settings();
        let words = Words { settings: &settings, tongue: self.visitor.tongue, now: Utc::now() };
        let calls = seen.view.live.as_deref().unwrap_or_default();
        if let Some(id) = self.call {
            let known = calls.iter().find(|known| known.call.id == id);
            // Engineers see those who call them.
            let known = known.filter(|known| may_see(&self.visitor, Some(known)).is_ok());
            let html = now_part(words, &self.visitor, id, known);
            if self.told.now.as_ref() != Some(&html) {
                news.push(event("pop-now", &html));
                self.told.now = Some(html);
            }
        }
        if let Some(extension) = &self.visitor.user.extension {
            news.extend(self.told.pop(words, calls, extension, self.call));
        }
        news.reverse();
        self.waiting = news;
    }

    /// Whether they are, and what they were to the desk: else the browser comes again as what they are.
    async fn still_signed_in(&self) -> Option<()> {
        let entered = gate::enter(&self.shared, &self.headers, self.visitor.origin, Utc::now(), false).await.ok()??;
        let (now, then) = (entered.visitor, &self.visitor);
        let same = now.session.id == then.session.id
            && now.user.role == then.user.role
            && now.user.extension == then.user.extension;
        same.then_some(())
    }
}

impl Told {
    fn parts(&mut self, seen: &Seen, tongue: Tongue) -> Vec<Bytes> {
        let parts = seen.parts(tongue);
        let is_new = |part: &&Part| !self.serials.contains(&(part.name, part.serial));
        let news = parts.iter().filter(is_new).map(|part| part.event.clone()).collect();
        self.serials = parts.iter().map(|part| (part.name, part.serial)).collect();
        news
    }

    /// Who rings for that extension, or talks with it. `page`: whose page it is.
    fn pop(&mut self, words: Words<'_>, calls: &[KnownCall], extension: &str, page: Option<CallId>) -> Vec<Bytes> {
        let own: Vec<&KnownCall> = calls.iter().filter(|known| known.call.concerns(extension)).collect();
        // Whose page it is needs no telling.
        let others = own.iter().filter(|known| Some(known.call.id) != page);
        let row = |known: &&KnownCall| PopRow {
            id: known.call.id,
            who: words.who(known),
            shown: words.phase(known),
            since: words.machine(&known.call.since),
        };
        let pop = Pop { words, rows: others.map(row).collect() };
        let html = pop.render().unwrap_or_default();
        let mut news = Vec::new();
        if self.pop.as_ref() != Some(&html) {
            news.push(event("pop", &html));
        }
        self.pop = Some(html);
        let new = own.iter().rev().map(|known| known.call.id).find(|id| !self.went.contains(id));
        if let Some(id) = new {
            news.push(event("go", &format!("/pop/{id}")));
        }
        self.went = own.iter().map(|known| known.call.id).collect();
        news
    }
}

struct PopRow {
    id: CallId,
    who: Who,
    shown: Shown,
    since: String,
}

#[derive(Template)]
#[template(path = "pop_bar.html")]
struct Pop<'a> {
    words: Words<'a>,
    rows: Vec<PopRow>,
}
