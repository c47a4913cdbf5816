//! Threads that pace RTP. Each owns its streams and wakes on absolute times: a wheel of 1 ms slots spreads the streams
//! over their packet times, so that a wake-up sends a slot's worth and no stream has a timer of its own.
//!
//! Received RTP is drained at each wake-up (at most `SLEEP_MAX` apart) without one wake-up per packet.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};

use super::clock::Clock;
use super::ports::PortPair;
use super::recorder::ToRecorder;
use crate::media::io::{MediaCommand, MediaEvent, StreamConfig, StreamOptions, StreamReport};
use crate::media::stream::MediaStream;
use crate::metrics::METRICS;
use crate::types::{CallId, Mono, Random, RecordingId, StreamId};

/// Commands that wait for one worker at most; the line waits beyond that (a worker never waits for anybody).
const COMMANDS_MAX: usize = 16_384;
/// Audio pieces (100 to 200 ms each) that wait for the recorder at most; beyond that a recording is given up.
const BACKLOG_MAX: usize = 20_000;
/// 1 ms slots: more than the longest packet time of 60 ms.
const SLOTS: u64 = 64;
/// The longest sleep while there are streams: it bounds how late a received packet is read.
const SLEEP_MAX: Duration = Duration::from_millis(5);
/// The same while two people talk: it is what a bridge adds to the delay at most.
const BRIDGE_SLEEP_MAX: Duration = Duration::from_millis(1);
/// After a longer standstill the missed packets are dropped, not sent in a burst.
const STANDSTILL: u64 = 200;
/// How many of a stream's ticks pass between two looks at its RTCP schedule.
const RTCP_EVERY_TICKS: u32 = 16;
/// An Ethernet frame's worth; longer RTP is not audio of ours.
const PACKET_MAX: usize = 1500;

#[derive(Debug)]
pub enum ToWorker {
    Open {
        id: StreamId,
        ports: PortPair,
        config: StreamConfig,
    },
    Command {
        id: StreamId,
        command: MediaCommand,
    },
    OpenRecording {
        id: StreamId,
        recording: RecordingId,
    },
    CloseRecording {
        id: StreamId,
        recording: RecordingId,
    },
    Close {
        id: StreamId,
    },
    /// Both are of one call, so that one worker has them.
    Bridge {
        a: StreamId,
        b: StreamId,
        carry_keys: (bool, bool),
    },
    Unbridge {
        id: StreamId,
    },
}

#[derive(Debug)]
pub enum FromWorker {
    Event {
        id: StreamId,
        event: MediaEvent,
    },
    Closed {
        id: StreamId,
        ports: PortPair,
        report: StreamReport,
    },
    /// The recorder could not keep up with this recording.
    RecordingLost {
        call: CallId,
        recording: RecordingId,
    },
}

/// The line's handle to all workers. A call stays with one worker for its life.
pub struct MediaWorkers {
    workers: Vec<Handle>,
}

struct Handle {
    commands: SyncSender<ToWorker>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

/// What every worker is made with.
#[derive(Clone)]
pub struct WorkerContext {
    pub clock: Clock,
    pub options: StreamOptions,
    pub recorder: SyncSender<ToRecorder>,
    /// Must not block: false when it can't take it now, and it is offered again.
    pub tell: Arc<dyn Fn(FromWorker) -> Result<(), Box<FromWorker>> + Send + Sync>,
}

impl MediaWorkers {
    pub fn start(count: usize, context: &WorkerContext, random: &mut Random) -> io::Result<Self> {
        let workers = (0..count.max(1))
            .map(|index| {
                let (commands, inbox) = sync_channel(COMMANDS_MAX);
                let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
                let worker = Worker::new(context.clone(), inbox, wake.clone(), random.fork())?;
                let thread = thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
                Ok(Handle { commands, wake, thread: Some(thread) })
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { workers })
    }

    pub fn send(&self, message: ToWorker) {
        let handle = &self.workers[message.id().call.0.unsigned_abs() as usize % self.workers.len()];
        let sent = match handle.commands.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(message)) => {
                let _ = rustix::io::write(&handle.wake, &1u64.to_ne_bytes());
                handle.commands.send(message).is_ok()
            }
            Err(TrySendError::Disconnected(_)) => false,
        };
        if sent {
            let _ = rustix::io::write(&handle.wake, &1u64.to_ne_bytes());
        } else {
            tracing::error!("a media worker is gone");
        }
    }
}

