//! The SIP thread. It owns the exchange (all transactions, dialogs and calls), so nothing in it is locked; tasks of a
//! single-threaded runtime bring it datagrams, stream messages and what the other threads have to tell.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::clock::Clock;
pub use super::connections::ConnectionLimits;
use super::connections::{Connections, Peer, Queued};
use super::loader::Load;
use super::locator::{self, LOCATING_MAX};
use super::media_worker::{FromWorker, MediaWorkers, ToWorker};
use super::own_address;
use super::pin_checker::PinCheck;
use super::ports::{PortPair, Ports};
use super::recorder::FromRecorder;
use super::resolver::Resolver;
use super::{tcp, tls};
use crate::call::events::CallEvent;
use crate::call::exchange::Exchange;
use crate::call::io::{Asker, Input, LentPorts, Output};
use crate::call::service::Service;
use crate::desk::ban::BannedNetwork;
use crate::desk::call_back::WaitingCallBack;
use crate::desk::errand::{Errand, ErrandId};
use crate::desk::live::{LiveCall, SteerFault, SteerOrder};
use crate::desk::phones::RegisteredPhone;
use crate::desk::presence::Presences;
use crate::desk::request::{DeskError, DeskReply, DeskRequest, RequestId};
use crate::media::io::Encoded;
use crate::sip::locate::{Family, Reachable};
use crate::sip::trunk::TrunkSettings;
use crate::sip::user_agent::{self, Channel, ConnectionId, Counters, Destination, TextId};
use crate::sip::wire::{Transport, Uri};
use crate::tls::Tls;
use crate::types::{CallId, Mono, Random, RecordingId, StreamId};

/// What other threads may have waiting for the line; beyond it they wait (workers keep a backlog of their own).
pub const INBOX_MAX: usize = 65_536;
/// Datagrams read from one socket before the other tasks get their turn.
const BATCH: usize = 64;
const DATAGRAM_MAX: usize = 65_535;

/// What other threads tell the line.
pub enum ToLine {
    Media(FromWorker),
    Recorder(FromRecorder),
    Loaded {
        call: CallId,
        recording: RecordingId,
        audio: Option<Encoded>,
    },
    PinChecked {
        call: CallId,
        id: RequestId,
        right: bool,
    },
    Desk(DeskReply),
    /// Bans that were lifted by hand.
    BansLifted(Vec<BannedNetwork>),
    /// Who is out, or not to be called.
    Presences(Presences),
    /// Calls that the desk is to make, and those under way that came too late.
    Errands {
        due: Vec<Errand>,
        overtaken: Vec<ErrandId>,
    },
    /// A text for somebody's telephones; the answer is the best status of them, or none when the line ends before.
    Text {
        extension: String,
        text: String,
        answer: oneshot::Sender<u16>,
    },
    /// Extensions whose messages have changed.
    MessagesChanged(Vec<String>),
    /// Callers whom an earlier run promised to call back.
    CallBacks(Vec<WaitingCallBack>),
    Reload(Arc<Service>),
    /// Other telephones may register from now on.
    Accounts(Vec<user_agent::Account>),
    /// Other trunks from now on.
    Trunks(Vec<TrunkSettings>),
    /// Certificates for the handshakes that begin from now on.
    Tls(Box<Tls>),
    Shutdown {
        until: Mono,
    },
    /// Every call as it is now, the oldest first.
    LiveCalls(oneshot::Sender<Vec<LiveCall>>),
    /// What somebody at a screen wants done with their caller; nothing is answered when the line ends before.
    Steer {
        order: SteerOrder,
        answer: oneshot::Sender<Result<(), SteerFault>>,
    },
    /// A look at the counters, for metrics.
    Look(oneshot::Sender<Look>),
    /// Which telephones are registered, for people.
    Phones(oneshot::Sender<Vec<RegisteredPhone>>),
}

/// What the line looks like at one moment.
#[derive(Debug, Clone)]
pub struct Look {
    pub live_calls: usize,
    pub sip: Counters,
    /// Datagrams that could not be handed to the kernel.
    pub unsent: u64,
}

