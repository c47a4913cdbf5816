//! One recording of a call: done when its stream has stopped *and* its file is on disk.

use crate::flow::io::{Input as FlowInput, RecordEnd, Token};
use crate::media::io::{MediaToken, RecordStop};
use crate::types::{Mono, RecordingId};

pub(super) struct Recording {
    pub id: RecordingId,
    pub since: Mono,
    token: Token,
    /// Length in ms and why it stopped, once the stream has said so.
    stopped: Option<(u64, RecordStop)>,
    /// Whether all was written, once the recorder has said so.
    closed: Option<bool>,
}

pub(super) struct Recorded {
    pub recording: RecordingId,
    pub duration_ms: u64,
    pub written: bool,
    token: Token,
    end: RecordEnd,
}

impl Recording {
    pub fn new(token: Token, id: RecordingId, since: Mono) -> Self {
        Self { id, since, token, stopped: None, closed: None }
    }

    /// What the flow is told when there was no stream to record from.
    pub fn never_started(token: Token, recording: RecordingId) -> FlowInput {
        FlowInput::RecordDone { token, recording, duration_ms: 0, end: RecordEnd::Failed }
    }

    /// The stream has stopped; true when the file is to be closed now.
    pub fn stopped(&mut self, token: MediaToken, duration_ms: u64, stop: RecordStop) -> bool {
        if token.0 != self.token.0 || self.stopped.is_some() {
            return false;
        }
        self.stopped = Some((duration_ms, stop));
        self.closed.is_none()
    }

    /// The stream is gone without a word about this recording; true when the file is to be closed now.
    pub fn stream_gone(&mut self) -> bool {
        self.stopped(MediaToken(self.token.0), 0, RecordStop::Commanded)
    }

    pub fn closed(&mut self, written: bool) {
        self.closed.get_or_insert(written);
    }

    pub fn done(&self, caller_gone: bool) -> Option<Recorded> {
        let (duration_ms, stop) = self.stopped?;
        let written = self.closed?;
        let end = match stop {
            _ if !written => RecordEnd::Failed,
            RecordStop::Key(digit) => RecordEnd::Key(digit),
            RecordStop::Silence => RecordEnd::Silence,
            RecordStop::Limit => RecordEnd::Limit,
            RecordStop::Commanded if caller_gone => RecordEnd::HangUp,
            // Only the flow's own StopRecord: as if the caller had ended it.
            RecordStop::Commanded => RecordEnd::Silence,
        };
        Some(Recorded { recording: self.id.clone(), duration_ms, written, token: self.token, end })
    }
}

impl Recorded {
    pub fn into_flow_input(self) -> FlowInput {
        let Recorded { recording, duration_ms, token, end, .. } = self;
        FlowInput::RecordDone { token, recording, duration_ms, end }
    }
}
