//! Server-sent events: what happens at the desk, as it happens. One task looks for news and tells all listeners; who was
//! away, or is too slow, reads what they missed from the database.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures_util::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::ask::Ask;
use super::auth::{AskingSession, allow};
use super::endpoint::{Endpoint, shape};
use super::query::{Param, ParamKind};
use super::reply::Leaving;
use crate::console::gate;
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::happening::Happening;
use crate::desk::privacy::{Sight, Surface};
use crate::desk::token::{ApiToken, Scope};
use crate::desk::view::HappeningView;
use crate::store::{Reader, StoreError};

/// Listeners at the same time; more are told to come again.
const LISTENERS_MAX: usize = 256;
/// How often it is looked whether anything happened.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Happenings that a listener may lag behind before they read the database again, and that are read at once.
const LAG_MAX: usize = 1_024;
const READ_MAX: usize = 500;
/// A comment is sent so often, for proxies that cut what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So often it is looked whether a listener's token still holds.
const TOKEN_EVERY: Duration = Duration::from_secs(30);

/// What happens, and the scope that sees it.
const KINDS: &[(&str, Scope)] = &[
    ("call", Scope::CallsRead),
    ("ticket", Scope::TicketsRead),
    ("message", Scope::MessagesRead),
    ("alarm", Scope::AlarmsRead),
    ("journal", Scope::AlarmsRead),
];

pub const ENDPOINTS: &[Endpoint] = &[Endpoint::events(
    "/events",
    "What happens, as server-sent events: those kinds that the token's scopes may read. Last-Event-ID resumes.",
)
.query(&[Param::new("kinds", "Only these kinds", ParamKind::Words(kinds))])];

/// The form of an event's data.
pub fn data() -> super::endpoint::Shape {
    shape::<HappeningView<'static>>()
}

fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(kind, _)| *kind).collect()
}

/// Who listens. Clones share it.
#[derive(Clone)]
pub struct Events {
    news: broadcast::Sender<Arc<Happening>>,
    room: Arc<Semaphore>,
    stopped: watch::Sender<bool>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            news: broadcast::Sender::new(LAG_MAX),
            room: Arc::new(Semaphore::new(LISTENERS_MAX)),
            stopped: watch::Sender::new(false),
        }
    }
}

impl Events {
    /// Ends all streams: a server that stops waits for them.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Becomes true when the server stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopped.subscribe()
    }

    /// Looks for news until it is stopped.
    pub async fn run(self, database: PathBuf) {
        let mut stopped = self.stopped.subscribe();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut watch = Some(Watch::new(database));
        let mut failed = false;
        while let Some(mut looking) = watch.take() {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                _ = look.tick() => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                let news = looking.news();
                (looking, news)
            });
            let Ok((looked, news)) = looked.await else { return };
            watch = Some(looked);
            match news {
                Ok(news) => {
                    failed = false;
                    // An error says that nobody listens.
                    news.into_iter().for_each(|happening| drop(self.news.send(Arc::new(happening))));
                }
                Err(error) if !failed => {
                    failed = true;
                    tracing::warn!(%error, "what happens can't be read: event streams stand still");
                }
                Err(_) => {}
            }
        }
    }
}

/// What happened since the look before.
struct Watch {
    database: PathBuf,
    reader: Option<Reader>,
    version: Option<i64>,
    last: Option<i64>,
}

impl Watch {
    fn new(database: PathBuf) -> Self {
        Self { database, reader: None, version: None, last: None }
    }

    fn news(&mut self) -> Result<Vec<Happening>, StoreError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::open(&self.database)?,
        };
        let version = reader.version()?;
        let mut news = Vec::new();
        if self.version != Some(version) {
            let last = match self.last {
                Some(last) => last,
                // A little of the past is told too: whoever listens since before this look has not read it.
                None => reader.last_happening()? - READ_MAX as i64,
            };
            news = reader.happenings(last, READ_MAX)?;
            // Where there is more than was read, it is read at the next look.
            self.version = Some(version).filter(|_| news.len() < READ_MAX);
            self.last = Some(news.last().map_or(last, |happening| happening.id));
        }
        self.reader = Some(reader);
        Ok(news)
    }
}

/// One listener.
struct Listener {
    api: Arc<Shared>,
    token: ApiToken,
    session: Option<AskingSession>,
    time_zone: chrono_tz::Tz,
    kinds: Vec<&'static str>,
    news: broadcast::Receiver<Arc<Happening>>,
    stopped: watch::Receiver<bool>,
    /// Everything up to this one was looked at.
    last: i64,
    /// From the database, before news are heard.
    missed: std::collections::VecDeque<Happening>,
    catching_up: bool,
    token_look: tokio::time::Interval,
    _room: OwnedSemaphorePermit,
}

