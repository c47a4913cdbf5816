//! Both ends of many talks: calls the desk, answers at the telephones that it rings, speaks on both sides, and judges how
//! long the desk takes to pass each packet on: `bench_pairs DESK CALLEES CALLS SECONDS [CALLER_CODEC [CALLEE_CODEC]]`.
//!
//! Each packet carries the time at which it was sent; that of its arrival is the kernel's. One socket speaks and hears for
//! all callers, one for all telephones, as the desk tells its calls apart by its own ports.

mod arrivals;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrivals::{Batch, prepare};
use frontdesk::sdp::{self, LocalIce, LocalMedia, LocalSrtp};
use frontdesk::sip::user_agent::{
    Channel, Destination, Event, Input, LegId, Listener, OutgoingInvite, Output, UaConfig, UaLimits, UserAgent,
};
use frontdesk::sip::wire::{NameAddr, Transport, Uri};
use frontdesk::types::{Codec, KeySeed, Mono, Random};

/// Calls begun in a second.
const SETUPS: f64 = 100.0;
const FRAME: Duration = Duration::from_millis(20);
/// Parts that one frame time is cut into, so that packets do not come in one burst.
const SLOTS: usize = 20;

struct Options {
    desk: SocketAddr,
    callees: SocketAddr,
    calls: usize,
    seconds: u64,
    codecs: [Codec; 2],
}

impl Options {
    fn read() -> Option<Self> {
        let args: Vec<String> = std::env::args().collect();
        let codec = |nth: usize| match args.get(nth).map(String::as_str) {
            None | Some("pcma") => Some(Codec::Pcma),
            Some("pcmu") => Some(Codec::Pcmu),
            Some("g722") => Some(Codec::G722),
            Some(_) => None,
        };
        Some(Self {
            desk: args.get(1)?.parse().ok()?,
            callees: args.get(2)?.parse().ok()?,
            calls: args.get(3)?.parse().ok()?,
            seconds: args.get(4)?.parse().ok()?,
            codecs: [codec(5)?, codec(6)?],
        })
    }
}

/// One direction: where its packets go, and its numbers.
struct Voice {
    side: usize,
    to: SocketAddr,
    codec: Codec,
    sequence: u16,
    ssrc: u32,
}

struct Ends {
    ua: UserAgent,
    sip: [UdpSocket; 2],
    rtp_ports: [u16; 2],
    codecs: [Codec; 2],
    begun: Instant,
    voices: Arc<Mutex<Vec<Voice>>>,
    offers: Vec<(LegId, LocalMedia)>,
    answered: [usize; 2],
    failed: usize,
    ended: usize,
}

