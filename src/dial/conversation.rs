//! The caller's part once the line has answered: presses, waits, speaks, and hangs up when there is nothing left to do.

use std::collections::VecDeque;
use std::time::Duration;

use super::script::Action;
use crate::types::{Digit, Mono};

/// From one key press to the next: 100 ms of tone, then a gap.
const PRESS_EVERY: Duration = Duration::from_millis(220);
/// A prompt is over after this much silence: longer than a speaker's pause between two sentences.
const PROMPT_END: Duration = Duration::from_millis(1000);
/// Sound shorter than this is no prompt (a click).
const PROMPT_MIN: Duration = Duration::from_millis(150);
/// If nothing is heard for so long, the script goes on.
const PROMPT_PATIENCE: Duration = Duration::from_secs(20);
/// After the script's end and this much silence the caller hangs up, unless a time was given.
const SILENCE_BEFORE_HANG_UP: Duration = Duration::from_secs(10);

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Press(Digit),
    Say,
    HangUp,
    /// Nothing before this time, unless something is heard.
    Wait(Mono),
}

#[derive(Debug)]
enum State {
    Ready { at: Mono },
    Listening { since: Mono, heard: Duration },
    Speaking,
    Done { since: Mono },
}

/// See the module. `Mono` times are those of the caller's own clock.
#[derive(Debug)]
pub struct Conversation {
    actions: VecDeque<Action>,
    state: State,
    answered: Mono,
    hang_up_after: Option<Duration>,
    last_sound: Mono,
}

impl Conversation {
    /// Begins when the line has answered. `hang_up_after` counts from there.
    pub fn new(answered: Mono, actions: Vec<Action>, hang_up_after: Option<Duration>) -> Self {
        Self {
            actions: actions.into(),
            state: State::Ready { at: answered + Duration::from_millis(200) },
            answered,
            hang_up_after,
            last_sound: answered,
        }
    }

    /// A piece of what the line said, and whether there was any sound in it.
    pub fn heard(&mut self, now: Mono, piece: Duration, sound: bool) {
        if !sound {
            return;
        }
        self.last_sound = now;
        if let State::Listening { heard, .. } = &mut self.state {
            *heard += piece;
        }
    }

    /// The file of `--say` was spoken to its end.
    pub fn said(&mut self, now: Mono) {
        if matches!(self.state, State::Speaking) {
            self.state = State::Ready { at: now + PRESS_EVERY };
        }
    }

    /// Call until it says `Wait`.
    pub fn next(&mut self, now: Mono) -> Step {
        if let Some(limit) = self.hang_up_after
            && self.answered + limit <= now
        {
            return Step::HangUp;
        }
        match self.state {
            State::Ready { at } if at > now => self.wait(at),
            State::Ready { .. } => self.act(now),
            State::Listening { since, heard } => {
                let over = heard >= PROMPT_MIN && self.last_sound + PROMPT_END <= now;
                if over || since + PROMPT_PATIENCE <= now && self.last_sound + PROMPT_END <= now {
                    self.state = State::Ready { at: now };
                    return self.act(now);
                }
                self.wait(now + Duration::from_millis(50))
            }
            State::Speaking => self.wait(now + Duration::from_secs(1)),
            State::Done { since } => {
                let quiet_since = self.last_sound.max(since);
                if self.hang_up_after.is_none() && quiet_since + SILENCE_BEFORE_HANG_UP <= now {
                    return Step::HangUp;
                }
                self.wait(quiet_since + SILENCE_BEFORE_HANG_UP)
            }
        }
    }

    fn act(&mut self, now: Mono) -> Step {
        match self.actions.pop_front() {
            Some(Action::Press(digit)) => {
                self.state = State::Ready { at: now + PRESS_EVERY };
                Step::Press(digit)
            }
            Some(Action::Wait) => {
                let at = now + Duration::from_secs(1);
                self.state = State::Ready { at };
                self.wait(at)
            }
            Some(Action::PromptEnd) => {
                self.state = State::Listening { since: now, heard: Duration::ZERO };
                self.wait(now + Duration::from_millis(50))
            }
            Some(Action::Say) => {
                self.state = State::Speaking;
                Step::Say
            }
            None => {
                self.state = State::Done { since: now };
                self.wait(now + SILENCE_BEFORE_HANG_UP)
            }
        }
    }

    fn wait(&self, at: Mono) -> Step {
        let limit = self.hang_up_after.map(|limit| self.answered + limit);
        Step::Wait(limit.map_or(at, |limit| limit.min(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::script::parse;

    /// Runs to the end in steps of 10 ms; sound is heard within the given times (ms). Returns what was done, with times.
    fn run(keys: &str, say: bool, hang_up_after_s: Option<u64>, sound: &[(u64, u64)]) -> Vec<(u64, Step)> {
        let actions = parse(keys, say).expect("a good script");
        let mut talk = Conversation::new(Mono(0), actions, hang_up_after_s.map(Duration::from_secs));
        let mut done = Vec::new();
        for ms in (0..120_000).step_by(10) {
            let now = Mono::from_millis(ms);
            let loud = sound.iter().any(|(from, to)| (*from..*to).contains(&ms));
            talk.heard(now, Duration::from_millis(10), loud);
            loop {
                match talk.next(now) {
                    Step::Wait(_) => break,
                    Step::HangUp => {
                        done.push((ms, Step::HangUp));
                        return done;
                    }
                    step => {
                        done.push((ms, step));
                        if step == Step::Say {
                            talk.said(now);
                        }
                    }
                }
            }
        }
        panic!("never hung up: {done:?}");
    }

    fn press(c: char) -> Step {
        Step::Press(Digit::from_char(c).expect("a key"))
    }

    #[test]
    fn presses_with_gaps_then_waits_for_silence() {
        let done = run("1,w2", false, None, &[(0, 5000)]);
        assert_eq!(done, [(200, press('1')), (1420, press('2')), (14_990, Step::HangUp)]);
    }

    #[test]
    fn p_waits_for_the_end_of_what_is_said_and_not_for_a_pause_in_it() {
        let done = run("p,5", false, Some(30), &[(500, 3000), (3600, 6000)]);
        assert_eq!(done, [(6990, press('5')), (30_000, Step::HangUp)]);
    }

    #[test]
    fn a_line_that_says_nothing_does_not_hold_the_script_for_ever() {
        let done = run("p,5", false, None, &[]);
        assert_eq!(done[0], (20_200, press('5')));
    }

    #[test]
    fn speaks_after_the_prompt() {
        let done = run("1", true, Some(60), &[(300, 2000)]);
        assert_eq!(done[1], (2990, Step::Say));
    }
}
