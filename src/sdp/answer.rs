//! The answer to a peer's offer, and what a peer's answer to ours comes to.

use sdp_types::{Attribute, Media};

use crate::types::StreamConfig;

use super::LocalMedia;
use super::compose::{AudioLine, describe, media_line};
use super::crypto::Crypto;
use super::description::{Description, Direction, Stream};
use super::error::SdpError;
use super::negotiate::{Agreed, Word, agree};

/// An offer, answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The answer's text, for a 200 (or an ACK).
    pub body: Vec<u8>,
    /// What the media stream is to do.
    pub stream: StreamConfig,
    /// The peer has put us on hold: nothing may be sent to it for now.
    pub held: bool,
    /// Streams beside the one accepted, all answered with port 0.
    pub streams_refused: usize,
}

/// Answers an offer (RFC 3264 section 6): the first audio stream that is acceptable is taken, an encrypted
/// one before plain ones, by our order of codecs.
///
/// When none is, the error tells why of the first audio stream there is, if any.
pub fn answer(offer: &[u8], local: &LocalMedia) -> Result<Answered, SdpError> {
    let offer = Description::parse(offer)?;
    let mut taken: Option<(usize, Agreed)> = None;
    let mut refused = SdpError::NoAudio;
    for (n, stream) in offer.streams.iter().enumerate() {
        match agree(stream, local, Word::Offer) {
            Ok(agreed)
                if taken.as_ref().is_none_or(|(_, best)| best.crypto_tag.is_none() && agreed.crypto_tag.is_some()) =>
            {
                taken = Some((n, agreed));
            }
            Ok(_) => {}
            Err(why) if refused == SdpError::NoAudio => refused = why,
            Err(_) => {}
        }
    }
    let Some((taken, agreed)) = taken else { return Err(refused) };
    let streams = offer.streams.iter().enumerate();
    let medias = streams.map(|(n, s)| if n == taken { accepted(s, &agreed, local) } else { switched_off(s) });
    let lite = agreed.checks.agreed().map(|_| Attribute { attribute: "ice-lite".to_owned(), value: None });
    Ok(Answered {
        body: describe(local, medias.collect(), lite.into_iter().collect()),
        stream: agreed.stream,
        held: agreed.held,
        streams_refused: offer.streams.len() - 1,
    })
}

/// Takes a peer's answer to [`offer`](super::offer), from a 200 or an ACK.
///
/// The codec is the first that the answer lists. What it lists beyond our offer is ignored.
pub fn accept(answer: &[u8], offered: &LocalMedia) -> Result<StreamConfig, SdpError> {
    let answer = Description::parse(answer)?;
    // Answers come in the order of the offer, and that had one stream.
    let stream = answer.streams.first().ok_or(SdpError::NoAudio)?;
    let mut config = agree(stream, offered, Word::AnswerToOurs)?.stream;
    // The peer sends with the payload types of our offer, whatever it wants to get (RFC 3264 section 5.1).
    for codec in &offered.codecs {
        let ours = (codec.payload_type(), *codec);
        if !config.payload_types_in.iter().any(|(pt, _)| *pt == ours.0) {
            config.payload_types_in.push(ours);
        }
    }
    Ok(config)
}

fn accepted(stream: &Stream, agreed: &Agreed, local: &LocalMedia) -> Media {
    let config = &agreed.stream;
    let keys = agreed.crypto_tag.zip(config.srtp.as_ref());
    let crypto: Vec<Crypto> = keys.map(|(tag, keys)| Crypto { tag, key: keys.ours.clone() }).into_iter().collect();
    let line = AudioLine {
        proto: &stream.proto,
        formats: &agreed.codecs,
        event: config.event_type,
        ptime_ms: config.ptime_ms,
        direction: Direction::of(config.send, config.receive),
        crypto: &crypto,
        rtcp_mux: config.rtcp_mux,
        way: agreed.checks.lines(local, config.rtcp_mux),
    };
    line.media(local)
}

/// Refused by port 0, its formats kept since the grammar wants some (RFC 3264 section 6).
fn switched_off(stream: &Stream) -> Media {
    media_line(&stream.media, 0, &stream.proto, &stream.formats.join(" "))
}
