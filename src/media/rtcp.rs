//! RTCP packets as bytes (RFC 3550 section 6): reports, a CNAME and BYE go out; reports about us come in.

use chrono::{DateTime, Utc};

use super::reception::Figures;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const CNAME: u8 = 1;

/// Bytes of one report block.
const BLOCK_LEN: usize = 24;
/// The longest compound that we write: SR with a block, SDES with 255 bytes of CNAME, BYE, and what encryption adds.
pub const COMPOUND_LEN_MAX: usize = 28 + BLOCK_LEN + 268 + 8 + super::srtp::TRAILER_MAX;

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_UNIX_S: u64 = 2_208_988_800;

/// What a sender report says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// 32.32 fixed-point seconds since 1900.
    pub ntp: u64,
    /// The same moment on the RTP clock.
    pub timestamp: u32,
    pub packets: u32,
    /// Payload bytes.
    pub octets: u32,
}

/// One report block (section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub figures: Figures,
    /// Middle 32 bits of the NTP time of the last SR heard, zero for none.
    pub last_sr: u32,
    /// Time since then in 1/65536 s.
    pub delay: u32,
}

/// A compound packet to send.
#[derive(Debug, Clone, Copy)]
pub struct Compound<'a> {
    pub ssrc: u32,
    /// Makes it an SR; without it an RR.
    pub sender: Option<SenderInfo>,
    pub block: Option<Block>,
    /// Cut to 255 bytes.
    pub cname: &'a str,
    pub bye: bool,
}

/// One thing that a compound said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Sender {
        ssrc: u32,
        info: SenderInfo,
    },
    /// A block of an SR or RR about the source that it names.
    About(Block),
    Goodbye {
        ssrc: u32,
    },
}

/// Wall time as NTP says it.
pub fn ntp(wall: DateTime<Utc>) -> u64 {
    let seconds = wall.timestamp().saturating_add_unsigned(NTP_UNIX_S).max(0) as u64;
    let fraction = (u64::from(wall.timestamp_subsec_micros().min(999_999)) << 32) / 1_000_000;
    seconds << 32 | fraction
}

/// The middle 32 bits of an NTP time, as report blocks carry it.
pub fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

impl Compound<'_> {
    /// Writes it; `None` if `out` is shorter than it needs ([`COMPOUND_LEN_MAX`] is always enough).
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = Writer { out, len: 0 };
        self.write_report(&mut writer)?;
        self.write_description(&mut writer)?;
        if self.bye {
            writer.u32(header(1, GOODBYE, 1))?;
            writer.u32(self.ssrc)?;
        }
        Some(writer.len)
    }

    fn write_report(&self, writer: &mut Writer<'_>) -> Option<()> {
        let blocks = u32::from(self.block.is_some());
        let (kind, words) = if self.sender.is_some() { (SENDER_REPORT, 6) } else { (RECEIVER_REPORT, 1) };
        writer.u32(header(blocks, kind, words + blocks * BLOCK_LEN as u32 / 4))?;
        writer.u32(self.ssrc)?;
        if let Some(info) = self.sender {
            writer.u32((info.ntp >> 32) as u32)?;
            writer.u32(info.ntp as u32)?;
            writer.u32(info.timestamp)?;
            writer.u32(info.packets)?;
            writer.u32(info.octets)?;
        }
        if let Some(Block { figures, last_sr, delay }) = self.block {
            writer.u32(figures.ssrc)?;
            writer.u32(u32::from(figures.fraction_lost) << 24 | figures.lost as u32 & 0xFF_FFFF)?;
            writer.u32(figures.highest)?;
            writer.u32(figures.jitter)?;
            writer.u32(last_sr)?;
            writer.u32(delay)?;
        }
        Some(())
    }

    fn write_description(&self, writer: &mut Writer<'_>) -> Option<()> {
        let name = &self.cname.as_bytes()[..self.cname.len().min(255)];
        // SSRC, item header, text, then one to four zeros up to the word.
        let words = (4 + 2 + name.len()) / 4 + 1;
        writer.u32(header(1, SOURCE_DESCRIPTION, words as u32))?;
        writer.u32(self.ssrc)?;
        writer.bytes(&[CNAME, name.len() as u8])?;
        writer.bytes(name)?;
        writer.bytes(&[0; 4][..words * 4 - 6 - name.len()])
    }
}

/// Version 2, no padding; `words` is the length without this header's own word.
fn header(count: u32, kind: u8, words: u32) -> u32 {
    2 << 30 | count << 24 | u32::from(kind) << 16 | words
}

struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    fn u32(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }
}

/// Reads a compound of any bytes and tells what it says, part by part; `false` when it is no RTCP or is cut short
/// (what stood before the fault has been told).
pub fn read(mut bytes: &[u8], mut on: impl FnMut(Report)) -> bool {
    if bytes.is_empty() {
        return false;
    }
    while !bytes.is_empty() {
        let [first, kind, high, low, ..] = *bytes else { return false };
        let len = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        if first >> 6 != 2 || bytes.len() < len {
            return false;
        }
        let (packet, rest) = bytes.split_at(len);
        if !read_packet(kind, usize::from(first & 31), &packet[4..], &mut on) {
            return false;
        }
        bytes = rest;
    }
    true
}

