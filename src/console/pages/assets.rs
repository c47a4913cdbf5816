//! Files for the browser, all in the program. Each has an address with its fingerprint, so that a browser keeps it until it
//! changes.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../assets/", $name)) }
    };
}

const ASSETS: &[Asset] = &[
    asset!("console.css", CSS),
    asset!("console.js", JS),
    asset!("charts.js", JS),
    asset!("icon.svg", SVG),
    asset!("player.js", JS),
    asset!("vendor/htmx.min.js", JS),
    asset!("vendor/idiomorph.min.js", JS),
    asset!("vendor/uplot.min.css", CSS),
    asset!("vendor/uplot.min.js", JS),
];

/// Addresses in the order of `ASSETS`.
static URLS: LazyLock<Vec<String>> = LazyLock::new(|| {
    // FNV-1a, 64 bits: it tells one file from the next, against nobody's malice.
    let sum = |bytes: &[u8]| {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
    };
    ASSETS.iter().map(|asset| format!("/assets/{}?v={:016x}", asset.name, sum(asset.bytes))).collect()
});

/// Where a browser finds a file; nowhere for one that is not in the table.
pub fn url(name: &str) -> &'static str {
    let at = ASSETS.iter().position(|asset| asset.name == name);
    debug_assert!(at.is_some(), "{name} is not in the table of assets");
    at.map_or("", |at| URLS[at].as_str())
}

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{*name}", get(file)).route("/favicon.ico", get(icon))
}

async fn file(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers =
                [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn icon() -> Response {
    file(Path("icon.svg".to_owned())).await
}