/// A socket that listens for SIP, bound before the thread starts so that a failure is the daemon's to report.
pub enum Listening {
    Udp(StdUdpSocket),
    /// Connections that carry this transport.
    Stream(Transport, std::net::TcpListener),
    /// Nobody can connect: for connections that we make. The address is what we call ourselves until a peer says better.
    Nowhere(Transport, SocketAddr),
}

/// Carries a desk request to the store; an error is the reply.
pub type Submit = Box<dyn Fn(CallId, DeskRequest) -> Result<(), DeskError> + Send>;

/// Which address RTP of a call is bound to, and which one its SDP names.
#[derive(Debug, Clone, Default)]
pub struct RtpAddresses {
    /// `rtp.address`: else the address on which the INVITE came in, or the one that leads to its sender.
    pub bind: Option<IpAddr>,
    /// `rtp.external_address`.
    pub advertise: Option<IpAddr>,
}

pub struct LineOptions {
    pub clock: Clock,
    pub exchange: Exchange,
    pub listening: Vec<Listening>,
    /// Where a listener needs it.
    pub tls: Option<Tls>,
    pub connections: ConnectionLimits,
    /// Between two pings on a connection of our making.
    pub keep_alive: Duration,
    pub ports: Ports,
    pub rtp: RtpAddresses,
    /// DNS servers; those of the system where there are none.
    pub dns: Vec<SocketAddr>,
    pub random: Random,
    pub workers: MediaWorkers,
    pub loader: SyncSender<Load>,
    pub pins: SyncSender<PinCheck>,
    pub submit: Submit,
    pub observe: Box<dyn Fn(&CallEvent) + Send>,
}

pub(super) type Shared = Rc<RefCell<Line>>;

/// See the module.
pub struct Line {
    pub(super) clock: Clock,
    exchange: Exchange,
    pub(super) connections: Connections,
    pub(super) tls: Option<Box<Tls>>,
    pub(super) keep_alive: Duration,
    transports: Vec<Transport>,
    udp: Vec<Option<Rc<UdpSocket>>>,
    local: Vec<SocketAddr>,
    ports: Ports,
    rtp: RtpAddresses,
    lent: HashMap<StreamId, PortPair>,
    workers: MediaWorkers,
    loader: SyncSender<Load>,
    pins: SyncSender<PinCheck>,
    submit: Submit,
    observe: Box<dyn Fn(&CallEvent) + Send>,
    wake_at: Option<Mono>,
    rewake: Rc<Notify>,
    idle: Rc<Notify>,
    /// Texts that are on their way, by their numbers, which count up.
    texts: HashMap<TextId, oneshot::Sender<u16>>,
    last_text: u64,
    /// Who waits for an answer to what they asked at a screen, by numbers that count up.
    steering: HashMap<u64, oneshot::Sender<Result<(), SteerFault>>>,
    last_steer: u64,
    unsent: u64,
    /// Connections to be made: the tasks for them are spawned outside of the borrow.
    connects: Vec<(ConnectionId, Peer, mpsc::Receiver<Vec<u8>>)>,
    dns: Vec<SocketAddr>,
    pub(super) resolver: Rc<Resolver>,
    pub(super) random: Random,
    pub(super) reachable: Reachable,
    /// From which of our addresses trunks' servers are reached, as last seen.
    pub(super) own_addresses: HashMap<SocketAddr, IpAddr>,
    /// URIs whose servers are being found.
    pub(super) locating: usize,
    /// Those to be found, by tasks of their own too.
    locates: Vec<(Asker, Uri)>,
}

/// Runs until the exchange is idle after `ToLine::Shutdown`, or every sender is gone.
pub fn start(options: LineOptions, inbox: mpsc::Receiver<ToLine>) -> io::Result<JoinHandle<io::Result<()>>> {
    thread::Builder::new().name("sip".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ran = LocalSet::new().block_on(&runtime, run(options, inbox));
        // A host name that is still being looked up is not waited for.
        runtime.shutdown_background();
        ran
    })
}

