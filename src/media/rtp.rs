//! RTP packets as bytes (RFC 3550 section 5.1): the one file that names `rtp_rs`.

use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};
use thiserror::Error;

/// Bytes of a header without CSRC and extension: all that we ever write.
pub const HEADER_LEN: usize = 12;

/// The longest packet we send: 60 ms of 64 kbit/s behind a header, and what encryption adds.
pub const SENT_LEN_MAX: usize = HEADER_LEN + 60 * 8 + super::srtp::TRAILER_MAX;

/// A packet as it came in; CSRC list, extension and padding are stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// Bytes that are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an RTP packet of version 2, or cut short")]
pub struct Malformed;

impl<'a> Packet<'a> {
    /// Parses any bytes: version, CSRC count, extension and padding are checked against the length.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, Malformed> {
        let reader = RtpReader::new(bytes).map_err(|_| Malformed)?;
        Ok(Packet {
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            payload: reader.payload(),
        })
    }
}

/// What we write before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    /// Writes the header; `None` if `out` is too short for it or the payload type has more than seven bits.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        RtpPacketBuilder::new()
            .marked(self.marker)
            .payload_type(self.payload_type)
            .sequence(Seq::from(self.sequence))
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .build_into(out)
            .ok()
    }
}

/// Whether a packet on an RTP port is RTCP in truth: packet types 192 to 223 (RFC 5761 section 4).
pub fn is_rtcp(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// How far sequence number `a` lies ahead of `b`, the short way round: negative when it lies behind.
///
/// Our own, since the order of `rtp_rs::Seq` is not transitive.
pub fn sequence_ahead(a: u16, b: u16) -> i32 {
    i32::from(a.wrapping_sub(b) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_written_as_rfc_3550_draws_it() {
        let header =
            Header { marker: true, payload_type: 9, sequence: 0x1234, timestamp: 0xA1B2_C3D4, ssrc: 0x0102_0304 };
        let mut out = [0; 16];
        assert_eq!(header.write(&mut out), Some(12));
        assert_eq!(out, [0x80, 0x89, 0x12, 0x34, 0xA1, 0xB2, 0xC3, 0xD4, 1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(header.write(&mut out[..11]), None);
    }

    #[test]
    fn csrc_extension_and_padding_are_no_payload() {
        // Version 2, padding, extension, two CSRC; extension of one word; two bytes of audio; three of padding.
        let mut bytes = vec![0xB2, 0x08, 0, 7, 0, 0, 0, 160, 0, 0, 0, 9];
        bytes.extend([1, 1, 1, 1, 2, 2, 2, 2]);
        bytes.extend([0xBE, 0xDE, 0, 1, 5, 5, 5, 5]);
        bytes.extend([0xD5, 0xD4, 0, 0, 3]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.payload, [0xD5, 0xD4]);
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc), (7, 160, 9));
        for len in 0..bytes.len() {
            // Cut anywhere it is refused, or what is left of it still fits its own lengths.
            if let Ok(cut) = Packet::parse(&bytes[..len]) {
                assert!(cut.payload.len() <= len);
            }
        }
        bytes[0] = 0x72;
        assert_eq!(Packet::parse(&bytes), Err(Malformed));
    }

    #[test]
    fn sequence_numbers_are_compared_the_short_way_round() {
        assert_eq!(sequence_ahead(0, 65_535), 1);
        assert_eq!(sequence_ahead(65_535, 0), -1);
        assert_eq!(sequence_ahead(10, 7), 3);
    }

    #[test]
    fn rtcp_on_the_rtp_port_is_told_by_its_packet_type() {
        assert!(is_rtcp(&[0x80, 200, 0, 1]));
        assert!(!is_rtcp(&[0x80, 0x88, 0, 1]));
        assert!(!is_rtcp(&[0x80]));
    }
}
