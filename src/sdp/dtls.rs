//! Audio whose keys come by a handshake on its own way (DTLS-SRTP, RFC 5763): the description names the certificate of
//! each side, and who begins.

use sdp_types::Attribute;

use crate::types::{Fingerprint, SrtpMode};

use super::LocalMedia;
use super::crypto::Profile;
use super::description::Stream;
use super::error::{SdpError, quoted};

/// The fingerprint of whoever will show it, when an offered stream is of this kind. We let the other side begin, which every
/// offer allows (RFC 5763 section 5) but one that wants to wait too.
pub fn answered(stream: &Stream, local: &LocalMedia) -> Result<Option<Fingerprint>, SdpError> {
    let wanted = match Profile::of(&stream.proto)? {
        Profile::Dtls => true,
        // So elder browsers wrote it.
        Profile::Savp => stream.crypto.is_empty() && stream.fingerprint.is_some(),
        Profile::Avp => false,
    };
    if !wanted {
        return Ok(None);
    }
    if local.dtls.is_none() || local.srtp.policy.mode == SrtpMode::Off {
        return Err(SdpError::Transport(quoted(&stream.proto)));
    }
    let begins = stream
        .setup
        .as_deref()
        .is_none_or(|setup| ["active", "actpass"].iter().any(|role| setup.eq_ignore_ascii_case(role)));
    stream.fingerprint.filter(|_| begins).map(Some).ok_or(SdpError::Keys)
}

/// Our lines on it.
pub fn lines(local: &LocalMedia) -> Vec<Attribute> {
    let line = |name: &str, value: String| Attribute { attribute: name.to_owned(), value: Some(value) };
    let Some(ours) = local.dtls else { return Vec::new() };
    vec![line("fingerprint", ours.to_string()), line("setup", "passive".to_owned())]
}
