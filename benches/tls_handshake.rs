//! The server's part of TLS handshakes, ECDSA P-256, in memory: what one core of the desk spends on each telephone that
//! connects. The client's part is not counted.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use frontdesk::tls::{Pair, Tls, TlsFiles, server_name};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, ServerConnection};

/// Carries what one side has to say to the other.
fn carry(from: &mut dyn FnMut(&mut Vec<u8>), to: &mut dyn FnMut(&mut dyn Read)) {
    let mut bytes = Vec::new();
    from(&mut bytes);
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        to(&mut rest);
    }
}

/// One handshake; how long the server worked on it.
fn shake_hands(tls: &Tls, client: &Arc<ClientConfig>) -> Duration {
    let mut spent = Duration::ZERO;
    let name = server_name("desk.example").expect("a name");
    let mut client = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let began = Instant::now();
    let mut server = ServerConnection::new(Arc::clone(&tls.server)).expect("a server");
    spent += began.elapsed();
    // The client reads to the end, so that it has the tickets that it resumes with.
    let mut greeted = false;
    while server.is_handshaking() || client.is_handshaking() || !greeted {
        greeted = !server.is_handshaking() && !client.is_handshaking();
        carry(
            &mut |bytes| {
                while client.wants_write() {
                    client.write_tls(bytes).expect("written");
                }
            },
            &mut |rest| {
                let began = Instant::now();
                server.read_tls(rest).expect("read");
                server.process_new_packets().expect("good");
                spent += began.elapsed();
            },
        );
        carry(
            &mut |bytes| {
                let began = Instant::now();
                while server.wants_write() {
                    server.write_tls(bytes).expect("written");
                }
                spent += began.elapsed();
            },
            &mut |rest| {
                client.read_tls(rest).expect("read");
                client.process_new_packets().expect("good");
            },
        );
    }
    client.writer().write_all(b"\r\n\r\n").expect("written");
    spent
}

fn handshakes(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["desk.example".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("desk.pem"), folder.path().join("desk.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let pairs = vec![Pair { certificate: certificate.clone(), key }];
    let tls = Tls::load(&TlsFiles { pairs, trust: Some(certificate), ..TlsFiles::default() }).expect("they are good");
    let fresh = Arc::new({
        let mut config = (*tls.client).clone();
        config.resumption = Resumption::disabled();
        config
    });
    let mut measure = |name: &str, client: &Arc<ClientConfig>| {
        criterion.bench_function(name, |b| {
            b.iter_custom(|times| (0..times).map(|_| shake_hands(&tls, client)).sum());
        });
    };
    measure("full handshake, server's part", &fresh);
    measure("resumed handshake, server's part", &tls.client);
}

criterion_group!(benches, handshakes);
criterion_main!(benches);
