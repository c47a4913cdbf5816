//! What calls are served with: settings and content, as the call floor needs them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::admission::Network;
use super::answering::Cadence;
use super::io::LentPorts;
use crate::desk::call_record::CallRecord;
use crate::desk::hours::{Hours, Span};
use crate::desk::people::{Directory, Person};
use crate::desk::phones::Phones;
use crate::desk::presence::Presences;
use crate::desk::trunks::Gateway;
use crate::flow::Flow;
use crate::flow::io::{PersonMatch, RecordSpec, Say};
use crate::flow::run::CallerInfo;
use crate::media::codec::encode;
use crate::media::io::Encoded;
use crate::media::tone_gen::warning_beep;
use crate::prompts::Library;
use crate::prompts::library::Sound;
use crate::sdp::{LocalIce, LocalMedia, LocalSrtp};
use crate::types::{
    CallId, Codec, Fingerprint, KeySeed, Lang, Now, NumberFormat, NumberPlan, Random, RecordingId, SrtpMode, SrtpPolicy,
};

/// The prompt that callers hear while they are on hold.
pub(super) const MUSIC: &str = "music";

/// What numbers are called back through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayOut {
    /// Calls that came from its address are called back through it, over UDP.
    Address(SocketAddr),
    /// Calls that came over the trunk of that name are called back over it.
    Trunk(String),
}

/// How the desk itself calls those back who asked for it (R10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBackSettings {
    pub gateway: Option<WayOut>,
    /// How it wants numbers.
    pub number_format: NumberFormat,
    /// When it may dial; none for always.
    pub hours: Option<Span>,
    /// How long it rings there.
    pub ring: Duration,
    /// Numbers that begin so are not dialled, unless they begin as one of `allowed`.
    pub denied: Vec<String>,
    pub allowed: Vec<String>,
}

impl CallBackSettings {
    /// Whether the desk itself dials this number: a false one as the caller's may be dear to call.
    pub fn may_dial(&self, number: &str) -> bool {
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| number.starts_with(prefix.as_str()));
        begins(&self.allowed) || !begins(&self.denied)
    }
}

/// What holds for the calls of one trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkRules {
    pub name: String,
    /// Networks that its calls come from, beside its servers.
    pub sources: Vec<Network>,
    /// Where it differs from all others.
    pub srtp: Option<SrtpMode>,
    /// How it wants numbers, where it does not take them as they are.
    pub number_format: NumberFormat,
    /// Whether its word on who calls counts (RFC 3325).
    pub asserts_identity: bool,
}

/// What a call is served with; calls keep the one they began with when it is replaced (SIGHUP).
pub struct Service {
    pub flow: Arc<Flow>,
    pub people: Arc<Directory>,
    /// With the duty roster.
    pub hours: Arc<Hours>,
    /// What telephone numbers of the directory are called through.
    pub gateway: Option<Gateway>,
    pub trunks: Vec<TrunkRules>,
    /// How the gateway wants numbers.
    pub number_format: NumberFormat,
    /// Networks whose word on who calls counts (RFC 3325).
    pub trusted: Vec<Network>,
    /// How telephone numbers are written here.
    pub numbers: NumberPlan,
    /// PBXs that take over two calls of theirs which talk to each other.
    pub refer_to: Vec<Network>,
    /// The desk's own telephones.
    pub phones: Arc<Phones>,
    pub prompts: Arc<Library>,
    pub languages: Vec<Lang>,
    pub cadence: Cadence,
    /// 0 to 2 (R2).
    pub after_rings: u8,
    pub time_zone: chrono_tz::Tz,
    pub codecs: Vec<Codec>,
    /// Whether audio is encrypted, where whoever is called has no policy of their own.
    pub srtp: SrtpPolicy,
    /// Whether checks of addresses are answered where a peer offers them.
    pub ice: bool,
    /// Of the certificate that is shown where keys come by a handshake.
    pub dtls: Option<Fingerprint>,
    /// Limits of a recording where the flow gives none.
    pub record: RecordSpec,
    /// Whether callers are told before the first recording that there is one.
    pub recording_notice: bool,
    /// The longest a call may last.
    pub call_max: Duration,
    pub call_back: CallBackSettings,
    /// Calls through a gateway within an hour.
    pub outgoing_per_hour_max: u32,
    /// Calls of the desk's own at the same time.
    pub errands_at_once: u32,
}

