//! What one frame costs: sent (one 20 ms tick per codec), received (with and without a recording), and carried from one
//! stream of a bridge to the other; and what encryption adds to the first two.
//!
//! `cargo bench --bench media_frame`

use std::hint::black_box;
use std::net::SocketAddr;

use criterion::{Criterion, criterion_group, criterion_main};

use frontdesk::media::codec;
use frontdesk::media::io::{Encoded, Inband, MediaCommand, MediaToken, RecordLimits, StreamConfig, StreamOptions};
use frontdesk::media::rtp::{Header, SENT_LEN_MAX};
use frontdesk::media::srtp::{Srtp, TRAILER_MAX};
use frontdesk::media::stream::MediaStream;
use frontdesk::media::tone_gen;
use frontdesk::types::{Codec, KeySeed, Mono, Random, SrtpKeys, SrtpSuite};

const EVENT_TYPE: u8 = 101;

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 4000))
}

fn stream(codec: Codec, inband: Inband) -> MediaStream {
    encrypted_stream(codec, inband, None)
}

fn encrypted_stream(codec: Codec, inband: Inband, keys: Option<SrtpKeys>) -> MediaStream {
    let config = StreamConfig {
        codec,
        payload_type_out: codec.payload_type(),
        payload_types_in: Codec::ALL.iter().map(|c| (c.payload_type(), *c)).collect(),
        event_type: Some(EVENT_TYPE),
        ptime_ms: 20,
        remote: Some(peer()),
        remote_rtcp: None,
        send: true,
        receive: true,
        srtp: keys.map(Box::new),
        ice: None,
        rtcp_mux: false,
    };
    let options = StreamOptions { media_timeout_ms: 60_000, inband, ..StreamOptions::default() };
    MediaStream::new(Mono(0), config, options, &mut Random::for_testing(1))
}

fn send(c: &mut Criterion) {
    for codec in Codec::ALL {
        // Hours of prompt, so that a play never ends within the measurement.
        let minute = Encoded { codec, bytes: vec![0x55; 60_000 * Codec::BYTES_PER_MS].into() };
        let items = |n| MediaCommand::Play { token: MediaToken(n), items: vec![minute.clone(); 60] };
        let mut stream = stream(codec, Inband::Off);
        let mut out = [0; SENT_LEN_MAX];
        let (mut now, mut n) = (Mono(0), 0u32);
        c.bench_function(&format!("tick_{codec}"), |b| {
            b.iter(|| {
                if n.is_multiple_of(150_000) {
                    while stream.poll_event().is_some() {}
                    stream.command(now, items(n));
                }
                n += 1;
                now = Mono(now.0 + 20_000);
                black_box(stream.tick(now, &mut out))
            });
        });
    }
}

fn receive(c: &mut Criterion) {
    for codec in Codec::ALL {
        for (name, inband, recording) in
            [("plain", Inband::Off, false), ("inband", Inband::Always, false), ("recording", Inband::Off, true)]
        {
            let mut stream = stream(codec, inband);
            if recording {
                let limits = RecordLimits { max_ms: u32::MAX, silence_ms: 0, warn_ms: 0, stop_keys: vec![] };
                stream.command(Mono(0), MediaCommand::Record { token: MediaToken(1), limits, warning: None });
            }
            let rate_hz = codec.sample_rate_hz();
            let speech = codec::encode(codec, rate_hz, &tone_gen::sine(440.0, -15.0, 20, rate_hz));
            let mut packet = [0; 172];
            packet[12..].copy_from_slice(&speech.bytes);
            let mut n = 0u32;
            c.bench_function(&format!("receive_{codec}_{name}"), |b| {
                b.iter(|| {
                    let header = Header {
                        marker: false,
                        payload_type: codec.payload_type(),
                        sequence: n as u16,
                        timestamp: n.wrapping_mul(160),
                        ssrc: 7,
                    };
                    header.write(&mut packet).expect("the packet is longer than a header");
                    stream.rtp_received(Mono(u64::from(n) * 20_000), peer(), &packet);
                    n += 1;
                    while let Some(piece) = stream.poll_recorded() {
                        black_box(piece);
                    }
                });
            });
        }
    }
}