async fn run(options: LineOptions, inbox: mpsc::Receiver<ToLine>) -> io::Result<()> {
    let mut udp = Vec::new();
    let mut tcp = Vec::new();
    let mut local = Vec::new();
    let mut reachable = Reachable::default();
    let mut transports = Vec::new();
    for (index, listening) in options.listening.into_iter().enumerate() {
        match listening {
            Listening::Nowhere(transport, address) => {
                local.push(address);
                transports.push(transport);
                reachable.0.push((transport, Family::of(address.ip())));
                udp.push(None);
            }
            Listening::Udp(socket) => {
                local.push(socket.local_addr()?);
                transports.push(Transport::Udp);
                reachable.0.push((Transport::Udp, Family::of(socket.local_addr()?.ip())));
                udp.push(Some(Rc::new(UdpSocket::from_std(socket)?)));
            }
            Listening::Stream(transport, socket) => {
                local.push(socket.local_addr()?);
                transports.push(transport);
                reachable.0.push((transport, Family::of(socket.local_addr()?.ip())));
                udp.push(None);
                tcp.push((index, transport, TcpListener::from_std(socket)?));
            }
        }
    }
    let (rewake, idle) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let line = Rc::new(RefCell::new(Line {
        clock: options.clock,
        exchange: options.exchange,
        connections: Connections::new(options.connections),
        tls: options.tls.map(Box::new),
        keep_alive: options.keep_alive,
        transports,
        udp: udp.clone(),
        local,
        ports: options.ports,
        rtp: options.rtp,
        lent: HashMap::new(),
        workers: options.workers,
        loader: options.loader,
        pins: options.pins,
        submit: options.submit,
        observe: options.observe,
        wake_at: None,
        rewake: rewake.clone(),
        idle: idle.clone(),
        texts: HashMap::new(),
        last_text: 0,
        steering: HashMap::new(),
        last_steer: 0,
        unsent: 0,
        connects: Vec::new(),
        resolver: Rc::new(Resolver::new(&options.dns)),
        dns: options.dns,
        random: options.random,
        reachable,
        own_addresses: HashMap::new(),
        locating: 0,
        locates: Vec::new(),
    }));
    for (index, socket) in udp.into_iter().enumerate() {
        if let Some(socket) = socket {
            tokio::task::spawn_local(receive_datagrams(line.clone(), index, socket));
        }
    }
    for (index, transport, socket) in tcp {
        tokio::task::spawn_local(tcp::accept(line.clone(), index, transport, socket));
    }
    tokio::task::spawn_local(keep_time(line.clone(), rewake));
    tokio::task::spawn_local(own_address::watch(line.clone()));
    tokio::select! {
        () = take_messages(line, inbox) => {}
        () = idle.notified() => {}
    }
    // One more turn, so that what was sent last reaches the sockets of streams.
    tokio::task::yield_now().await;
    Ok(())
}

async fn receive_datagrams(line: Shared, listener: usize, socket: Rc<UdpSocket>) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    let via = Channel { listener, connection: None };
    loop {
        if let Err(error) = socket.readable().await {
            tracing::error!(%error, "a SIP socket can't be read any more");
            return;
        }
        for _ in 0..BATCH {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, source)) => {
                    let received = user_agent::Input::Received { via, source, bytes: &buffer[..length] };
                    Line::input(&line, Input::Sip(received));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error of an earlier send: the transactions' timers deal with its peer.
                Err(_) => {}
            }
        }
        tokio::task::yield_now().await;
    }
}

async fn take_messages(line: Shared, mut inbox: mpsc::Receiver<ToLine>) {
    let mut batch = Vec::with_capacity(256);
    while inbox.recv_many(&mut batch, 256).await > 0 {
        for message in batch.drain(..) {
            Line::told(&line, message);
        }
    }
}

