//! Packets with the kernel's times of arrival, a batch with one system call.

use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Packets taken with one system call.
const BATCH: usize = 128;
/// Enough of a packet for its RTP header and a time stamp behind it.
pub const PACKET_MAX: usize = 64;
const CONTROL_MAX: usize = 64;
const RECEIVE_BUFFER: libc::c_int = 256 << 20;

/// Room for one batch, reused.
pub struct Batch {
    packets: Vec<[u8; PACKET_MAX]>,
    controls: Vec<[u64; CONTROL_MAX / 8]>,
    sources: Vec<libc::sockaddr_in>,
}

impl Batch {
    pub fn new() -> Self {
        // SAFETY: all-zero bytes are a valid `sockaddr_in`.
        let source = unsafe { std::mem::zeroed() };
        Self {
            packets: vec![[0; PACKET_MAX]; BATCH],
            controls: vec![[0; CONTROL_MAX / 8]; BATCH],
            sources: vec![source; BATCH],
        }
    }

    /// Gives each packet that is there to `take`; false when there was none.
    pub fn receive(&mut self, socket: &UdpSocket, mut take: impl FnMut(u16, &[u8], i64)) -> bool {
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

/// Makes a socket keep times of arrival, and much of a burst.
pub fn prepare(socket: &UdpSocket) -> std::io::Result<()> {
    if !set(socket, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER) {
        eprintln!("without the right to a large receive buffer packets may be lost here");
    }
    if set(socket, libc::SO_TIMESTAMPNS, 1) { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
