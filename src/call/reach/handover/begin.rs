//! How a handover begins: a telephone's REFER, a code on the keypad, a caller who was forgotten.

use super::super::codes::Pressed;
use super::super::search::Search;
use super::super::talk::Talk;
use super::super::visitor::Visitor;
use super::super::whom::meant;
use super::super::{Caller, News, Plan, Reach, Whisper};
use super::{Handover, PARK, PARKED_MAX, Stage, announcement, unasked};
use crate::call::session::Hands;
use crate::desk::request::RequestId;
use crate::flow::io::{Parted, Say};
use crate::sip::user_agent::{LegId, ReferRequest};

impl Reach {
    /// A telephone asks that its caller be transferred.
    pub fn refer(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: LegId, refer: &ReferRequest) {
        let progress = |h: &mut Hands<'_>, status: u16, reason: &str| {
            // Whoever hung up meanwhile is not told.
            let _ = h.ua.refer_progress(h.now.mono, leg, status, reason);
        };
        if !self.talk.as_ref().is_some_and(|talk| talk.is(leg)) {
            return progress(h, 603, "Decline");
        }
        if let Some(replaces) = &refer.replaces
            && let Some(other) = h.ua.leg_of(replaces)
        {
            if !self.visits(other) {
                return progress(h, 481, "Call Does Not Exist");
            }
            progress(h, 200, "OK");
            return self.put_together(h, caller);
        }
        if self.handover.is_some() {
            return progress(h, 491, "Request Pending");
        }
        let user = refer.target.user.as_deref().unwrap_or_default();
        if refer.replaces.is_none() && user.eq_ignore_ascii_case(PARK) {
            if self.talk.as_ref().is_some_and(|talk| talk.is_held()) {
                // It hears no number on hold; many telephones hold before they transfer.
                progress(h, 200, "OK");
            }
            return self.park(h, caller, Some(leg));
        }
        if refer.replaces.is_none() && user == caller.callee && caller.service.person(user).is_none() {
            progress(h, 200, "OK");
            return self.talk_over(h, Parted::HandedBack);
        }
        let Some(to) = meant(caller.service, h.ua, &refer.target) else {
            return progress(h, 404, "Not Found");
        };
        // One who has talked to the person already has announced the caller.
        let whisper = if refer.replaces.is_some() { unasked(caller) } else { announcement(caller) };
        let plan = Plan::person(to.clone(), refer.replaces.clone());
        self.offer(h, caller, to, plan, whisper, true);
    }

    /// A code was keyed by the one who took the call.
    pub(in crate::call::reach) fn code(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, code: Pressed) {
        // Their second call, if there is one, is overtaken by it.
        self.drop_handover(h);
        match code {
            Pressed::HandBack => self.talk_over(h, Parted::HandedBack),
            Pressed::Transfer(to) | Pressed::Consult(to) if caller.service.person(&to).is_none() => {
                let talk = self.talk.as_ref();
                talk.inspect(|talk| talk.beep(h, caller, 2));
            }
            Pressed::Transfer(to) => {
                let plan = Plan::person(to.clone(), None);
                self.offer(h, caller, to, plan, announcement(caller), false);
            }
            Pressed::Consult(to) => {
                let Some(talk) = self.talk.take() else { return };
                talk.part(h);
                talk.music(h, caller, true);
                self.news.push_back(News::Music { on: true });
                self.ask(h, caller, Some(talk), to, None);
            }
            Pressed::Park => self.park(h, caller, None),
            Pressed::Return | Pressed::Plain(_) | Pressed::Waits => {}
        }
    }

    /// Rings somebody for the caller. Who gave the caller away by keys is free at once.
    pub(super) fn offer(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        to: String,
        plan: Plan,
        whisper: Whisper,
        refer: bool,
    ) {
        let Some(talk) = self.talk.take() else { return };
        let (id, extension) = (talk.id(), talk.extension().to_owned());
        self.news.push_back(News::Music { on: true });
        self.news.push_back(News::HandedOn { from: extension.clone(), to });
        let from = if refer {
            talk.part(h);
            Some(talk)
        } else {
            talk.end(h, &mut self.account);
            None
        };
        self.handover = Some(Box::new(Handover { id, extension, from, stage: Stage::Offered { refer } }));
        self.search = Some(Box::new(Search::new(h.now, id, plan, whisper)));
        self.go_on(h, caller);
    }

    /// Rings somebody for the one who has the caller: `from` when they ask on the line to the caller.
    pub(super) fn ask(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        from: Option<Box<Talk>>,
        to: String,
        visitor: Option<Visitor>,
    ) {
        let Some(talk) = from.as_ref().or(self.talk.as_ref()) else { return };
        let (id, extension) = (talk.id(), talk.extension().to_owned());
        let plan = Plan::person(to.clone(), None);
        self.handover = Some(Box::new(Handover { id, extension, from, stage: Stage::Asking { to, visitor } }));
        self.search = Some(Box::new(Search::new(h.now, id, plan, unasked(caller))));
        self.go_on(h, caller);
    }

    /// `refer`: the leg whose telephone waits to be told.
    pub(super) fn park(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, refer: Option<LegId>) {
        let Some(talk) = self.talk.take() else { return };
        let Some(slot) = h.board.park(self.call) else {
            talk.beep(h, caller, 2);
            self.talk = Some(talk);
            if let Some(leg) = refer {
                let _ = h.ua.refer_progress(h.now.mono, leg, 486, "Busy Here");
            }
            return;
        };
        talk.part(h);
        let (id, extension) = (talk.id(), talk.extension().to_owned());
        self.news.push_back(News::Music { on: true });
        self.news.push_back(News::Parked { extension: extension.clone(), slot });
        // Said twice: there may be no pencil at hand.
        let number = Say::Digits(slot.to_string());
        let pause = Say::Silence { ms: 600 };
        let from = if !talk.is_held() && talk.say(h, caller, &[pause.clone(), number.clone(), pause, number]) {
            Some(talk)
        } else {
            talk.end(h, &mut self.account);
            None
        };
        let stage = Stage::Parked { until: h.now.mono + PARKED_MAX, visitor: None, entered: None };
        self.handover = Some(Box::new(Handover { id, extension, from, stage }));
    }

    /// Rings whoever had the caller; while they hold, on another line than the one that is held.
    pub(super) fn recall(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        id: RequestId,
        extension: String,
        from: Option<Box<Talk>>,
    ) {
        self.news.push_back(News::Recalled { extension: extension.clone() });
        let plan = Plan::person(extension.clone(), None);
        self.handover = Some(Box::new(Handover { id, extension, from, stage: Stage::Recalled }));
        self.search = Some(Box::new(Search::new(h.now, id, plan, announcement(caller))));
        self.go_on(h, caller);
    }

    /// A held caller was forgotten.
    pub(in crate::call::reach) fn forgotten(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        // Whoever asks somebody meanwhile has not forgotten them.
        if self.handover.is_some() {
            return;
        }
        let Some(mut talk) = self.talk.take() else { return };
        talk.times_forgotten += 1;
        let (id, extension) = (talk.id(), talk.extension().to_owned());
        self.recall(h, caller, id, extension, Some(talk));
    }
}