async fn keep_time(line: Shared, rewake: Rc<Notify>) {
    loop {
        let (clock, wake_at) = {
            let line = line.borrow();
            (line.clock, line.wake_at)
        };
        match wake_at {
            Some(at) => tokio::select! {
                () = sleep_until(clock.instant(at).into()) => Line::input(&line, Input::Timeout),
                () = rewake.notified() => {}
            },
            None => rewake.notified().await,
        }
    }
}

/// The system's DNS servers may be others by now.
async fn renew_resolver(line: Shared) {
    let servers = line.borrow().dns.clone();
    if let Some(resolver) = Resolver::renewed(servers).await {
        line.borrow_mut().resolver = Rc::new(resolver);
    }
}

impl Line {
    pub(super) fn trunk_servers(&self) -> Vec<SocketAddr> {
        self.exchange.trunk_servers()
    }

    /// Hands one input to the exchange and carries out all that it asks for.
    pub(super) fn input(line: &Shared, input: Input<'_>) {
        let (connects, locates) = {
            let mut guard = line.borrow_mut();
            let now = guard.clock.now();
            guard.exchange.handle_input(now, input);
            guard.obey();
            (std::mem::take(&mut guard.connects), std::mem::take(&mut guard.locates))
        };
        for (id, peer, inbox) in connects {
            tokio::task::spawn_local(tcp::connect(line.clone(), id, peer, inbox));
        }
        for (asker, uri) in locates {
            tokio::task::spawn_local(locator::locate(line.clone(), asker, uri));
        }
    }

    /// Whether nothing that comes from there is served: its connections are closed.
    pub(super) fn is_banned(&self, source: IpAddr) -> bool {
        self.exchange.is_banned(self.clock.mono(), source)
    }

    fn told(line: &Shared, message: ToLine) {
        match message {
            ToLine::Media(FromWorker::Event { id, event }) => Line::input(line, Input::Media { stream: id, event }),
            ToLine::Media(FromWorker::Closed { id, ports, report }) => {
                {
                    let mut guard = line.borrow_mut();
                    let now = guard.clock.mono();
                    guard.ports.give_back(now, ports);
                }
                Line::input(line, Input::MediaClosed { stream: id, report });
            }
            ToLine::Media(FromWorker::RecordingLost { call, recording }) => {
                Line::input(line, Input::Recorded { call, recording, written: false });
            }
            ToLine::Recorder(FromRecorder { call, recording, written }) => {
                Line::input(line, Input::Recorded { call, recording, written });
            }
            ToLine::Loaded { call, recording, audio } => {
                Line::input(line, Input::RecordingLoaded { call, recording, audio });
            }
            ToLine::PinChecked { call, id, right } => {
                Line::input(line, Input::PinChecked { call, id, right: Some(right) });
            }
            ToLine::Desk(reply) => Line::input(line, Input::Desk(reply)),
            ToLine::BansLifted(networks) => {
                networks.into_iter().for_each(|network| Line::input(line, Input::BanLifted(network)));
            }
            ToLine::Presences(presences) => Line::input(line, Input::Presences(presences)),
            ToLine::Errands { due, overtaken } => {
                Line::input(line, Input::Overtaken(overtaken));
                Line::input(line, Input::Errands(due));
            }
            ToLine::Text { extension, text, answer } => {
                let id = {
                    let mut guard = line.borrow_mut();
                    guard.last_text += 1;
                    let id = TextId(guard.last_text);
                    guard.texts.insert(id, answer);
                    id
                };
                Line::input(line, Input::Text { id, extension, text });
            }
            ToLine::MessagesChanged(extensions) => Line::input(line, Input::MessagesChanged(extensions)),
            ToLine::CallBacks(waiting) => Line::input(line, Input::CallBacks(waiting)),
            ToLine::Reload(service) => {
                tokio::task::spawn_local(renew_resolver(line.clone()));
                Line::input(line, Input::Reload(service));
            }
            ToLine::Accounts(accounts) => Line::input(line, Input::Accounts(accounts)),
            ToLine::Trunks(trunks) => Line::input(line, Input::Trunks(trunks)),
            ToLine::Tls(tls) => line.borrow_mut().tls = Some(tls),
            ToLine::Shutdown { until } => Line::input(line, Input::Shutdown { until }),
            ToLine::LiveCalls(answer) => {
                let guard = line.borrow();
                let _ = answer.send(guard.exchange.live(guard.clock.now()));
            }
            ToLine::Steer { order, answer } => {
                let id = {
                    let mut guard = line.borrow_mut();
                    guard.last_steer += 1;
                    let id = guard.last_steer;
                    guard.steering.insert(id, answer);
                    id
                };
                Line::input(line, Input::Steer { id, order });
            }
            ToLine::Look(answer) => {
                let guard = line.borrow();
                let (live_calls, sip) = (guard.exchange.live_calls(), guard.exchange.sip_counters().clone());
                let _ = answer.send(Look { live_calls, sip, unsent: guard.unsent });
            }
            ToLine::Phones(answer) => {
                let guard = line.borrow();
                let _ = answer.send(guard.exchange.phones(guard.clock.mono()));
            }
        }
    }

