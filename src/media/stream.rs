//! One call's audio stream: the halves put together.
//!
//! No I/O, no clock: the driver hands in packets and ticks and sends what comes out. `tick` allocates nothing.
//!
//! Limits: `listener::EVENTS_MAX` events and `recorder::RECORDED_MAX` recorded pieces wait to be fetched, the jitter
//! buffer holds eight packets, the source lock four candidates. Whatever is more is dropped and counted.

use std::net::SocketAddr;

use super::control::{Control, SentSoFar};
use super::dtmf::event::{EventReceiver, EventReport};
use super::ice::{self, Answerer, Standing};
use super::io::{
    DigitSource, Dropped, MediaCommand, MediaEvent, RecordStop, RecordedAudio, StreamConfig, StreamOptions,
    StreamReport,
};
use super::jitter::{JitterBuffer, Piece};
use super::listener::{self, Listener};
use super::player::Player;
use super::quality;
use super::reception::{Place, Reception};
use super::recorder::Recorder;
use super::relay::{self, Bridge, Relayed};
use super::rtp::{self, Packet};
use super::sender::{Format, Sender};
use super::source_lock::{SourceLock, Verdict};
use super::srtp::{self, Srtp};
use crate::desk::call_record::RtpStats;
use crate::types::{Codec, Digit, Mono, Now, Random};

/// Comfort noise (RFC 3389): accepted from everybody, as some send it without having negotiated it.
const COMFORT_NOISE: u8 = 13;
/// The longest tone that a key press becomes.
const PRESS_MS_MAX: u32 = 1_000;

#[derive(Debug)]
pub struct MediaStream {
    config: StreamConfig,
    options: StreamOptions,
    sender: Sender,
    player: Player,
    lock: SourceLock,
    reception: Reception,
    control: Control,
    /// Where the peer's RTCP comes from.
    rtcp_source: Option<SocketAddr>,
    jitter: JitterBuffer,
    listener: Listener,
    event_receiver: EventReceiver,
    /// The peer sent a telephone-event: from then on the tones in its audio need not be listened to.
    event_seen: bool,
    /// Half of a bridge, while the stream is bridged with another.
    bridge: Option<Box<Bridge>>,
    /// When the audio is encrypted.
    srtp: Option<Box<Srtp>>,
    /// When the peer proves its addresses.
    ice: Option<Box<Ice>>,
    watch: Watch,
    dropped: Dropped,
    closed: bool,
}

/// The peer's checks.
#[derive(Debug)]
struct Ice {
    answerer: Answerer,
    /// The answer to the check that has just come in.
    answer: Option<(Vec<u8>, SocketAddr)>,
}

/// Which of the two ports a datagram came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Rtp,
    Rtcp,
}

/// The watchdog: since when nothing was heard.
#[derive(Debug, Clone, Copy)]
enum Watch {
    Hearing { since: Mono },
    Lost,
}

/// What a payload type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    Audio(Codec),
    Event,
    ComfortNoise,
}

impl MediaStream {
    /// A stream that sends from its first tick on. `now` is the answer: the watchdog counts from it.
    pub fn new(now: Mono, config: StreamConfig, options: StreamOptions, random: &mut Random) -> Self {
        let sender = Sender::new(random);
        let mut stream = Self {
            control: Control::new(sender.ssrc(), options.cname.clone(), random),
            lock: SourceLock::new(config.remote),
            srtp: config.srtp.as_deref().map(|keys| Box::new(Srtp::new(keys))),
            ice: None,
            config,
            options,
            sender,
            player: Player::default(),
            reception: Reception::default(),
            rtcp_source: None,
            jitter: JitterBuffer::default(),
            listener: Listener::default(),
            event_receiver: EventReceiver::default(),
            event_seen: false,
            bridge: None,
            watch: Watch::Hearing { since: now },
            dropped: Dropped::default(),
            closed: false,
        };
        stream.expect_checks();
        stream.choose_tones();
        stream
    }

