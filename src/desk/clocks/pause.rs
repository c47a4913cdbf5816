//! Why a clock may stand still. There are no other reasons: what lasts long for another one is late.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::words::words;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The customer wants it at another time.
    CustomerWish,
    /// Nobody opens, and no key was left.
    NoAccess,
    /// Material must be ordered.
    Parts,
    /// The price was told, and the customer considers it (R28).
    QuoteConsent,
    /// It can't be done, or can't be judged, in this weather: a roof waits for a dry day, or for the rain (R30).
    Weather,
    /// Somebody else must act first: the power company, the police, another owner.
    Others,
}

impl PauseReason {
    /// The reasons that are over with this step of a workflow: what stood still for them goes on.
    pub fn over_with(event: &str, stage: &str) -> &'static [PauseReason] {
        match (event, stage) {
            ("quote_accepted", "on_site") => {
                &[PauseReason::QuoteConsent, PauseReason::NoAccess, PauseReason::CustomerWish]
            }
            ("quote_accepted", _) => &[PauseReason::QuoteConsent],
            ("on_site", _) => &[PauseReason::NoAccess, PauseReason::CustomerWish],
            _ => &[],
        }
    }
}

words!(PauseReason {
    CustomerWish => "customer_wish",
    NoAccess => "no_access",
    Parts => "parts",
    QuoteConsent => "quote_consent",
    Weather => "weather",
    Others => "others",
});
