//! Keys that come by a handshake on the way of the audio (DTLS-SRTP, RFC 5763, 5764): the desk's certificate, and the side that
//! waits for the other to begin. The only file that names `dimpl` and `rcgen`.
//!
//! `dimpl` does no I/O and asks for the time, draws its own chance, and so has its place here and not in `media`. The
//! peer's certificate must be of elliptic curves, as those of browsers are: `dimpl` knows no RSA. Our own is nobody's: it is
//! made at start, and worth as much as the descriptions that name its fingerprint.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, KeyingMaterial, Output, SrtpProfile};
use sha2::{Digest, Sha256};

use crate::types::{Fingerprint, SrtpKey, SrtpKeys, SrtpSuite};

/// Records of a handshake are cut to fit any path.
const RECORD_MAX: usize = 2_048;
/// Packets and events that are taken from one step of a handshake at most.
const OUTPUTS_MAX: usize = 64;

/// `None` when it could not be made, which the log says: calls of this kind are refused then.
static IDENTITY: LazyLock<Option<Identity>> = LazyLock::new(|| match Identity::generate() {
    Ok(identity) => Some(identity),
    Err(error) => {
        tracing::error!(error, "no certificate for encrypted audio of browsers: their calls are refused");
        None
    }
});

struct Identity {
    config: Arc<Config>,
    certificate: DtlsCertificate,
    fingerprint: Fingerprint,
}

impl Identity {
    fn generate() -> Result<Identity, String> {
        let key = rcgen::KeyPair::generate().map_err(|error| error.to_string())?;
        let facts = rcgen::CertificateParams::new(Vec::new()).map_err(|error| error.to_string())?;
        let certificate = facts.self_signed(&key).map_err(|error| error.to_string())?.der().to_vec();
        let config = Config::builder().build().map_err(|error| error.to_string())?;
        Ok(Identity {
            config: Arc::new(config),
            fingerprint: fingerprint_of(&certificate),
            certificate: DtlsCertificate { certificate, private_key: key.serialize_der() },
        })
    }
}

/// Of the certificate that we show.
pub fn fingerprint() -> Option<Fingerprint> {
    IDENTITY.as_ref().map(|identity| identity.fingerprint)
}

/// Whether a datagram is of a handshake: neither RTP, RTCP nor a check begins so (RFC 7983).
pub fn is_dtls(packet: &[u8]) -> bool {
    packet.first().is_some_and(|b| (20..64).contains(b))
}

/// One stream's handshake, and what is said over it afterwards: farewells, and what got lost.
pub struct Handshake {
    dtls: Dtls,
    theirs: Fingerprint,
    /// Where the peer was heard last.
    pub peer: Option<SocketAddr>,
    wake: Option<Instant>,
    /// The peer has shown the certificate of its description.
    proved: bool,
    /// And that it has the certificate's key.
    connected: bool,
    keys: Option<SrtpKeys>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Shaking,
    Done,
    Failed,
}

impl Handshake {
    /// Waits for whoever has this certificate to begin.
    pub fn new(theirs: Fingerprint, now: Instant) -> Option<Handshake> {
        let identity = IDENTITY.as_ref()?;
        let dtls = Dtls::new_auto(identity.config.clone(), identity.certificate.clone(), now);
        Some(Handshake {
            dtls,
            theirs,
            peer: None,
            wake: None,
            proved: false,
            connected: false,
            keys: None,
            stage: Stage::Shaking,
        })
    }

    pub fn theirs(&self) -> Fingerprint {
        self.theirs
    }

    /// Takes a packet and sends what it asks for; the keys, once, when both sides have proved themselves.
    pub fn received(&mut self, now: Instant, packet: &[u8], send: impl FnMut(&[u8])) -> Option<SrtpKeys> {
        if self.stage == Stage::Failed {
            return None;
        }
        let taken = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(packet));
        self.go_on(taken, send)
    }

    /// Whether there never will be keys.
    pub fn has_failed(&self) -> bool {
        self.stage == Stage::Failed
    }

    /// To be called now and then.
    pub fn waited(&mut self, now: Instant, send: impl FnMut(&[u8])) {
        if self.stage != Stage::Failed && self.wake.is_some_and(|at| at <= now) {
            let taken = self.dtls.handle_timeout(now);
            self.go_on(taken, send);
        }
    }

    fn go_on(&mut self, taken: Result<(), dimpl::Error>, mut send: impl FnMut(&[u8])) -> Option<SrtpKeys> {
        let mut out = [0; RECORD_MAX];
        for _ in 0..OUTPUTS_MAX {
            match self.dtls.poll_output(&mut out) {
                Output::Packet(packet) => send(packet),
                Output::PeerCert(certificate) => self.proved = fingerprint_of(certificate) == self.theirs,
                Output::KeyingMaterial(material, profile) => self.keys = keys_of(&material, profile),
                Output::Connected => self.connected = true,
                Output::Timeout(at) => {
                    self.wake = Some(at);
                    break;
                }
                Output::BufferTooSmall { .. } => break,
                _ => {}
            }
        }
        if let Err(error) = taken {
            self.fail(&error.to_string());
        } else if self.connected && self.stage == Stage::Shaking {
            return self.finished();
        }
        None
    }

    fn finished(&mut self) -> Option<SrtpKeys> {
        if !self.proved {
            self.fail("the certificate is not the one of the description");
            return None;
        }
        let keys = self.keys.take()?;
        self.stage = Stage::Done;
        Some(keys)
    }

    fn fail(&mut self, why: &str) {
        if self.stage == Stage::Shaking {
            tracing::warn!(why, peer = ?self.peer, "the handshake for the keys of a call's audio went wrong; the call is ended");
            self.stage = Stage::Failed;
        }
    }
}

