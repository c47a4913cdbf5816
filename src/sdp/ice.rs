//! Connectivity checks in a description (RFC 8839): what a peer offers, and our answer as the side that only answers them
//! (ICE-lite, RFC 8445 section 2.5).

use std::net::{IpAddr, SocketAddr};

use sdp_types::Attribute;

use crate::types::{IceCredentials, IceTerms, Redacted};

use super::LocalMedia;
use super::description::{Address, Stream};

/// Candidates of a stream that are read; a machine has one for each of its addresses and servers.
pub const CANDIDATES_MAX: usize = 64;
/// Characters that a name or a password may have (RFC 8839 section 5.4).
const CREDENTIAL_MAX: usize = 256;
/// Of the only candidate that we have for a component (RFC 8445 section 5.1.2.1): a host's, of the highest preference.
const PRIORITY_BASE: u32 = (126 << 24) + (65_535 << 8) + 256;

/// What the desk brings of checks to a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalIce {
    /// Whether we answer checks where they are offered.
    pub on: bool,
    /// What is agreed on so far.
    pub current: Option<Box<IceTerms>>,
}

/// What a peer's stream says of checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IceOffer {
    /// Its name and password, of the stream or of the session.
    pub credentials: Option<IceCredentials>,
    /// It too only answers checks.
    pub lite: bool,
    /// Where RTP may reach it.
    pub candidates: Vec<SocketAddr>,
}

/// What comes of an offer of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checks {
    None,
    /// Somebody on the way has put another address than the candidates' into the description, so that checks would lead
    /// past them: the peer is told so (RFC 8839 section 4.2.5).
    Mismatch,
    Agreed(Box<IceTerms>),
}

impl IceOffer {
    /// `get` gives the values of an attribute, the stream's own before the session's.
    pub fn read<'a>(get: impl Fn(&'static str) -> Vec<&'a str>, lite: bool) -> IceOffer {
        let word = |name: &'static str, least: usize| {
            let value = get(name).first()?.trim();
            let fits = (least..=CREDENTIAL_MAX).contains(&value.len()) && value.bytes().all(is_ice_char);
            fits.then(|| value.to_owned())
        };
        let credentials = word("ice-ufrag", 4)
            .zip(word("ice-pwd", 22))
            .map(|(ufrag, pwd)| IceCredentials { ufrag, pwd: Redacted(pwd) });
        let candidates = get("candidate").into_iter().take(CANDIDATES_MAX).filter_map(candidate).collect();
        IceOffer { credentials, lite, candidates }
    }
}

impl LocalIce {
    /// The answer to what a stream offers. Who goes on with their credentials goes on with ours; new ones of theirs are a
    /// restart, for which we make new ones too. Two sides that both only answer checks need none.
    pub(super) fn answered(&self, stream: &Stream, fresh: impl FnOnce() -> IceCredentials) -> Checks {
        let Some(theirs) = stream.ice.credentials.as_ref().filter(|_| self.on && !stream.ice.lite) else {
            return Checks::None;
        };
        if !default_is_candidate(stream) {
            return Checks::Mismatch;
        }
        let ours = match &self.current {
            Some(current) if current.theirs == *theirs => current.ours.clone(),
            _ => fresh(),
        };
        Checks::Agreed(Box::new(IceTerms { ours, theirs: theirs.clone() }))
    }
}

impl Checks {
    pub fn agreed(&self) -> Option<&IceTerms> {
        match self {
            Checks::Agreed(terms) => Some(terms),
            Checks::None | Checks::Mismatch => None,
        }
    }

    /// The lines of our stream: our credentials and the one address that we have. `rtcp_mux`: it needs no other for RTCP.
    pub fn lines(&self, local: &LocalMedia, rtcp_mux: bool) -> Vec<Attribute> {
        let line = |name: &str, value: Option<String>| Attribute { attribute: name.to_owned(), value };
        let terms = match self {
            Checks::None => return Vec::new(),
            Checks::Mismatch => return vec![line("ice-mismatch", None)],
            Checks::Agreed(terms) => terms,
        };
        let host = |component: u32, port: u16| {
            let (priority, address) = (PRIORITY_BASE - component, local.address.to_canonical());
            line("candidate", Some(format!("1 {component} UDP {priority} {address} {port} typ host")))
        };
        let mut lines = vec![
            line("ice-ufrag", Some(terms.ours.ufrag.clone())),
            line("ice-pwd", Some(terms.ours.pwd.0.clone())),
            host(1, local.rtp_port),
        ];
        if !rtcp_mux {
            lines.push(host(2, local.rtcp_port));
        }
        lines
    }
}

fn is_ice_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
}

/// `<foundation> <component> UDP <priority> <address> <port> typ ...`: RTP's over UDP. Names are left to who can ask for them.
fn candidate(value: &str) -> Option<SocketAddr> {
    let mut words = value.split_whitespace().skip(1);
    let (component, transport) = (words.next()?, words.next()?);
    let address: IpAddr = words.nth(1)?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    (component == "1" && transport.eq_ignore_ascii_case("udp")).then(|| SocketAddr::new(address.to_canonical(), port))
}

/// Whether the address of the `c=` and `m=` lines is one of the candidates. One without an address, or with the port of
/// nothing, stands for candidates to come, and a name for one whose address is hidden.
fn default_is_candidate(stream: &Stream) -> bool {
    match &stream.address {
        Some(Address::Ip(ip)) if !ip.is_unspecified() && stream.port != 9 => {
            stream.ice.candidates.contains(&SocketAddr::new(*ip, stream.port))
        }
        _ => true,
    }
}
