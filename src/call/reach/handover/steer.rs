//! What is asked for from a screen, by somebody who has the caller or picks them up: the ways of a telephone's REFER and of
//! the keys after a star, without either.

use super::super::codes::Pressed;
use super::super::search::Search;
use super::super::{Caller, News, Plan, Reach};
use super::{Handover, Stage, unasked};
use crate::call::session::Hands;
use crate::desk::live::{Steer, SteerFault};

impl Reach {
    /// `by`: who must have the caller; `None` for whoever has.
    ///
    /// # Errors
    /// Why it can't be done; then nothing has changed.
    pub fn steer(
        &mut self,
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        steer: &Steer,
        by: Option<&str>,
    ) -> Result<(), SteerFault> {
        if let Steer::PickUp { extension } = steer {
            return self.pick_up(h, caller, extension);
        }
        let with = self.talk.as_ref().map(|talk| talk.extension()).ok_or(SteerFault::NoTalk)?;
        if by.is_some_and(|by| by != with) {
            return Err(SteerFault::NotTheirs);
        }
        match steer {
            Steer::Transfer { to } if to == with => return Err(SteerFault::Same),
            Steer::Transfer { to } => {
                let to = is_there(h, caller, to)?;
                self.code(h, caller, Pressed::Transfer(to));
            }
            Steer::Park => {
                self.code(h, caller, Pressed::Park);
                if self.talk.is_some() {
                    return Err(SteerFault::NoPlace);
                }
            }
            Steer::HandBack => self.code(h, caller, Pressed::HandBack),
            Steer::PickUp { .. } => {}
        }
        Ok(())
    }

    /// Rings somebody for a caller who is parked. Who does not lift leaves the caller to whoever parked them.
    fn pick_up(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, extension: &str) -> Result<(), SteerFault> {
        let to = is_there(h, caller, extension)?;
        let parked =
            |handover: &mut Box<Handover>| matches!(handover.stage, Stage::Parked { visitor: None, entered: None, .. });
        let Some(handover) = self.handover.take_if(parked) else { return Err(SteerFault::NotParked) };
        let (id, by) = (handover.id, handover.extension.clone());
        if let Some(talk) = self.let_go(h, *handover) {
            talk.end(h, &mut self.account);
        }
        if by != to {
            self.news.push_back(News::HandedOn { from: by.clone(), to: to.clone() });
        }
        let stage = Stage::Offered { refer: false };
        self.handover = Some(Box::new(Handover { id, extension: by, from: None, stage }));
        self.search = Some(Box::new(Search::new(h.now, id, Plan::person(to, None), unasked(caller))));
        self.go_on(h, caller);
        Ok(())
    }
}

/// Somebody of the directory who is in.
fn is_there(h: &Hands<'_>, caller: &Caller<'_>, extension: &str) -> Result<String, SteerFault> {
    let person = caller.service.person(extension).ok_or(SteerFault::Nobody)?;
    let standing = h.board.presences.of(person, caller.service.time_zone, h.now.wall);
    if standing.is_in() { Ok(person.extension.clone()) } else { Err(SteerFault::Out) }
}
