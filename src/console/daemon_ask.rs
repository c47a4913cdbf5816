//! What the console asks of the daemon that serves it: of the line that runs, and of the settings that it runs with.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::desk::live::{LiveCall, SteerFault, SteerOrder};
use crate::desk::phones::RegisteredPhone;
use crate::types::Problem;

/// Questions that wait for the daemon; one more is answered as if the line did not.
pub const ASKS_MAX: usize = 64;
/// The line answers within milliseconds, or is not there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Every file of the site is read and checked, on a slow disk too.
const RELOADED_WITHIN: Duration = Duration::from_secs(30);

/// One question, with the way back for its answer. Who drops it says that there is none.
#[derive(Debug)]
pub enum DaemonAsk {
    /// Every call as it is now, the oldest first.
    LiveCalls(oneshot::Sender<Vec<LiveCall>>),
    /// Which telephones are registered.
    Phones(oneshot::Sender<Vec<RegisteredPhone>>),
    /// Settings and content are read again, as on SIGHUP: what should be mended all the same, or why nothing was taken.
    Reload(oneshot::Sender<Result<Vec<Problem>, Vec<Problem>>>),
    /// What somebody at a screen wants done with their caller.
    Steer { order: SteerOrder, answer: oneshot::Sender<Result<(), SteerFault>> },
}

/// The console's end of it. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Daemon(mpsc::Sender<DaemonAsk>);

impl Daemon {
    pub fn new(asks: mpsc::Sender<DaemonAsk>) -> Self {
        Self(asks)
    }

    /// Every call as it is now; `None` where the line does not answer.
    pub async fn live_calls(&self) -> Option<Vec<LiveCall>> {
        self.ask(DaemonAsk::LiveCalls).await
    }

    /// Steers somebody's caller.
    ///
    /// # Errors
    /// Why it can't be done.
    pub async fn steer(&self, order: SteerOrder) -> Result<(), SteerFault> {
        self.ask(|answer| DaemonAsk::Steer { order, answer }).await.unwrap_or(Err(SteerFault::NoLine))
    }

    /// Which telephones are registered; `None` where the line does not answer.
    pub async fn phones(&self) -> Option<Vec<RegisteredPhone>> {
        self.ask(DaemonAsk::Phones).await
    }

    /// Has settings and content read again, as on SIGHUP; `None` where that takes too long, or the daemon stops.
    pub async fn reload(&self) -> Option<Result<Vec<Problem>, Vec<Problem>>> {
        self.ask_within(RELOADED_WITHIN, DaemonAsk::Reload).await
    }

    /// Asks, and waits for the answer; `None` where there is none in time.
    pub async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> DaemonAsk) -> Option<T> {
        self.ask_within(ANSWER_WITHIN, question).await
    }

    async fn ask_within<T>(
        &self,
        limit: Duration,
        question: impl FnOnce(oneshot::Sender<T>) -> DaemonAsk,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(question(answer)).ok()?;
        tokio::time::timeout(limit, answered).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_answer_is_not_waited_for() {
        let (asks, mut inbox) = mpsc::channel(1);
        let daemon = Daemon::new(asks);
        let ask = || {
            tokio::spawn({
                let daemon = daemon.clone();
                async move { daemon.live_calls().await }
            })
        };
        let asking = ask();
        match inbox.recv().await {
            Some(DaemonAsk::LiveCalls(answer)) => answer.send(Vec::new()).unwrap(),
            other => panic!("{other:?}"),
        }
        assert_eq!(asking.await.unwrap(), Some(Vec::new()));
        let asking = ask();
        drop(inbox.recv().await);
        assert_eq!(asking.await.unwrap(), None, "the line has ended");
        let order = SteerOrder { call: crate::types::CallId(1), steer: crate::desk::live::Steer::Park, by: None };
        drop(inbox);
        assert_eq!(daemon.steer(order).await, Err(SteerFault::NoLine), "the daemon has ended");
    }
}