fn read_packet(kind: u8, count: usize, body: &[u8], on: &mut impl FnMut(Report)) -> bool {
    let blocks = match kind {
        SENDER_REPORT => {
            let [Some(ssrc), Some(ntp_high), Some(ntp_low), Some(timestamp), Some(packets), Some(octets)] =
                std::array::from_fn(|n| word(body, n))
            else {
                return false;
            };
            let ntp = u64::from(ntp_high) << 32 | u64::from(ntp_low);
            on(Report::Sender { ssrc, info: SenderInfo { ntp, timestamp, packets, octets } });
            &body[24..]
        }
        RECEIVER_REPORT if body.len() >= 4 => &body[4..],
        RECEIVER_REPORT => return false,
        GOODBYE => {
            (0..count).map_while(|n| word(body, n)).for_each(|ssrc| on(Report::Goodbye { ssrc }));
            return true;
        }
        // SDES, APP and the feedback of later RFCs say nothing that a telephone line needs.
        _ => return true,
    };
    if blocks.len() < count * BLOCK_LEN {
        return false;
    }
    blocks.chunks_exact(BLOCK_LEN).take(count).filter_map(read_block).for_each(|block| on(Report::About(block)));
    true
}

fn read_block(bytes: &[u8]) -> Option<Block> {
    let [Some(ssrc), Some(losses), Some(highest), Some(jitter), Some(last_sr), Some(delay)] =
        std::array::from_fn(|n| word(bytes, n))
    else {
        return None;
    };
    let figures = Figures {
        ssrc,
        fraction_lost: (losses >> 24) as u8,
        // Shifted up and down again so that the 24 bits keep their sign.
        lost: (losses << 8) as i32 >> 8,
        highest,
        jitter,
    };
    Some(Block { figures, last_sr, delay })
}

/// The n-th word of four bytes.
fn word(bytes: &[u8], n: usize) -> Option<u32> {
    let bytes = bytes.get(n * 4..n * 4 + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Random;

    fn full() -> Compound<'static> {
        let figures = Figures { ssrc: 9, fraction_lost: 51, lost: -2, highest: 0x1_0005, jitter: 33 };
        Compound {
            ssrc: 0xABCD,
            sender: Some(SenderInfo { ntp: 0x1122_3344_5566_7788, timestamp: 800, packets: 5, octets: 800 }),
            block: Some(Block { figures, last_sr: 77, delay: 65_536 }),
            cname: "desk",
            bye: true,
        }
    }

    fn reports(bytes: &[u8]) -> (bool, Vec<Report>) {
        let mut out = Vec::new();
        (read(bytes, |report| out.push(report)), out)
    }

    #[test]
    fn a_compound_is_read_as_it_was_written() {
        let mut out = [0; COMPOUND_LEN_MAX];
        let len = full().write(&mut out).unwrap();
        assert_eq!(len, 52 + 16 + 8);
        assert_eq!(&out[..4], [0x81, 200, 0, 12]);
        let description = [0x81, 202, 0, 3, 0, 0, 0xAB, 0xCD, 1, 4, b'd', b'e', b's', b'k', 0, 0];
        assert_eq!(out[52..68], description);
        assert_eq!(out[68..len], [0x81, 203, 0, 1, 0, 0, 0xAB, 0xCD]);
        let (sound, said) = reports(&out[..len]);
        assert!(sound);
        assert_eq!(
            said,
            [
                Report::Sender { ssrc: 0xABCD, info: full().sender.unwrap() },
                Report::About(full().block.unwrap()),
                Report::Goodbye { ssrc: 0xABCD },
            ]
        );
    }

    #[test]
    fn a_name_of_any_length_ends_on_a_word() {
        let name = "n".repeat(300);
        for len in 0..300 {
            let compound = Compound { cname: &name[..len], sender: None, block: None, bye: false, ..full() };
            let mut out = [0xFF; COMPOUND_LEN_MAX];
            let written = compound.write(&mut out).unwrap();
            assert_eq!(written % 4, 0);
            assert_eq!(out[written - 1], 0, "the list of items ends with a zero");
            assert!(reports(&out[..written]).0);
        }
    }

    #[test]
    fn too_short_a_buffer_is_refused() {
        let mut out = [0; COMPOUND_LEN_MAX];
        let len = full().write(&mut out).unwrap();
        for short in 0..len {
            assert_eq!(full().write(&mut out[..short]), None);
        }
    }

    #[test]
    fn garbage_is_refused_and_never_panics() {
        let mut out = [0; COMPOUND_LEN_MAX];
        let len = full().write(&mut out).unwrap();
        for cut in 0..len {
            let (sound, _) = reports(&out[..cut]);
            assert_eq!(sound, cut == 52 || cut == 68, "{cut}");
        }
        let mut random = Random::for_testing(3);
        for _ in 0..100_000 {
            let mut bytes = out[..len].to_vec();
            for _ in 0..1 + random.u32() % 4 {
                let at = random.u32() as usize % bytes.len();
                bytes[at] = random.u32() as u8;
            }
            reports(&bytes);
        }
        assert!(!reports(&[]).0);
    }

    #[test]
    fn ntp_counts_from_1900() {
        let wall = DateTime::from_timestamp(0, 500_000_000).unwrap();
        assert_eq!(ntp(wall), 2_208_988_800 << 32 | 1 << 31);
    }
}
