//! Hears all calls of a load at one UDP port and judges the pacing of each stream: `bench_sink ADDRESS:PORT`.
//!
//! Arrival times are the kernel's receive timestamps: on the loopback device they are taken within the sender's own send
//! call, so they show when the daemon sent and not when this program ran. `begin` and `end` on stdin bound a window; after
//! `end` one line of JSON is printed.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Packets taken with one system call.
const BATCH: usize = 128;
/// Enough of a packet for its RTP header.
const PACKET_MAX: usize = 64;
const CONTROL_MAX: usize = 64;
/// Between two looks at an empty socket.
const PAUSE: Duration = Duration::from_millis(2);
const FRAME_US: i64 = 20_000;
const RECEIVE_BUFFER: libc::c_int = 256 << 20;

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

/// Room for one batch, reused.
struct Batch {
    packets: Vec<[u8; PACKET_MAX]>,
    controls: Vec<[u64; CONTROL_MAX / 8]>,
    sources: Vec<libc::sockaddr_in>,
}

impl Batch {
    fn new() -> Self {
        // SAFETY: all-zero bytes are a valid `sockaddr_in`.
        let source = unsafe { std::mem::zeroed() };
        Self {
            packets: vec![[0; PACKET_MAX]; BATCH],
            controls: vec![[0; CONTROL_MAX / 8]; BATCH],
            sources: vec![source; BATCH],
        }
    }

    /// Gives each packet that is there to `take`; false when there was none.
    fn receive(&mut self, socket: &UdpSocket, mut take: impl FnMut(u16, &[u8], i64)) -> bool {
        let mut pieces = Vec::with_capacity(BATCH);
        let mut messages = Vec::with_capacity(BATCH);
        for packet in &mut self.packets {
            pieces.push(libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: PACKET_MAX });
        }
        for (nth, piece) in pieces.iter_mut().enumerate() {
            // SAFETY: all-zero bytes are a valid `mmsghdr`.
            let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
            message.msg_hdr.msg_name = (&raw mut self.sources[nth]).cast();
            message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            message.msg_hdr.msg_iov = &raw mut *piece;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = self.controls[nth].as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = CONTROL_MAX as _;
            messages.push(message);
        }
        // SAFETY: every pointer in `messages` leads to memory that lives beyond the call, with its true length.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        for (nth, message) in messages.iter().enumerate().take(count) {
            let length = (message.msg_len as usize).min(PACKET_MAX);
            let port = u16::from_be(self.sources[nth].sin_port);
            if let Some(at_us) = arrival_us(&message.msg_hdr) {
                take(port, &self.packets[nth][..length], at_us);
            }
        }
        count > 0
    }
}

/// The kernel's time of arrival.
fn arrival_us(message: &libc::msghdr) -> Option<i64> {
    // SAFETY: the kernel has filled `message`; CMSG_FIRSTHDR is null when there is no control message.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(message);
        if control.is_null() || (*control).cmsg_type != libc::SCM_TIMESTAMPNS {
            return None;
        }
        let at: libc::timespec = libc::CMSG_DATA(control).cast::<libc::timespec>().read_unaligned();
        Some(at.tv_sec * 1_000_000 + at.tv_nsec / 1000)
    }
}

fn set(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> bool {
    // SAFETY: `value` is an int of the length given.
    let done = unsafe {
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const value).cast(), length)
    };
    done == 0
}

fn main() -> io::Result<()> {
    let at: SocketAddr = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .ok_or_else(|| io::Error::other("called as: bench_sink ADDRESS:PORT"))?;
    let socket = UdpSocket::bind(at)?;
    if !set(&socket, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER) {
        eprintln!("without the right to a large receive buffer packets may be lost here");
    }
    if !set(&socket, libc::SO_TIMESTAMPNS, 1) {
        return Err(io::Error::last_os_error());
    }
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
