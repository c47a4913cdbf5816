//! Which payload types of a stream mean something to the desk.

use crate::types::Codec;

use super::description::Stream;

/// What a stream offers of what we know, in the order of its `m=` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats {
    /// Every payload type of one of our codecs; a codec may come twice.
    pub audio: Vec<(u8, Codec)>,
    /// The first telephone-event with the clock that all our codecs have (RFC 4733 section 2.1).
    pub event: Option<u8>,
}

impl Formats {
    pub fn of(stream: &Stream) -> Formats {
        let mut formats = Formats { audio: Vec::new(), event: None };
        for payload_type in stream.formats.iter().filter_map(|f| f.parse().ok()).filter(|pt: &u8| *pt < 128) {
            if let Some(codec) = codec_of(stream, payload_type) {
                if !formats.audio.iter().any(|(known, _)| *known == payload_type) {
                    formats.audio.push((payload_type, codec));
                }
            } else if formats.event.is_none() && is_event(stream, payload_type) {
                formats.event = Some(payload_type);
            }
        }
        formats
    }

    /// The codecs that both sides have, each with its first payload type, in the order given.
    pub fn shared(&self, codecs: &[Codec]) -> Vec<(u8, Codec)> {
        let first = |codec: &Codec| self.audio.iter().find(|(_, c)| c == codec).copied();
        codecs.iter().filter_map(first).collect()
    }
}

/// By `a=rtpmap`, or by the static table where there is none (RFC 3551 section 6).
fn codec_of(stream: &Stream, payload_type: u8) -> Option<Codec> {
    let Some(map) = stream.rtpmap(payload_type) else {
        return Codec::ALL.into_iter().find(|codec| codec.payload_type() == payload_type);
    };
    let codec = Codec::ALL.into_iter().find(|codec| codec.encoding_name().eq_ignore_ascii_case(&map.encoding))?;
    // Some phones write G722/16000, as the samples are; the RTP clock is 8000 all the same (RFC 3551 section 4.5.2).
    let clock_fits = map.clock_hz == 8_000 || codec == Codec::G722 && map.clock_hz == 16_000;
    (clock_fits && map.channels == 1).then_some(codec)
}

fn is_event(stream: &Stream, payload_type: u8) -> bool {
    stream.rtpmap(payload_type).is_some_and(|map| {
        map.encoding.eq_ignore_ascii_case("telephone-event") && map.clock_hz == 8_000 && map.channels == 1
    })
}