fn fingerprint_of(certificate: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(certificate).into())
}

/// Both sides' keys, then both sides' salts, the one's who began first (RFC 5764 section 4.2): that is the peer.
fn keys_of(material: &KeyingMaterial, profile: SrtpProfile) -> Option<SrtpKeys> {
    let suite = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => SrtpSuite::Aes128CmSha1_80,
        SrtpProfile::AEAD_AES_128_GCM => SrtpSuite::Aead128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => SrtpSuite::Aead256Gcm,
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(2 * suite.key_len())?;
    let (their_key, our_key) = keys.split_at(suite.key_len());
    let (their_salt, our_salt) = salts.split_at_checked(suite.salt_len())?;
    Some(SrtpKeys {
        ours: SrtpKey::new(suite, [our_key, our_salt].concat())?,
        theirs: SrtpKey::new(suite, [their_key, their_salt].concat())?,
        savp: true,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A peer that begins, with a certificate of its own.
    struct Client {
        dtls: Dtls,
        fingerprint: Fingerprint,
        keys: Option<(KeyingMaterial, SrtpProfile)>,
    }

    impl Client {
        fn new(now: Instant) -> Self {
            let Identity { config, certificate, fingerprint } = Identity::generate().expect("a certificate");
            let mut dtls = Dtls::new_12(config, certificate, now);
            dtls.set_active(true);
            Self { dtls, fingerprint, keys: None }
        }

        fn says(&mut self) -> Vec<Vec<u8>> {
            let mut said = Vec::new();
            let mut out = [0; RECORD_MAX];
            loop {
                match self.dtls.poll_output(&mut out) {
                    Output::Packet(packet) => said.push(packet.to_vec()),
                    Output::KeyingMaterial(material, profile) => self.keys = Some((material, profile)),
                    Output::PeerCert(certificate) => assert_eq!(Some(fingerprint_of(certificate)), fingerprint()),
                    Output::Timeout(_) => return said,
                    _ => {}
                }
            }
        }
    }

    /// Both talk until neither has anything to say; what `lose` says is lost. The desk's keys.
    fn shake(client: &mut Client, desk: &mut Handshake, mut lose: impl FnMut(usize) -> bool) -> Option<SrtpKeys> {
        let mut now = Instant::now();
        let mut keys = None;
        let mut sent = 0;
        let mut lost = |_: &Vec<u8>| {
            sent += 1;
            !lose(sent)
        };
        client.dtls.handle_timeout(now).expect("it begins");
        for _ in 0..60 {
            let mut replies: Vec<Vec<u8>> = Vec::new();
            for packet in client.says().into_iter().filter(&mut lost) {
                assert!(is_dtls(&packet));
                keys = keys.or(desk.received(now, &packet, |out| replies.push(out.to_vec())));
            }
            now += Duration::from_millis(500);
            desk.waited(now, |out| replies.push(out.to_vec()));
            for packet in replies.into_iter().filter(&mut lost) {
                client.dtls.handle_packet(&packet).expect("the desk does it right");
            }
            client.dtls.handle_timeout(now).expect("in time");
        }
        keys
    }

    #[test]
    fn both_sides_come_to_the_same_keys_also_over_a_bad_way() {
        for lossy in [false, true] {
            let now = Instant::now();
            let mut client = Client::new(now);
            let mut desk = Handshake::new(client.fingerprint, now).expect("a certificate");
            let keys = shake(&mut client, &mut desk, |n| lossy && n.is_multiple_of(4)).expect("keys");
            let (material, profile) = client.keys.take().expect("the peer has them too");
            assert_eq!(keys_of(&material, profile), Some(keys.clone()));
            assert_ne!(keys.ours, keys.theirs);
        }
    }

    #[test]
    fn whoever_shows_another_certificate_gets_no_keys() {
        let now = Instant::now();
        let mut client = Client::new(now);
        let mut desk = Handshake::new(Fingerprint([7; 32]), now).expect("a certificate");
        assert_eq!(shake(&mut client, &mut desk, |_| false), None);
        assert_eq!(desk.stage, Stage::Failed);
    }

    #[test]
    fn garbage_is_no_handshake() {
        let now = Instant::now();
        let mut desk = Handshake::new(Fingerprint([7; 32]), now).expect("a certificate");
        for length in 0..200_usize {
            let packet: Vec<u8> = (0..length).map(|n| if n == 0 { 22 } else { (n * 37) as u8 }).collect();
            assert_eq!(desk.received(now, &packet, |_| panic!("nothing is to be said")), None);
        }
    }
}
