//! A worker with real sockets on the loopback: each test waits for what must come, with a deadline.

use std::net::UdpSocket;
use std::sync::mpsc;
use std::time::Instant;

use super::*;
use crate::driver::ports::{PortRange, Ports};
use crate::media::io::{Encoded, MediaToken};
use crate::media::rtp::{Header, Packet};
use crate::types::Codec;

const DEADLINE: Duration = Duration::from_secs(20);
const A: StreamId = StreamId { call: CallId(7), leg: 0 };
const B: StreamId = StreamId { call: CallId(7), leg: 1 };

/// A telephone: its socket, and where its stream listens.
struct Phone {
    socket: UdpSocket,
    stream: SocketAddr,
    sequence: u16,
}

impl Phone {
    fn say(&mut self, byte: u8) {
        self.sequence += 1;
        let mut packet = [byte; 172];
        let timestamp = u32::from(self.sequence) * 160;
        let header = Header { marker: false, payload_type: 8, sequence: self.sequence, timestamp, ssrc: 1 };
        header.write(&mut packet).expect("there is room for it");
        self.socket.send_to(&packet, self.stream).expect("loopback takes it");
    }

    /// Waits for a packet filled with this byte; the silence of all that comes until then.
    fn hears(&mut self, byte: u8) -> bool {
        let deadline = Instant::now() + DEADLINE;
        let mut buffer = [0; PACKET_MAX];
        while Instant::now() < deadline {
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            if Packet::parse(&buffer[..length]).is_ok_and(|packet| packet.payload == [byte; 160]) {
                return true;
            }
        }
        false
    }
}

struct Bench {
    workers: MediaWorkers,
    told: mpsc::Receiver<FromWorker>,
    ports: Ports,
}

impl Bench {
    fn new() -> Self {
        let (tell, told) = mpsc::channel();
        let (recorder, _) = sync_channel(16);
        let context = WorkerContext {
            clock: Clock::start(),
            options: StreamOptions::default(),
            recorder,
            tell: Arc::new(move |message| tell.send(message).map_err(|unsent| Box::new(unsent.0))),
        };
        let workers = MediaWorkers::start(1, &context, &mut Random::for_testing(1)).expect("a thread");
        Self { workers, told, ports: Ports::new(PortRange::Any) }
    }

    fn open(&mut self, id: StreamId) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let remote = socket.local_addr().ok();
        let ports = self.ports.lend(Mono(0), [127, 0, 0, 1].into()).expect("free ports");
        let stream = SocketAddr::from(([127, 0, 0, 1], ports.rtp_port));
        let config = StreamConfig {
            codec: Codec::Pcma,
            payload_type_out: 8,
            payload_types_in: vec![(8, Codec::Pcma)],
            event_type: None,
            ptime_ms: 20,
            remote,
            remote_rtcp: None,
            send: true,
            receive: true,
            srtp: None,
            ice: None,
            rtcp_mux: false,
        };
        self.workers.send(ToWorker::Open { id, ports, config });
        Phone { socket, stream, sequence: 0 }
    }

    /// Until all commands so far were obeyed and all packets so far were read: a mark played after them is heard.
    fn settle(&self, id: StreamId, phone: &mut Phone, mark: u8) {
        let clip = Encoded { codec: Codec::Pcma, bytes: vec![mark; 160].into() };
        let command = MediaCommand::Play { token: MediaToken(1), items: vec![clip] };
        self.workers.send(ToWorker::Command { id, command });
        assert!(phone.hears(mark));
    }

    fn waits_until_closed(&self, closed: StreamId) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            match self.told.recv_timeout(DEADLINE) {
                Ok(FromWorker::Closed { id, report, .. }) if id == closed => return assert!(report.stats.received > 0),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        panic!("{closed} was not closed");
    }
}

const SILENCE: u8 = 0xD5;

#[test]
fn what_one_of_two_bridged_says_the_other_hears_until_one_is_closed() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (bench.open(A), bench.open(B));
    bench.workers.send(ToWorker::Bridge { a: A, b: B, carry_keys: (true, true) });
    bench.settle(A, &mut a, 9);
    a.say(1);
    assert!(b.hears(1));
    b.say(2);
    assert!(a.hears(2));
    assert!(b.hears(SILENCE), "nobody speaks");
    bench.workers.send(ToWorker::Close { id: A });
    bench.waits_until_closed(A);
    b.say(3);
    assert!(b.hears(SILENCE), "the other one goes on");
    bench.workers.send(ToWorker::Close { id: B });
    bench.waits_until_closed(B);
}

#[test]
fn the_parted_hear_each_other_no_more_and_can_be_bridged_anew() {
    let mut bench = Bench::new();
    let (mut a, mut b) = (bench.open(A), bench.open(B));
    let bridge = || ToWorker::Bridge { a: A, b: B, carry_keys: (false, false) };
    bench.workers.send(bridge());
    bench.settle(A, &mut a, 9);
    a.say(1);
    assert!(b.hears(1));
    // Either of the two may be named; to part the parted, or to bridge one with itself or with nobody, is nothing.
    let nobody = StreamId { call: A.call, leg: 9 };
    bench.workers.send(ToWorker::Unbridge { id: B });
    bench.workers.send(ToWorker::Unbridge { id: A });
    bench.workers.send(ToWorker::Bridge { a: A, b: A, carry_keys: (true, true) });
    bench.workers.send(ToWorker::Bridge { a: A, b: nobody, carry_keys: (true, true) });
    bench.settle(A, &mut a, 8);
    a.say(2);
    bench.settle(A, &mut a, 7);
    bench.workers.send(bridge());
    // What a says after the new bridge is heard, what it said before never was.
    let deadline = Instant::now() + DEADLINE;
    let mut buffer = [0; PACKET_MAX];
    let heard = loop {
        assert!(Instant::now() < deadline);
        a.say(3);
        let Ok((length, _)) = b.socket.recv_from(&mut buffer) else { continue };
        match Packet::parse(&buffer[..length]).map(|packet| packet.payload[0]) {
            Ok(SILENCE) => {}
            Ok(byte) => break byte,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(heard, 3);
}
