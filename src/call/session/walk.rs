//! The flow's side of a call: its outputs are carried out, its inputs are brought.

use super::{Hands, PATH_MAX, PinClaim, Session};
use crate::call::events::What;
use crate::call::io::Output;
use crate::call::pin_locks::Holder;
use crate::desk::call_record::PathStep;
use crate::desk::request::{DeskReply, DeskRequest, Done, RequestId};
use crate::flow::io::{Finish, Input as FlowInput, Output as FlowOutput};
use crate::media::io::MediaCommand;
use crate::types::Redacted;

impl Session {
    pub fn desk_reply(&mut self, hands: &mut Hands<'_>, reply: DeskReply) {
        match &reply.result {
            Ok(Done::TicketOpened(number)) => {
                self.record.tickets.push(number.clone());
                let kind = self.opening.take_if(|(id, _)| *id == reply.id).map(|(_, kind)| kind);
                self.tell(hands, What::TicketOpened { number: number.clone(), kind });
            }
            Ok(Done::MessageOpened(message)) => {
                self.record.messages.push(*message);
                self.tell(hands, What::MessageOpened { message: *message });
            }
            Ok(
                Done::Changed
                | Done::MessageChanged(_)
                | Done::Messages { .. }
                | Done::Waiting(_)
                | Done::Homes(_)
                | Done::OpenRepair(_)
                | Done::Work(_),
            ) => {}
            Err(error) => self.tell(hands, What::StoreFailed { error: error.to_string() }),
        }
        self.result_replied(&reply);
        self.drive(hands, FlowInput::Desk(reply));
        self.finalize_when_done(hands);
    }

    pub(super) fn drive(&mut self, hands: &mut Hands<'_>, input: FlowInput) {
        self.feedback.push_back(input);
        self.drain_feedback(hands);
    }

    pub(super) fn drain_feedback(&mut self, hands: &mut Hands<'_>) {
        while let Some(input) = self.feedback.pop_front() {
            if self.finish.is_some() {
                self.feedback.clear();
                return;
            }
            self.flow.handle_input(hands.now, input);
            self.obey(hands);
        }
    }

    /// Carries out what the flow asks for until it waits or is finished.
    pub(super) fn obey(&mut self, hands: &mut Hands<'_>) {
        loop {
            match self.flow.poll_output() {
                FlowOutput::Play { token, say, lang } => self.play(hands, token, &say, &lang),
                FlowOutput::PlayLoop { say, lang } => self.play_loop(hands, &say, &lang),
                FlowOutput::Search { id, whom, whisper, wait_max_s } => {
                    self.search(hands, id, whom, whisper, wait_max_s);
                }
                FlowOutput::StopSearch { keeps_place, .. } => {
                    self.reach.stop(hands);
                    self.nobody_took_it(hands);
                    if !keeps_place {
                        hands.board.leave_queue(self.record.id);
                    }
                }
                FlowOutput::LeaveQueue => hands.board.leave_queue(self.record.id),
                FlowOutput::RingOn { brief, .. } => self.ring_on(hands, brief),
                FlowOutput::CallBack { strategy, whisper, brief } => {
                    self.keep_call_back(hands, strategy, whisper, brief);
                }
                FlowOutput::StopPlay => {
                    self.playback.clear();
                    (self.playing, self.looping) = (None, None);
                    self.command(hands, MediaCommand::StopPlay);
                }
                FlowOutput::Record { token, spec } => self.start_recording(hands, token, spec),
                FlowOutput::StopRecord => self.command(hands, MediaCommand::StopRecord),
                FlowOutput::Find { id, digits } => {
                    let matches = self.service.find(&digits, &hands.board.presences, hands.now);
                    self.feedback.push_back(FlowInput::Found { id, matches });
                }
                FlowOutput::CheckPin { id, extension, pin } => self.check_pin(hands, id, extension, pin),
                FlowOutput::Desk(request) => {
                    if let DeskRequest::OpenTicket { id, draft } = &request {
                        self.opening = Some((*id, draft.kind));
                    }
                    hands.out.push_back(Output::Desk { call: self.record.id, request });
                }
                FlowOutput::Errand { id, result } => self.keep_result(hands, id, result),
                FlowOutput::Comment(recording) => self.keep_comment(hands, recording),
                FlowOutput::Step { node, input } => self.step(hands, node, input),
                FlowOutput::Finished(_) if self.tries_next_place(hands) => return,
                FlowOutput::Finished(finish) => {
                    self.finish = Some(finish);
                    let reason = if finish == Finish::NotSaved { "not_saved" } else { "flow_ended" };
                    self.hang_up(hands, reason, None);
                    self.finalize_when_done(hands);
                    return;
                }
                FlowOutput::Wait(at) => {
                    self.flow_wait = at;
                    return;
                }
            }
        }
    }

    pub(super) fn check_pin(&mut self, hands: &mut Hands<'_>, id: RequestId, extension: String, pin: Redacted<String>) {
        let hash = self.service.person(&extension).and_then(|person| person.pin.clone());
        self.pin = Some((id, extension));
        hands.out.push_back(Output::CheckPin { call: self.record.id, id, hash, pin });
    }

    /// Whose PIN was checked, and who keyed it.
    pub fn pin_claim(&mut self, id: RequestId) -> Option<PinClaim> {
        let (_, extension) = self.pin.take_if(|(asked, _)| *asked == id)?;
        let caller = Holder::Caller { source: self.source.ip(), number: self.record.caller.clone() };
        Some(PinClaim { known: self.service.person(&extension).is_some(), extension, caller })
    }

    pub fn pin_checked(&mut self, hands: &mut Hands<'_>, id: RequestId, right: Option<bool>) {
        self.drive(hands, FlowInput::PinChecked { id, right });
    }

    pub(super) fn step(&mut self, hands: &mut Hands<'_>, node: String, input: Option<String>) {
        if input.is_none() {
            self.node_since = hands.now.mono;
            self.tell(hands, What::Node { node: node.clone() });
        }
        if self.record.path.len() < PATH_MAX {
            let at_ms = self.answered.map_or(0, |at| hands.now.mono.ms_since(at));
            self.record.path.push(PathStep { at_ms, node, input });
        }
    }

    pub(super) fn flow_started(&self) -> bool {
        !self.record.path.is_empty()
    }
}
