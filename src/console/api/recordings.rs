//! Audio, whole or in a range (RFC 9110 section 14). Which file it is says the database alone, never the request.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use tokio::sync::mpsc;

use super::ask::{Ask, unknown};
use super::waveform::{self, Waveform};
use crate::console::access::DeskAccess;
use crate::console::problem::ProblemDetails;
use crate::desk::audit::Deed;
use crate::desk::told::told;
use crate::types::RecordingId;

/// Bytes that are read at once, and pieces that wait for a slow listener.
const PIECE: usize = 64 * 1024;
const PIECES_MAX: usize = 4;

/// A recording that somebody wants to hear.
pub struct Sound {
    pub recording: RecordingId,
    /// What it is of, for the audit log: `call 42`.
    pub about: String,
    /// Whether whoever asks may hear it.
    pub may: bool,
}

/// A file that is open, and how long it was then.
pub struct Opened {
    file: File,
    length: u64,
}

/// Opens it for whoever asks, and notes that they heard it.
///
/// # Errors
/// 403 where they may not have it, 404 where it is not on disk.
pub fn open(access: &DeskAccess, sound: Sound, ask: &Ask) -> Result<Opened, ProblemDetails> {
    if !sound.may {
        access.audit(&ask.entry(Deed::Refused, &sound.about))?;
        let role = ask.token.role;
        return Err(ProblemDetails::new(
            StatusCode::FORBIDDEN,
            told!("{role} 角色不能听这段录音", "the role {role} does not hear this recording"),
        ));
    }
    let path = Path::new(&sound.recording.0);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(unknown(format!("the recording of {}", sound.about)));
    }
    let opened = File::open(access.recordings.join(path)).and_then(|file| {
        let length = file.metadata()?.len();
        Ok(Opened { file, length })
    });
    let opened = opened.map_err(|_| unknown(format!("the recording of {} on disk", sound.about)))?;
    access.audit(&ask.entry(Deed::Heard, &sound.about))?;
    Ok(opened)
}

/// As it is drawn.
///
/// # Errors
/// 404 where it is no recording, 500 where it can't be read.
pub fn drawn(opened: Opened) -> Result<Waveform, ProblemDetails> {
    let Opened { mut file, .. } = opened;
    waveform::read(&mut file).map_err(|fault| match fault.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            unknown(format!("a recording to be drawn ({fault})"))
        }
        _ => ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, "the recording can't be read"),
    })
}

/// The part of it that was asked for.
///
/// # Errors
/// 416 where it has no such part, 500 where it can't be read.
pub fn answer(opened: Opened, range: Option<&HeaderValue>) -> Result<Response, ProblemDetails> {
    let Opened { mut file, length } = opened;
    let range = range.and_then(|range| range.to_str().ok()).and_then(|range| read_range(range, length));
    let (status, first, end) = match range {
        None => (StatusCode::OK, 0, length),
        Some(Ok((first, end))) => (StatusCode::PARTIAL_CONTENT, first, end),
        Some(Err(())) => {
            let problem = ProblemDetails::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("it has {length} bytes"));
            return Err(match HeaderValue::from_str(&format!("bytes */{length}")) {
                Ok(header) => problem.with(header::CONTENT_RANGE, header),
                Err(_) => problem,
            });
        }
    };
    file.seek(SeekFrom::Start(first))
        .map_err(|_| ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, "the recording can't be read"))?;
    let mut response = Response::new(pieces(file, end - first));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - first));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(part) = HeaderValue::from_str(&format!("bytes {first}-{}/{length}", end - 1))
    {
        headers.insert(header::CONTENT_RANGE, part);
    }
    Ok(response)
}

/// One range of bytes as `first..end`; `None` for what is to be ignored, an error for one that is beyond the file.
fn read_range(text: &str, length: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let (first, end) = match (first, last) {
        ("", "") => return None,
        ("", last) => (length.saturating_sub(last.parse().unwrap_or(u64::MAX)), length),
        (first, "") => (first.parse().unwrap_or(u64::MAX), length),
        (first, last) => {
            let (first, last) = (first.parse().unwrap_or(u64::MAX), last.parse().unwrap_or(u64::MAX));
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if first < end { Ok((first, end)) } else { Err(()) })
}

/// The next so many bytes, read as fast as they are taken.
fn pieces(file: File, length: u64) -> Body {
    let (give, take) = mpsc::channel::<std::io::Result<Bytes>>(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let mut rest = file.take(length);
        loop {
            let mut piece = vec![0; PIECE];
            let read = rest.read(&mut piece);
            let done = matches!(read, Ok(0) | Err(_));
            let piece = read.map(|read| {
                piece.truncate(read);
                Bytes::from(piece)
            });
            if matches!(&piece, Ok(bytes) if bytes.is_empty()) || give.blocking_send(piece).is_err() || done {
                return;
            }
        }
    });
    Body::from_stream(stream::unfold(take, async |mut take| take.recv().await.map(|piece| (piece, take))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        for (text, wanted) in [
            ("bytes=0-9", Some(Ok((0, 10)))),
            ("bytes=90-", Some(Ok((90, 100)))),
            ("bytes=-10", Some(Ok((90, 100)))),
            ("bytes=-1000", Some(Ok((0, 100)))),
            ("bytes=99-1000", Some(Ok((99, 100)))),
            ("bytes=100-", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=99999999999999999999-", Some(Err(()))),
            ("bytes=9-0", None),
            ("bytes=0-1,5-6", None),
            ("bytes=-", None),
            ("bytes=+1-2", None),
            ("lines=0-9", None),
        ] {
            assert_eq!(read_range(text, 100), wanted, "{text}");
        }
        assert_eq!(read_range("bytes=0-", 0), Some(Err(())));
    }
}
