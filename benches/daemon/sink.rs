//! Hears all calls of a load at one UDP port and judges the pacing of each stream: `bench_sink ADDRESS:PORT`.
//!
//! Arrival times are the kernel's receive timestamps: on the loopback device they are taken within the sender's own send
//! call, so they show when the daemon sent and not when this program ran. `begin` and `end` on stdin bound a window; after
//! `end` one line of JSON is printed.

mod arrivals;

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use arrivals::{Batch, prepare};

/// Between two looks at an empty socket.
const PAUSE: Duration = Duration::from_millis(2);
const FRAME_US: i64 = 20_000;

/// A stream by the sender's port and SSRC.
type StreamKey = (u16, u32);

struct Window {
    begun: Instant,
    packets: u64,
    lost: u64,
    last: HashMap<StreamKey, (u16, i64)>,
    deviations_us: Vec<i64>,
}

impl Window {
    fn new() -> Self {
        Self { begun: Instant::now(), packets: 0, lost: 0, last: HashMap::new(), deviations_us: Vec::new() }
    }

    fn take(&mut self, port: u16, packet: &[u8], at_us: i64) {
        let [first, _, s0, s1, _, _, _, _, c0, c1, c2, c3, ..] = *packet else { return };
        if first >> 6 != 2 {
            return;
        }
        let sequence = u16::from_be_bytes([s0, s1]);
        let ssrc = u32::from_be_bytes([c0, c1, c2, c3]);
        self.packets += 1;
        let Some((before, before_us)) = self.last.insert((port, ssrc), (sequence, at_us)) else { return };
        // Every gap counts, also one that a packet is missing in: what the listener waits for is the next packet.
        self.deviations_us.push((at_us - before_us - FRAME_US).abs());
        let step = sequence.wrapping_sub(before);
        if (2..0x8000).contains(&step) {
            self.lost += u64::from(step - 1);
        }
    }

    fn report(mut self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.deviations_us.sort_unstable();
        let at = |per_mille: usize| {
            let last = self.deviations_us.len().saturating_sub(1);
            let nth = (self.deviations_us.len() * per_mille / 1000).min(last);
            self.deviations_us.get(nth).map_or(0.0, |us| *us as f64 / 1000.0)
        };
        format!(
            "{{\"window_s\": {seconds:.3}, \"streams\": {}, \"packets\": {}, \"lost\": {}, \"pacing_p50_ms\": {}, \
             \"pacing_p99_ms\": {}, \"pacing_p999_ms\": {}, \"pacing_max_ms\": {}}}",
            self.last.len(),
            self.packets,
            self.lost,
            at(500),
            at(990),
            at(999),
            at(1000),
        )
    }
}

fn main() -> io::Result<()> {
    let at: SocketAddr = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .ok_or_else(|| io::Error::other("called as: bench_sink ADDRESS:PORT"))?;
    let socket = UdpSocket::bind(at)?;
    prepare(&socket)?;
    let (tell, told) = mpsc::sync_channel(4);
    std::thread::spawn(move || io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    println!("ready");
    let mut batch = Batch::new();
    let mut window: Option<Window> = None;
    loop {
        match told.try_recv().as_deref() {
            Ok("begin") => window = Some(Window::new()),
            Ok(_) => window.take().into_iter().for_each(|window| println!("{}", window.report())),
            Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
            Err(mpsc::TryRecvError::Empty) => {}
        }
        let received = batch.receive(&socket, |port, packet, at_us| {
            if let Some(window) = &mut window {
                window.take(port, packet, at_us);
            }
        });
        if !received {
            // Not waiting in the kernel: being woken for every packet would cost the daemon's core, not this one.
            std::thread::sleep(PAUSE);
        }
    }
}
