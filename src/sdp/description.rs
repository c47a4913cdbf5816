//! A peer's description, read tolerantly into what the negotiation asks of it.

use std::net::IpAddr;

use sdp_types::{Attribute, Connection, Media, Session};

use super::crypto::{CRYPTO_LINES_MAX, Crypto};
use super::error::{SdpError, quoted};
use super::ice::IceOffer;

/// Bytes of a body: a browser's offer with all its candidates has some ten thousand.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
/// Lines of a body.
pub const LINES_MAX: usize = 1_000;
/// `m=` lines: each of them must be answered.
pub const STREAMS_MAX: usize = 16;
/// Formats of one `m=` line: payload types end at 127.
pub const FORMATS_MAX: usize = 128;

/// The peer's streams, in order.
#[derive(Debug)]
pub struct Description {
    pub streams: Vec<Stream>,
}

/// One `m=` line with what belongs to it, the session's values filled in where it has none of its own.
#[derive(Debug)]
pub struct Stream {
    /// `audio`, `video`, `image` and so on, as written.
    pub media: String,
    /// Zero switches the stream off.
    pub port: u16,
    /// `RTP/AVP` and so on, as written.
    pub proto: String,
    pub formats: Vec<String>,
    pub address: Option<Address>,
    pub direction: Direction,
    /// In order; of a payload type mapped twice the first counts.
    pub rtpmaps: Vec<RtpMap>,
    pub ptime_ms: Option<u32>,
    pub maxptime_ms: Option<u32>,
    pub rtcp: Rtcp,
    /// The keys that are offered or taken, those that we can use.
    pub crypto: Vec<Crypto>,
    pub ice: IceOffer,
    /// RTCP may go the way of RTP (RFC 5761).
    pub rtcp_mux: bool,
}

/// What a `c=` line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// IPv4 in IPv6 is told as IPv4.
    Ip(IpAddr),
    /// A host name or another network's address: not looked up.
    Other(String),
}

/// Seen from the one who writes it (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// `a=rtpmap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap {
    pub payload_type: u8,
    pub encoding: String,
    pub clock_hz: u32,
    pub channels: u32,
}

/// Where the peer wants RTCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rtcp {
    /// One above RTP.
    NextPort,
    /// `a=rtcp` (RFC 3605).
    At { port: u16, address: Option<Address> },
}

impl Direction {
    pub fn of(send: bool, receive: bool) -> Direction {
        match (send, receive) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The attribute's name.
    pub fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    fn from_attributes(attributes: &[Attribute]) -> Option<Direction> {
        let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        attributes.iter().find_map(|a| all.into_iter().find(|d| d.name().eq_ignore_ascii_case(a.attribute.trim())))
    }
}

impl Description {
    /// Reads a body: within limits, and without the lines that no negotiation needs.
    pub fn parse(body: &[u8]) -> Result<Description, SdpError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(SdpError::Malformed(format!("more than {BODY_BYTES_MAX} bytes")));
        }
        let text = needed_lines(&String::from_utf8_lossy(body))?;
        let session = Session::parse(text.as_bytes()).map_err(|e| SdpError::Malformed(quoted(&e.to_string())))?;
        if session.medias.len() > STREAMS_MAX {
            return Err(SdpError::Malformed(format!("more than {STREAMS_MAX} streams")));
        }
        let streams = session.medias.iter().map(|media| Stream::new(&session, media)).collect::<Result<_, _>>()?;
        Ok(Description { streams })
    }
}

impl Stream {
    fn new(session: &Session, media: &Media) -> Result<Stream, SdpError> {
        let formats: Vec<String> = media.fmt.split_whitespace().map(str::to_owned).collect();
        if formats.len() > FORMATS_MAX {
            return Err(SdpError::Malformed(format!("more than {FORMATS_MAX} formats in a stream")));
        }
        let direction = Direction::from_attributes(&media.attributes)
            .or_else(|| Direction::from_attributes(&session.attributes))
            .unwrap_or(Direction::SendRecv);
        Ok(Stream {
            media: media.media.clone(),
            port: media.port,
            proto: media.proto.clone(),
            formats,
            address: media.connections.first().or(session.connection.as_ref()).map(Address::from_connection),
            direction,
            rtpmaps: values(media, "rtpmap").filter_map(RtpMap::parse).collect(),
            ptime_ms: values(media, "ptime").find_map(leading_number),
            maxptime_ms: values(media, "maxptime").find_map(leading_number),
            rtcp: Rtcp::of(media),
            ice: IceOffer::read(
                |name| {
                    let of_session = session.attributes.iter().filter(|a| is_named(a, name));
                    values(media, name).chain(of_session.filter_map(|a| a.value.as_deref())).collect()
                },
                session.attributes.iter().any(|a| is_named(a, "ice-lite")),
            ),
            // Who says that it can do nothing else (RFC 8858) says both.
            rtcp_mux: ["rtcp-mux", "rtcp-mux-only"]
                .iter()
                .any(|name| media.attributes.iter().any(|a| is_named(a, name))),
            crypto: values(media, "crypto").take(CRYPTO_LINES_MAX).filter_map(Crypto::parse).collect(),
        })
    }

