//! What a repair's work sheet says of the work (维修服务任务单, R29).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::told::{Told, told};

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
    /// What material and labour cost together, where either is known.
    pub fn total_cents(&self) -> Option<i64> {
        match (self.material_cents, self.labour_cents) {
            (None, None) => None,
            (material, labour) => Some(material.unwrap_or(0).saturating_add(labour.unwrap_or(0))),
        }
    }

    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), Told> {
        match [self.material_cents, self.labour_cents]
            .into_iter()
            .flatten()
            .find(|cents| !(0..=CENTS_MAX).contains(cents))
        {
            Some(_) => {
                let most = CENTS_MAX / 100;
                Err(told!("费用不能为负，最多 {most}.00", "a cost is not below zero, and at most {most}.00"))
            }
            None => Ok(()),
        }
    }
}