impl Service {
    pub(super) fn local_media(&self, ports: LentPorts, session_id: u64, version: u64, srtp: LocalSrtp) -> LocalMedia {
        LocalMedia {
            address: ports.address,
            peer: Some(ports.peer),
            rtp_port: ports.rtp_port,
            rtcp_port: ports.rtcp_port,
            codecs: self.codecs.clone(),
            session_id,
            version,
            ptime_ms: 20,
            srtp,
            ice: LocalIce { on: self.ice, current: None },
            dtls: self.dtls,
        }
    }

    /// Keys for a new dialog. `sealed_signalling`: nobody on the way can read them. A trunk may have a policy of its own.
    pub(super) fn local_srtp(&self, random: &mut Random, sealed_signalling: bool, trunk: Option<&str>) -> LocalSrtp {
        let of_trunk = trunk.and_then(|name| self.trunk(name)?.srtp);
        let mut policy = self.srtp.clone();
        policy.mode = of_trunk.unwrap_or(policy.mode);
        LocalSrtp { policy, sealed_signalling, seed: KeySeed::new(random), current: None }
    }

    pub(super) fn caller_info(&self, record: &CallRecord) -> CallerInfo {
        CallerInfo {
            call: record.id,
            callee: record.callee.clone(),
            number: record.caller.clone(),
            name: record.caller_name.clone(),
            languages: self.languages.clone(),
            record: self.record.clone(),
            recording_notice: self.recording_notice,
        }
    }

    pub(super) fn trunk(&self, name: &str) -> Option<&TrunkRules> {
        self.trunks.iter().find(|trunk| trunk.name == name)
    }

    /// The trunk whose network it is.
    pub(super) fn trunk_of_network(&self, source: std::net::IpAddr) -> Option<&str> {
        let from = |networks: &[Network]| networks.iter().any(|network| network.contains(source));
        self.trunks.iter().find(|trunk| from(&trunk.sources)).map(|trunk| trunk.name.as_str())
    }

    /// Who has exactly this extension.
    pub(super) fn person(&self, extension: &str) -> Option<&Person> {
        self.people.person(extension)
    }

    /// Whom a caller means by these keys.
    pub(super) fn find(&self, digits: &str, presences: &Presences, now: Now) -> Vec<PersonMatch> {
        let matched = |person: &Person| PersonMatch {
            extension: person.extension.clone(),
            name: person.name.clone(),
            name_prompt: person
                .prompt
                .clone()
                .filter(|id| self.prompts.has(id))
                .or_else(|| self.prompts.name_prompt(&person.extension, &person.name)),
            present: presences.of(person, self.time_zone, now.wall).is_in(),
        };
        self.people.find(digits).into_iter().map(matched).collect()
    }

    /// Clips that are played over and over; recordings have no place among them.
    pub(super) fn loop_items(&self, say: &[Say], lang: &Lang, codec: Codec) -> Vec<Encoded> {
        let sounds = self.prompts.sounds(lang, &self.prompts.expand(lang, say), codec).sounds;
        let encoded = sounds.into_iter().filter_map(|sound| match sound {
            Sound::Encoded(audio) => Some(audio),
            Sound::Recording(_) => None,
        });
        encoded.collect()
    }

    /// Music on hold.
    pub(super) fn music(&self, codec: Codec) -> Option<Encoded> {
        let lang = self.languages.first()?;
        self.prompts.encoded(lang, MUSIC, codec)
    }

    /// The tone that says that a recording is about to end.
    pub(super) fn warning_tone(&self, codec: Codec) -> Encoded {
        let rate_hz = codec.sample_rate_hz();
        encode(codec, rate_hz, &warning_beep(rate_hz))
    }

    /// `2026/11/23/000042-1.wav`: the day in the desk's time zone, the call, the how-manieth of it.
    pub(super) fn recording_id(&self, call: CallId, nth: u32, at: DateTime<Utc>) -> RecordingId {
        let day = at.with_timezone(&self.time_zone).format("%Y/%m/%d");
        RecordingId(format!("{day}/{:06}-{nth}.wav", call.0))
    }
}