    fn obey(&mut self) {
        loop {
            match self.exchange.poll_output() {
                Output::Send { to, bytes } => self.send(to, bytes),
                Output::Close { to } => self.connections.close_to(to.channel.listener, to.remote),
                Output::LendPorts { stream, listener, peer } => {
                    let ports = self.lend(stream, listener, peer);
                    self.exchange.handle_input(self.clock.now(), Input::PortsLent { stream, ports });
                }
                Output::Locate { asker, uri } => self.locate(asker, uri),
                Output::ReturnPorts { stream } => {
                    if let Some(pair) = self.lent.remove(&stream) {
                        self.ports.give_back(self.clock.mono(), pair);
                    }
                }
                Output::OpenStream { stream, config } => {
                    if let Some(ports) = self.lent.remove(&stream) {
                        self.workers.send(ToWorker::Open { id: stream, ports, config });
                    }
                }
                Output::Media { stream, command } => self.workers.send(ToWorker::Command { id: stream, command }),
                Output::OpenRecording { stream, recording } => {
                    self.workers.send(ToWorker::OpenRecording { id: stream, recording });
                }
                Output::CloseRecording { stream, recording } => {
                    self.workers.send(ToWorker::CloseRecording { id: stream, recording });
                }
                Output::Bridge { a, b, carry_keys } => self.workers.send(ToWorker::Bridge { a, b, carry_keys }),
                Output::Unbridge { a } => self.workers.send(ToWorker::Unbridge { id: a }),
                Output::CloseStream { stream } => self.workers.send(ToWorker::Close { id: stream }),
                Output::LoadRecording { call, recording, codec } => self.load(Load { call, recording, codec }),
                Output::CheckPin { call, id, hash, pin } => self.check_pin(PinCheck { call, id, hash, pin }),
                Output::Desk { call, request } => self.submit(call, request),
                Output::Event(event) => (self.observe)(&event),
                Output::TextEnded { id, status } => {
                    if let Some(answer) = self.texts.remove(&id) {
                        let _ = answer.send(status);
                    }
                }
                Output::Steered { id, done } => {
                    if let Some(answer) = self.steering.remove(&id) {
                        let _ = answer.send(done);
                    }
                }
                Output::Idle => self.idle.notify_one(),
                Output::Wait(at) => {
                    if at != self.wake_at {
                        self.wake_at = at;
                        self.rewake.notify_one();
                    }
                    return;
                }
            }
        }
    }

