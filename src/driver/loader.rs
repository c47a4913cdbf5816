//! The thread that reads recordings back, so that a caller can listen to what was said before keeping it.

use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;

use crate::media::codec::encode;
use crate::media::io::Encoded;
use crate::media::wav;
use crate::types::{CallId, Codec, RecordingId};

#[derive(Debug)]
pub struct Load {
    pub call: CallId,
    pub recording: RecordingId,
    pub codec: Codec,
}

/// Runs until every sender is gone. `dir` is `DATA/recordings`.
pub fn run(dir: &Path, inbox: &Receiver<Load>, tell: &dyn Fn(CallId, RecordingId, Option<Encoded>)) {
    while let Ok(Load { call, recording, codec }) = inbox.recv() {
        let audio = match load(&dir.join(&recording.0), codec) {
            Ok(audio) => Some(audio),
            Err(error) => {
                tracing::error!(%call, recording = recording.0, error, "recording could not be read back");
                None
            }
        };
        tell(call, recording, audio);
    }
}

fn load(path: &Path, codec: Codec) -> Result<Encoded, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let clip = wav::read(bytes.as_slice()).map_err(|error| error.to_string())?;
    Ok(encode(codec, clip.rate_hz, &clip.samples))
}
