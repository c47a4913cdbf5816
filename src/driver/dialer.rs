//! The built-in caller's sockets and clock: one call, from its INVITE to its end.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::clock::Clock;
use super::ports::{PortPair, PortRange, Ports};
use crate::call::answering::Cadence;
use crate::desk::call_record::RtpStats;
use crate::dial::conversation::{Conversation, Step};
use crate::dial::ladder::{Direction, Ladder, Rung};
use crate::dial::script::Action;
use crate::media::clip::Clip;
use crate::media::codec::encode;
use crate::media::io::{
    Encoded, Inband, MediaCommand, MediaEvent, MediaToken, RecordLimits, StreamConfig, StreamOptions,
};
use crate::media::silence::SilenceDetector;
use crate::media::stream::MediaStream;
use crate::media::tone_gen;
use crate::sdp::{self, LocalIce, LocalMedia, LocalSrtp};
use crate::sip::user_agent::{
    Channel, Destination, Event, Input, LegId, Listener, OutgoingInvite, Output, UaConfig, UserAgent,
};
use crate::sip::wire::{Frame, Framer, Host, Limits, NameAddr, Scheme, Transport, Uri};
use crate::tls::{ClientConfig, server_name, why};
use crate::types::{Codec, Digit, KeySeed, Mono, Random, SrtpMode, SrtpPolicy};

/// Audio of one packet.
const FRAME: Duration = Duration::from_millis(20);
/// After a longer standstill the caller goes on from now.
const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// How keys are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Dtmf {
    #[default]
    Rfc4733,
    Info,
    Inband,
}

pub struct DialOptions {
    pub target: Uri,
    /// The caller's own SIP user.
    pub from_user: String,
    pub actions: Vec<Action>,
    pub say: Option<Clip>,
    pub dtmf: Dtmf,
    pub codecs: Vec<Codec>,
    pub srtp: SrtpMode,
    pub hang_up_after: Option<Duration>,
    pub cadence: Cadence,
    /// Whom a call over TLS trusts.
    pub tls: Option<Arc<ClientConfig>>,
    pub seed: [u8; 32],
    /// Each rung as it happens.
    pub progress: Box<dyn Fn(&str)>,
}

impl DialOptions {
    /// Keys go to whom the caller was told to call: they are offered whenever they are wanted.
    fn srtp(&self, random: &mut Random) -> LocalSrtp {
        let policy = SrtpPolicy::new(self.srtp);
        LocalSrtp { policy, sealed_signalling: true, seed: KeySeed::new(random), current: None }
    }
}

/// What came of a call.
#[derive(Debug, Serialize)]
pub struct DialReport {
    pub uri: String,
    pub answered: bool,
    /// From INVITE to 200.
    pub answer_ms: Option<u64>,
    pub rings: Option<u32>,
    /// R2: the answer came before the third ring.
    pub before_third_ring: bool,
    pub status: Option<u16>,
    pub codec: Option<Codec>,
    /// The suite that the audio was encrypted with.
    pub srtp: Option<&'static str>,
    pub talk_ms: u64,
    pub end_reason: String,
    pub rtp: RtpStats,
    pub ladder: Vec<Rung>,
    #[serde(skip)]
    pub heard: Option<Clip>,
}