    pub fn command(&mut self, now: Mono, command: MediaCommand) {
        if self.closed {
            return;
        }
        match command {
            MediaCommand::Play { token, items } => self.player.play(token, items),
            MediaCommand::PlayLoop { items } => self.player.play_loop(items),
            MediaCommand::StopPlay => self.player.stop(),
            MediaCommand::Record { token, limits, warning } => {
                self.player.drop_inserted();
                let was_listening = self.listener.wants_audio();
                self.listener.record(Recorder::new(now, token, limits, warning));
                if !was_listening {
                    self.jitter.restart(|_| ());
                }
            }
            MediaCommand::Press { digit, length_ms } if self.config.event_type.is_some() => {
                self.sender.press(digit, length_ms);
            }
            MediaCommand::Press { digit, length_ms } => {
                self.player.sound(digit, length_ms.min(PRESS_MS_MAX), self.config.codec);
            }
            MediaCommand::StopRecord => self.stop_recording(now),
            MediaCommand::Reconfigure(config) => self.reconfigure(now, config),
            MediaCommand::InfoDigit { digit, .. } => {
                self.flush_before_stop_key(now);
                self.listener.press(now, digit, DigitSource::Info, false);
            }
        }
    }

    /// A datagram from the RTP port, whatever it is. RTCP that came there is told by its packet type (RFC 5761).
    pub fn rtp_received(&mut self, now: Mono, from: SocketAddr, packet: &[u8]) {
        if ice::is_stun(packet) {
            return self.check_received(now, from, packet, Component::Rtp);
        }
        if rtp::is_rtcp(packet) {
            return self.rtcp_received(now, from, packet);
        }
        let Some(mut srtp) = self.srtp.take() else { return self.take_rtp(now, from, packet) };
        if !self.lock.may_pass(now, from) {
            self.dropped.foreign += 1;
        } else {
            match srtp.open(packet) {
                Ok(packet) => self.take_rtp(now, from, packet),
                Err(fault) => self.drop_sealed(fault),
            }
        }
        self.srtp = Some(srtp);
    }

    /// A peer asks whether it can be reached where it asks from: the answer is to be polled and sent from where it came in.
    fn check_received(&mut self, now: Mono, from: SocketAddr, packet: &[u8], component: Component) {
        let Some(ice) = self.ice.as_mut().filter(|_| !self.closed) else {
            self.dropped.malformed += 1;
            return;
        };
        let check = match ice.answerer.check(from, packet) {
            Ok(check) => check,
            Err(ice::Fault::Malformed) => return self.dropped.malformed += 1,
            Err(ice::Fault::Forged) => return self.dropped.unproved += 1,
        };
        ice.answer = Some((check.answer, from));
        match (component, check.standing) {
            (_, Standing::Refused) => {}
            (Component::Rtp, Standing::Proved) => self.lock.checked(now, from, None),
            (Component::Rtp, Standing::Nominated { priority }) => self.lock.checked(now, from, Some(priority)),
            (Component::Rtcp, _) => self.rtcp_source = Some(from),
        }
    }

    /// The answer to a check that has just come in: to be asked after each packet, and sent from the port that it came to.
    pub fn poll_answer(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        self.ice.as_mut()?.answer.take()
    }

    /// Whether reports leave from the port of RTP.
    pub fn muxes_rtcp(&self) -> bool {
        self.config.rtcp_mux
    }

    fn take_rtp(&mut self, now: Mono, from: SocketAddr, packet: &[u8]) {
        let Ok(packet) = Packet::parse(packet) else {
            self.dropped.malformed += 1;
            return;
        };
        let Some(payload) = self.payload_of(packet.payload_type) else {
            self.dropped.payload_type += 1;
            return;
        };
        match self.lock.judge(now, from, packet.ssrc, packet.sequence) {
            Verdict::Ours => {}
            Verdict::Locked => self.listener.tell(MediaEvent::Locked { remote: from, at: now }),
            Verdict::Foreign => {
                self.dropped.foreign += 1;
                return;
            }
        }
        self.heard_something(now);
        let pressed = if payload == Payload::Event { self.event(now, &packet) } else { None };
        self.audio(now, &packet, payload, pressed);
    }

    /// From now on the other stream's packets are sent here (`relay`) and this one's are to be fetched for it. `carry_keys`:
    /// whether the keys of this stream's peer go across.
    pub fn bridge(&mut self, carry_keys: bool) {
        self.bridge = Some(Box::new(Bridge::new(carry_keys)));
    }

