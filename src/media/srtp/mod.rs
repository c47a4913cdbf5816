//! Encrypted audio (RFC 3711; suites of RFC 6188 and RFC 7714): what a stream sends is sealed, what it receives is opened.
//!
//! - `cipher`: session keys, and the suites; the one file that names the cryptographic crates.
//! - `index`: the 48-bit index of a packet behind its 16-bit number, and the window that lets each in once.
//!
//! Weighed before: `webrtc-srtp` (panics on a bad packet) and `rtc-srtp` (takes SRTCP without the E bit unauthenticated, keeps
//! state for each forged SSRC, allocates for every packet, and brings a hundred crates). RustCrypto's AES, GCM and SHA-1 use
//! the processor's own instructions; what SRTP adds to them is small.
//!
//! Limits: four sources of RTP and as many of RTCP are known per stream, only those that proved their key. Nothing
//! is allocated for a packet.

mod cipher;
mod index;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use cipher::{Cipher, SessionKeys};
use index::{Index, Window};

use crate::types::{SrtpKey, SrtpKeys};

/// Bytes that a sealed packet has more than a plain one, at most: the tag, and RTCP's index.
pub const TRAILER_MAX: usize = 16 + INDEX_LEN;
/// Sources that one stream keeps apart: a telephone takes a new SSRC after a hold or a transfer, now and then.
const SOURCES_MAX: usize = 4;
/// E bit and index behind an RTCP packet.
const INDEX_LEN: usize = 4;
/// RTCP's header with the sender's SSRC, which stays in the clear.
const RTCP_CLEAR: usize = 8;
/// Of RTCP's word: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// The longest packet that is opened.
const PACKET_MAX: usize = 1500;

/// Why a packet was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Cut short, or no RTP at all.
    Malformed,
    /// Not made with the key that was agreed on.
    Forged,
    /// It came before, or is too old to tell.
    Replayed,
}

/// Both directions of one stream.
pub struct Srtp {
    ours: SrtpKey,
    theirs: SrtpKey,
    sealer: Sealer,
    opener: Opener,
    /// Where a packet is opened.
    packet: Box<[u8; PACKET_MAX]>,
}

impl std::fmt::Debug for Srtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srtp").field("suite", &self.ours.suite()).finish_non_exhaustive()
    }
}

impl Srtp {
    pub fn new(keys: &SrtpKeys) -> Self {
        Self {
            ours: keys.ours.clone(),
            theirs: keys.theirs.clone(),
            sealer: Sealer::new(&keys.ours),
            opener: Opener::new(&keys.theirs, 0),
            packet: Box::new([0; PACKET_MAX]),
        }
    }

    /// After another offer and answer: a direction with a new key begins anew, one with the same key goes on, so that no index
    /// is used twice with one key.
    pub fn rekey(&mut self, keys: &SrtpKeys) {
        if self.ours != keys.ours {
            self.ours = keys.ours.clone();
            self.sealer = Sealer::new(&keys.ours);
        }
        if self.theirs != keys.theirs {
            self.theirs = keys.theirs.clone();
            self.opener = Opener::new(&keys.theirs, self.opener.rollovers());
        }
    }

    /// Seals the RTP packet of `len` bytes in `out` and says how long it is now. `None` when `out` is too short, and for a
    /// number that was sent already: with one key that would betray both.
    pub fn seal(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        self.sealer.seal(out, len)
    }

    /// The same for RTCP.
    pub fn seal_rtcp(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        self.sealer.seal_rtcp(out, len)
    }

    /// Opens an RTP packet.
    pub fn open(&mut self, sealed: &[u8]) -> Result<&[u8], Fault> {
        let packet = self.packet.get_mut(..sealed.len()).ok_or(Fault::Malformed)?;
        packet.copy_from_slice(sealed);
        let len = self.opener.open(packet)?;
        Ok(&self.packet[..len])
    }

    /// Opens a compound of RTCP.
    pub fn open_rtcp(&mut self, sealed: &[u8]) -> Result<&[u8], Fault> {
        let packet = self.packet.get_mut(..sealed.len()).ok_or(Fault::Malformed)?;
        packet.copy_from_slice(sealed);
        let len = self.opener.open_rtcp(packet)?;
        Ok(&self.packet[..len])
    }
}

/// What we send.
struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    /// None before the first packet.
    sent: Option<Window>,
    /// Of the next RTCP packet.
    rtcp_index: u32,
}

impl Sealer {
    fn new(key: &SrtpKey) -> Self {
        let SessionKeys { rtp, rtcp } = SessionKeys::derive(key);
        Self { rtp, rtcp, sent: None, rtcp_index: 0 }
    }

    fn seal(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        let head = Head::of(out.get(..len)?)?;
        let packet = out.get_mut(..len + self.rtp.tag_len())?;
        let index = match &self.sent {
            None => Index::new(0, head.sequence),
            Some(sent) => sent.guess(head.sequence)?,
        };
        match &mut self.sent {
            None => self.sent = Some(Window::new(index.0)),
            Some(sent) if sent.is_new(index.0) => sent.take(index.0),
            Some(_) => return None,
        }
        self.rtp.seal(head.ssrc, index, packet, head.len);
        Some(packet.len())
    }

