//! The only place with sockets, clocks and threads.
//!
//! - `clock`: the one reading of time.
//! - `connections`: the table of stream connections of the SIP thread; `tcp` serves them, `tls` shakes hands, `websocket` is
//!   for browsers.
//! - `dialer`: the built-in caller.
//! - `dtls`: handshakes that bring the keys of encrypted audio, and the certificate for them.
//! - `line`: the SIP thread; owns the exchange, and with it all transactions, dialogs and calls.
//! - `locator`: the servers of URIs, found beside the SIP thread's work; `resolver` asks the DNS for it.
//! - `own_address`: notices when the trunks' servers are reached from another of our addresses.
//! - `ports`: RTP/RTCP port pairs, lent to calls and cooled down before reuse.
//! - `media_worker`: threads that pace RTP on an absolute wheel.
//! - `observe`: from one typed event to log line and metrics.
//! - `recorder`: the thread that puts what is said on disk as it is spoken.
//! - `repair`: recordings that a crash cut off.
//! - `loader`: the thread that reads recordings back for playing.

pub mod clock;
mod connections;
pub mod dialer;
pub mod dtls;
pub mod line;
pub mod loader;
mod locator;
pub mod media_worker;
pub mod observe;
mod own_address;
pub mod pin_checker;
pub mod ports;
pub mod recorder;
pub mod repair;
mod resolver;
mod tcp;
mod tls;
mod websocket;
