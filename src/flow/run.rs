//! One caller's way through the flow: `handle_input`, then `poll_output` until `Wait` or `Finished`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::compile::Flow;
use super::io::{Finish, Input, Output, RecordSpec, Say};
use super::line::{Exit, Gone, Line, State, Subject};
use super::steps::Nature;
use crate::desk::errand::Errand;
use crate::types::{CallId, Lang, Now};

/// Nodes that a flow goes through without a key of the caller, before it ends politely: more than any sane flow has
/// between two questions.
pub const HOPS_MAX: u32 = 64;

/// What is known of a caller when the flow begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerInfo {
    pub call: CallId,
    /// The user part that was called, without a scheme or host; empty when the INVITE named none.
    pub callee: String,
    /// As it was sent: a number or a SIP user; `None` when withheld.
    pub number: Option<String>,
    pub name: Option<String>,
    /// The configured languages, the caller's first one first.
    pub languages: Vec<Lang>,
    /// The desk's limits of a recording; nodes may differ.
    pub record: RecordSpec,
    /// Whether they are told before the first recording that what they say is recorded (R12).
    pub recording_notice: bool,
}

impl CallerInfo {
    /// The number that the caller can be called back at, if it was sent.
    pub fn callable_number(&self) -> Option<String> {
        let withheld =
            |n: &str| n.trim().is_empty() || ["anonymous", "unknown", "unavailable", "restricted"].contains(&n);
        self.number.clone().filter(|n| !withheld(&n.to_ascii_lowercase()))
    }
}

/// One run of a flow. After `Output::Finished` every input is ignored.
pub struct FlowRun {
    line: Line,
    way: Option<Pin<Box<dyn Future<Output = Finish> + Send>>>,
}

impl FlowRun {
    pub fn new(flow: Arc<Flow>, caller: CallerInfo) -> Self {
        let epoch = Now { mono: crate::types::Mono::default(), wall: chrono::DateTime::UNIX_EPOCH };
        let begin = flow.entry(&caller.callee).to_owned();
        let line = Line::new(State::new(epoch, caller, begin), flow);
        Self { way: Some(Box::pin(walk(line.clone()))), line }
    }

    /// For somebody whom the desk calls; `None` where the flow has no beginning for it.
    pub fn on_errand(flow: Arc<Flow>, called: CallerInfo, errand: &Errand) -> Option<Self> {
        let begin = flow.errand(errand.kind, errand.ticket.is_none())?.to_owned();
        let mut run = Self::new(flow, called);
        {
            let mut state = run.line.state();
            state.node = begin;
            state.facts.building.clone_from(&errand.about.building);
            state.facts.room.clone_from(&errand.about.room);
            let (ticket, note) = (errand.ticket.clone(), errand.note.clone());
            state.subject = Some(Subject { ticket, note, about: errand.about.clone() });
        }
        run.way = Some(Box::pin(walk(run.line.clone())));
        Some(run)
    }

    pub fn handle_input(&mut self, now: Now, input: Input) {
        let Some(way) = &mut self.way else { return };
        {
            let mut state = self.line.state();
            state.take_in(now, input);
            state.wake = None;
        }
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(finish) = way.as_mut().poll(&mut context) {
            self.way = None;
            self.line.state().out.push_back(Output::Finished(finish));
        }
    }

    /// To be drained until `Wait` or `Finished` after each input.
    pub fn poll_output(&mut self) -> Output {
        let mut state = self.line.state();
        let wake = state.wake.filter(|_| self.way.is_some());
        state.out.pop_front().unwrap_or(Output::Wait(wake))
    }

    /// What those hear whom the caller is handed to by somebody of the staff.
    pub fn announcement(&self) -> Vec<Say> {
        self.line.sounds(&self.line.flow.phrases().announcement).1
    }

    /// The node that the caller is at.
    pub fn node(&self) -> String {
        self.line.state().node.clone()
    }
}

impl fmt::Debug for FlowRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowRun").field("node", &self.node()).field("finished", &self.way.is_none()).finish()
    }
}

/// From the answer to the end, node by node.
async fn walk(line: Line) -> Finish {
    let begun = line.until(|state| {
        if state.hung_up_at.is_some() {
            Ok(false)
        } else if state.started {
            Ok(true)
        } else {
            Err(None)
        }
    });
    if begun.await {
        if line.state().subject.is_none() && line.flow.knows_callers() {
            line.look_up_homes();
        }
        walk_nodes(&line).await;
    }
    close(&line).await
}

async fn walk_nodes(line: &Line) {
    let mut levels: Vec<String> = Vec::new();
    let mut node = line.state().node.clone();
    let mut hops = 0;
    let mut pressed = 0;
    while let Some(step) = line.flow.step(&node) {
        hops += 1;
        {
            let mut state = line.state();
            if state.pressed != pressed {
                (pressed, hops) = (state.pressed, 0);
            }
            state.node.clone_from(&node);
            state.asked = false;
            state.step(None);
        }
        if hops > HOPS_MAX {
            return apologise(line).await;
        }
        // Where the caller comes to a level that is already open, those inside it are left.
        if let Some(depth) = levels.iter().position(|l| *l == node) {
            levels.truncate(depth);
        }
        let nature = step.nature();
        match step.walk(line.clone()).await {
            Ok(Exit::To(next)) => {
                if matches!(nature, Nature::Level | Nature::Menu) && line.state().asked {
                    levels.push(node);
                }
                if nature == Nature::Landmark {
                    levels.truncate(1);
                }
                node = next;
            }
            Ok(Exit::Back) => node = levels.pop().unwrap_or(node),
            Ok(Exit::End) => return,
            Err(Gone) => return serve_the_gone(line, node).await,
        }
    }
    apologise(line).await;
}

/// A caller who hangs up, as told, to call the ambulance is rung for all the same (R18).
async fn serve_the_gone(line: &Line, mut node: String) {
    for _ in 0..HOPS_MAX {
        let step = line.flow.step(&node);
        let Some(next) = step.and_then(|step| step.leads_the_gone().map(|to| to.get_ref().clone())) else { return };
        node = next;
        if let Some(step) = line.flow.step(&node).filter(|step| step.serves_the_gone()) {
            {
                let mut state = line.state();
                state.node.clone_from(&node);
                state.step(None);
            }
            // It finds the caller gone, and says so.
            let _ = step.walk(line.clone()).await;
            return;
        }
    }
}

/// Never a bare hang-up (R7).
async fn apologise(line: &Line) {
    let sorry = line.prompt(&line.flow.phrases().trouble);
    // Whether it was heard to its end makes no difference any more.
    let _ = line.insist(&[(line.lang(), vec![sorry])], false).await;
}

/// Leaves nothing half-written behind, and says what came of the call.
async fn close(line: &Line) -> Finish {
    line.close_papers().await;
    let mut state = line.state();
    state.stop_play();
    if state.talked {
        Finish::Transferred
    } else if state.papers.any_ticket() {
        Finish::Ticket
    } else if state.papers.any_message() {
        Finish::Voicemail
    } else if state.papers.any_unsaved() {
        Finish::NotSaved
    } else if state.hung_up_at.is_some() && !state.served {
        Finish::Abandoned
    } else {
        Finish::Completed
    }
}