    pub fn unbridge(&mut self) {
        self.bridge = None;
    }

    /// What has just come in for the other stream: to be asked after each packet, and given back after it was sent.
    pub fn poll_relayed(&mut self) -> Option<Relayed> {
        self.bridge.as_mut()?.take()
    }

    pub fn give_back(&mut self, relayed: Relayed) {
        if let Some(bridge) = &mut self.bridge {
            bridge.give_back(relayed);
        }
    }

    /// Writes a packet of the other stream for our peer (a buffer as long as the packet that came in holds it). While
    /// something is played, and on hold, there is none.
    pub fn relay(&mut self, now: Mono, relayed: &Relayed, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let to = self.destination();
        let bridge = self.bridge.as_mut()?;
        let Some(to) = to.filter(|_| !self.closed) else {
            bridge.pass_over(relayed);
            return None;
        };
        let len = bridge.send(now, relayed, &self.config, &mut self.sender, &mut self.player, out)?;
        Some((self.seal(out, len)?, to))
    }

    /// A datagram from the RTCP port. Believed only from the peer's host.
    pub fn rtcp_received(&mut self, now: Mono, from: SocketAddr, packet: &[u8]) {
        if ice::is_stun(packet) {
            return self.check_received(now, from, packet, Component::Rtcp);
        }
        if !self.lock.is_peer_host(from) {
            self.dropped.foreign += 1;
            return;
        }
        let Some(mut srtp) = self.srtp.take() else { return self.take_rtcp(now, from, packet) };
        match srtp.open_rtcp(packet) {
            Ok(packet) => self.take_rtcp(now, from, packet),
            Err(fault) => self.drop_sealed(fault),
        }
        self.srtp = Some(srtp);
    }

    fn take_rtcp(&mut self, now: Mono, from: SocketAddr, packet: &[u8]) {
        if self.control.read(now, packet) {
            self.rtcp_source = Some(from);
            self.note_life(now);
        } else {
            self.dropped.malformed += 1;
        }
    }

    fn drop_sealed(&mut self, fault: srtp::Fault) {
        match fault {
            srtp::Fault::Malformed => self.dropped.malformed += 1,
            srtp::Fault::Forged => self.dropped.forged += 1,
            srtp::Fault::Replayed => self.dropped.replayed += 1,
        }
    }

    /// What goes out is encrypted where that was agreed on.
    fn seal(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        match &mut self.srtp {
            Some(srtp) => srtp.seal(out, len),
            None => Some(len),
        }
    }

    /// To be called each ptime. Writes at most one RTP packet ([`rtp::SENT_LEN_MAX`] bytes hold any) and says how long it
    /// is and where it goes. On hold, after `close` and when nothing is to be said there is none.
    pub fn tick(&mut self, now: Mono, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if self.closed {
            return None;
        }
        self.look_at_watch(now);
        if self.jitter.is_holding() {
            self.jitter.expire(now, |piece| self.listener.hear(now, piece));
        }
        if self.listener.is_recording()
            && let Some(warning) = self.listener.tick(now)
        {
            self.player.insert(warning);
        }
        let to = self.destination();
        let format = Format {
            codec: self.config.codec,
            payload_type: self.config.payload_type_out,
            ptime_ms: self.config.ptime_ms,
            fill_silence: self.options.send_silence,
            event_type: self.config.event_type,
        };
        // The other side's voice takes the place of silence.
        let relayed = self.bridge.as_ref().is_some_and(|b| b.is_flowing(now))
            && !self.player.is_playing()
            && !self.sender.is_pressing();
        let sent = self.sender.tick(now, format, to.is_some() && !relayed, &mut self.player, out);
        if let Some(token) = sent.filled.done {
            self.listener.tell(MediaEvent::PlayDone(token));
        }
        let (len, to) = sent.len.zip(to)?;
        Some((self.seal(out, len)?, to))
    }