pub async fn answer(api: &Arc<Shared>, ask: Ask, headers: &HeaderMap) -> Result<Response, ProblemDetails> {
    let kinds = wanted(&ask)?;
    let room = Arc::clone(&api.events.room).try_acquire_owned().map_err(|_| {
        ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, format!("{LISTENERS_MAX} listen already: come again"))
            .with(header::RETRY_AFTER, 30_u16)
    })?;
    // News are gathered from before the database is asked: nothing falls between the two.
    let news = api.events.news.subscribe();
    let last = match last_seen(headers)? {
        Some(last) => last,
        None => api.pool.read(|reader| Ok(reader.last_happening()?)).await?,
    };
    let listener = Listener {
        api: Arc::clone(api),
        time_zone: ask.time_zone(),
        token: ask.token,
        session: ask.session,
        kinds,
        news,
        stopped: api.events.stopped.subscribe(),
        last,
        missed: std::collections::VecDeque::new(),
        catching_up: true,
        token_look: tokio::time::interval(TOKEN_EVERY),
        _room: room,
    };
    let mut response = Sse::new(stream(listener)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies that gather answers would hold events back.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// The kinds that were asked for, or all that the token may see.
fn wanted(ask: &Ask) -> Result<Vec<&'static str>, ProblemDetails> {
    let Some(asked) = ask.query.text("kinds") else {
        let mine: Vec<_> = KINDS.iter().filter(|(_, scope)| ask.token.allows(*scope)).map(|(kind, _)| *kind).collect();
        return if mine.is_empty() { allow(&ask.token, Scope::TicketsRead).map(|()| mine) } else { Ok(mine) };
    };
    let asked: Vec<&str> = asked.split(',').collect();
    let found = KINDS.iter().filter(|(kind, _)| asked.contains(kind));
    found.map(|(kind, scope)| allow(&ask.token, *scope).map(|()| *kind)).collect()
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, ProblemDetails> {
    let Some(header) = headers.get("last-event-id") else { return Ok(None) };
    let id = header.to_str().ok().and_then(|id| id.parse().ok()).filter(|id| *id >= 0);
    id.map(Some).ok_or_else(|| ProblemDetails::new(StatusCode::BAD_REQUEST, "Last-Event-ID is to be an event's id"))
}

fn stream(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, async |mut listener| {
        let happening = listener.next().await?;
        let (id, kind) = (happening.id, happening.kind.clone());
        let token = &listener.token;
        let who = listener.session.as_ref().map_or(token.name.as_str(), |session| session.as_owner.as_str());
        let sight = Sight { role: token.role, surface: Surface::List, who: Some(who) };
        let (data, _) = Leaving::Happening(happening).text(sight, listener.time_zone);
        Some((Ok(Event::default().id(id.to_string()).event(kind).data(data)), listener))
    })
}

impl Listener {
    /// The next one of the wanted kinds; `None` ends the stream.
    async fn next(&mut self) -> Option<Happening> {
        loop {
            if let Some(happening) = self.missed.pop_front() {
                self.last = happening.id;
                if self.kinds.contains(&happening.kind.as_str()) {
                    return Some(happening);
                }
                continue;
            }
            if self.catching_up {
                self.catch_up().await?;
                continue;
            }
            tokio::select! {
                _ = self.stopped.changed() => return None,
                _ = self.token_look.tick() => self.look_at_token().await?,
                heard = self.news.recv() => match heard {
                    Ok(happening) if happening.id > self.last => self.missed.push_back((*happening).clone()),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catching_up = true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let last = self.last;
        let missed = self.api.pool.read(move |reader| Ok(reader.happenings(last, READ_MAX)?)).await.ok()?;
        self.catching_up = missed.len() == READ_MAX;
        self.missed = missed.into();
        if *self.stopped.borrow() { None } else { Some(()) }
    }

    /// Ends the stream of a token that was revoked, or is over, and of somebody who has signed out, or is somebody else to
    /// the desk now: their browser comes again as what they are.
    async fn look_at_token(&mut self) -> Option<()> {
        if let Some(session) = &self.session {
            let entered = gate::enter(&self.api, &session.headers, session.origin, Utc::now(), false).await.ok()??;
            let now = entered.visitor;
            let same = now.session.id == session.id
                && now.user.role == self.token.role
                && now.user.as_owner() == session.as_owner;
            return same.then_some(());
        }
        let id = self.token.id;
        let found = self.api.pool.read(move |reader| Ok(reader.token(id)?)).await.ok()?;
        found.filter(|(token, _)| token.holds(Utc::now())).map(|_| ())
    }
}
