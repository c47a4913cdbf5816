//! What others write into the database that the line must know: looked for a few times a second, told where it changed.

use std::path::Path;

use tokio::sync::mpsc;

use crate::call::exchange::Exchange;
use crate::call::io::Input;
use crate::desk::presence::Presences;
use crate::driver::clock::Clock;
use crate::driver::line::ToLine;
use crate::store::{BanWatch, ErrandLook, ErrandWatch, MessageWatch, PresenceWatch, StoreError};

/// What other processes and threads write that the line must know.
pub(super) struct Watches {
    presences: WhoIsOut,
    bans: Bans,
    errands: DueErrands,
    lamps: Lamps,
}

impl Watches {
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            presences: WhoIsOut { watch: PresenceWatch::open(database)?, fails: false },
            bans: Bans { watch: BanWatch::open(database)?, fails: false },
            errands: DueErrands { watch: ErrandWatch::open(database)?, fails: false },
            lamps: Lamps { watch: MessageWatch::open(database)?, fails: false },
        })
    }

    /// What the line knows before its first call.
    pub fn begin(&mut self, clock: Clock, exchange: &mut Exchange) -> Result<(), StoreError> {
        if let Some(said) = self.presences.watch.look()? {
            exchange.handle_input(clock.now(), Input::Presences(Presences::new(said)));
        }
        self.bans.hold_on(clock, exchange)
    }

    pub async fn look(&mut self, to_line: &mpsc::Sender<ToLine>) {
        self.presences.look(to_line).await;
        self.bans.look(to_line).await;
        self.errands.look(to_line).await;
        self.lamps.look(to_line).await;
    }
}

/// Tells the line who is out, where that has changed.
struct WhoIsOut {
    watch: PresenceWatch,
    /// Logged once until it is mended.
    fails: bool,
}

impl WhoIsOut {
    async fn look(&mut self, to_line: &mpsc::Sender<ToLine>) {
        let looked = self.watch.look();
        let failed_before = std::mem::replace(&mut self.fails, looked.is_err());
        match looked {
            Ok(None) => {}
            Ok(Some(said)) => {
                tracing::info!(people = said.len(), "somebody's presence was set");
                let _ = to_line.send(ToLine::Presences(Presences::new(said))).await;
            }
            Err(error) if !failed_before => {
                tracing::warn!(%error, "who is out can't be read; what was known last holds");
            }
            Err(_) => {}
        }
    }
}

/// Bans of an earlier run, and those that are lifted by hand.
struct Bans {
    watch: BanWatch,
    /// Logged once until it is mended.
    fails: bool,
}

impl Bans {
    fn hold_on(&mut self, clock: Clock, exchange: &mut Exchange) -> Result<(), StoreError> {
        let now = clock.now();
        let held = self.watch.held(now.wall)?;
        for ban in &held {
            let until = now.mono + (ban.until - now.wall).to_std().unwrap_or_default();
            exchange.handle_input(now, Input::Banned { network: ban.network, until });
        }
        if !held.is_empty() {
            tracing::info!(bans = held.len(), "bans of an earlier run hold on; see `frontdesk bans`");
        }
        Ok(())
    }

    async fn look(&mut self, to_line: &mpsc::Sender<ToLine>) {
        let lifted = self.watch.lifted(chrono::Utc::now());
        let failed_before = std::mem::replace(&mut self.fails, lifted.is_err());
        match lifted {
            Ok(lifted) if lifted.is_empty() => {}
            Ok(lifted) => drop(to_line.send(ToLine::BansLifted(lifted)).await),
            Err(error) if !failed_before => {
                tracing::warn!(%error, "bans can't be read; those that are lifted still hold")
            }
            Err(_) => {}
        }
    }
}

/// Calls that the desk is to make, by whichever process they were asked for.
struct DueErrands {
    watch: ErrandWatch,
    /// Logged once until it is mended.
    fails: bool,
}

impl DueErrands {
    async fn look(&mut self, to_line: &mpsc::Sender<ToLine>) {
        let due = self.watch.look(chrono::Utc::now());
        let failed_before = std::mem::replace(&mut self.fails, due.is_err());
        match due {
            Ok(look) if look.is_empty() => {}
            Ok(ErrandLook { due, overtaken }) => drop(to_line.send(ToLine::Errands { due, overtaken }).await),
            Err(error) if !failed_before => {
                tracing::warn!(%error, "calls that the desk is to make can't be read; they are made once they can");
            }
            Err(_) => {}
        }
    }
}

/// Tells the line whose messages have changed, by whichever process.
struct Lamps {
    watch: MessageWatch,
    /// Logged once until it is mended.
    fails: bool,
}

impl Lamps {
    async fn look(&mut self, to_line: &mpsc::Sender<ToLine>) {
        let looked = self.watch.look();
        let failed_before = std::mem::replace(&mut self.fails, looked.is_err());
        match looked {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => drop(to_line.send(ToLine::MessagesChanged(changed.into_iter().collect())).await),
            Err(error) if !failed_before => {
                tracing::warn!(%error, "what waits for whom can't be read; lamps for messages follow once it can");
            }
            Err(_) => {}
        }
    }
}
