//! What a repair's work sheet says of the work (维修服务任务单, R29).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// More than any repair of a house costs: ten million of the currency's unit.
pub const CENTS_MAX: i64 = 1_000_000_000;

/// `None` leaves a field as it is. Money in hundredths of the currency's unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkSheet {
    pub work_done: Option<String>,
    pub materials: Option<String>,
    pub material_cents: Option<i64>,
    pub labour_cents: Option<i64>,
}

impl WorkSheet {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        match [self.material_cents, self.labour_cents]
            .into_iter()
            .flatten()
            .find(|cents| !(0..=CENTS_MAX).contains(cents))
        {
            Some(_) => Err(format!("a cost is not below zero, and at most {}.00", CENTS_MAX / 100)),
            None => Ok(()),
        }
    }
}
