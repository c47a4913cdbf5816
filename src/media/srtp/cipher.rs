//! Session keys and suites: AES in counter mode with HMAC-SHA1 (RFC 3711 section 4, RFC 6188) and AES-GCM (RFC 7714).

use aes::cipher::{InnerIvInit, KeyInit as _, StreamCipher, StreamCipherCoreWrapper};
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::index::Index;
use super::{ENCRYPTED, INDEX_LEN, RTCP_CLEAR};
use crate::types::{SrtpKey, SrtpSuite};

/// Bytes of the session key for HMAC-SHA1 (RFC 3711 section 5.2).
const AUTH_KEY_LEN: usize = 20;
/// RTCP's tag in all suites with HMAC (section 5.2, RFC 4568 section 6.2).
const RTCP_TAG_LEN: usize = 10;
const GCM_TAG_LEN: usize = 16;
const GCM_NONCE_LEN: usize = 12;

/// What key derivation makes (RFC 3711 section 4.3.2).
#[derive(Clone, Copy)]
enum Label {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// RTCP's labels come after RTP's.
const RTCP_LABELS: u8 = 3;

/// The keys of one direction.
pub struct SessionKeys {
    pub rtp: Cipher,
    pub rtcp: Cipher,
}

/// AES counting in all 128 bits, with a key that is lent to it.
type Counting<'a, C> = StreamCipherCoreWrapper<CtrCore<&'a C, Ctr128BE>>;

/// One direction's RTP or RTCP.
pub enum Cipher {
    Counter(Box<Counter>),
    Gcm(Box<Gcm>),
}

pub struct Counter {
    aes: Aes,
    salt: [u8; 14],
    /// Keyed once: a packet clones it.
    mac: Hmac<Sha1>,
    tag_len: usize,
}

pub struct Gcm {
    aes: AesGcm,
    salt: [u8; GCM_NONCE_LEN],
}

enum Aes {
    Of128(Aes128Enc),
    Of256(Aes256Enc),
}

enum AesGcm {
    Of128(Aes128Gcm),
    Of256(Aes256Gcm),
}

impl SessionKeys {
    /// From a master key; the key derivation rate is zero: once for the master key's life.
    pub fn derive(key: &SrtpKey) -> Self {
        Self { rtp: Cipher::derive(key, 0), rtcp: Cipher::derive(key, RTCP_LABELS) }
    }
}

impl Cipher {
    fn derive(key: &SrtpKey, labels: u8) -> Self {
        let suite = key.suite();
        let mut session_key = [0; 32];
        let session_key = &mut session_key[..suite.key_len()];
        derive(key, labels + Label::Encryption as u8, session_key);
        let mut salt = [0; 14];
        derive(key, labels + Label::Salt as u8, &mut salt[..suite.salt_len()]);
        if let SrtpSuite::Aead128Gcm | SrtpSuite::Aead256Gcm = suite {
            return Cipher::gcm(session_key, &salt);
        }
        let mut auth_key = [0; AUTH_KEY_LEN];
        derive(key, labels + Label::Authentication as u8, &mut auth_key);
        let short = matches!(suite, SrtpSuite::Aes128CmSha1_32 | SrtpSuite::Aes256CmSha1_32) && labels == 0;
        Cipher::counter(session_key, salt, &auth_key, if short { 4 } else { RTCP_TAG_LEN })
    }

    pub(super) fn counter(key: &[u8], salt: [u8; 14], auth_key: &[u8], tag_len: usize) -> Self {
        let mac = Hmac::new_from_slice(auth_key).expect("HMAC takes keys of any length");
        Cipher::Counter(Box::new(Counter { aes: Aes::new(key), salt, mac, tag_len }))
    }

    pub(super) fn gcm(key: &[u8], salt: &[u8]) -> Self {
        let aes = match key.len() {
            16 => AesGcm::Of128(Aes128Gcm::new_from_slice(key).expect("16 bytes")),
            _ => AesGcm::Of256(Aes256Gcm::new_from_slice(key).expect("32 bytes: no suite has another length")),
        };
        let mut nonce = [0; GCM_NONCE_LEN];
        nonce.copy_from_slice(&salt[..GCM_NONCE_LEN]);
        Cipher::Gcm(Box::new(Gcm { aes, salt: nonce }))
    }

    /// What RTP is longer by.
    pub fn tag_len(&self) -> usize {
        match self {
            Cipher::Counter(counter) => counter.tag_len,
            Cipher::Gcm(_) => GCM_TAG_LEN,
        }
    }

