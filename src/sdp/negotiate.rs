//! Whether one offered stream can be had, and what it comes to.

use std::net::{IpAddr, SocketAddr};

use crate::types::{Codec, StreamConfig};

use super::LocalMedia;
use super::description::{Address, Rtcp, Stream};
use super::error::{SdpError, quoted};
use super::formats::Formats;
use super::ice::Checks;

/// A stream that is acceptable.
pub struct Agreed {
    pub stream: StreamConfig,
    /// The tag of the peer's `a=crypto` line that was taken.
    pub crypto_tag: Option<u32>,
    /// The codecs to list in an answer, the one in use first.
    pub codecs: Vec<(u8, Codec)>,
    /// The peer can't be sent to just now: by direction, or by an address of zeros.
    pub held: bool,
    pub checks: Checks,
}

/// Whose word a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Of the codecs our order counts.
    Offer,
    /// Of the codecs the peer's order counts.
    AnswerToOurs,
}

/// Checks a peer's stream against ours.
pub fn agree(stream: &Stream, local: &LocalMedia, word: Word) -> Result<Agreed, SdpError> {
    if !stream.media.eq_ignore_ascii_case("audio") || stream.port == 0 {
        return Err(SdpError::NoAudio);
    }
    let (crypto_tag, srtp) = match word {
        Word::Offer => local.srtp.answered(stream)?.unzip(),
        Word::AnswerToOurs => (None, local.srtp.accepted(stream)?),
    };
    let formats = Formats::of(stream);
    let mut codecs = formats.shared(&local.codecs);
    if word == Word::AnswerToOurs {
        codecs.sort_by_key(|shared| formats.audio.iter().position(|offered| offered == shared));
    }
    let Some(&(payload_type_out, codec)) = codecs.first() else { return Err(SdpError::Codecs) };
    let (checks, rtcp_mux) = match word {
        Word::Offer => (local.ice.answered(stream, || local.srtp.seed.ice()), stream.rtcp_mux),
        // Our offers have neither.
        Word::AnswerToOurs => (Checks::None, false),
    };
    let remote = match target(stream.address.as_ref(), stream.port, local) {
        // Checks will lead to the peer, whatever stands there.
        Err(_) if checks.agreed().is_some() => None,
        // Nor is the port of nothing one to send to (RFC 8840 section 4.1.1).
        Ok(Some(remote)) if checks.agreed().is_some() && remote.port() == 9 => None,
        remote => remote?,
    };
    let has_way = remote.is_some() || checks.agreed().is_some();
    let direction = stream.direction;
    let payload_types_in = formats.audio.iter().filter(|(_, c)| local.codecs.contains(c)).copied().collect();
    let stream = StreamConfig {
        codec,
        payload_type_out,
        payload_types_in,
        event_type: formats.event,
        ptime_ms: ptime_ms(stream, local.ptime_ms),
        remote,
        remote_rtcp: remote.and_then(|rtp| if rtcp_mux { Some(rtp) } else { rtcp_target(&stream.rtcp, rtp) }),
        send: direction.receives() && has_way,
        // An address of zeros is the old hold (RFC 2543 appendix B.5), which stopped both ways.
        receive: direction.sends() && has_way,
        srtp: srtp.map(Box::new),
        ice: checks.agreed().cloned().map(Box::new),
        rtcp_mux,
    };
    let held = !stream.send;
    Ok(Agreed { stream, crypto_tag, codecs, held, checks })
}

/// Where to send; `None` for the address of zeros that means hold (RFC 3264 section 8.4).
fn target(address: Option<&Address>, port: u16, local: &LocalMedia) -> Result<Option<SocketAddr>, SdpError> {
    let ip = match address {
        None => return Err(SdpError::Malformed("an audio stream without a c= line".to_owned())),
        Some(Address::Other(name)) => return Err(SdpError::Address(quoted(name))),
        Some(Address::Ip(ip)) => *ip,
    };
    if ip.is_unspecified() {
        return Ok(None);
    }
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0);
    if ip.is_multicast() || broadcast {
        return Err(SdpError::Address(ip.to_string()));
    }
    let fits = |ip: &IpAddr| ip.to_canonical().is_ipv4() == local.address.to_canonical().is_ipv4();
    match Some(ip).into_iter().chain(local.peer).find(fits) {
        Some(ip) => Ok(Some(SocketAddr::new(ip, port))),
        None => Err(SdpError::Address(ip.to_string())),
    }
}

/// `None` when the peer gives no place apart from RTP's that reports may go to.
fn rtcp_target(rtcp: &Rtcp, rtp: SocketAddr) -> Option<SocketAddr> {
    match rtcp {
        Rtcp::NextPort => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        Rtcp::At { port, address: None } => Some(SocketAddr::new(rtp.ip(), *port)),
        // Reports to a third host would be a way to make us flood it: only RTP's own host is believed.
        Rtcp::At { port, address: Some(Address::Ip(ip)) } if *ip == rtp.ip() => Some(SocketAddr::new(*ip, *port)),
        Rtcp::At { .. } => None,
    }
}

/// The peer's wish, to the nearest ten from 10 to 60, and not above its `maxptime`.
fn ptime_ms(stream: &Stream, default_ms: u8) -> u8 {
    let tens = |ms: u32| ((ms.min(1_000) + 5) / 10 * 10).clamp(10, 60);
    let wish = stream.ptime_ms.filter(|ms| *ms > 0).map_or(u32::from(default_ms), |ms| ms);
    let most = stream.maxptime_ms.filter(|ms| *ms > 0).map_or(60, |ms| (ms / 10 * 10).clamp(10, 60));
    tens(wish).min(most) as u8
}
