//! The desk's own descriptions.

use std::net::IpAddr;

use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};

use crate::types::Codec;

use super::crypto::Crypto;
use super::description::Direction;
use super::{EVENT_PAYLOAD_TYPE, LocalMedia};

/// An offer of all our codecs with telephone-event: for an INVITE without one, and for calls that we make.
pub fn offer(local: &LocalMedia) -> Vec<u8> {
    let formats: Vec<(u8, Codec)> = local.codecs.iter().map(|codec| (codec.payload_type(), *codec)).collect();
    let (profile, crypto) = local.srtp.offered();
    let audio = AudioLine {
        proto: profile.name(),
        formats: &formats,
        event: Some(EVENT_PAYLOAD_TYPE),
        ptime_ms: local.ptime_ms,
        direction: Direction::SendRecv,
        crypto: &crypto,
        rtcp_mux: false,
        way: Vec::new(),
    };
    describe(local, vec![audio.media(local)], Vec::new())
}

/// One audio stream as we describe it.
pub struct AudioLine<'a> {
    pub proto: &'a str,
    pub formats: &'a [(u8, Codec)],
    pub event: Option<u8>,
    pub ptime_ms: u8,
    pub direction: Direction,
    pub crypto: &'a [Crypto],
    pub rtcp_mux: bool,
    /// Lines on how it is reached.
    pub way: Vec<Attribute>,
}

impl AudioLine<'_> {
    pub fn media(self, local: &LocalMedia) -> Media {
        let payload_types = self.formats.iter().map(|(pt, _)| *pt).chain(self.event);
        let fmt = payload_types.map(|pt| pt.to_string()).collect::<Vec<_>>().join(" ");
        let mut media = media_line("audio", local.rtp_port, self.proto, &fmt);
        let mut add = |name: &str, value: Option<String>| {
            media.attributes.push(Attribute { attribute: name.to_owned(), value });
        };
        for (pt, codec) in self.formats {
            add("rtpmap", Some(format!("{pt} {codec}/8000")));
        }
        if let Some(pt) = self.event {
            add("rtpmap", Some(format!("{pt} telephone-event/8000")));
            add("fmtp", Some(format!("{pt} 0-15")));
        }
        add("ptime", Some(self.ptime_ms.to_string()));
        if self.rtcp_mux {
            add("rtcp-mux", None);
        } else if local.rtp_port.checked_add(1) != Some(local.rtcp_port) {
            add("rtcp", Some(local.rtcp_port.to_string()));
        }
        for line in self.crypto {
            add("crypto", Some(line.text()));
        }
        add(self.direction.name(), None);
        media.attributes.extend(self.way);
        media
    }
}

/// An `m=` line without attributes.
pub fn media_line(media: &str, port: u16, proto: &str, fmt: &str) -> Media {
    Media {
        media: media.to_owned(),
        port,
        num_ports: None,
        proto: proto.to_owned(),
        fmt: fmt.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

/// The whole text around the streams.
pub fn describe(local: &LocalMedia, medias: Vec<Media>, attributes: Vec<Attribute>) -> Vec<u8> {
    let address: IpAddr = local.address.to_canonical();
    // RFC 3264 section 5 wants "-" for a session without a subject; sdp_types writes "-" for no user too.
    let mut session = Session::new(Origin::with_ip_addr(local.session_id, local.version, address), "-");
    session.connection = Some(Connection::from_ip_addr(address));
    session.times = vec![Time { start_time: 0, stop_time: 0, repeats: Vec::new() }];
    session.attributes = attributes;
    session.medias = medias;
    let mut body = Vec::with_capacity(512);
    session.write(&mut body).expect("writing to memory does not fail");
    body
}
