//! The HTTP API, `/api/v1`: the desk's records for other programs, in the JSON of the command line.
//!
//! One file per resource, each with a table of its endpoints. A table's line says everything of an endpoint: path, scope,
//! query, body, answers, and the function that carries it out. From the same line come the route, the checks before the
//! function is called, and the OpenAPI document; what the document says is what is checked.
//!
//! To add a resource: write a file with `pub const ENDPOINTS: &[Endpoint]`, and name it in `RESOURCES`. To add a report: a
//! line in `reports::ENDPOINTS`. A function gets what was asked (`Ask`) and a `Reader`, or an `Editor` within a
//! transaction, and gives a `Reply`; it runs on a thread that may wait for the disk. Records leave by `Leaving` alone,
//! which hides what the token's role may not see, and who was shown what is left is written down (R12).
//!
//! - `endpoint`: what a table's line can say. `openapi`: the document.
//! - `ask`, `query`, `body`, `page`: what was asked. `reply`: what is answered.
//! - `auth`: who asks. `serve`: the way of a request through all of them.
//! - `events`: server-sent events. `recordings`: audio, in ranges. `waveform`: audio, to be drawn.

mod alarms;
mod ask;
mod auth;
mod body;
mod calls;
mod endpoint;
mod errands;
mod events;
mod handover;
mod journal;
mod messages;
mod notifications;
mod openapi;
mod page;
mod people;
mod privacy;
mod query;
mod recordings;
mod reply;
mod reports;
mod residents;
mod serve;
mod tasks;
mod ticket_changes;
mod tickets;
mod trunks;
mod waveform;

pub use events::Events;

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, on};

use self::endpoint::Endpoint;
use super::listener::Peer;
use super::shared::Shared;

/// Where all of it is.
pub const ROOT: &str = "/api/v1";

/// Every resource's endpoints.
const RESOURCES: &[&[Endpoint]] = &[
    calls::ENDPOINTS,
    tickets::ENDPOINTS,
    ticket_changes::ENDPOINTS,
    messages::ENDPOINTS,
    people::ENDPOINTS,
    alarms::ENDPOINTS,
    notifications::ENDPOINTS,
    journal::ENDPOINTS,
    trunks::ENDPOINTS,
    tasks::ENDPOINTS,
    errands::ENDPOINTS,
    residents::ENDPOINTS,
    handover::ENDPOINTS,
    privacy::ENDPOINTS,
    reports::ENDPOINTS,
    events::ENDPOINTS,
];

/// The routes of all resources, and of the document that describes them.
pub(super) fn router<S: Clone + Send + Sync + 'static>(api: Arc<Shared>) -> Router<S> {
    let mut router = Router::new().route(&format!("{ROOT}/openapi.json"), get(document));
    for endpoint in RESOURCES.iter().copied().flatten() {
        router = router.route(&format!("{ROOT}{}", endpoint.path), route(Arc::clone(&api), endpoint));
    }
    router
}

fn route<S: Clone + Send + Sync + 'static>(api: Arc<Shared>, endpoint: &'static Endpoint) -> MethodRouter<S> {
    on(endpoint.method.filter(), move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let api = Arc::clone(&api);
        serve::serve(api, endpoint, peer.0.ip(), request)
    })
}

async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi::document())
}
