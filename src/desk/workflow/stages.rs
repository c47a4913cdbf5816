//! The stages of each kind of ticket, and the steps that lead from one to another. One table: what is not in it is refused.

use super::sheet::CENTS_MAX;
use super::{Advance, Refusal, Standing};
use crate::desk::report::table::Both;
use crate::desk::ticket::Kind;

/// What a step must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What was done, found or agreed, or why.
    Note,
    /// Who is sent; where nobody is named, whoever it was before.
    Engineer,
    Price,
    /// The customer's yes to the price (R28).
    Consent,
    Nature,
    Responsible,
    Satisfaction,
    /// A leak is repaired when the next rain leaves none: the note says so (R30).
    Rain,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub kind: Kind,
    pub from: &'static str,
    pub to: &'static str,
    /// Its word in the history.
    pub event: &'static str,
    pub needs: &'static [Need],
    pub closes: bool,
    pub reopens: bool,
}

const fn edge(kind: Kind, from: &'static str, to: &'static str, event: &'static str, needs: &'static [Need]) -> Edge {
    Edge { kind, from, to, event, needs, closes: false, reopens: false }
}

const fn end(kind: Kind, from: &'static str, to: &'static str, needs: &'static [Need]) -> Edge {
    Edge { kind, from, to, event: "closed", needs, closes: true, reopens: false }
}

const fn again(kind: Kind, from: &'static str, to: &'static str) -> Edge {
    Edge { kind, from, to, event: "reopened", needs: &[Need::Note], closes: false, reopens: true }
}

use Kind::{Complaint, Help, Inquiry, Repair};
use Need::{Consent, Engineer, Nature, Note, Price, Rain, Responsible, Satisfaction};

const EDGES: &[Edge] = &[
    // A repair (R23 to R30).
    edge(Repair, "reported", "dispatched", "dispatched", &[Engineer]),
    edge(Repair, "reported", "accepted", "accepted", &[Engineer]),
    edge(Repair, "dispatched", "dispatched", "dispatched", &[Engineer]),
    edge(Repair, "dispatched", "accepted", "accepted", &[Engineer]),
    edge(Repair, "dispatched", "reported", "passed_on", &[Note]),
    edge(Repair, "accepted", "dispatched", "dispatched", &[Engineer, Note]),
    edge(Repair, "accepted", "quoted", "quoted", &[Price]),
    edge(Repair, "accepted", "on_site", "on_site", &[]),
    edge(Repair, "on_site", "dispatched", "dispatched", &[Engineer, Note]),
    edge(Repair, "on_site", "quoted", "quoted", &[Price]),
    edge(Repair, "on_site", "repaired", "repaired", &[]),
    edge(Repair, "quoted", "accepted", "quote_accepted", &[Consent]),
    edge(Repair, "quoted", "on_site", "quote_accepted", &[Consent]),
    end(Repair, "quoted", "closed", &[Note]),
    edge(Repair, "repaired", "accepted_by_customer", "accepted_by_customer", &[Rain]),
    edge(Repair, "repaired", "on_site", "not_accepted", &[Note]),
    edge(Repair, "accepted_by_customer", "followed_up", "followed_up", &[Satisfaction]),
    end(Repair, "accepted_by_customer", "closed", &[Note]),
    end(Repair, "followed_up", "closed", &[]),
    again(Repair, "closed", "reported"),
    // A complaint: its eight stages (R33). The note says what came of the stage that it leaves.
    edge(Complaint, "receive", "judge", "judging", &[Note]),
    edge(Complaint, "judge", "analyse", "judged", &[Note, Nature]),
    edge(Complaint, "analyse", "assign", "analysed", &[Note]),
    edge(Complaint, "assign", "handle", "assigned", &[Note, Responsible]),
    edge(Complaint, "handle", "follow_up", "handled", &[Note]),
    edge(Complaint, "follow_up", "sum_up", "followed_up", &[Note, Satisfaction]),
    Edge { event: "archived", ..end(Complaint, "sum_up", "archive", &[Note]) },
    again(Complaint, "archive", "handle"),
    // An inquiry: answered at once, or within its five minutes (R19).
    edge(Inquiry, "received", "answered", "answered", &[Note]),
    end(Inquiry, "received", "closed", &[Note]),
    end(Inquiry, "answered", "closed", &[]),
    again(Inquiry, "closed", "received"),
    // A request for help (R18).
    edge(Help, "received", "attended", "attended", &[]),
    edge(Help, "received", "resolved", "resolved", &[Note]),
    edge(Help, "attended", "resolved", "resolved", &[Note]),
    end(Help, "received", "closed", &[Note]),
    end(Help, "attended", "closed", &[Note]),
    end(Help, "resolved", "closed", &[]),
    again(Help, "closed", "received"),
];

