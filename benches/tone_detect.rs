//! What listening for keys and for silence costs per 20 ms frame: thousands of streams do it at once.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use frontdesk::media::codec::{Decoder, Encoder};
use frontdesk::media::dtmf::tone::ToneDetector;
use frontdesk::media::silence::SilenceDetector;
use frontdesk::media::tone_gen;
use frontdesk::types::{Codec, Digit, Random};

/// White noise with a peak of `amplitude`, one second.
fn noise(amplitude: i32, rate_hz: u32) -> Vec<i16> {
    let mut random = Random::for_testing(1);
    (0..rate_hz).map(|_| (random.u32() as i32 % (amplitude + 1)) as i16).collect()
}

fn per_frame(c: &mut Criterion) {
    for rate_hz in [8_000u32, 16_000] {
        let frame = rate_hz as usize / 50;
        let sounds = [
            ("idle", noise(60, rate_hz)),
            ("loud", noise(6_000, rate_hz)),
            ("digit", tone_gen::dtmf(Digit::HASH, 1_000, rate_hz)),
        ];
        for (name, samples) in sounds {
            let mut detector = ToneDetector::new(rate_hz);
            let mut frames = samples.chunks_exact(frame).cycle();
            c.bench_function(&format!("tone/{name}/{rate_hz}"), |b| {
                b.iter(|| {
                    let mut events = 0;
                    detector.push(black_box(frames.next().unwrap_or(&[])), |_| events += 1);
                    events
                })
            });
        }
        let samples = noise(3_000, rate_hz);
        let mut detector = SilenceDetector::new(rate_hz);
        let mut frames = samples.chunks_exact(frame).cycle();
        c.bench_function(&format!("silence/{rate_hz}"), |b| {
            b.iter(|| {
                detector.push(black_box(frames.next().unwrap_or(&[])));
                detector.silent_ms()
            })
        });
    }
}

fn codecs(c: &mut Criterion) {
    for codec in Codec::ALL {
        let samples = noise(6_000, codec.sample_rate_hz());
        let mut encoder = Encoder::new(codec);
        let mut bytes = Vec::new();
        encoder.encode(&samples, &mut bytes);
        let mut decoder = Decoder::new(codec);
        let (mut out, mut frames) = (Vec::new(), bytes.chunks_exact(160).cycle());
        c.bench_function(&format!("decode/{codec}"), |b| {
            b.iter(|| {
                out.clear();
                decoder.decode(black_box(frames.next().unwrap_or(&[])), &mut out);
                out.len()
            })
        });
        let mut frames = samples.chunks_exact(codec.sample_rate_hz() as usize / 50).cycle();
        c.bench_function(&format!("encode/{codec}"), |b| {
            b.iter(|| {
                bytes.clear();
                encoder.encode(black_box(frames.next().unwrap_or(&[])), &mut bytes);
                bytes.len()
            })
        });
    }
}

criterion_group!(benches, per_frame, codecs);
criterion_main!(benches);
