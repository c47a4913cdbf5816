//! What is set up where: the areas below `/setup` that somebody may see.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::get;

use super::frame::{BarItem, Frame};
use super::{AREAS, Paged, page};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;

const PATH: &str = "/setup";

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(index))
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
