//! One usual INVITE read and one 200 written: `cargo bench --bench sip_parse`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frontdesk::sip::wire::{Framer, Limits, Message, Name, Request, parse_datagram};

const SDP: &str = "v=0\r\no=- 3902 3902 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 9 8 0 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

fn invite() -> Vec<u8> {
    let head = "INVITE sip:desk@192.0.2.1:5060 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKc0a2.77;received=192.0.2.9\r\n\
        Via: SIP/2.0/UDP 192.0.2.7:5062;rport=5062;branch=z9hG4bK-524287-1---f1a2\r\n\
        Record-Route: <sip:192.0.2.9;lr;ftag=as58f4201b>\r\n\
        Max-Forwards: 69\r\n\
        From: \"Zhang Wei\" <sip:+8613800138000@pbx.desk.example>;tag=as58f4201b\r\n\
        To: <sip:desk@192.0.2.1>\r\n\
        Contact: <sip:+8613800138000@192.0.2.7:5062;transport=udp>\r\n\
        Call-ID: 5d3a1f0e7b6c4d2a9f8e7d6c5b4a3f2e@192.0.2.7\r\n\
        CSeq: 102 INVITE\r\n\
        User-Agent: Phone 3.2\r\n\
        Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE\r\n\
        Supported: replaces, timer\r\n\
        Content-Type: application/sdp\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{SDP}", SDP.len()).into_bytes()
}

fn request() -> Request {
    match parse_datagram(&invite(), &Limits::default()) {
        Ok(Message::Request(request)) => request,
        other => panic!("the INVITE was not read: {other:?}"),
    }
}

fn read(c: &mut Criterion) {
    let bytes = invite();
    let limits = Limits::default();
    let mut group = c.benchmark_group("sip");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("parse_invite", |b| b.iter(|| parse_datagram(black_box(&bytes), &limits)));
    group.bench_function("frame_invite", |b| {
        let mut framer = Framer::new(limits);
        b.iter(|| {
            framer.push(black_box(&bytes));
            framer.next()
        });
    });
    group.finish();
}

fn write(c: &mut Criterion) {
    let request = request();
    let mut answer = request.response(200);
    answer.headers.push(Name::Contact, "<sip:192.0.2.1:5060>");
    answer.set_body("application/sdp", SDP);
    let mut out = Vec::new();
    c.bench_function("sip/build_200", |b| b.iter(|| black_box(&request).response(200)));
    c.bench_function("sip/write_200", |b| {
        b.iter(|| {
            out.clear();
            black_box(&answer).write_to(&mut out);
        });
    });
}

/// What a message would cost more if it were turned into `rsip`'s model and written by that.
fn write_through_rsip(c: &mut Criterion) {
    use rsip::headers::{UntypedHeader, untyped};

    let mut answer = request().response(200);
    answer.headers.push(Name::Contact, "<sip:192.0.2.1:5060>");
    answer.set_body("application/sdp", SDP);
    let header = |name: &Name, value: &str| -> rsip::Header {
        match name {
            Name::Via => untyped::Via::new(value).into(),
            Name::From => untyped::From::new(value).into(),
            Name::To => untyped::To::new(value).into(),
            Name::CallId => untyped::CallId::new(value).into(),
            Name::CSeq => untyped::CSeq::new(value).into(),
            Name::Contact => untyped::Contact::new(value).into(),
            Name::ContentType => untyped::ContentType::new(value).into(),
            other => rsip::Header::Other(other.to_string(), value.to_owned()),
        }
    };
    c.bench_function("sip/write_200_through_rsip", |b| {
        b.iter(|| {
            let answer = black_box(&answer);
            let mut headers: Vec<rsip::Header> =
                answer.headers.iter().map(|(name, value)| header(name, value)).collect();
            headers.push(untyped::ContentLength::new(answer.body.len().to_string()).into());
            let model = rsip::Response {
                status_code: rsip::StatusCode::from(answer.status),
                version: rsip::Version::V2,
                headers: headers.into(),
                body: answer.body.clone(),
            };
            Vec::from(model)
        });
    });
}

criterion_group!(benches, read, write, write_through_rsip);
criterion_main!(benches);