    /// What RTCP is longer by, without its index.
    pub fn rtcp_tag_len(&self) -> usize {
        match self {
            Cipher::Counter(_) => RTCP_TAG_LEN,
            Cipher::Gcm(_) => GCM_TAG_LEN,
        }
    }

    /// Seals RTP in place: `packet` has room for the tag at its end.
    pub fn seal(&self, ssrc: u32, index: Index, packet: &mut [u8], clear: usize) {
        let (text, tag) = packet.split_at_mut(packet.len() - self.tag_len());
        match self {
            Cipher::Counter(counter) => {
                counter.apply(ssrc, index.0, &mut text[clear..]);
                tag.copy_from_slice(&counter.mac(text, &index.rollovers().to_be_bytes())[..tag.len()]);
            }
            Cipher::Gcm(gcm) => {
                let (clear, text) = text.split_at_mut(clear);
                tag.copy_from_slice(&gcm.seal(ssrc, index.0, clear, text));
            }
        }
    }

    /// Opens RTP in place; its length without the tag, or `None` when the tag is wrong.
    pub fn open(&self, ssrc: u32, index: Index, packet: &mut [u8], clear: usize) -> Option<usize> {
        let (text, tag) = packet.split_at_mut_checked(packet.len().checked_sub(self.tag_len())?)?;
        match self {
            Cipher::Counter(counter) => {
                counter.check(text, &index.rollovers().to_be_bytes(), tag)?;
                counter.apply(ssrc, index.0, text.get_mut(clear..)?);
            }
            Cipher::Gcm(gcm) => {
                let (clear, text) = text.split_at_mut_checked(clear)?;
                gcm.open(ssrc, index.0, clear, text, tag)?;
            }
        }
        Some(text.len())
    }

    /// The word with E bit and index: before the tag, or behind it where the tag belongs to the cipher's text.
    pub fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let behind = match self {
            Cipher::Counter(_) => RTCP_TAG_LEN,
            Cipher::Gcm(_) => 0,
        };
        super::be32(packet, packet.len().checked_sub(behind + INDEX_LEN)?)
    }

    /// Seals RTCP in place: `packet` has room for tag and index at its end.
    pub fn seal_rtcp(&self, ssrc: u32, word: u32, packet: &mut [u8]) {
        let (text, end) = packet.split_at_mut(packet.len() - self.rtcp_tag_len() - INDEX_LEN);
        let (index, word) = (u64::from(word & !ENCRYPTED), word.to_be_bytes());
        match self {
            Cipher::Counter(counter) => {
                counter.apply(ssrc, index, &mut text[RTCP_CLEAR..]);
                let (after, tag) = end.split_at_mut(INDEX_LEN);
                after.copy_from_slice(&word);
                tag.copy_from_slice(&counter.mac(text, &word)[..tag.len()]);
            }
            Cipher::Gcm(gcm) => {
                let (tag, after) = end.split_at_mut(GCM_TAG_LEN);
                after.copy_from_slice(&word);
                let (clear, text) = text.split_at_mut(RTCP_CLEAR);
                tag.copy_from_slice(&gcm.seal(ssrc, index, &rtcp_aad(clear, word), text));
            }
        }
    }

    /// Opens RTCP in place; its length without tag and index. One that is not encrypted is authenticated all the same.
    pub fn open_rtcp(&self, ssrc: u32, word: u32, packet: &mut [u8]) -> Option<usize> {
        let (text, end) = packet.split_at_mut_checked(packet.len().checked_sub(self.rtcp_tag_len() + INDEX_LEN)?)?;
        let (index, is_encrypted, word) = (u64::from(word & !ENCRYPTED), word & ENCRYPTED != 0, word.to_be_bytes());
        match self {
            Cipher::Counter(counter) => {
                counter.check(text, &word, &end[INDEX_LEN..])?;
                if is_encrypted {
                    counter.apply(ssrc, index, text.get_mut(RTCP_CLEAR..)?);
                }
            }
            Cipher::Gcm(gcm) if is_encrypted => {
                let (clear, text) = text.split_at_mut_checked(RTCP_CLEAR)?;
                gcm.open(ssrc, index, &rtcp_aad(clear, word), text, &end[..GCM_TAG_LEN])?;
            }
            Cipher::Gcm(gcm) => {
                let all = [&text[..], &word].concat();
                gcm.open(ssrc, index, &all, &mut [], &end[..GCM_TAG_LEN])?;
            }
        }
        Some(text.len())
    }
}