    /// The map of a payload type.
    pub fn rtpmap(&self, payload_type: u8) -> Option<&RtpMap> {
        self.rtpmaps.iter().find(|map| map.payload_type == payload_type)
    }
}

impl Address {
    fn from_connection(connection: &Connection) -> Address {
        match connection.try_address() {
            Ok(address) => Address::Ip(address.ip.to_canonical()),
            Err(_) => Address::Other(connection.connection_address.clone()),
        }
    }
}

impl RtpMap {
    /// `<payload type> <encoding>/<clock rate>[/<channels>]`; `None` for what doesn't fit.
    fn parse(value: &str) -> Option<RtpMap> {
        let (payload_type, rest) = value.trim().split_once(char::is_whitespace)?;
        let mut parts = rest.trim().split('/').map(str::trim);
        Some(RtpMap {
            payload_type: payload_type.parse().ok().filter(|pt| *pt < 128)?,
            encoding: parts.next()?.to_owned(),
            clock_hz: parts.next()?.parse().ok()?,
            channels: parts.next().and_then(|c| c.parse().ok()).unwrap_or(1),
        })
    }
}

impl Rtcp {
    fn of(media: &Media) -> Rtcp {
        values(media, "rtcp").find_map(Rtcp::parse).unwrap_or(Rtcp::NextPort)
    }

    /// `<port>[ IN IP4|IP6 <address>]`.
    fn parse(value: &str) -> Option<Rtcp> {
        let mut words = value.split_whitespace();
        let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
        let address = words.nth(2).map(|word| match word.parse::<IpAddr>() {
            Ok(ip) => Address::Ip(ip.to_canonical()),
            Err(_) => Address::Other(word.to_owned()),
        });
        Some(Rtcp::At { port, address })
    }
}

/// The values of a stream's attributes of one name, without case.
fn values<'a>(media: &'a Media, name: &'a str) -> impl Iterator<Item = &'a str> {
    media.attributes.iter().filter(move |a| is_named(a, name)).filter_map(|a| a.value.as_deref())
}

fn is_named(attribute: &Attribute, name: &str) -> bool {
    attribute.attribute.trim().eq_ignore_ascii_case(name)
}

/// `20` from `20`, ` 20 `, `20.5` or `20ms`.
fn leading_number(value: &str) -> Option<u32> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// Keeps `v=`, `s=`, `c=`, `m=` and `a=` in a form that the strict parser reads.
///
/// Peers err most in the lines that say nothing about media: an `o=` with a space in its user name, a `t=` or `b=`
/// with words behind its numbers, `i=` in another charset. None of them is needed, so none of them can fail a call.
fn needed_lines(text: &str) -> Result<String, SdpError> {
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.lines().enumerate() {
        if n == LINES_MAX {
            return Err(SdpError::Malformed(format!("more than {LINES_MAX} lines")));
        }
        let line = line.trim();
        let Some((key, value)) = line.split_once('=') else { continue };
        match key {
            "m" => push_line(&mut out, key, &media_value(value)),
            "v" | "s" | "c" => push_line(&mut out, key, value.trim()),
            "a" if !value.trim().is_empty() => push_line(&mut out, key, value.trim()),
            _ => {}
        }
    }
    Ok(out)
}

/// Single spaces between the parts, and a format even where a switched-off stream has none.
fn media_value(value: &str) -> String {
    let mut parts: Vec<&str> = value.split_whitespace().collect();
    if parts.len() == 3 {
        parts.push("0");
    }
    parts.join(" ")
}

/// The strict parser refuses NUL and CR within a line.
fn push_line(out: &mut String, key: &str, value: &str) {
    out.push_str(key);
    out.push('=');
    out.extend(value.chars().filter(|c| !matches!(c, '\0' | '\r')));
    out.push_str("\r\n");
}