impl Ends {
    fn now(&self) -> Mono {
        Mono(u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn local(&self, side: usize) -> LocalMedia {
        let rtp_port = self.rtp_ports[side];
        LocalMedia {
            address: [127, 0, 0, 1].into(),
            peer: None,
            rtp_port,
            rtcp_port: rtp_port + 1,
            codecs: vec![self.codecs[side]],
            session_id: 1,
            version: 1,
            ptime_ms: 20,
            srtp: LocalSrtp::off(KeySeed::new(&mut Random::for_testing(1))),
            ice: LocalIce::default(),
        }
    }

    fn call(&mut self, desk: SocketAddr, nth: usize) {
        let local = self.local(0);
        let invite = OutgoingInvite {
            trunk: None,
            target: Uri::new(desk.ip()).with_port(desk.port()).with_user("4000"),
            destination: Destination { channel: Channel { listener: 0, connection: None }, remote: desk },
            routes: Vec::new(),
            from: NameAddr::new(Uri::new(desk.ip()).with_user(format!("{}", 13_800_000_000 + nth))),
            contact_user: "load".to_owned(),
            sdp: Some(sdp::offer(&local)),
            replaces: None,
            referred_by: None,
            headers: Vec::new(),
        };
        if let Ok(leg) = self.ua.invite(self.now(), invite) {
            self.offers.push((leg, local));
        }
        self.drain();
    }

    fn receive(&mut self) {
        let mut buffer = [0; 8192];
        for listener in 0..2 {
            while let Ok((length, source)) = self.sip[listener].recv_from(&mut buffer) {
                let via = Channel { listener, connection: None };
                let now = self.now();
                self.ua.handle_input(now, Input::Received { via, source, bytes: &buffer[..length] });
                self.drain();
            }
        }
        let now = self.now();
        self.ua.handle_input(now, Input::Timeout);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.ua.poll_output() {
                Output::Send { to, bytes } => {
                    let _ = self.sip[to.channel.listener].send_to(&bytes, to.remote);
                }
                Output::Event(event) => self.event(event),
                Output::Wait(_) => return,
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Incoming { leg, invite } => {
                let answered = invite.sdp.and_then(|offer| sdp::answer(&offer, &self.local(1)).ok());
                let Some(answered) = answered else { return };
                self.speak(1, answered.stream.remote);
                let _ = self.ua.answer(self.now(), leg, answered.body);
                self.answered[1] += 1;
            }
            Event::Answered { leg, sdp: Some(answer), .. } => {
                let local = self.offers.iter().find(|(of, _)| *of == leg).map(|(_, local)| local.clone());
                let accepted = local.and_then(|local| sdp::accept(&answer, &local).ok());
                self.speak(0, accepted.and_then(|config| config.remote));
                self.answered[0] += 1;
            }
            Event::Failed { .. } => self.failed += 1,
            Event::Ended { .. } => self.ended += 1,
            _ => {}
        }
    }

    fn speak(&self, side: usize, to: Option<SocketAddr>) {
        let mut voices = self.voices.lock().expect("nobody panics with it");
        let ssrc = voices.len() as u32 + 1;
        voices.extend(to.map(|to| Voice { side, to, codec: self.codecs[side], sequence: 0, ssrc }));
    }
}

fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Speaks for everybody, each at a time of their own within the frame.
fn speak(voices: &Mutex<Vec<Voice>>, sockets: &[UdpSocket; 2], stop: &AtomicBool) {
    let mut packet = [0xD5; 172];
    let mut at = Instant::now();
    for tick in 0usize.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let slot = tick % SLOTS;
        for voice in voices.lock().expect("nobody panics with it").iter_mut().skip(slot).step_by(SLOTS) {
            packet[0] = 0x80;
            packet[1] = voice.codec.payload_type();
            packet[2..4].copy_from_slice(&voice.sequence.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(voice.sequence) * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&voice.ssrc.to_be_bytes());
            packet[12..20].copy_from_slice(&now_us().to_be_bytes());
            voice.sequence = voice.sequence.wrapping_add(1);
            let _ = sockets[voice.side].send_to(&packet, voice.to);
        }
        at += FRAME / SLOTS as u32;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
    }
}

/// What was heard within the window.
#[derive(Default)]
struct Heard {
    packets: u64,
    delays_us: Vec<i64>,
}

fn hear(sockets: &[UdpSocket; 2], heard: &Mutex<Option<Heard>>, stop: &AtomicBool) {
    let mut batch = Batch::new();
    while !stop.load(Ordering::Relaxed) {
        let mut any = false;
        for socket in sockets {
            any |= batch.receive(socket, |_, packet, at_us| {
                let mut heard = heard.lock().expect("nobody panics with it");
                let Some(heard) = heard.as_mut() else { return };
                heard.packets += 1;
                let sent = packet.get(12..20).and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes);
                // Music and silence of the desk carry no time; transcoded packets neither: they only count.
                if (0..60_000_000).contains(&(at_us - sent)) {
                    heard.delays_us.push(at_us - sent);
                }
            });
        }
        if !any {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn main() -> io::Result<()> {
    let options = Options::read().ok_or_else(|| {
        io::Error::other("called as: bench_pairs DESK CALLEES CALLS SECONDS [CALLER_CODEC [CALLEE_CODEC]]")
    })?;
    let bind = |address: SocketAddr| -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        prepare(&socket)?;
        Ok(socket)
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let sip = [bind(any)?, bind(options.callees)?];
    let rtp = Arc::new([bind(any)?, bind(any)?]);
    let listener = |socket: &UdpSocket| -> io::Result<Listener> {
        Ok(Listener { transport: Transport::Udp, local: socket.local_addr()?, advertised: None })
    };
    let config = UaConfig {
        listeners: vec![listener(&sip[0])?, listener(&sip[1])?],
        limits: UaLimits { dialogs_max: 100_000, ..UaLimits::default() },
        ..UaConfig::default()
    };
    let voices = Arc::new(Mutex::new(Vec::new()));
    let mut ends = Ends {
        ua: UserAgent::new(config, Random::for_testing(u64::from(std::process::id()))),
        rtp_ports: [rtp[0].local_addr()?.port(), rtp[1].local_addr()?.port()],
        sip,
        codecs: options.codecs,
        begun: Instant::now(),
        voices: voices.clone(),
        offers: Vec::new(),
        answered: [0, 0],
        failed: 0,
        ended: 0,
    };
    let (stop, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let speaker = std::thread::spawn({
        let (voices, rtp, stop) = (voices.clone(), rtp.clone(), stop.clone());
        move || speak(&voices, &rtp, &stop)
    });
    let listener = std::thread::spawn({
        let (rtp, heard, stop) = (rtp.clone(), heard.clone(), stop.clone());
        move || hear(&rtp, &heard, &stop)
    });
    let mut called = 0;
    let limit = Duration::from_secs_f64(options.calls as f64 / SETUPS + 20.0);
    while ends.begun.elapsed() < limit && (called < options.calls || ends.answered.iter().any(|n| *n < called)) {
        if called < options.calls && ends.begun.elapsed().as_secs_f64() * SETUPS >= called as f64 {
            ends.call(options.desk, called);
            called += 1;
        }
        ends.receive();
        std::thread::sleep(Duration::from_millis(1));
    }
    let run = |ends: &mut Ends, time: Duration| {
        let until = Instant::now() + time;
        while Instant::now() < until {
            ends.receive();
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    run(&mut ends, Duration::from_secs(2));
    println!("talking");
    *heard.lock().expect("nobody panics with it") = Some(Heard::default());
    let begun = Instant::now();
    run(&mut ends, Duration::from_secs(options.seconds));
    let window = begun.elapsed().as_secs_f64();
    let Heard { packets, mut delays_us } = heard.lock().expect("nobody panics with it").take().unwrap_or_default();
    stop.store(true, Ordering::Relaxed);
    let _ = (speaker.join(), listener.join());
    delays_us.sort_unstable();
    let share = |per_mille: usize| {
        let nth = (delays_us.len() * per_mille / 1000).min(delays_us.len().saturating_sub(1));
        delays_us.get(nth).map_or(0.0, |us| *us as f64 / 1000.0)
    };
    println!(
        "{{\"callers\": {}, \"telephones\": {}, \"failed\": {}, \"ended\": {}, \"packets\": {packets}, \"stamped\": {}, \
         \"delivered_pct\": {:.3}, \"delay_p50_ms\": {}, \"delay_p99_ms\": {}, \"delay_p999_ms\": {}, \"delay_max_ms\": {}}}",
        ends.answered[0],
        ends.answered[1],
        ends.failed,
        ends.ended,
        delays_us.len(),
        100.0 * packets as f64 / (window * 50.0 * (ends.answered[0] + ends.answered[1]) as f64),
        share(500),
        share(990),
        share(999),
        share(1000),
    );
    Ok(())
}