    fn seal_rtcp(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        let ssrc = be32(out.get(..len)?, 4)?;
        let packet = out.get_mut(..len + self.rtcp.rtcp_tag_len() + INDEX_LEN)?;
        self.rtcp.seal_rtcp(ssrc, ENCRYPTED | self.rtcp_index, packet);
        self.rtcp_index = self.rtcp_index.wrapping_add(1) & !ENCRYPTED;
        Some(packet.len())
    }
}

/// What the peer sends.
struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources,
    rtcp_sources: Sources,
    /// How often the numbers had wrapped under the key before: some go on counting (RFC 3711 section 3.3.1), others begin anew.
    rollovers_before: u32,
}

impl Opener {
    fn new(key: &SrtpKey, rollovers_before: u32) -> Self {
        let SessionKeys { rtp, rtcp } = SessionKeys::derive(key);
        let (rtp_sources, rtcp_sources) = (Sources::default(), Sources::default());
        Self { rtp, rtcp, rtp_sources, rtcp_sources, rollovers_before }
    }

    fn rollovers(&self) -> u32 {
        self.rtp_sources.latest().map_or(self.rollovers_before, |window| window.rollovers())
    }

    fn open(&mut self, packet: &mut [u8]) -> Result<usize, Fault> {
        let head = Head::of(packet).ok_or(Fault::Malformed)?;
        if packet.len() < head.len + self.rtp.tag_len() {
            return Err(Fault::Malformed);
        }
        let Some(window) = self.rtp_sources.known(head.ssrc) else { return self.open_first(head, packet) };
        let index = window.guess(head.sequence).filter(|index| window.is_new(index.0)).ok_or(Fault::Replayed)?;
        let len = self.rtp.open(head.ssrc, index, packet, head.len).ok_or(Fault::Forged)?;
        self.rtp_sources.take(head.ssrc, index.0);
        Ok(len)
    }

    /// The first packet that is heard of a source: its numbers may have wrapped once before, or go on from the key before.
    fn open_first(&mut self, head: Head, packet: &mut [u8]) -> Result<usize, Fault> {
        let before = self.rollovers_before;
        for (n, rollovers) in [0, 1, before, before.saturating_add(1)].into_iter().enumerate() {
            if n >= 2 && before < 2 {
                break;
            }
            let index = Index::new(rollovers, head.sequence);
            if let Some(len) = self.rtp.open(head.ssrc, index, packet, head.len) {
                self.rtp_sources.add(head.ssrc, Window::new(index.0));
                return Ok(len);
            }
        }
        Err(Fault::Forged)
    }

    fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Fault> {
        if packet.len() < RTCP_CLEAR + INDEX_LEN + self.rtcp.rtcp_tag_len() {
            return Err(Fault::Malformed);
        }
        let ssrc = be32(packet, 4).ok_or(Fault::Malformed)?;
        let word = self.rtcp.rtcp_word(packet).ok_or(Fault::Malformed)?;
        let index = u64::from(word & !ENCRYPTED);
        let known = self.rtcp_sources.known(ssrc);
        if known.is_some_and(|window| !window.is_new(index)) {
            return Err(Fault::Replayed);
        }
        let is_known = known.is_some();
        let len = self.rtcp.open_rtcp(ssrc, word, packet).ok_or(Fault::Forged)?;
        match is_known {
            true => self.rtcp_sources.take(ssrc, index),
            false => self.rtcp_sources.add(ssrc, Window::new(index)),
        }
        Ok(len)
    }
}

/// The sources that proved their key; the one heard last is the first.
#[derive(Default)]
struct Sources {
    known: Vec<(u32, Window)>,
}

impl Sources {
    fn known(&self, ssrc: u32) -> Option<&Window> {
        self.known.iter().find(|(known, _)| *known == ssrc).map(|(_, window)| window)
    }

    /// An authentic packet of one that is known came: only that makes it the one heard last.
    fn take(&mut self, ssrc: u32, index: u64) {
        let Some(at) = self.known.iter().position(|(known, _)| *known == ssrc) else { return };
        self.known[..=at].rotate_right(1);
        self.known[0].1.take(index);
    }

    fn add(&mut self, ssrc: u32, window: Window) {
        self.known.truncate(SOURCES_MAX - 1);
        self.known.insert(0, (ssrc, window));
    }

    fn latest(&self) -> Option<&Window> {
        self.known.first().map(|(_, window)| window)
    }
}

/// What of an RTP packet is in the clear.
#[derive(Debug, Clone, Copy)]
struct Head {
    sequence: u16,
    ssrc: u32,
    /// With CSRC list and extension.
    len: usize,
}

impl Head {
    fn of(packet: &[u8]) -> Option<Head> {
        let first = *packet.first()?;
        if first >> 6 != 2 {
            return None;
        }
        let fixed = 12 + 4 * usize::from(first & 0x0F);
        let extension = match first & 0x10 {
            0 => 0,
            _ => 4 + 4 * usize::from(be16(packet, fixed + 2)?),
        };
        let len = fixed + extension;
        (len <= packet.len()).then_some(Head { sequence: be16(packet, 2)?, ssrc: be32(packet, 8)?, len })
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|b| Some(u16::from_be_bytes(b.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|b| Some(u32::from_be_bytes(b.try_into().ok()?)))
}