    fn send(&mut self, to: Destination, bytes: Vec<u8>) {
        let Destination { channel, remote } = to;
        if let Some(Some(socket)) = self.udp.get(channel.listener) {
            if let Err(error) = socket.try_send_to(&bytes, remote) {
                self.unsent += 1;
                // A full buffer loses a datagram, as the network may; anything else says that nobody can be reached there.
                if error.kind() != io::ErrorKind::WouldBlock {
                    let failed = user_agent::Input::TransportFailed { channel, to: remote };
                    self.exchange.handle_input(self.clock.now(), Input::Sip(failed));
                }
            }
            return;
        }
        let open = channel.connection.filter(|connection| self.connections.is_open(*connection));
        let peer = (open.is_none()).then(|| self.peer(channel.listener, remote, &bytes));
        let known = open.or_else(|| self.connections.to(peer.as_ref()?));
        match (known, peer) {
            (Some(connection), _) => {
                if self.connections.send(connection, bytes) != Queued::Yes {
                    self.unsent += 1;
                    let failed = user_agent::Input::TransportFailed { channel, to: remote };
                    self.exchange.handle_input(self.clock.now(), Input::Sip(failed));
                }
            }
            // The peer's connection is gone, or there never was one: RFC 3261 section 18.2.2.
            (None, Some(peer)) => {
                let (id, inbox) = self.connections.add(peer.clone());
                self.connections.send(id, bytes);
                self.connects.push((id, peer, inbox));
            }
            (None, None) => {}
        }
    }

    /// Whom a new connection for this message is to lead to. Within a dialog that is whoever proved to be there before.
    fn peer(&self, listener: usize, remote: SocketAddr, bytes: &[u8]) -> Peer {
        if self.transport(listener) != Transport::Tls {
            return Peer { listener, remote, name: None };
        }
        let addressee = tls::addressee(bytes);
        let known = self.connections.proven(listener, remote);
        let proven =
            known.filter(|_| addressee.as_ref().is_none_or(|addressee| addressee.in_dialog)).map(str::to_owned);
        let name = proven.or(addressee.map(|addressee| addressee.host));
        Peer { listener, remote, name }
    }

    pub(super) fn transport(&self, listener: usize) -> Transport {
        self.transports.get(listener).copied().unwrap_or(Transport::Udp)
    }

    fn lend(&mut self, stream: StreamId, listener: usize, peer: SocketAddr) -> Option<LentPorts> {
        let listening = self.local.get(listener)?.ip();
        let local = if listening.is_unspecified() { address_towards(peer)? } else { listening };
        let bind = self.rtp.bind.unwrap_or(local);
        let pair = self.ports.lend(self.clock.mono(), bind)?;
        let address = self.rtp.advertise.filter(|ip| ip.is_ipv4() == bind.is_ipv4()).unwrap_or(bind);
        let lent = LentPorts { address, rtp_port: pair.rtp_port, rtcp_port: pair.rtcp_port, local, peer: peer.ip() };
        self.lent.insert(stream, pair);
        Some(lent)
    }

    fn locate(&mut self, asker: Asker, uri: Uri) {
        if self.locating >= LOCATING_MAX {
            tracing::warn!(limit = LOCATING_MAX, "a place is not looked for: too many are being found");
            return self.exchange.handle_input(self.clock.now(), Input::Located { asker, targets: Vec::new() });
        }
        self.locating += 1;
        self.locates.push((asker, uri));
    }

    fn load(&mut self, load: Load) {
        if let Err(TrySendError::Full(load) | TrySendError::Disconnected(load)) = self.loader.try_send(load) {
            let Load { call, recording, .. } = load;
            let now = self.clock.now();
            self.exchange.handle_input(now, Input::RecordingLoaded { call, recording, audio: None });
        }
    }

    fn check_pin(&mut self, check: PinCheck) {
        if let Err(TrySendError::Full(check) | TrySendError::Disconnected(check)) = self.pins.try_send(check) {
            let now = self.clock.now();
            self.exchange.handle_input(now, Input::PinChecked { call: check.call, id: check.id, right: None });
        }
    }

    fn submit(&mut self, call: CallId, request: DeskRequest) {
        let id = request.id();
        let Err(error) = (self.submit)(call, request) else { return };
        tracing::error!(%call, %error, "the store did not take a request");
        if let Some(id) = id {
            let reply = DeskReply { call, id, result: Err(error) };
            self.exchange.handle_input(self.clock.now(), Input::Desk(reply));
        }
    }
}

/// The local address from which packets to `peer` leave: nothing is sent to find out.
pub(super) fn address_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = StdUdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
