//! SIP messages as packets in a file of the old pcap form (24 bytes, then 16 before each packet), which every tool reads.
//!
//! Each message is a datagram of UDP between the addresses that it went between; also one of a stream, since the segments that
//! it travelled in, and the keys of TLS, are not kept.

use std::io::{self, Write};
use std::net::IpAddr;

use etherparse::PacketBuilder;

use crate::desk::ladder::{CallLadder, LadderMessage};

const MAGIC: u32 = 0xa1b2_c3d4;
const SNAP_LENGTH: u32 = 65_535;
/// Packets begin with their IP header.
const LINKTYPE_RAW: u32 = 101;
const HOPS: u8 = 64;
/// What fits into a datagram with the longest headers.
const PAYLOAD_MAX: usize = 65_000;

/// Writes all messages; gives how many were too long.
pub fn write(ladder: &CallLadder, out: &mut dyn Write) -> io::Result<usize> {
    out.write_all(&MAGIC.to_le_bytes())?;
    // Version 2.4, times in UTC.
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
    out.write_all(&SNAP_LENGTH.to_le_bytes())?;
    out.write_all(&LINKTYPE_RAW.to_le_bytes())?;
    let mut left_out = 0;
    for message in &ladder.messages {
        let Some(packet) = packet(message) else {
            left_out += 1;
            continue;
        };
        let ms = ladder.began_at.timestamp_millis().unsigned_abs() + message.at_ms;
        let (seconds, micros) = ((ms / 1000) as u32, (ms % 1000) as u32 * 1000);
        let length = packet.len() as u32;
        for word in [seconds, micros, length, length] {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(&packet)?;
    }
    Ok(left_out)
}

fn packet(message: &LadderMessage) -> Option<Vec<u8>> {
    let LadderMessage { local, remote, bytes, .. } = message;
    let (from, to) = if message.out { (local, remote) } else { (remote, local) };
    if bytes.len() > PAYLOAD_MAX {
        return None;
    }
    let packet = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(in_ipv6(from), in_ipv6(to), HOPS),
    };
    let packet = packet.udp(from.port(), to.port());
    let mut written = Vec::with_capacity(packet.size(bytes.len()));
    packet.write(&mut written, bytes).ok()?;
    Some(written)
}

fn in_ipv6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::ladder::tests::message;
    use crate::types::CallId;

    /// RFC 1071.
    fn sum(bytes: &[u8]) -> u16 {
        let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn packets_have_right_lengths_times_and_sums_in_both_families() {
        let mut six = message(1_500, true, 0, "SIP/2.0 200 OK\r\n\r\n");
        (six.local, six.remote) = ("[2001:db8::1]:5060".parse().unwrap(), "[2001:db8::7]:5070".parse().unwrap());
        let mut long = message(2_000, true, 0, "");
        long.bytes = vec![b'x'; 70_000];
        let began_at = "2026-11-28T00:00:00Z".parse().unwrap();
        let messages = vec![message(0, false, 0, "INVITE sip:a SIP/2.0\r\n\r\n"), long, six];
        let ladder = CallLadder { call: CallId(1), began_at, messages, left_out: 0, gap_at: 3 };
        let mut file = Vec::new();
        assert_eq!(write(&ladder, &mut file).unwrap(), 1);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(20), word(24), word(28)), (MAGIC, LINKTYPE_RAW, began_at.timestamp() as u32, 0));
        let length = word(32) as usize;
        let four = &file[40..40 + length];
        assert_eq!((length, four[0] >> 4, four[9], sum(&four[..20])), (20 + 8 + 24, 4, 17, 0xffff));
        assert_eq!(four[12..20], [192, 0, 2, 7, 192, 0, 2, 1]);
        let pseudo = [&four[12..20], &[0, 17], &four[24..26], &four[20..]].concat();
        assert_eq!((sum(&pseudo), &four[28..34]), (0xffff, &b"INVITE"[..]));
        let at = 40 + length;
        assert_eq!((word(at), word(at + 4)), (began_at.timestamp() as u32 + 1, 500_000));
        let six = &file[at + 16..];
        assert_eq!((six[0] >> 4, six[6], &six[40..44]), (6, 17, &[0x13, 0xc4, 0x13, 0xce][..]));
        let pseudo = [&six[8..40], &six[44..46], &[0, 17], &six[40..]].concat();
        assert_eq!(sum(&pseudo), 0xffff);
    }
}