    /// Writes a report when one is due, BYE after `close` ([`super::rtcp::COMPOUND_LEN_MAX`] bytes hold any).
    pub fn poll_rtcp(&mut self, now: Now, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if !self.control.is_due(now.mono) {
            return None;
        }
        let to = self.rtcp_destination()?;
        let (packets, octets) = self.sender.sent();
        let sent = SentSoFar { timestamp: self.sender.timestamp_at(now.mono), packets, octets };
        let len = self.control.write(now, sent, &mut self.reception, out)?;
        let len = match &mut self.srtp {
            Some(srtp) => srtp.seal_rtcp(out, len)?,
            None => len,
        };
        Some((len, to))
    }

    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.listener.poll_event()
    }

    pub fn poll_recorded(&mut self) -> Option<RecordedAudio> {
        self.listener.recorded().pop()
    }

    /// Ends the stream: a recording ends as commanded (poll again), the last figures are told, BYE can be polled.
    pub fn close(&mut self, now: Mono) -> StreamReport {
        self.stop_recording(now);
        self.player.stop();
        self.control.leave();
        self.closed = true;
        let dropped_by = self.dropped();
        StreamReport {
            stats: self.stats(),
            dropped: dropped_by.total(),
            dropped_by,
            unfetched: self.listener.unfetched(),
            peer: self.control.peer(),
        }
    }

    pub fn stats(&self) -> RtpStats {
        let (received, lost) = (self.reception.received(), self.reception.lost());
        let jitter_ms = self.reception.jitter_ms();
        let round_trip_ms = self.control.peer().and_then(|p| p.round_trip_ms);
        let mos = (received > 0).then(|| quality::mos(received, lost, jitter_ms, round_trip_ms));
        RtpStats { sent: self.sender.sent().0, received, lost, jitter_ms, mos }
    }

    /// Packets dropped so far, by reason.
    pub fn dropped(&self) -> Dropped {
        Dropped { late: self.jitter.dropped(), ..self.dropped }
    }

    fn reconfigure(&mut self, now: Mono, config: StreamConfig) {
        if self.config.ice.is_some() && config.ice.is_none() {
            self.lock = SourceLock::new(config.remote);
        }
        self.lock.announce(config.remote);
        if config.remote.is_some() && config.remote != self.config.remote {
            self.rtcp_source = None;
        }
        self.srtp = match (self.srtp.take(), config.srtp.as_deref()) {
            (Some(mut srtp), Some(keys)) => {
                srtp.rekey(keys);
                Some(srtp)
            }
            (None, Some(keys)) => Some(Box::new(Srtp::new(keys))),
            (_, None) => None,
        };
        self.config = config;
        self.expect_checks();
        if let Watch::Hearing { since } = &mut self.watch {
            *since = now;
        }
        self.choose_tones();
    }

    /// What was agreed on about checks holds; new passwords are for new checks.
    fn expect_checks(&mut self) {
        let Some(terms) = self.config.ice.as_deref() else { return self.ice = None };
        if self.ice.as_ref().is_none_or(|ice| ice.answerer.terms() != terms) {
            self.lock.expect_checks();
            self.ice = Some(Box::new(Ice { answerer: Answerer::new(terms), answer: None }));
        }
    }

    fn choose_tones(&mut self) {
        let negotiated = self.config.event_type.is_some();
        let was_listening = self.listener.wants_audio();
        self.listener.listen_to_tones(listener::tones_wanted(self.options.inband, negotiated, self.event_seen));
        if !was_listening {
            self.jitter.restart(|_| ());
        }
    }

    /// Where audio goes; none on hold.
    fn destination(&self) -> Option<SocketAddr> {
        (self.config.has_way() && self.config.send).then(|| self.lock.destination()).flatten()
    }

    fn payload_of(&self, payload_type: u8) -> Option<Payload> {
        if self.config.event_type == Some(payload_type) {
            return Some(Payload::Event);
        }
        let audio = self.config.payload_types_in.iter().find(|(number, _)| *number == payload_type);
        audio
            .map(|(_, codec)| Payload::Audio(*codec))
            .or((payload_type == COMFORT_NOISE).then_some(Payload::ComfortNoise))
    }

    fn heard_something(&mut self, now: Mono) {
        if let Watch::Lost = self.watch {
            self.listener.tell(MediaEvent::MediaBack);
        }
        self.watch = Watch::Hearing { since: now };
    }

    /// Who is bridged and muted may send reports alone: they are still there. A caller of the machine has to be heard.
    fn note_life(&mut self, now: Mono) {
        if let (Watch::Hearing { since }, Some(_)) = (&mut self.watch, &self.bridge) {
            *since = now;
        }
    }

    /// Nothing is missed on hold: whichever side holds, one of the directions is off.
    fn look_at_watch(&mut self, now: Mono) {
        let Watch::Hearing { since } = &mut self.watch else { return };
        if !(self.config.receive && self.config.send && self.config.has_way()) {
            *since = now;
        } else if self.options.media_timeout_ms > 0 && now.ms_since(*since) >= u64::from(self.options.media_timeout_ms)
        {
            self.watch = Watch::Lost;
            self.listener.tell(MediaEvent::MediaLost);
        }
    }

    /// Takes an event; the key that it is the first to tell of.
    fn event(&mut self, now: Mono, packet: &Packet<'_>) -> Option<Digit> {
        let mut pressed = None;
        match self.event_receiver.receive(now, packet.timestamp, packet.payload)? {
            EventReport::Press(digit) => {
                self.flush_before_stop_key(now);
                self.listener.press(now, digit, DigitSource::Rfc4733, true);
                pressed = Some(digit);
            }
            EventReport::Going { digit, ended } => {
                self.listener.press_goes_on(now, digit, DigitSource::Rfc4733, ended);
            }
        }
        if !self.event_seen {
            self.event_seen = true;
            self.choose_tones();
        }
        pressed
    }

    fn audio(&mut self, now: Mono, packet: &Packet<'_>, payload: Payload, pressed: Option<Digit>) {
        let place = self.reception.receive(packet.ssrc, packet.sequence);
        if place == Place::Stray {
            // Some gateways send their events with an SSRC of its own: the digit was taken all the same.
            self.dropped.stray += u64::from(payload != Payload::Event);
            if let (Some(bridge), Some(digit)) = (&mut self.bridge, pressed) {
                bridge.put_key(digit, packet.timestamp);
            }
            return;
        }
        let codec = if let Payload::Audio(codec) = payload { Some(codec) } else { None };
        if codec.is_some() {
            self.reception.time(now, packet.timestamp);
        }
        if let Some(bridge) = &mut self.bridge {
            let kind = match payload {
                Payload::Audio(codec) => relay::Kind::Audio(codec),
                Payload::Event => relay::Kind::Event(pressed),
                Payload::ComfortNoise => relay::Kind::ComfortNoise,
            };
            let Packet { sequence, timestamp, marker, payload, .. } = *packet;
            bridge.put(kind, sequence, timestamp, marker, place == Place::First, payload);
        }
        if !self.listener.wants_audio() {
            return;
        }
        if place == Place::First {
            self.jitter.restart(|piece| self.listener.hear(now, piece));
            self.listener.sender_restarted();
        }
        let piece = Piece { timestamp: packet.timestamp, codec, payload: packet.payload };
        self.jitter.push(now, packet.sequence, piece, |piece| self.listener.hear(now, piece));
    }

    fn stop_recording(&mut self, now: Mono) {
        self.flush_before_stop_key(now);
        self.listener.stop_recording(RecordStop::Commanded);
    }

    /// What waits for a missing packet was spoken before the recording's end and belongs to it.
    fn flush_before_stop_key(&mut self, now: Mono) {
        if self.listener.is_recording() {
            self.jitter.flush(|piece| self.listener.hear(now, piece));
        }
    }

    /// RTCP goes where the peer's comes from; before that where the SDP says, or to the port above a source behind a NAT.
    fn rtcp_destination(&self) -> Option<SocketAddr> {
        let rtp = self.lock.destination().filter(|_| self.config.has_way())?;
        if self.config.rtcp_mux {
            return Some(rtp);
        }
        if let Some(source) = self.rtcp_source.filter(|s| s.ip() == rtp.ip()) {
            return Some(source);
        }
        if self.config.remote == Some(rtp) && self.config.remote_rtcp.is_some() {
            return self.config.remote_rtcp;
        }
        Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
