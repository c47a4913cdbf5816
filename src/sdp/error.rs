//! Why a description can't be answered.

/// Each says which SIP response it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not SDP, or beyond our limits.
    #[error("malformed SDP: {0}")]
    Malformed(String),
    /// No audio stream, or only ones switched off by port 0.
    #[error("no audio stream is offered")]
    NoAudio,
    /// DTLS, TCP and other profiles; SRTP where that is switched off.
    #[error("audio over {0} is not supported")]
    Transport(String),
    #[error("none of the offered codecs is supported")]
    Codecs,
    /// A name, a multicast or broadcast address, or one of the other IP version.
    #[error("audio can't be sent to {0}")]
    Address(String),
    /// Encrypted audio without a suite or key that we can use.
    #[error("none of the offered keys for encrypted audio can be used")]
    Keys,
    /// Where only encrypted audio is wanted.
    #[error("audio that is not encrypted is not accepted")]
    Plain,
}

impl SdpError {
    /// The SIP status code: 400 for what can't be read, 488 for what can be read but not accepted.
    pub fn status(&self) -> u16 {
        match self {
            SdpError::Malformed(_) => 400,
            SdpError::NoAudio
            | SdpError::Transport(_)
            | SdpError::Codecs
            | SdpError::Address(_)
            | SdpError::Keys
            | SdpError::Plain => 488,
        }
    }

    /// The code of a `Warning` header (RFC 3261 section 20.43), for a 488.
    pub fn warning_code(&self) -> Option<u16> {
        match self {
            SdpError::Malformed(_) => None,
            SdpError::NoAudio => Some(304),
            SdpError::Transport(_) | SdpError::Plain => Some(302),
            SdpError::Keys => Some(306),
            SdpError::Codecs => Some(305),
            SdpError::Address(_) => Some(301),
        }
    }
}

/// A peer's words for an error or a log: at most 60 characters, none of them a control character.
pub(super) fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
