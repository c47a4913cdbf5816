//! The way of a ticket from its opening to its end, and what each step of it needs (R13, R20, R23 to R33, R37).
//!
//! A ticket stands in one stage of its kind. `advance` says what a step makes of it, or why it can't be made; the store
//! writes it down, with who and when. Nothing is skipped: what is not in the table of `stages` is refused.
//!
//! - `stages`: the stages and steps of each kind.
//! - `sheet`: what the work sheet says of a repair (R29).

mod sheet;
mod stages;

pub use sheet::WorkSheet;
pub use stages::{Edge, Need, edges, is_stage};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clocks::ClockKey;
use super::report::table::Both;
use super::ticket::{Kind, Urgency};
use super::told::Told;
use super::words::words;

/// What a complaint is (R32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    Valid,
    /// It seeks help, asks, suggests or vents.
    Communicative,
}

words!(Nature { Valid => "valid", Communicative => "communicative" });

/// What the customer says of the result (R37).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Satisfaction {
    Satisfied,
    NotSatisfied,
}

words!(Satisfaction { Satisfied => "satisfied", NotSatisfied => "not_satisfied" });

/// How it is with a price that is not in the list (R27, R28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// The engineering supervisor judges feasibility and cost.
    Requested,
    /// The customer was told it.
    Told,
    Accepted,
    Refused,
}

words!(Quote { Requested => "requested", Told => "told", Accepted => "accepted", Refused => "refused" });

/// What is known of a ticket as a step is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub kind: Kind,
    pub urgency: Option<Urgency>,
    pub stage: String,
    pub closed: bool,
    pub quote: Option<Quote>,
    pub engineer: Option<String>,
    /// Of a complaint: somebody was named who is responsible for it.
    pub assigned: bool,
    /// What its acceptance waits for: `rain` (R30).
    pub awaiting: Option<String>,
    /// Since when a clock of it is overdue, where the customer was not told since why and by when (R36).
    pub overdue_untold: Option<DateTime<Utc>>,
}

/// A step that somebody wants to make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// The stage that it leads to.
    pub to: String,
    pub note: Option<String>,
    /// Extension or name of whoever is sent, or takes it.
    pub engineer: Option<String>,
    pub price_cents: Option<i64>,
    /// Whether the customer agrees to the price (R28).
    pub consent: Option<bool>,
    pub nature: Option<Nature>,
    pub responsible: Option<String>,
    pub satisfaction: Option<Satisfaction>,
    #[serde(default)]
    pub sheet: WorkSheet,
}

impl Advance {
    pub fn to(stage: &str) -> Self {
        Self { to: stage.to_owned(), ..Self::default() }
    }

    pub fn with_note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }

    pub fn by_engineer(self, engineer: &str) -> Self {
        Self { engineer: Some(engineer.to_owned()), ..self }
    }
}

/// What a step makes of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub stage: &'static str,
    /// Its word in the history.
    pub event: &'static str,
    pub closes: bool,
    /// It is begun again: its clocks too.
    pub reopens: bool,
    /// Clocks whose promise is kept with it.
    pub meets: Vec<&'static str>,
    /// Clocks whose promise was not kept after all: the customer does not accept the work (R30).
    pub takes_back: &'static [&'static str],
    /// Clocks that begin with it.
    pub starts: Vec<ClockKey>,
    pub quote: Option<Quote>,
}

/// Why a step can't be made, and what can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a {kind} has no stage `{to}`; from `{from}` it goes on to {next}")]
    NoStage { kind: Kind, from: String, to: String, next: String },
    #[error("a {kind} does not go from `{from}` to `{to}`; it goes on to {next}")]
    NoWay { kind: Kind, from: String, to: String, next: String },
    #[error("{}", .0.en)]
    Needs(Both),
    #[error(
        "it has been overdue since {}: tell the customer why and by when first, and note it (R36: `frontdesk tickets progress`)",
        .0.format("%Y-%m-%d %H:%M UTC")
    )]
    Untold(DateTime<Utc>),
}

impl Refusal {
    /// For people, who read times in the desk's own zone.
    pub fn told(&self, time_zone: Tz) -> Told {
        let zh = match self {
            Refusal::NoStage { .. } | Refusal::NoWay { .. } => {
                "这张工单现在不能办这一步，可能已有人办过：请刷新后再看".to_owned()
            }
            Refusal::Needs(what) => what.zh.to_owned(),
            Refusal::Untold(since) => {
                let since = since.with_timezone(&time_zone).format("%Y-%m-%d %H:%M");
                format!("已自 {since} 起超时：请先告知客户原因和期限，并记录“告知进展”（R36）")
            }
        };
        Told::new(zh, self.to_string())
    }
}

