//! The test vectors of RFC 3711 appendix B, RFC 6188 section 7 and RFC 7714 sections 16 and 17, and packets of libsrtp's.

use super::cipher::{Cipher, derived};
use super::index::Index;
use super::*;
use crate::types::SrtpSuite;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn key(suite: SrtpSuite, master: &str) -> SrtpKey {
    SrtpKey::new(suite, hex(master)).unwrap()
}

fn both(key: &SrtpKey) -> Srtp {
    Srtp::new(&SrtpKeys { ours: key.clone(), theirs: key.clone(), savp: true })
}

#[test]
fn session_keys_of_rfc_3711_appendix_b_3() {
    let key = key(SrtpSuite::Aes128CmSha1_80, "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    assert_eq!(derived::<16>(&key, 0)[..], hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived::<14>(&key, 2)[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(derived::<20>(&key, 1)[..], hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn session_keys_of_rfc_6188_section_7_2() {
    let key = key(
        SrtpSuite::Aes256CmSha1_80,
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
    );
    assert_eq!(derived::<32>(&key, 0)[..], hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
    assert_eq!(derived::<14>(&key, 2)[..], hex("fa31791685ca444a9e07c6c64e93"));
    assert_eq!(derived::<20>(&key, 1)[..], hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

#[test]
fn key_stream_of_rfc_3711_appendix_b_2() {
    let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
    let cipher = Cipher::counter(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), salt, &[0; 20], 10);
    let mut packet = vec![0; 12 + 48 + 10];
    cipher.seal(0, Index(0), &mut packet, 12);
    assert_eq!(
        packet[12..60],
        hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0")
    );
}

const PLAIN: &str = "800f1234decafbadcafebabe abababababababababababababababab";
const PLAIN_RTCP: &str = "81c8000bcafebabe abababababababababababababababab";

/// Sealed and opened again, both as written down.
fn packet_is(key: &SrtpKey, plain: &str, sealed: &str) {
    let (plain, sealed) = (hex(plain), hex(sealed));
    let mut out = [0; 200];
    out[..plain.len()].copy_from_slice(&plain);
    let len = both(key).seal(&mut out, plain.len()).unwrap();
    assert_eq!(out[..len], sealed);
    assert_eq!(both(key).open(&sealed), Ok(&plain[..]));
}

#[test]
fn packets_of_libsrtp() {
    let aes_128 = key(SrtpSuite::Aes128CmSha1_80, "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    packet_is(&aes_128, PLAIN, "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    let aes_256 = key(
        SrtpSuite::Aes256CmSha1_80,
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
    );
    packet_is(&aes_256, PLAIN, "800f1234decafbadcafebabe f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b");
    let rtcp = "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798";
    assert_eq!(both(&aes_128).open_rtcp(&hex(rtcp)), Ok(&hex(PLAIN_RTCP)[..]));
}

const SALT: &str = "517569642070726f2071756f";
const RTP: &str =
    "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
const RTCP: &str = "81c8000d4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 \
                    deadbeef deadbeef deadbeef deadbeef deadbeef";

/// These vectors begin with the session key and salt.
fn gcm_rtp(key: &str, sealed: &str) {
    let cipher = Cipher::gcm(&hex(key), &hex(SALT));
    let (plain, sealed) = (hex(RTP), hex(sealed));
    let mut packet = plain.clone();
    packet.resize(plain.len() + 16, 0);
    cipher.seal(0x5501_a0b2, Index(0xf17b), &mut packet, 12);
    assert_eq!(packet, sealed);
    assert_eq!(cipher.open(0x5501_a0b2, Index(0xf17b), &mut packet, 12), Some(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}

#[test]
fn rtp_of_rfc_7714_section_16() {
    gcm_rtp(
        "000102030405060708090a0b0c0d0e0f",
        "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 \
         899d7f27beb16a9152cf765ee4390cce",
    );
    gcm_rtp(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b \
         7aa3db36dfffd6b0f9bb7878d7a76c13",
    );
}

#[test]
fn rtcp_of_rfc_7714_section_17() {
    let cipher = Cipher::gcm(&hex("000102030405060708090a0b0c0d0e0f"), &hex(SALT));
    let plain = hex(RTCP);
    let sealed = hex("81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda\
                      4ce09b4686303ded0bb9275bc84aa458 96cf4d2fc5abf87245d9eade 800005d4");
    let mut packet = plain.clone();
    packet.resize(plain.len() + 20, 0);
    cipher.seal_rtcp(0x4d61_7273, 0x8000_05d4, &mut packet);
    assert_eq!(packet, sealed);
    assert_eq!(cipher.rtcp_word(&packet), Some(0x8000_05d4));
    assert_eq!(cipher.open_rtcp(0x4d61_7273, 0x8000_05d4, &mut packet), Some(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}