#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error(
        "{0} is no SIP URI that can be called; write sip:desk@HOST, or with ;transport=tcp or ;transport=tls, or sips:"
    )]
    Target(String),
    #[error("{host} can't be looked up: {source}")]
    Lookup { host: String, source: io::Error },
    #[error("{address} can't be reached: {source}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("{address}: the TLS handshake failed: {why}")]
    Handshake { address: SocketAddr, why: String },
    #[error("no UDP ports are free for audio")]
    NoPorts,
    #[error("the call could not be placed: {0}")]
    Invite(#[from] crate::sip::user_agent::UaError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Length of a key press.
const PRESS_MS: u32 = 100;
/// Silence before a tone: a G.722 decoder that came out of silence follows a clip only after 40 ms. Without it the tone
/// comes out torn, and is heard as two keys.
const TONE_LEAD_MS: u32 = 40;
/// The longest that a call without an end of its own is kept.
const CALL_MAX: Duration = Duration::from_secs(3600);
/// How long to ring before giving up.
const RING_MAX: Duration = Duration::from_secs(60);
const HEARD: MediaToken = MediaToken(1);
const SAID: MediaToken = MediaToken(2);
const PRESSED: MediaToken = MediaToken(3);

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

enum Wire {
    Udp(UdpSocket),
    Stream { stream: Box<dyn Stream>, local: SocketAddr, remote: SocketAddr, framer: Framer },
}

struct Call {
    clock: Clock,
    options: DialOptions,
    ua: UserAgent,
    leg: LegId,
    wire: Wire,
    ports: PortPair,
    local: LocalMedia,
    random: Random,
    ladder: Ladder,
    /// When the next frame is due, once audio flows.
    frame_due: Option<Mono>,
    started: Mono,
    answered: Option<Mono>,
    stream: Option<MediaStream>,
    config: Option<StreamConfig>,
    /// What there is to say, in each codec.
    said: Vec<Encoded>,
    talk: Option<Conversation>,
    silence: Option<SilenceDetector>,
    heard: Clip,
    status: Option<u16>,
    ended: Option<String>,
    wake: Option<Mono>,
}

/// Places one call and carries out its script.
pub async fn dial(options: DialOptions) -> Result<DialReport, DialError> {
    // While it is encoded nothing can be sent: the line would hear silence in its place.
    let said = options.say.iter().flat_map(|say| options.codecs.iter().map(|c| encode(*c, say.rate_hz, &say.samples)));
    let said = said.collect();
    let clock = Clock::start();
    let transport = transport_of(&options.target).ok_or_else(|| DialError::Target(options.target.to_string()))?;
    let remote = resolve(&options.target)?;
    let local = local_address(remote)?;
    let wire = connect(transport, local, remote, &options).await?;
    let mut random = Random::from_seed(options.seed);
    let ports = Ports::new(PortRange::Any).lend(clock.mono(), local).ok_or(DialError::NoPorts)?;
    let local_media = LocalMedia {
        address: local,
        peer: Some(remote.ip()),
        rtp_port: ports.rtp_port,
        rtcp_port: ports.rtcp_port,
        codecs: options.codecs.clone(),
        session_id: random.u64() >> 2,
        version: 1,
        ptime_ms: 20,
        srtp: options.srtp(&mut random),
        ice: LocalIce::default(),
    };
    let listener = Listener { transport, local: wire.local_addr()?, advertised: None };
    let mut ua = UserAgent::new(UaConfig { listeners: vec![listener], ..UaConfig::default() }, random.fork());
    let started = clock.mono();
    let channel = Channel { listener: 0, connection: None };
    let from = NameAddr::new(Uri::new(local).with_user(options.from_user.clone()));
    let leg = ua.invite(
        started,
        OutgoingInvite {
            trunk: None,
            target: options.target.clone(),
            destination: Destination { channel, remote },
            routes: Vec::new(),
            from,
            contact_user: options.from_user.clone(),
            sdp: Some(sdp::offer(&local_media)),
            replaces: None,
            referred_by: None,
            headers: Vec::new(),
        },
    )?;
    let mut call = Call {
        clock,
        options,
        ua,
        leg,
        wire,
        ports,
        local: local_media,
        random,
        ladder: Ladder::new(started),
        started,
        frame_due: None,
        answered: None,
        stream: None,
        config: None,
        said,
        talk: None,
        silence: None,
        heard: Clip { rate_hz: 8000, samples: Vec::new() },
        status: None,
        ended: None,
        wake: None,
    };
    call.note(Direction::Out, format!("INVITE {}", call.options.target));
    call.run().await?;
    Ok(call.report())
}

/// By scheme and parameter (RFC 3261 section 26.2.2).
fn transport_of(target: &Uri) -> Option<Transport> {
    match (&target.scheme, target.transport()) {
        (Scheme::Sip, None) => Some(Transport::Udp),
        (Scheme::Sip, Some(transport @ (Transport::Udp | Transport::Tcp | Transport::Tls))) => Some(transport),
        (Scheme::Sips, None | Some(Transport::Tcp | Transport::Tls)) => Some(Transport::Tls),
        _ => None,
    }
}

fn resolve(target: &Uri) -> Result<SocketAddr, DialError> {
    let bad = || DialError::Target(target.to_string());
    let port = target.port.or_else(|| transport_of(target).map(Transport::default_port)).unwrap_or(5060);
    match target.host.as_ref().ok_or_else(bad)? {
        Host::Ip(ip) => Ok(SocketAddr::new(*ip, port)),
        Host::Name(name) => {
            let lookup = |source| DialError::Lookup { host: name.clone(), source };
            let mut found = (name.as_str(), port).to_socket_addrs().map_err(lookup)?;
            found.next().ok_or_else(bad)
        }
    }
}

fn local_address(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

async fn connect(
    transport: Transport,
    local: IpAddr,
    remote: SocketAddr,
    options: &DialOptions,
) -> Result<Wire, DialError> {
    if transport == Transport::Udp {
        return Ok(Wire::Udp(UdpSocket::bind((local, 0)).await?));
    }
    let connecting = TcpStream::connect(remote).await;
    let stream = connecting.map_err(|source| DialError::Connect { address: remote, source })?;
    let (local, framer) = (stream.local_addr()?, Framer::new(Limits::default()));
    let stream: Box<dyn Stream> = match transport {
        Transport::Tls => Box::new(shake_hands(stream, remote, options).await?),
        _ => Box::new(stream),
    };
    Ok(Wire::Stream { stream, local, remote, framer })
}

async fn shake_hands(
    stream: TcpStream,
    remote: SocketAddr,
    options: &DialOptions,
) -> Result<TlsStream<TcpStream>, DialError> {
    let failed = |why: String| DialError::Handshake { address: remote, why };
    let host = options.target.host.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = server_name(&host).ok_or_else(|| failed(format!("{host} is no name that a certificate can have")))?;
    let client = options.tls.clone().ok_or_else(|| failed("nobody is trusted".to_owned()))?;
    TlsConnector::from(client).connect(name, stream).await.map_err(|error| failed(why(&error)))
}

impl Wire {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Wire::Udp(socket) => socket.local_addr(),
            Wire::Stream { local, .. } => Ok(*local),
        }
    }

    async fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        match self {
            Wire::Udp(socket) => socket.send_to(bytes, to).await.map(|_| ()),
            Wire::Stream { stream, .. } => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// The messages that came next; none when the peer closed the stream.
    async fn receive(&mut self) -> io::Result<Option<Vec<(SocketAddr, Vec<u8>)>>> {
        let mut buffer = vec![0; 65_535];
        match self {
            Wire::Udp(socket) => {
                let (length, from) = socket.recv_from(&mut buffer).await?;
                buffer.truncate(length);
                Ok(Some(vec![(from, buffer)]))
            }
            Wire::Stream { stream, framer, remote, .. } => {
                let from = *remote;
                let length = stream.read(&mut buffer).await?;
                framer.push(&buffer[..length]);
                let mut messages = Vec::new();
                while let Ok(Some(frame)) = framer.next() {
                    if let Frame::Message(bytes) = frame {
                        messages.push((from, bytes));
                    }
                }
                Ok((length > 0).then_some(messages))
            }
        }
    }
}

impl Call {
    async fn run(&mut self) -> Result<(), DialError> {
        let mut tick = interval(FRAME);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.drain().await?;
        while self.ended.is_none() {
            let wake = self.wake.map_or_else(far, |at| self.clock.instant(at).into());
            tokio::select! {
                received = self.wire.receive() => match received {
                    Ok(Some(messages)) => {
                        for (source, bytes) in messages {
                            let via = Channel { listener: 0, connection: None };
                            self.ua.handle_input(self.clock.mono(), Input::Received { via, source, bytes: &bytes });
                        }
                    }
                    Ok(None) => self.end("connection_closed"),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => self.end("port_unreachable"),
                    Err(error) => return Err(error.into()),
                },
                () = sleep_until(wake) => self.ua.handle_input(self.clock.mono(), Input::Timeout),
                _ = tick.tick() => self.tick(),
                _ = tokio::signal::ctrl_c() => self.hang_up("interrupted"),
            }
            self.drain().await?;
        }
        self.drain().await?;
        self.linger().await
    }

    /// Waits for the answer to our BYE or CANCEL, so that the line knows that the call is over.
    async fn linger(&mut self) -> Result<(), DialError> {
        let until = Instant::now() + Duration::from_millis(500);
        while !self.ua.is_idle() {
            tokio::select! {
                received = self.wire.receive() => {
                    let Ok(Some(messages)) = received else { return Ok(()) };
                    for (source, bytes) in messages {
                        let via = Channel { listener: 0, connection: None };
                        self.ua.handle_input(self.clock.mono(), Input::Received { via, source, bytes: &bytes });
                    }
                    self.drain().await?;
                }
                () = sleep_until(until) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), DialError> {
        loop {
            match self.ua.poll_output() {
                Output::Send { to, bytes } => {
                    if self.wire.send(&bytes, to.remote).await.is_err() && self.answered.is_none() {
                        self.end("unreachable");
                    }
                }
                Output::Event(event) => self.sip_event(event),
                Output::Wait(at) => {
                    self.wake = at;
                    return Ok(());
                }
            }
        }
    }

    fn sip_event(&mut self, event: Event) {
        match event {
            Event::Ringing { status, .. } => self.note(Direction::In, format!("{status} ringing")),
            Event::Answered { status, sdp, .. } => self.on_answer(status, sdp.as_deref()),
            Event::Failed { status, reason, .. } => {
                self.status = Some(status);
                self.note(Direction::In, format!("{status} {reason}"));
                self.end(&format!("failed_{status}"));
            }
            Event::Ended { .. } => {
                self.note(Direction::In, "BYE");
                self.end("line_hung_up");
            }
            Event::Reinvite { sdp, .. } => self.on_reinvite(sdp.as_deref()),
            _ => {}
        }
    }

    fn on_answer(&mut self, status: u16, sdp: Option<&[u8]>) {
        let now = self.clock.mono();
        self.status = Some(status);
        self.answered = Some(now);
        self.note(Direction::In, format!("{status} answered"));
        let accepted = sdp.map(|body| sdp::accept(body, &self.local));
        let Some(Ok(config)) = accepted else {
            return self.hang_up("no_media_agreed");
        };
        let with = config.remote.map_or("nobody: on hold".to_owned(), |remote| remote.to_string());
        let sealed = config.srtp.as_ref().map_or(String::new(), |keys| format!(", {}", keys.ours.suite()));
        self.note(Direction::Local, format!("audio {} with {with}{sealed}", config.codec));
        let options = StreamOptions { media_timeout_ms: 0, inband: Inband::Off, ..StreamOptions::default() };
        let mut stream = MediaStream::new(now, config.clone(), options, &mut self.random);
        let limits = RecordLimits { max_ms: u32::MAX, silence_ms: u32::MAX, warn_ms: 0, stop_keys: Vec::new() };
        stream.command(now, MediaCommand::Record { token: HEARD, limits, warning: None });
        self.stream = Some(stream);
        self.config = Some(config);
        let actions = std::mem::take(&mut self.options.actions);
        self.talk = Some(Conversation::new(now, actions, self.options.hang_up_after));
    }

    fn on_reinvite(&mut self, sdp: Option<&[u8]>) {
        let now = self.clock.mono();
        self.local.version += 1;
        let current = self.config.as_ref().and_then(|config| config.srtp.as_deref());
        self.local.srtp.renew(KeySeed::new(&mut self.random), current);
        let Some(Ok(answered)) = sdp.map(|body| sdp::answer(body, &self.local)) else {
            let _ = self.ua.reject_reinvite(now, self.leg, 488);
            return;
        };
        let _ = self.ua.answer_reinvite(now, self.leg, answered.body);
        if let Some(stream) = &mut self.stream {
            self.config = Some(answered.stream.clone());
            stream.command(now, MediaCommand::Reconfigure(answered.stream));
        }
    }

    fn tick(&mut self) {
        let now = self.clock.mono();
        if self.answered.is_none() && self.started + RING_MAX <= now {
            return self.hang_up("not_answered");
        }
        if self.answered.is_some_and(|at| at + CALL_MAX <= now) {
            return self.hang_up("call_limit");
        }
        self.exchange_media(now);
        self.talk(now);
    }

    fn exchange_media(&mut self, now: Mono) {
        let Some(stream) = &mut self.stream else { return };
        let mut packet = [0; 2048];
        while let Ok((length, from)) = self.ports.rtp.recv_from(&mut packet) {
            stream.rtp_received(now, from, &packet[..length]);
        }
        while let Ok((length, from)) = self.ports.rtcp.recv_from(&mut packet) {
            stream.rtcp_received(now, from, &packet[..length]);
        }
        // On a busy machine this comes late: what was due meanwhile is sent now, so that no word has a hole in it.
        let mut due = self.frame_due.filter(|due| *due + CATCH_UP_MAX > now).unwrap_or(now);
        while due <= now {
            if let Some((length, to)) = stream.tick(due, &mut packet) {
                let _ = self.ports.rtp.send_to(&packet[..length], to);
            }
            due = due + FRAME;
        }
        self.frame_due = Some(due);
        if let Some((length, to)) = stream.poll_rtcp(self.clock.now(), &mut packet) {
            let _ = self.ports.rtcp.send_to(&packet[..length], to);
        }
        self.collect(now);
    }

    fn collect(&mut self, now: Mono) {
        let Some(stream) = &mut self.stream else { return };
        let mut said = false;
        while let Some(event) = stream.poll_event() {
            said |= event == MediaEvent::PlayDone(SAID);
        }
        while let Some(audio) = stream.poll_recorded() {
            self.heard.rate_hz = audio.rate_hz;
            self.heard.samples.extend_from_slice(&audio.samples);
            let silence = self.silence.get_or_insert_with(|| SilenceDetector::new(audio.rate_hz));
            silence.push(&audio.samples);
            let piece_ms = audio.samples.len() as u64 * 1000 / u64::from(audio.rate_hz.max(1));
            let sound = crate::media::clip::level_dbfs(&audio.samples) > -50.0;
            if let Some(talk) = &mut self.talk {
                talk.heard(now, Duration::from_millis(piece_ms), sound);
            }
        }
        if said {
            self.note(Direction::Local, "said");
            if let Some(talk) = &mut self.talk {
                talk.said(now);
            }
        }
    }

    fn talk(&mut self, now: Mono) {
        while let Some(talk) = &mut self.talk {
            match talk.next(now) {
                Step::Wait(_) => return,
                Step::Press(digit) => self.press(now, digit),
                Step::Say => self.say(now),
                Step::HangUp => return self.hang_up("caller_hung_up"),
            }
        }
    }

    fn press(&mut self, now: Mono, digit: Digit) {
        self.note(Direction::Local, format!("key {digit}"));
        let (Some(stream), Some(config)) = (&mut self.stream, &self.config) else { return };
        match self.options.dtmf {
            Dtmf::Rfc4733 if config.event_type.is_some() => {
                stream.command(now, MediaCommand::Press { digit, length_ms: PRESS_MS });
            }
            Dtmf::Info => {
                let body = format!("Signal={digit}\r\nDuration={PRESS_MS}\r\n");
                let _ = self.ua.info(now, self.leg, "application/dtmf-relay", body.into_bytes());
            }
            Dtmf::Rfc4733 | Dtmf::Inband => {
                let rate_hz = config.codec.sample_rate_hz();
                let mut samples = vec![0; (rate_hz * TONE_LEAD_MS / 1000) as usize];
                samples.extend(tone_gen::dtmf(digit, PRESS_MS, rate_hz));
                let tone = encode(config.codec, rate_hz, &samples);
                stream.command(now, MediaCommand::Play { token: PRESSED, items: vec![tone] });
            }
        }
    }

    fn say(&mut self, now: Mono) {
        self.note(Direction::Local, "saying");
        let codec = self.config.as_ref().map(|config| config.codec);
        let said = self.said.iter().find(|said| Some(said.codec) == codec);
        if let (Some(stream), Some(said)) = (&mut self.stream, said) {
            stream.command(now, MediaCommand::Play { token: SAID, items: vec![said.clone()] });
        } else if let Some(talk) = &mut self.talk {
            talk.said(now);
        }
    }

    fn hang_up(&mut self, reason: &str) {
        let method = if self.answered.is_some() { "BYE" } else { "CANCEL" };
        self.note(Direction::Out, method);
        let _ = self.ua.hang_up(self.clock.mono(), self.leg);
        self.end(reason);
    }

    fn end(&mut self, reason: &str) {
        self.talk = None;
        self.ended.get_or_insert_with(|| reason.to_owned());
    }

    fn note(&mut self, direction: Direction, what: impl Into<String>) {
        let line = self.ladder.add(self.clock.mono(), direction, what);
        (self.options.progress)(&line);
    }

    fn report(mut self) -> DialReport {
        let now = self.clock.mono();
        let rtp = match &mut self.stream {
            Some(stream) => stream.close(now).stats,
            None => RtpStats::default(),
        };
        self.collect(now);
        let answer_ms = self.answered.map(|at| at.ms_since(self.started));
        let cadence = self.options.cadence;
        DialReport {
            uri: self.options.target.to_string(),
            answered: answer_ms.is_some(),
            answer_ms,
            rings: answer_ms.map(|ms| cadence.rings_begun(ms)),
            before_third_ring: answer_ms.is_some_and(|ms| ms < cadence.third_ring_ms()),
            status: self.status,
            codec: self.config.as_ref().map(|config| config.codec),
            srtp: self.config.as_ref().and_then(|c| c.srtp.as_ref()).map(|keys| keys.ours.suite().name()),
            talk_ms: self.answered.map_or(0, |at| now.ms_since(at)),
            end_reason: self.ended.clone().unwrap_or_default(),
            rtp,
            ladder: self.ladder.rungs().to_vec(),
            heard: self.stream.is_some().then_some(self.heard),
        }
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}
