//! How many call rows a second the store takes, and how long a promise waits for the disk.
//!
//! `cargo bench --bench store`; `TMPDIR` chooses the disk.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use frontdesk::desk::call_record::{CallRecord, Outcome, PathStep, RtpStats};
use frontdesk::desk::request::{DeskReply, DeskRequest, RequestId};
use frontdesk::desk::ticket::{Class, Kind, TicketDraft};
use frontdesk::store::{Store, StoreOptions};
use frontdesk::types::{CallId, Codec, RecordingId};

/// Calls in one measurement: more than wait at once, so that it is the writer that is measured.
const CALLS: i64 = 20_000;

fn open(folder: &tempfile::TempDir) -> (Store, Receiver<DeskReply>) {
    let (tell, replies) = channel();
    let options = StoreOptions::new(folder.path().join("frontdesk.db"), chrono_tz::Asia::Shanghai);
    let (store, _) = Store::open(options, Box::new(move |r| drop(tell.send(r)))).expect("the store opens");
    (store, replies)
}

/// Begin, answer and end of so many calls, none coalesced: each stage is written before the next one is put.
fn put_calls(first: i64) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _replies) = open(&folder);
    let begun = Instant::now();
    for stage in 0..3 {
        for id in first..first + CALLS {
            let request = DeskRequest::PutCall(Box::new(call(id, stage)));
            store.submit(CallId(id), now(), request).expect("there is room");
        }
        while store.counters().calls_waiting > 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    let counted = store.clone();
    assert_eq!(black_box(store.shutdown()), 0);
    let elapsed = begun.elapsed();
    assert_eq!(counted.counters().calls_written, 3 * CALLS as u64, "none was coalesced");
    elapsed
}

fn put_call(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    group.sample_size(10).throughput(Throughput::Elements(3 * CALLS as u64));
    group.bench_function("put_call", |b| b.iter_custom(|n| (0..n).map(|_| put_calls(1)).sum()));
    group.finish();
}

fn open_ticket(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, replies) = open(&folder);
    let ask = |n: u32| {
        let draft = TicketDraft {
            kind: Kind::Repair,
            class: Class::B,
            urgency: None,
            category: Some("burst_pipe".into()),
            caller: Some("13800138000".into()),
            call: CallId(1),
            language: None,
        };
        store.submit(CallId(1), now(), DeskRequest::OpenTicket { id: RequestId(n), draft }).expect("there is room");
    };
    let mut group = c.benchmark_group("store");
    group.sample_size(20);
    group.bench_function("open_ticket_to_reply", |b| {
        b.iter(|| {
            ask(1);
            replies.recv().expect("a reply")
        });
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function("open_100_tickets_at_once", |b| {
        b.iter(|| {
            (0..100).for_each(ask);
            (0..100).for_each(|_| drop(black_box(replies.recv().expect("a reply"))));
        });
    });
    group.finish();
}

fn now() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().expect("a time")
}

fn call(id: i64, stage: u8) -> CallRecord {
    let step = |at_ms, node: &str| PathStep { at_ms, node: node.into(), input: Some("1".into()) };
    CallRecord {
        direction: frontdesk::desk::call_record::Direction::In,
        id: CallId(id),
        // Spread over all numbers, so that the index on callers is not merely appended to.
        caller: Some(format!("138{:08}", id.wrapping_mul(7_654_321) % 100_000_000)),
        caller_name: Some("张伟".into()),
        callee: "desk".into(),
        started_at: now(),
        answered_at: (stage > 0).then(now),
        ended_at: (stage > 1).then(now),
        answer_ms: (stage > 0).then_some(5),
        answer_rings: (stage > 0).then_some(1),
        outcome: (stage > 1).then_some(Outcome::Completed),
        path: if stage > 1 { vec![step(0, "main"), step(4_000, "inquiry"), step(9_000, "hours")] } else { vec![] },
        handled_by: None,
        trunk: None,
        diverted_from: None,
        legs: vec![],
        tickets: vec![],
        messages: vec![],
        recording: (stage > 1).then(|| RecordingId("2026/11/23/000042-1.wav".into())),
        codec: (stage > 0).then_some(Codec::Pcma),
        rtp: RtpStats::default(),
        end_reason: (stage > 1).then(|| "caller_hung_up".into()),
        sip_call_id: format!("{id:016x}@192.0.2.1"),
    }
}

criterion_group!(benches, put_call, open_ticket);
criterion_main!(benches);