impl Drop for MediaWorkers {
    fn drop(&mut self) {
        for mut handle in self.workers.drain(..) {
            let Handle { commands, wake, thread } = &mut handle;
            let thread = thread.take();
            let (closed, _) = sync_channel(1);
            drop(std::mem::replace(commands, closed));
            let _ = rustix::io::write(&*wake, &1u64.to_ne_bytes());
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl ToWorker {
    fn id(&self) -> StreamId {
        match self {
            ToWorker::Open { id, .. }
            | ToWorker::Command { id, .. }
            | ToWorker::OpenRecording { id, .. }
            | ToWorker::CloseRecording { id, .. }
            | ToWorker::Close { id }
            | ToWorker::Bridge { a: id, .. }
            | ToWorker::Unbridge { id } => *id,
        }
    }
}

struct Line {
    id: StreamId,
    stream: MediaStream,
    ports: PortPair,
    ptime_ms: u64,
    recording: Option<RecordingId>,
    /// The stream that it is bridged with.
    peer: Option<StreamId>,
    ticks: u32,
}

struct Worker {
    context: WorkerContext,
    inbox: Receiver<ToWorker>,
    wake: Arc<OwnedFd>,
    sockets: OwnedFd,
    random: Random,
    /// By slab index, which is also what the epoll entries and the wheel name.
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    by_id: HashMap<StreamId, usize>,
    wheel: Vec<Vec<(usize, StreamId)>>,
    bridges: usize,
    /// The last millisecond whose slot was served.
    served: u64,
    to_recorder: VecDeque<ToRecorder>,
    to_line: VecDeque<FromWorker>,
    packet: Box<[u8; PACKET_MAX]>,
}

impl Worker {
    fn new(context: WorkerContext, inbox: Receiver<ToWorker>, wake: Arc<OwnedFd>, random: Random) -> io::Result<Self> {
        let served = context.clock.mono().as_millis();
        Ok(Self {
            context,
            inbox,
            wake,
            sockets: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            random,
            lines: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            wheel: (0..SLOTS).map(|_| Vec::new()).collect(),
            bridges: 0,
            served,
            to_recorder: VecDeque::new(),
            to_line: VecDeque::new(),
            packet: Box::new([0; PACKET_MAX]),
        })
    }

    fn run(mut self) {
        loop {
            if self.take_commands().is_break() && self.by_id.is_empty() {
                return;
            }
            self.drain_sockets();
            self.serve_wheel();
            self.flush_backlogs();
            self.sleep();
        }
    }

    fn take_commands(&mut self) -> std::ops::ControlFlow<()> {
        let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
        loop {
            match self.inbox.try_recv() {
                Ok(message) => self.obey(message),
                Err(TryRecvError::Empty) => return std::ops::ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => {
                    let all: Vec<StreamId> = self.by_id.keys().copied().collect();
                    all.into_iter().for_each(|id| self.close(id));
                    return std::ops::ControlFlow::Break(());
                }
            }
        }
    }

    fn obey(&mut self, message: ToWorker) {
        match message {
            ToWorker::Open { id, ports, config } => self.open(id, ports, config),
            ToWorker::Command { id, command } => {
                let now = self.context.clock.mono();
                if let Some(index) = self.by_id.get(&id).copied() {
                    if let (MediaCommand::Reconfigure(config), Some(line)) = (&command, &mut self.lines[index]) {
                        line.ptime_ms = u64::from(config.ptime_ms);
                    }
                    self.guarded(index, |line, _| line.stream.command(now, command));
                    self.collect(index);
                }
            }
            ToWorker::OpenRecording { id, recording } => {
                if let Some(line) = self.by_id.get(&id).and_then(|index| self.lines[*index].as_mut()) {
                    line.recording = Some(recording.clone());
                }
                self.record(ToRecorder::Open { call: id.call, recording });
            }
            ToWorker::CloseRecording { id, recording } => self.record(ToRecorder::Close { call: id.call, recording }),
            ToWorker::Close { id } => self.close(id),
            ToWorker::Bridge { a, b, carry_keys } => self.bridge(a, b, carry_keys),
            ToWorker::Unbridge { id } => self.unbridge(id),
        }
    }

    fn open(&mut self, id: StreamId, ports: PortPair, config: StreamConfig) {
        let now = self.context.clock.mono();
        let ptime_ms = u64::from(config.ptime_ms);
        let stream = MediaStream::new(now, config, self.context.options.clone(), &mut self.random);
        let index = self.free.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() - 1
        });
        for (socket, is_rtcp) in [(&ports.rtp, 0), (&ports.rtcp, 1)] {
            let data = epoll::EventData::new_u64((index as u64) << 1 | is_rtcp);
            if let Err(error) = epoll::add(&self.sockets, socket, data, epoll::EventFlags::IN) {
                tracing::error!(%id, %error, "an RTP socket can't be watched: this call will not be heard");
            }
        }
        let line = Line { id, stream, ports, ptime_ms, recording: None, peer: None, ticks: 0 };
        self.lines[index] = Some(line);
        self.by_id.insert(id, index);
        let slot = self.emptiest_slot(ptime_ms);
        self.wheel[slot].push((index, id));
    }

    fn bridge(&mut self, a: StreamId, b: StreamId, carry_keys: (bool, bool)) {
        self.unbridge(a);
        self.unbridge(b);
        if a == b {
            return;
        }
        let (Some(at_a), Some(at_b)) = (self.by_id.get(&a).copied(), self.by_id.get(&b).copied()) else { return };
        for (index, peer, carry) in [(at_a, b, carry_keys.0), (at_b, a, carry_keys.1)] {
            self.guarded(index, |line, _| {
                line.stream.bridge(carry);
                line.peer = Some(peer);
            });
        }
        self.bridges += 1;
    }

    /// Parts a stream from its peer, if it has one.
    fn unbridge(&mut self, id: StreamId) {
        let line = |worker: &mut Self, id| {
            let index = *worker.by_id.get(&id)?;
            let line = worker.lines[index].as_mut()?;
            line.stream.unbridge();
            line.peer.take()
        };
        let Some(peer) = line(self, id) else { return };
        line(self, peer);
        self.bridges -= 1;
    }

    /// What has just come in for one stream of a bridge goes out to the other one's peer.
    fn pass_on(&mut self, now: Mono, index: usize) {
        let Some(Some(line)) = self.lines.get_mut(index) else { return };
        let Some(relayed) = line.peer.and_then(|peer| Some((peer, line.stream.poll_relayed()?))) else { return };
        let (peer, relayed) = relayed;
        if let Some(to) = self.by_id.get(&peer).copied() {
            self.guarded(to, |line, packet| {
                if let Some((length, to)) = line.stream.relay(now, &relayed, packet) {
                    send(&line.ports.rtp, &packet[..length], to);
                }
            });
        }
        if let Some(Some(line)) = self.lines.get_mut(index) {
            line.stream.give_back(relayed);
        }
    }

    /// Among the slots of the coming packet time, the one with the fewest streams.
    fn emptiest_slot(&self, ptime_ms: u64) -> usize {
        (1..=ptime_ms)
            .map(|ahead| ((self.served + ahead) % SLOTS) as usize)
            .min_by_key(|slot| self.wheel[*slot].len())
            .unwrap_or(0)
    }

    fn close(&mut self, id: StreamId) {
        self.unbridge(id);
        let Some(index) = self.by_id.remove(&id) else { return };
        let now = self.context.clock.mono();
        let mut report = None;
        self.guarded(index, |line, _| report = Some(line.stream.close(now)));
        self.collect(index);
        self.send_rtcp(index);
        let Some(line) = self.lines[index].take() else { return };
        self.free.push(index);
        let Line { stream, ports, .. } = line;
        let report = report.unwrap_or_else(|| StreamReport::of_lost(stream.stats()));
        for socket in [&ports.rtp, &ports.rtcp] {
            let _ = epoll::delete(&self.sockets, socket);
        }
        self.to_line.push_back(FromWorker::Closed { id, ports, report });
    }

    /// Reads what has arrived: one packet a ready socket and round, so that no stream starves the others.
    fn drain_sockets(&mut self) {
        // After a standstill the kernel holds a backlog: all of it is read before the streams look at the clock, or they
        // would take what was said meanwhile for silence.
        const ROUNDS: usize = 4;
        const ROUNDS_LATE: usize = 512;
        const LATE_MS: u64 = 40;
        if self.by_id.is_empty() {
            return;
        }
        let mut ready: Vec<epoll::Event> = Vec::with_capacity(512);
        let late = self.context.clock.mono().as_millis().saturating_sub(self.served) > LATE_MS;
        for _ in 0..if late { ROUNDS_LATE } else { ROUNDS } {
            ready.clear();
            let none = Timespec { tv_sec: 0, tv_nsec: 0 };
            if epoll::wait(&self.sockets, rustix::buffer::spare_capacity(&mut ready), Some(&none)).is_err() {
                return;
            }
            for event in &ready {
                let data = event.data.u64();
                self.receive((data >> 1) as usize, data & 1 == 1);
            }
            if ready.is_empty() {
                return;
            }
        }
    }

    fn receive(&mut self, index: usize, is_rtcp: bool) {
        let now = self.context.clock.mono();
        self.guarded(index, |line, packet| {
            let socket = if is_rtcp { &line.ports.rtcp } else { &line.ports.rtp };
            let Ok((length, from)) = socket.recv_from(packet) else { return };
            let bytes = &packet[..length];
            if is_rtcp {
                line.stream.rtcp_received(now, from, bytes);
            } else {
                line.stream.rtp_received(now, from, bytes);
            }
            if let Some((answer, to)) = line.stream.poll_answer() {
                send(socket, &answer, to);
            }
        });
        self.pass_on(now, index);
        self.collect(index);
    }

    fn serve_wheel(&mut self) {
        let now_ms = self.context.clock.mono().as_millis();
        if now_ms.saturating_sub(self.served) > STANDSTILL {
            // The machine stood still: go on from now, in the same order.
            let behind = now_ms - self.served;
            self.served += behind - behind % SLOTS;
        }
        while self.served < now_ms {
            self.served += 1;
            let slot = (self.served % SLOTS) as usize;
            let mut due = std::mem::take(&mut self.wheel[slot]);
            if !due.is_empty() {
                METRICS.pacing_late_seconds.observe(self.context.clock.mono().since(Mono::from_millis(self.served)));
            }
            for (index, id) in due.drain(..) {
                if let Some(ptime_ms) = self.tick(index, id) {
                    let next = ((self.served + ptime_ms) % SLOTS) as usize;
                    self.wheel[next].push((index, id));
                }
            }
            if self.wheel[slot].is_empty() {
                self.wheel[slot] = due;
            }
        }
    }

    /// One packet time of one stream; `None` when the stream is gone.
    fn tick(&mut self, index: usize, id: StreamId) -> Option<u64> {
        let line = self.lines.get_mut(index)?.as_mut().filter(|line| line.id == id)?;
        let ptime_ms = line.ptime_ms;
        line.ticks = line.ticks.wrapping_add(1);
        let rtcp_due = line.ticks.is_multiple_of(RTCP_EVERY_TICKS);
        let now = self.context.clock.mono();
        self.guarded(index, |line, packet| {
            if let Some((length, to)) = line.stream.tick(now, packet) {
                send(&line.ports.rtp, &packet[..length], to);
            }
        });
        if rtcp_due {
            self.send_rtcp(index);
        }
        self.collect(index);
        Some(ptime_ms)
    }

    fn send_rtcp(&mut self, index: usize) {
        let now = self.context.clock.now();
        self.guarded(index, |line, packet| {
            if let Some((length, to)) = line.stream.poll_rtcp(now, packet) {
                let muxed = line.stream.muxes_rtcp();
                send(if muxed { &line.ports.rtp } else { &line.ports.rtcp }, &packet[..length], to);
            }
        });
    }

    /// Takes what a stream has to tell: audio before events, so that `RecordDone` comes after its last samples.
    fn collect(&mut self, index: usize) {
        let Some(Some(line)) = self.lines.get_mut(index) else { return };
        while let Some(audio) = line.stream.poll_recorded() {
            let Some(recording) = line.recording.clone() else { continue };
            if self.to_recorder.len() >= BACKLOG_MAX {
                line.recording = None;
                self.to_line.push_back(FromWorker::RecordingLost { call: line.id.call, recording });
                continue;
            }
            let (rate_hz, samples) = (audio.rate_hz, audio.samples);
            self.to_recorder.push_back(ToRecorder::Append { recording, rate_hz, samples });
        }
        while let Some(event) = line.stream.poll_event() {
            self.to_line.push_back(FromWorker::Event { id: line.id, event });
        }
    }

    fn record(&mut self, message: ToRecorder) {
        self.to_recorder.push_back(message);
    }

    fn flush_backlogs(&mut self) {
        while let Some(message) = self.to_recorder.pop_front() {
            if let Err(TrySendError::Full(message)) = self.context.recorder.try_send(message) {
                self.to_recorder.push_front(message);
                break;
            }
        }
        while let Some(message) = self.to_line.pop_front() {
            if let Err(message) = (self.context.tell)(message) {
                self.to_line.push_front(*message);
                break;
            }
        }
    }

    /// Until the next slot with a stream in it, or a command.
    fn sleep(&mut self) {
        let mut fds = [PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
        if self.by_id.is_empty() && self.to_line.is_empty() && self.to_recorder.is_empty() {
            let _ = poll(&mut fds, None);
            self.served = self.context.clock.mono().as_millis();
            return;
        }
        let longest = if self.bridges > 0 { BRIDGE_SLEEP_MAX } else { SLEEP_MAX }.as_millis() as u64;
        let ahead = (1..=longest)
            .find(|ahead| !self.wheel[((self.served + ahead) % SLOTS) as usize].is_empty())
            .unwrap_or(longest);
        let until = Mono::from_millis(self.served + ahead);
        let nap = until.since(self.context.clock.mono());
        if !nap.is_zero() {
            let nap = Timespec { tv_sec: 0, tv_nsec: i64::from(nap.subsec_nanos()) };
            let _ = poll(&mut fds, Some(&nap));
        }
    }

    /// Runs one stream's code; a panic in it ends that stream alone.
    fn guarded(&mut self, index: usize, act: impl FnOnce(&mut Line, &mut [u8])) {
        let Some(Some(line)) = self.lines.get_mut(index) else { return };
        let packet = &mut self.packet[..];
        if catch_unwind(AssertUnwindSafe(|| act(line, packet))).is_err() {
            tracing::error!(stream = %line.id, "a media stream panicked; its call is ended");
            self.to_line.push_back(FromWorker::Event { id: line.id, event: MediaEvent::MediaLost });
        }
    }
}

/// A full socket buffer or an unreachable peer loses this packet, as the network might.
fn send(socket: &std::net::UdpSocket, packet: &[u8], to: SocketAddr) {
    let _ = socket.send_to(packet, to);
}

#[cfg(test)]
#[path = "media_worker_tests.rs"]
mod tests;