/// What a step makes of a ticket, or why it can't be made.
pub fn advance(standing: &Standing, step: &Advance) -> Result<Move, Refusal> {
    let (kind, from) = (standing.kind, standing.stage.as_str());
    let Some(edge) = edges(kind).find(|edge| edge.from == from && edge.to == step.to) else {
        let (from, to, next) = (from.to_owned(), step.to.clone(), next_of(kind, from));
        let known = is_stage(kind, &step.to);
        return Err(if known {
            Refusal::NoWay { kind, from, to, next }
        } else {
            Refusal::NoStage { kind, from, to, next }
        });
    };
    for need in edge.needs {
        need.check(standing, step)?;
    }
    edge.check_what_is_said(step)?;
    if edge.to == "repaired" && standing.quote.is_some_and(|quote| quote != Quote::Accepted) {
        return Err(Refusal::Needs(Both::new(
            "先报价并得到客户同意再施工（R28）：请先办“报价”",
            "the price is to be told and accepted before work is done (R28): go to `quoted` first",
        )));
    }
    // Who says whether they are satisfied has been spoken to.
    let is_asked = edge.needs.contains(&Need::Satisfaction);
    if let Some(since) = standing.overdue_untold.filter(|_| kind == Kind::Complaint && !is_asked) {
        return Err(Refusal::Untold(since));
    }
    if step.satisfaction == Some(Satisfaction::NotSatisfied) && is_asked {
        return Ok(begun_again(standing, "reopened_not_satisfied"));
    }
    if edge.reopens {
        return Ok(begun_again(standing, edge.event));
    }
    Ok(Move {
        stage: edge.to,
        event: edge.event,
        closes: edge.closes,
        reopens: false,
        meets: met_by(kind, from, edge.to),
        takes_back: if (kind, from, edge.to) == (Kind::Repair, "repaired", "on_site") { &["repaired"] } else { &[] },
        starts: started_by(kind, edge.to),
        quote: quote_after(edge, step),
    })
}

/// Where a ticket that is begun again stands: with the work itself, not with what led to it. A complaint that never came so
/// far, as it was taken back before, skips nothing (R33).
fn begun_again(standing: &Standing, event: &'static str) -> Move {
    let (kind, from) = (standing.kind, standing.stage.as_str());
    let (stage, starts): (_, &[ClockKey]) = match kind {
        Kind::Repair => ("reported", &[]),
        Kind::Complaint if standing.assigned => ("handle", &[ClockKey::Handle, ClockKey::ComplaintReply]),
        Kind::Complaint => ("receive", &[ClockKey::Receive, ClockKey::ComplaintReply]),
        Kind::Inquiry | Kind::Help => ("received", &[ClockKey::Reply]),
    };
    let meets = met_by_leaving(kind, from).into_iter().collect();
    Move { stage, event, closes: false, reopens: true, meets, takes_back: &[], starts: starts.to_vec(), quote: None }
}

/// The stages that a ticket goes on to, for people: `dispatched, accepted`.
pub fn next_of(kind: Kind, from: &str) -> String {
    let next: Vec<&str> = edges(kind).filter(|edge| edge.from == from).map(|edge| edge.to).collect();
    if next.is_empty() { "none".to_owned() } else { next.join(", ") }
}

/// Whether a ticket that stands in this stage has kept that promise by its way there.
pub fn is_kept_by(kind: Kind, stage: &str, clock: &str) -> bool {
    let before: &[&str] = match (kind, clock) {
        (Kind::Repair, "on_site") => &["reported", "dispatched", "accepted", "quoted"],
        (Kind::Repair, "repaired") => &["reported", "dispatched", "accepted", "quoted", "on_site"],
        _ => return false,
    };
    !before.contains(&stage)
}

fn met_by(kind: Kind, from: &str, to: &str) -> Vec<&'static str> {
    let mut met: Vec<&'static str> = match (kind, to) {
        (Kind::Repair, "on_site") => vec!["on_site"],
        (Kind::Repair, "quoted") => vec!["quote"],
        (Kind::Repair, "repaired") => vec!["on_site", "repaired"],
        (Kind::Inquiry, "answered" | "closed") | (Kind::Help, "attended" | "resolved" | "closed") => vec!["reply"],
        (Kind::Complaint, "sum_up") => vec!["reply"],
        _ => Vec::new(),
    };
    met.extend(met_by_leaving(kind, from));
    met
}

/// A complaint's stage is over in time, whatever comes next.
fn met_by_leaving(kind: Kind, from: &str) -> Option<&'static str> {
    ClockKey::of_stage(from).filter(|_| kind == Kind::Complaint).map(ClockKey::name)
}

fn started_by(kind: Kind, to: &str) -> Vec<ClockKey> {
    if kind == Kind::Complaint { ClockKey::of_stage(to).into_iter().collect() } else { Vec::new() }
}

fn quote_after(edge: &Edge, step: &Advance) -> Option<Quote> {
    match (edge.from, edge.to, step.consent) {
        (_, "quoted", _) => Some(Quote::Told),
        ("quoted", "closed", _) => Some(Quote::Refused),
        ("quoted", _, Some(true)) => Some(Quote::Accepted),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