/// One packet of 20 ms from one stream of a bridge to the other: received, rewritten and, where the codecs differ, in the
/// other codec.
fn bridge(c: &mut Criterion) {
    for from in Codec::ALL {
        for to in Codec::ALL {
            let (mut a, mut b) = (stream(from, Inband::Off), stream(to, Inband::Off));
            a.bridge(true);
            b.bridge(true);
            let rate_hz = from.sample_rate_hz();
            let speech = codec::encode(from, rate_hz, &tone_gen::sine(440.0, -15.0, 20, rate_hz));
            let mut packet = [0; 172];
            packet[12..].copy_from_slice(&speech.bytes);
            let mut out = [0; 1500];
            let mut n = 0u32;
            let name = if from == to { format!("relay_{from}") } else { format!("transcode_{from}_to_{to}") };
            c.bench_function(&name, |bencher| {
                bencher.iter(|| {
                    let header = Header {
                        marker: false,
                        payload_type: from.payload_type(),
                        sequence: n as u16,
                        timestamp: n.wrapping_mul(160),
                        ssrc: 7,
                    };
                    header.write(&mut packet).expect("the packet is longer than a header");
                    let now = Mono(u64::from(n) * 20_000);
                    a.rtp_received(now, peer(), &packet);
                    n += 1;
                    let relayed = a.poll_relayed().expect("each packet goes across");
                    black_box(b.relay(now, &relayed, &mut out).expect("and is sent"));
                    a.give_back(relayed);
                });
            });
        }
    }
}

/// The keys of a stream, and the same for its peer.
fn keys(suite: SrtpSuite) -> [SrtpKeys; 2] {
    let [a, b] = [1, 2].map(|n| KeySeed::new(&mut Random::for_testing(n)).key(suite));
    [(&a, &b), (&b, &a)].map(|(ours, theirs)| SrtpKeys { ours: ours.clone(), theirs: theirs.clone(), savp: true })
}

fn encrypted(c: &mut Criterion) {
    let codec = Codec::Pcma;
    for suite in SrtpSuite::ALL {
        let [ours, theirs] = keys(suite);
        let mut stream = encrypted_stream(codec, Inband::Off, Some(ours.clone()));
        let mut out = [0; SENT_LEN_MAX];
        let mut now = Mono(0);
        c.bench_function(&format!("tick_{codec}_{suite}"), |b| {
            b.iter(|| {
                now = Mono(now.0 + 20_000);
                black_box(stream.tick(now, &mut out))
            });
        });
        // Their packets are sealed beforehand, and received in as many runs as need be by a stream that knows none of them.
        let mut sealer = Srtp::new(&theirs);
        let mut sealed = Vec::new();
        for n in 0..20_000u32 {
            let mut packet = [0x55; 172 + TRAILER_MAX];
            let (sequence, timestamp) = (n as u16, n * 160);
            let header = Header { marker: false, payload_type: codec.payload_type(), sequence, timestamp, ssrc: 7 };
            header.write(&mut packet).expect("the packet is longer than a header");
            let len = sealer.seal(&mut packet, 172).expect("there is room");
            sealed.push((packet, len));
        }
        let mut stream = encrypted_stream(codec, Inband::Off, Some(ours.clone()));
        let mut n = 0;
        c.bench_function(&format!("receive_{codec}_{suite}"), |b| {
            b.iter(|| {
                if n == sealed.len() {
                    (stream, n) = (encrypted_stream(codec, Inband::Off, Some(ours.clone())), 0);
                }
                let (packet, len) = &sealed[n];
                stream.rtp_received(Mono(n as u64 * 20_000), peer(), &packet[..*len]);
                n += 1;
            });
            assert!(stream.dropped().total() == 0);
        });
    }
}

criterion_group!(benches, send, receive, bridge, encrypted);
criterion_main!(benches);
