//! Taking down what the caller says, after the tone (R6).

use std::time::Duration;

use super::ask::{Menu, Pick};
use super::definition::Word;
use super::io::{Output, RecordEnd, RecordSpec, Say};
use super::line::{Gone, Line, RECORD_GRACE, Recorded};
use crate::types::{Digit, Mono};

/// What came of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// At least the least length; also when the caller hung up to end it.
    Said(Recorded),
    /// Shorter than that. What a caller said who hung up meanwhile is here too, to be kept.
    TooShort(Recorded),
    /// It never began or could not be written.
    Failed,
}

/// What is to be taken down, and how.
pub struct Dictation<'a> {
    pub say: &'a [Word],
    pub too_short: &'a [Word],
    /// Said afterwards for 1 keep, 2 again, 3 listen; empty for none.
    pub review: &'a [Word],
    pub spec: RecordSpec,
    pub keep: &'a (dyn Fn(&Recorded, bool) + Sync),
}

impl Line {
    /// Says this, then the tone, then records. A key leads straight to the tone.
    pub async fn take(&self, saying: &[Word], spec: &RecordSpec) -> Result<Taken, Gone> {
        self.notice().await?;
        self.forget_keys();
        let (lang, mut say) = self.sounds(saying);
        self.announce(&[(lang.clone(), say.clone())]).await?;
        self.forget_keys();
        say = vec![Say::Beep];
        self.insist(&[(lang, say)], false).await?;
        self.forget_keys();
        let deadline = self.begin_recording(spec);
        let recorded = self
            .until(|state| {
                let deadline = state.hung_up_at.map_or(deadline, |at| deadline.min(at + RECORD_GRACE));
                match state.recorded.take() {
                    Some(recorded) => Ok(Some(recorded)),
                    None if state.now.mono >= deadline => {
                        state.recording = None;
                        Ok(None)
                    }
                    None => Err(Some(deadline)),
                }
            })
            .await;
        Ok(match recorded {
            None => Taken::Failed,
            Some(r) if r.end == RecordEnd::Failed && r.duration_ms == 0 => Taken::Failed,
            Some(r) if r.duration_ms < u64::from(spec.min_ms) => Taken::TooShort(r),
            Some(r) => Taken::Said(r),
        })
    }

    /// Says once in a call, to its end, that what is said now is recorded (R12). An emergency is not kept waiting for it.
    async fn notice(&self) -> Result<(), Gone> {
        if std::mem::replace(&mut self.state().noticed, true) {
            return Ok(());
        }
        let notice = std::slice::from_ref(&self.flow.phrases().recording_notice);
        self.insist(&[self.sounds(notice)], false).await
    }

    pub(super) fn begin_recording(&self, spec: &RecordSpec) -> Mono {
        let mut state = self.state();
        let token = state.next_token();
        state.recorded = None;
        state.recording = Some(token);
        state.out.push_back(Output::Record { token, spec: spec.clone() });
        state.now.mono + Duration::from_millis(u64::from(spec.max_ms)) + RECORD_GRACE
    }

    /// Asks for a recording until there is one; too short ones are asked for again politely. `keep` is called with each
    /// one that is to be kept, and whether it says enough. `false` when nothing was said.
    pub async fn take_down(&self, dictation: &Dictation<'_>) -> Result<bool, Gone> {
        let mut tries = 0;
        let mut kept = false;
        loop {
            let taken = self.take(dictation.say, &dictation.spec).await?;
            match taken {
                Taken::Said(recorded) => {
                    (dictation.keep)(&recorded, true);
                    kept = true;
                    if dictation.review.is_empty() || !self.review(dictation.review, &recorded).await? {
                        return Ok(true);
                    }
                    continue;
                }
                Taken::TooShort(recorded) if self.hung_up() => {
                    if recorded.duration_ms > 0 {
                        (dictation.keep)(&recorded, false);
                    }
                    return Err(Gone);
                }
                // Asking again would ask a disk that is full to be empty: the report goes on with what there is (R24).
                Taken::Failed => return Ok(kept),
                Taken::TooShort(_) => {}
            }
            tries += 1;
            if tries >= self.flow.keys().tries_none {
                return Ok(kept);
            }
            self.tell(dictation.too_short).await?;
        }
    }

    /// 1 keep, 2 again, 3 listen. Anything but 2 keeps it; whether it is to be spoken again.
    async fn review(&self, saying: &[Word], recorded: &Recorded) -> Result<bool, Gone> {
        loop {
            let accepts = |key: Digit| matches!(key.as_char(), '1'..='3');
            match self.choose(Menu::new(self.sounds(saying), &accepts)).await? {
                Pick::Key(key) if key.as_char() == '2' => return Ok(true),
                Pick::Key(key) if key.as_char() == '3' => {
                    let play_back = vec![Say::Recording(recorded.recording.clone())];
                    self.announce(&[(self.lang(), play_back)]).await?;
                }
                Pick::Key(_) | Pick::Back | Pick::Silence | Pick::Failed => return Ok(false),
            }
        }
    }
}