/// The steps of a kind.
pub fn edges(kind: Kind) -> impl Iterator<Item = &'static Edge> {
    EDGES.iter().filter(move |edge| edge.kind == kind)
}

pub fn is_stage(kind: Kind, stage: &str) -> bool {
    edges(kind).any(|edge| edge.from == stage || edge.to == stage)
}

impl Edge {
    /// Refuses what belongs to another step: it would be written over what was said there.
    pub(super) fn check_what_is_said(&self, step: &Advance) -> Result<(), Refusal> {
        let takes = |need| self.needs.contains(&need);
        let others = [
            (
                step.price_cents.is_some() && !takes(Price),
                Both::new("报价只在“报价”这一步填写（R28）", "a price is told by the step to `quoted` alone (R28)"),
            ),
            (
                step.nature.is_some() && self.kind != Complaint,
                Both::new("只有投诉才分有效与沟通（R32）", "only a complaint has a nature (R32)"),
            ),
            (
                step.satisfaction.is_some() && !takes(Satisfaction),
                Both::new(
                    "满意与否只在回访这一步填写（R37）",
                    "whether the customer is satisfied is said by the step that follows it up alone (R37)",
                ),
            ),
        ];
        match others.iter().find(|(is_others, _)| *is_others) {
            Some((_, why)) => Err(Refusal::Needs(*why)),
            None => Ok(()),
        }
    }
}

impl Need {
    /// Whether the step says what is needed.
    pub(super) fn check(self, standing: &Standing, step: &Advance) -> Result<(), Refusal> {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        let (there, why) = match self {
            Note => (
                said(&step.note),
                Both::new(
                    "请填写说明：做了什么、发现了什么、商定了什么，或原因",
                    "a note is needed: what was done, found or agreed, or why",
                ),
            ),
            Engineer => (
                said(&step.engineer) || said(&standing.engineer),
                Both::new("请选择派出或接单的维修工程师", "name the engineer who is sent or takes it"),
            ),
            Price => (
                step.price_cents.is_some_and(|price| (0..=CENTS_MAX).contains(&price)),
                Both::new("请填写报价（R28），零至一千万", "the price is needed (R28), from zero to ten million"),
            ),
            Consent => (
                step.consent == Some(true),
                Both::new(
                    "客户同意报价后才能继续（R28）；不同意的，请写明原因后关闭工单",
                    "the customer's consent to the price is needed before work goes on (R28); without it close the \
                     ticket with a note that says why",
                ),
            ),
            Nature => (
                step.nature.is_some(),
                Both::new(
                    "请判断是有效投诉还是沟通性投诉（R32）",
                    "say whether the complaint is valid or communicative (R32)",
                ),
            ),
            Responsible => (said(&step.responsible), Both::new("请填写责任人", "name who is responsible")),
            Satisfaction => (
                step.satisfaction.is_some(),
                Both::new("请填写客户是否满意（R37）", "say whether the customer is satisfied (R37)"),
            ),
            Rain => (
                standing.awaiting.is_none() || said(&step.note),
                Both::new(
                    "漏水要等下一场雨后不再漏才算验收（R30）：请写明是哪一场雨",
                    "a leak is accepted when the next rain has left none (R30): note when that was",
                ),
            ),
        };
        if there { Ok(()) } else { Err(Refusal::Needs(why)) }
    }
}