impl Counter {
    /// Encrypts, or decrypts (RFC 3711 section 4.1.1).
    fn apply(&self, ssrc: u32, index: u64, text: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        mix(&mut iv[4..14], ssrc, index);
        self.aes.apply(&iv, text);
    }

    fn keyed(&self, text: &[u8], after: &[u8; 4]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        mac.update(text);
        mac.update(after);
        mac
    }

    fn mac(&self, text: &[u8], after: &[u8; 4]) -> [u8; 20] {
        self.keyed(text, after).finalize().into_bytes().into()
    }

    fn check(&self, text: &[u8], after: &[u8; 4], tag: &[u8]) -> Option<()> {
        self.keyed(text, after).verify_truncated_left(tag).ok()
    }
}

impl Gcm {
    fn nonce(&self, ssrc: u32, index: u64) -> [u8; GCM_NONCE_LEN] {
        let mut nonce = self.salt;
        mix(&mut nonce[2..], ssrc, index);
        nonce
    }

    fn seal(&self, ssrc: u32, index: u64, clear: &[u8], text: &mut [u8]) -> [u8; GCM_TAG_LEN] {
        let nonce = self.nonce(ssrc, index).into();
        let sealed = match &self.aes {
            AesGcm::Of128(aes) => aes.encrypt_inout_detached(&nonce, clear, text.into()),
            AesGcm::Of256(aes) => aes.encrypt_inout_detached(&nonce, clear, text.into()),
        };
        sealed.expect("a packet is shorter than 64 GiB").into()
    }

    fn open(&self, ssrc: u32, index: u64, clear: &[u8], text: &mut [u8], tag: &[u8]) -> Option<()> {
        let nonce = self.nonce(ssrc, index).into();
        let tag = tag.try_into().ok()?;
        let opened = match &self.aes {
            AesGcm::Of128(aes) => aes.decrypt_inout_detached(&nonce, clear, text.into(), tag),
            AesGcm::Of256(aes) => aes.decrypt_inout_detached(&nonce, clear, text.into(), tag),
        };
        opened.ok()
    }
}

impl Aes {
    fn new(key: &[u8]) -> Self {
        match key.len() {
            16 => Aes::Of128(Aes128Enc::new_from_slice(key).expect("16 bytes")),
            _ => Aes::Of256(Aes256Enc::new_from_slice(key).expect("32 bytes: no suite has another length")),
        }
    }

    fn apply(&self, iv: &[u8; 16], text: &mut [u8]) {
        let iv = iv.into();
        match self {
            Aes::Of128(aes) => Counting::from_core(CtrCore::inner_iv_init(aes, iv)).apply_keystream(text),
            Aes::Of256(aes) => Counting::from_core(CtrCore::inner_iv_init(aes, iv)).apply_keystream(text),
        }
    }
}

/// XORs a source and a 48-bit index into the ten bytes where they belong.
fn mix(bytes: &mut [u8], ssrc: u32, index: u64) {
    let index = index.to_be_bytes();
    let place = ssrc.to_be_bytes().into_iter().chain(index.into_iter().skip(2));
    bytes.iter_mut().zip(place).for_each(|(byte, with)| *byte ^= with);
}

/// What GCM authenticates of encrypted RTCP besides its text (RFC 7714 section 9.2).
fn rtcp_aad(clear: &[u8], word: [u8; INDEX_LEN]) -> [u8; RTCP_CLEAR + INDEX_LEN] {
    let mut aad = [0; RTCP_CLEAR + INDEX_LEN];
    aad[..RTCP_CLEAR].copy_from_slice(clear);
    aad[RTCP_CLEAR..].copy_from_slice(&word);
    aad
}

/// A session key: the key stream of the master key from where label and master salt begin (RFC 3711 section 4.3.3; a salt of
/// 96 bits is filled up with zeros, RFC 7714 section 11).
fn derive(key: &SrtpKey, label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..key.master_salt().len()].copy_from_slice(key.master_salt());
    iv[7] ^= label;
    out.fill(0);
    Aes::new(key.master_key()).apply(&iv, out);
}

#[cfg(test)]
pub(super) fn derived<const N: usize>(key: &SrtpKey, label: u8) -> [u8; N] {
    let mut out = [0; N];
    derive(key, label, &mut out);
    out
}
