//! Connections to the database: a few, each on a thread that may wait for the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{StatusCode, header};
use tokio::sync::Semaphore;

use crate::console::problem::ProblemDetails;
use crate::desk::clocks::ClockBook;
use crate::desk::report::table::Both;
use crate::store::{Editor, Reader, StoreError};

/// Requests that read at the same time; more wait.
const READERS_MAX: usize = 8;
/// Requests that change something at the same time. The database has one writer: more would only wait there.
const EDITORS_MAX: usize = 2;

/// Clones share it.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Reader>>,
    reading: Arc<Semaphore>,
    editing: Arc<Semaphore>,
}

impl Pool {
    pub fn new(path: PathBuf) -> Self {
        Self(Arc::new(Shared {
            path,
            idle: Mutex::default(),
            reading: Arc::new(Semaphore::new(READERS_MAX)),
            editing: Arc::new(Semaphore::new(EDITORS_MAX)),
        }))
    }

    /// Reads with a connection of the pool.
    ///
    /// # Errors
    /// What the work says, or that the database can't be had.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, ProblemDetails> + Send + 'static,
    ) -> Result<T, ProblemDetails> {
        let room = Arc::clone(&self.0.reading).acquire_owned().await.map_err(|_| away())?;
        let pool = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _room = room;
            let reader = pool.reader()?;
            let done = work(&reader);
            // Where the work panics, its connection goes with it.
            pool.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            done
        });
        read.await.unwrap_or_else(|_| Err(broken()))
    }

    fn reader(&self) -> Result<Reader, StoreError> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Reader::open(&self.0.path), Ok)
    }

    /// Changes something with a connection of its own.
    ///
    /// # Errors
    /// What the work says, or that the database can't be had.
    pub async fn edit<T: Send + 'static>(
        &self,
        clocks: Arc<ClockBook>,
        work: impl FnOnce(&mut Editor) -> Result<T, ProblemDetails> + Send + 'static,
    ) -> Result<T, ProblemDetails> {
        let room = Arc::clone(&self.0.editing).acquire_owned().await.map_err(|_| away())?;
        let path = self.0.path.clone();
        let edited = tokio::task::spawn_blocking(move || {
            let _room = room;
            work(&mut Editor::with_clocks(&path, clocks)?)
        });
        edited.await.unwrap_or_else(|_| Err(broken()))
    }
}

fn away() -> ProblemDetails {
    ProblemDetails::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Both::new("数据库忙或暂不可用：请再试一次", "the database is busy or away: try again"),
    )
    .with(header::RETRY_AFTER, 1_u16)
}

fn broken() -> ProblemDetails {
    ProblemDetails::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        Both::new("没有成功，原因见服务日志", "it failed; the daemon's log says why"),
    )
}

impl From<StoreError> for ProblemDetails {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Unknown(_) => StatusCode::NOT_FOUND,
            StoreError::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            _ => StatusCode::CONFLICT,
        };
        error.told().map(|told| ProblemDetails::new(status, told)).unwrap_or_else(|| {
            // Paths and SQL are for the log.
            tracing::error!(%error, "the HTTP API has no answer from the database");
            away()
        })
    }
}
