//! What the user agent is made with.

use std::net::SocketAddr;
use std::time::Duration;

use super::reliable::{RELIABLE, ReliableProvisional};
use super::session_timer::SessionPolicy;
use crate::sip::guard::GuardConfig;
use crate::sip::registrar::RegistrarConfig;
use crate::sip::transaction::Timing;
use crate::sip::wire::{Limits, Method, Transport, Uri};

/// Methods that are answered; others get 405 (RFC 3261 section 8.2.1).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK";
/// As `ALLOW`, where there are accounts that phones can register with.
pub const ALLOW_WITH_PHONES: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK, SUBSCRIBE, REGISTER";

/// Extensions that a peer may require of us (RFC 3891, RFC 4488, RFC 4028, and RFC 3262 unless it is turned off).
const SUPPORTED: [&str; 4] = ["replaces", "norefersub", "timer", RELIABLE];

pub(super) fn is_allowed(method: &Method, with_phones: bool) -> bool {
    use Method::{Ack, Bye, Cancel, Info, Invite, Notify, Options, Prack, Refer, Register, Subscribe, Update};
    match method {
        Invite | Ack | Cancel | Bye | Options | Info | Refer | Notify | Update | Prack => true,
        Register | Subscribe => with_phones,
        Method::Message | Method::Publish | Method::Other(_) => false,
    }
}

/// One socket that SIP comes in on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub transport: Transport,
    /// What it is bound to; may be a wildcard.
    pub local: SocketAddr,
    /// What Contact and Via say instead, for NAT.
    pub advertised: Option<SocketAddr>,
}

/// No request creates state beyond these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UaLimits {
    /// All four kinds together. A UDP transaction lives 32 s beyond its end, so 400,000 carry 6,000 calls a second.
    /// Beyond it new requests get 503; a peer's BYE is still obeyed, and our own ACK, BYE and CANCEL still go out: they
    /// end state.
    pub transactions_max: usize,
    pub dialogs_max: usize,
    /// Places where phones are registered, all accounts together.
    pub bindings_max: usize,
    /// Subscriptions to messages waiting.
    pub watchers_max: usize,
    pub message: Limits,
}

impl Default for UaLimits {
    fn default() -> Self {
        Self {
            transactions_max: 400_000,
            dialogs_max: 10_000,
            bindings_max: 4_096,
            watchers_max: 4_096,
            message: Limits::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UaConfig {
    pub listeners: Vec<Listener>,
    /// `Server` and `User-Agent`.
    pub server: String,
    pub t1_ms: u32,
    pub t2_ms: u32,
    pub t4_ms: u32,
    /// Content types of INFO that the transaction user understands; others get 415.
    pub info_types: Vec<String>,
    pub session: SessionPolicy,
    pub reliable_provisional: ReliableProvisional,
    /// Phones that may register; without accounts in it REGISTER and SUBSCRIBE get 405.
    pub registrar: RegistrarConfig,
    pub guard: GuardConfig,
    /// `sip:host:port;transport=udp` of a STUN server that is asked how the network outside sees us.
    pub stun_server: Option<Uri>,
    /// `urn:uuid:...`: which device we are to registrars, the same after a restart (RFC 5626 section 4.1).
    pub instance: Option<String>,
    pub limits: UaLimits,
}

impl Default for UaConfig {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            server: concat!("frontdesk/", env!("CARGO_PKG_VERSION")).to_owned(),
            t1_ms: 500,
            t2_ms: 4000,
            t4_ms: 5000,
            info_types: Vec::new(),
            session: SessionPolicy::default(),
            reliable_provisional: ReliableProvisional::default(),
            registrar: RegistrarConfig::default(),
            guard: GuardConfig::default(),
            stun_server: None,
            instance: None,
            limits: UaLimits::default(),
        }
    }
}

impl UaConfig {
    /// The option tags that are true of us.
    pub(super) fn supported(&self) -> impl Iterator<Item = &'static str> {
        let reliable = self.reliable_provisional != ReliableProvisional::Off;
        SUPPORTED.into_iter().filter(move |tag| reliable || *tag != RELIABLE)
    }

    /// `Supported`.
    pub(super) fn supported_text(&self) -> String {
        self.supported().collect::<Vec<_>>().join(", ")
    }

    pub(super) fn timing(&self) -> Timing {
        // A timer of zero would be due again at once, for ever.
        let ms = |ms: u32| Duration::from_millis(ms.max(1).into());
        Timing { t1: ms(self.t1_ms), t2: ms(self.t2_ms), t4: ms(self.t4_ms) }
    }
}
