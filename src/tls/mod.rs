//! What TLS needs before there is a connection: certificates and keys read from files and checked, which of them is shown
//! to whom, and whom we trust.
//!
//! - `certificate`: what stands in a certificate; the only file that names `x509_parser`.
//! - `settings`: from files to what handshakes are made with, and every fault of those files.
//! - `identity`: which of several certificates a peer is shown, by the name that it asks for.
//! - `verify`: whether a server is who it was called as (RFC 5922).
//! - `words`: why a handshake failed, for the log.
//!
//! rustls was chosen with `ring`: it is written in Rust, speaks TLS 1.2 and 1.3 alone, and needs no library of the system.
//! Outgoing connections trust the system's own list of authorities, not one that is built in: whoever runs the machine
//! keeps that list, with the house's own authority in it.

mod certificate;
mod identity;
mod settings;
mod verify;
mod words;

pub use tokio_rustls::rustls::ClientConfig;

pub use self::certificate::{CertificateFacts, facts};
pub use self::settings::{ClientAuth, EXPIRES_SOON, Pair, Tls, TlsFiles, dialling, https};
pub use self::verify::server_name;
pub use self::words::why;
