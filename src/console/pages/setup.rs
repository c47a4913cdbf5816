//! What is set up where: the areas below `/setup` that somebody may see.
//!
//! - `content`: what the pages share: a change of content goes through `crate::setup`, is written down, and read again.
//! - `people`, `residents`, `prompts`, `answers`, `hours`: forms. `text`: a whole file. `lines`: trunks and telephones.

mod answers;
mod content;
mod hours;
mod lines;
mod people;
mod prompts;
mod residents;
mod text;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::get;

pub use self::residents::WaitingLists;

use super::frame::{BarItem, Frame};
use super::{AREAS, Paged, page};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;

const PATH: &str = "/setup";

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(PATH, get(index))
        .merge(people::router())
        .merge(residents::router())
        .merge(prompts::router())
        .merge(answers::router())
        .merge(hours::router())
        .merge(text::router())
        .merge(lines::router())
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    areas: Vec<BarItem>,
}

async fn index(visitor: Visitor) -> Paged {
    let below = AREAS.iter().filter(|area| area.path.starts_with("/setup/") && visitor.may(area.least));
    let areas = below.map(|area| BarItem { path: area.path, name: area.name.of(visitor.tongue) }).collect();
    page(&SetupPage { frame: Frame::of(&visitor, PATH), areas })
}
