//! Offers as real peers write them, each with what the desk answers.

use std::net::SocketAddr;

use crate::types::{Codec, KeySeed, Random, SrtpPolicy, StreamConfig};

use super::*;

pub(super) fn local() -> LocalMedia {
    LocalMedia {
        address: "192.0.2.1".parse().unwrap(),
        peer: None,
        rtp_port: 20_000,
        rtcp_port: 20_001,
        codecs: Codec::ALL.to_vec(),
        session_id: 77,
        version: 1,
        ptime_ms: 20,
        srtp: LocalSrtp {
            policy: SrtpPolicy::default(),
            sealed_signalling: false,
            seed: KeySeed::new(&mut Random::for_testing(1)),
            current: None,
        },
        ice: LocalIce::default(),
    }
}

fn local_v6() -> LocalMedia {
    LocalMedia { address: "2001:db8::1".parse().unwrap(), ..local() }
}

fn addr(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

/// The answer's lines from the first `m=` on.
pub(super) fn media_of(answered: &Answered) -> String {
    let text = String::from_utf8(answered.body.clone()).unwrap();
    assert!(text.ends_with("\r\n"));
    let from = text.find("m=").expect("an answer has streams");
    text[from..].replace("\r\n", "\n")
}

fn answered(offer: &str) -> Answered {
    answer(offer.replace('\n', "\r\n").as_bytes(), &local()).unwrap_or_else(|e| panic!("{e} for\n{offer}"))
}

fn refused(offer: &str) -> SdpError {
    answer(offer.replace('\n', "\r\n").as_bytes(), &local()).expect_err("an offer to be refused")
}

/// A head of session lines, then what is given.
pub(super) fn with_head(rest: &str) -> String {
    format!("v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n{rest}")
}

const LINPHONE: &str = "\
v=0
o=alice 3823 2151 IN IP4 198.51.100.7
s=Talk
c=IN IP4 198.51.100.7
t=0 0
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
a=record:off
m=audio 7078 RTP/AVP 96 97 98 0 8 9 101 99 100
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:98 speex/8000
a=fmtp:98 vbr=on
a=rtpmap:101 telephone-event/48000
a=rtpmap:99 telephone-event/16000
a=rtpmap:100 telephone-event/8000
a=rtcp:7079
a=rtcp-fb:* trr-int 1000
a=rtcp-fb:* ccm tmmbr
m=video 9078 RTP/AVP 96 97
a=rtpmap:96 VP8/90000
a=rtpmap:97 H264/90000
a=fmtp:97 profile-level-id=42801F
";

const BARESIP: &str = "\
v=0
o=- 1234567890 987654321 IN IP4 198.51.100.7
s=-
c=IN IP4 198.51.100.7
t=0 0
a=tool:baresip 1.0.0
m=audio 34222 RTP/AVP 8 0 101
b=AS:125
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:34223
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:3011527612 cname:sip:bob@198.51.100.7
a=ptime:20
";

const SIPP: &str = "\
v=0
o=user1 53655765 2353687637 IN IP4 198.51.100.7
s=-
c=IN IP4 198.51.100.7
t=0 0
m=audio 6000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

const ASTERISK: &str = "\
v=0
o=- 1549284537 1549284537 IN IP4 198.51.100.7
s=Asterisk
c=IN IP4 198.51.100.7
t=0 0
m=audio 11742 RTP/AVP 0 8 9 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:140
a=sendrecv
";

const CISCO: &str = "\
v=0
o=Cisco-SIPUA 22437 0 IN IP4 198.51.100.7
s=SIP Call
b=AS:4064
t=0 0
m=audio 17236 RTP/AVP 114 9 124 113 115 0 8 116 18 101
c=IN IP4 198.51.100.7
b=TIAS:64000
a=rtpmap:114 opus/48000/2
a=rtpmap:9 G722/8000
a=rtpmap:124 ISAC/16000
a=rtpmap:113 AMR-WB/16000
a=fmtp:113 octet-align=0;mode-change-capability=2
a=rtpmap:115 AMR-WB/16000
a=fmtp:115 octet-align=1;mode-change-capability=2
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:116 iLBC/8000
a=fmtp:116 mode=20
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=yes
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
";

/// SRTP first, plain RTP as the second choice, as an SBC of Teams does it.
const TEAMS_LIKE: &str = "\
v=0
o=- 0 0 IN IP4 198.51.100.7
s=session
c=IN IP4 198.51.100.7
b=CT:10000000
t=0 0
m=audio 52002 RTP/SAVP 104 9 8 0 97 13 118
c=IN IP4 198.51.100.7
a=rtcp:52003
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c29tZSBrZXkgdGhhdCBpcyBub3Qgb25l|2^31
a=rtpmap:104 SILK/16000
a=rtpmap:9 G722/8000
a=rtpmap:97 telephone-event/8000
m=audio 52004 RTP/AVP 9 8 0 97 13
a=rtcp:52005
a=rtpmap:97 telephone-event/8000
a=fmtp:97 0-16
a=rtpmap:13 CN/8000
a=ptime:20
m=image 52006 udptl t38
a=T38FaxVersion:0
";

const WEBRTC: &str = "\
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlPh
a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:126 telephone-event/8000
";

#[test]
fn linphone_with_video_gets_g722_and_no_video() {
    let a = answered(LINPHONE);
    assert_eq!(
        media_of(&a),
        "m=audio 20000 RTP/AVP 9 8 0 100\na=rtpmap:9 G722/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:100 telephone-event/8000\na=fmtp:100 0-15\na=ptime:20\na=sendrecv\nm=video 0 RTP/AVP 96 97\n"
    );
    assert_eq!(
        a.stream,
        StreamConfig {
            codec: Codec::G722,
            payload_type_out: 9,
            payload_types_in: vec![(0, Codec::Pcmu), (8, Codec::Pcma), (9, Codec::G722)],
            event_type: Some(100),
            ptime_ms: 20,
            remote: addr("198.51.100.7:7078"),
            remote_rtcp: addr("198.51.100.7:7079"),
            send: true,
            receive: true,
            srtp: None,
            ice: None,
            rtcp_mux: false,
        }
    );
    assert_eq!((a.held, a.streams_refused), (false, 1));
}

#[test]
fn the_whole_answer_has_our_origin_and_address() {
    let a = answer(SIPP.as_bytes(), &LocalMedia { version: 3, ..local() }).unwrap();
    assert_eq!(
        String::from_utf8(a.body).unwrap(),
        "v=0\r\no=- 77 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    assert_eq!((a.stream.codec, a.stream.event_type), (Codec::Pcmu, None));
    assert_eq!(a.stream.remote_rtcp, addr("198.51.100.7:6001"));
}

#[test]
fn baresip_gets_pcma_before_pcmu() {
    let a = answered(BARESIP);
    assert_eq!(
        media_of(&a),
        "m=audio 20000 RTP/AVP 8 0 101\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\na=sendrecv\n"
    );
    assert_eq!((a.stream.codec, a.stream.payload_type_out), (Codec::Pcma, 8));
}

#[test]
fn asterisk_is_answered_by_our_preference_not_its_own() {
    let a = answered(ASTERISK);
    assert!(media_of(&a).starts_with("m=audio 20000 RTP/AVP 9 8 0 101\n"));
    assert_eq!((a.stream.codec, a.stream.ptime_ms), (Codec::G722, 20));
}

#[test]
fn cisco_has_its_address_below_the_stream() {
    let a = answered(CISCO);
    assert!(media_of(&a).starts_with("m=audio 20000 RTP/AVP 9 8 0 101\n"));
    assert_eq!(a.stream.remote, addr("198.51.100.7:17236"));
}

#[test]
fn of_srtp_and_plain_audio_the_plain_one_is_taken_and_order_kept() {
    let a = answered(TEAMS_LIKE);
    assert_eq!(
        media_of(&a),
        "m=audio 0 RTP/SAVP 104 9 8 0 97 13 118\nm=audio 20000 RTP/AVP 9 8 0 97\na=rtpmap:9 G722/8000\n\
         a=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:97 telephone-event/8000\na=fmtp:97 0-15\n\
         a=ptime:20\na=sendrecv\nm=image 0 udptl t38\n"
    );
    assert_eq!((a.stream.remote, a.stream.remote_rtcp), (addr("198.51.100.7:52004"), addr("198.51.100.7:52005")));
    assert_eq!(a.streams_refused, 2);
}

#[test]
fn webrtc_is_refused_by_its_transport() {
    let why = refused(WEBRTC);
    assert_eq!(why, SdpError::Transport("UDP/TLS/RTP/SAVPF".to_owned()));
    assert_eq!((why.status(), why.warning_code()), (488, Some(302)));
}

#[test]
fn what_cannot_be_accepted_says_why() {
    let address = |text: &str| SdpError::Address(text.to_owned());
    let cases = [
        (with_head("m=video 4000 RTP/AVP 31\n"), SdpError::NoAudio),
        (with_head("m=image 4000 udptl t38\n"), SdpError::NoAudio),
        (with_head("m=audio 0 RTP/AVP 0 8\n"), SdpError::NoAudio),
        (with_head(""), SdpError::NoAudio),
        (with_head("m=audio 4000 RTP/AVP 18 3\n"), SdpError::Codecs),
        (with_head("m=audio 4000 RTP/AVP 0\na=rtpmap:0 iLBC/8000\n"), SdpError::Codecs),
        (with_head("m=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMA/16000\n"), SdpError::Codecs),
        (with_head("m=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMU/8000/2\n"), SdpError::Codecs),
        (with_head("m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n"), SdpError::Codecs),
        (with_head("m=audio 4000 TCP/RTP/AVP 0\n"), SdpError::Transport("TCP/RTP/AVP".to_owned())),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n"), address("224.2.1.1")),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP4 255.255.255.255\n"), address("255.255.255.255")),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.9\n"), address("0.0.0.9")),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::7\n"), address("2001:db8::7")),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP6 ff02::1\n"), address("ff02::1")),
        (with_head("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example.com\n"), address("phone.example.com")),
    ];
    for (offer, why) in cases {
        assert_eq!(refused(&offer), why, "{offer}");
        assert_eq!(why.status(), 488);
    }
}

#[test]
fn an_address_of_the_other_family_means_the_host_that_called() {
    let peer: IpAddr = "192.0.2.99".parse().unwrap();
    let offer = with_head("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::7\n");
    let stream = answer(offer.as_bytes(), &LocalMedia { peer: Some(peer), ..local() }).unwrap().stream;
    assert_eq!(stream.remote, Some(SocketAddr::new(peer, 4000)));
    assert!(stream.send && stream.receive);
    let back = LocalMedia { peer: Some("2001:db8::9".parse().unwrap()), ..local_v6() };
    let stream = answer(with_head("m=audio 4000 RTP/AVP 0\n").as_bytes(), &back).unwrap().stream;
    assert_eq!(stream.remote, addr("[2001:db8::9]:4000"));
}

#[test]
fn what_is_no_sdp_is_400() {
    let many_lines = with_head(&"a=x\n".repeat(2_000));
    let many_streams = with_head(&"m=video 1 RTP/AVP 31\n".repeat(17));
    let many_formats = with_head(&format!("m=audio 4000 RTP/AVP{}\n", " 0".repeat(200)));
    let huge = with_head(&format!("a={}\n", "x".repeat(40_000)));
    let cases = [
        "",
        "hello",
        "v=1\nm=audio 4000 RTP/AVP 0\n",
        "v=0\nm=audio\n",
        "v=0\nc=IN IP4 1.2.3.4\nm=audio 70000 RTP/AVP 0\n",
        "v=0\nc=IN IP4 1.2.3.4\nm=audio x RTP/AVP 0\n",
        "v=0\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n",
        "v=0\nc=IN\nm=audio 4000 RTP/AVP 0\n",
        &many_lines,
        &many_streams,
        &many_formats,
        &huge,
    ];
    for offer in cases {
        let why = refused(offer);
        assert_eq!((why.status(), why.warning_code()), (400, None), "{why} for {}", &offer[..offer.len().min(60)]);
        assert!(why.to_string().len() < 200);
    }
}

#[test]
fn hold_in_all_its_forms() {
    let v6 = "v=0\ns=-\nc=IN IP6 ::\nm=audio 4000 RTP/AVP 0\n";
    let cases = [
        // (after the head, our direction, send, receive)
        ("m=audio 4000 RTP/AVP 0\na=sendonly\n", "recvonly", false, true),
        ("m=audio 4000 RTP/AVP 0\na=recvonly\n", "sendonly", true, false),
        ("m=audio 4000 RTP/AVP 0\na=inactive\n", "inactive", false, false),
        ("m=audio 4000 RTP/AVP 0\na=sendrecv\n", "sendrecv", true, true),
        ("a=sendonly\nm=audio 4000 RTP/AVP 0\n", "recvonly", false, true),
        ("a=inactive\nm=audio 4000 RTP/AVP 0\na=sendrecv\n", "sendrecv", true, true),
        ("a=SendOnly\nm=audio 4000 RTP/AVP 0\n", "recvonly", false, true),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", "inactive", false, false),
        ("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=sendonly\n", "inactive", false, false),
    ];
    for (rest, direction, send, receive) in cases {
        let a = answered(&with_head(rest));
        assert!(media_of(&a).ends_with(&format!("a={direction}\n")), "{rest}{}", media_of(&a));
        assert_eq!((a.stream.send, a.stream.receive, a.held), (send, receive, !send), "{rest}");
        assert_eq!(a.stream.remote.is_none(), rest.contains("0.0.0.0"), "{rest}");
    }
    let a = answer(v6.as_bytes(), &local_v6()).unwrap();
    assert_eq!((a.held, a.stream.remote, a.stream.remote_rtcp), (true, None, None));
}

#[test]
fn packet_times_are_rounded_and_bounded() {
    let cases = [
        ("", 20),
        ("a=ptime:10\n", 10),
        ("a=ptime:30\n", 30),
        ("a=ptime:60\n", 60),
        ("a=ptime:5\n", 10),
        ("a=ptime:24\n", 20),
        ("a=ptime:25\n", 30),
        ("a=ptime:100\n", 60),
        ("a=ptime:4000000000\n", 60),
        ("a=ptime:0\n", 20),
        ("a=ptime:20.0\n", 20),
        ("a=ptime:x\n", 20),
        ("a=ptime:40\na=maxptime:30\n", 30),
        ("a=maxptime:10\n", 10),
        ("a=maxptime:150\n", 20),
        ("a=maxptime:5\n", 10),
    ];
    for (attributes, ms) in cases {
        let a = answered(&with_head(&format!("m=audio 4000 RTP/AVP 8\n{attributes}")));
        assert_eq!(a.stream.ptime_ms, ms, "{attributes}");
        assert!(media_of(&a).contains(&format!("a=ptime:{ms}\n")), "{attributes}");
    }
}

#[test]
fn rtcp_goes_where_it_is_wanted_and_to_no_third_host() {
    let cases = [
        ("m=audio 4000 RTP/AVP 0\n", addr("198.51.100.7:4001")),
        ("m=audio 4000 RTP/AVP 0\na=rtcp:5000\n", addr("198.51.100.7:5000")),
        ("m=audio 4000 RTP/AVP 0\na=rtcp:5000 IN IP4 198.51.100.7\n", addr("198.51.100.7:5000")),
        ("m=audio 4000 RTP/AVP 0\na=rtcp:5000 IN IP4 203.0.113.9\n", None),
        ("m=audio 4000 RTP/AVP 0\na=rtcp-mux\n", addr("198.51.100.7:4000")),
        ("m=audio 4000 RTP/AVP 0\na=rtcp-mux-only\n", addr("198.51.100.7:4000")),
        ("m=audio 65535 RTP/AVP 0\n", None),
        ("m=audio 4000 RTP/AVP 0\na=rtcp:banana\n", addr("198.51.100.7:4001")),
    ];
    for (rest, expected) in cases {
        let a = answered(&with_head(rest));
        assert_eq!(a.stream.remote_rtcp, expected, "{rest}");
        assert_eq!(media_of(&a).contains("a=rtcp-mux\n"), rest.contains("rtcp-mux"));
        assert!(!media_of(&a).contains("a=rtcp:"), "{}", media_of(&a));
    }
    let apart = LocalMedia { rtcp_port: 31_000, ..local() };
    let a = answer(SIPP.as_bytes(), &apart).unwrap();
    assert!(media_of(&a).contains("a=rtcp:31000\n"));
}

#[test]
fn dynamic_payload_types_and_names_without_case() {
    let a = answered(&with_head(
        "m=AUDIO 4000 rtp/avp 96 97 110 8\na=rtpmap:96 pcmu/8000\na=RTPMAP:97 g722/8000/1\n\
         a=rtpmap:110 Telephone-Event/8000\n",
    ));
    assert_eq!((a.stream.codec, a.stream.payload_type_out, a.stream.event_type), (Codec::G722, 97, Some(110)));
    assert_eq!(a.stream.payload_types_in, [(96, Codec::Pcmu), (97, Codec::G722), (8, Codec::Pcma)]);
    assert!(media_of(&a).starts_with("m=audio 20000 rtp/avp 97 8 96 110\na=rtpmap:97 G722/8000\n"));
}

#[test]
fn a_codec_offered_twice_is_answered_once_and_heard_under_both_types() {
    let a = answered(&with_head("m=audio 4000 RTP/AVP 8 96 8\na=rtpmap:96 PCMA/8000\n"));
    assert!(media_of(&a).starts_with("m=audio 20000 RTP/AVP 8\n"));
    assert_eq!(a.stream.payload_types_in, [(8, Codec::Pcma), (96, Codec::Pcma)]);
}

#[test]
fn only_our_configured_codecs_are_answered() {
    let pcmu_only = LocalMedia { codecs: vec![Codec::Pcmu], ..local() };
    let a = answer(ASTERISK.as_bytes(), &pcmu_only).unwrap();
    assert!(media_of(&a).starts_with("m=audio 20000 RTP/AVP 0 101\n"));
    assert_eq!(a.stream.payload_types_in, [(0, Codec::Pcmu)]);
}

#[test]
fn faults_of_real_peers_in_lines_that_matter_to_nobody_fail_no_call() {
    let offers: [&[u8]; 7] = [
        b"v=0\r\no=My Phone 1 2 IN IP4 1.2.3.4\r\ns=\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
        b"v=0\no=- 99999999999999999999999 1 IN IP4 x\ns=-\nc=IN IP4 198.51.100.7\nt=now\nm=audio 4000 RTP/AVP 0\n",
        b"v=0\r\ns=\xce\xef\xd2\xb5\r\ni=\xff\xfe\r\nc=IN IP4 198.51.100.7\r\nb=AS:84 kbps\r\nm=audio 4000 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 198.51.100.7 \r\nm=audio  4000  RTP/AVP  0 \r\n\r\n",
        b"v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000/1 RTP/AVP 0\r\nm=video 0 RTP/AVP\r\n",
        b"\r\nv=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000 RTP/AVP 0\r\na=\r\na=ptime\r\na=rtpmap:\r\ngarbage\r\n",
        b"v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000 RTP/AVPF 0\r\na=rtcp-fb:* nack\r\na=crypto:1 x inline:y\r\n",
    ];
    for offer in offers {
        let a = answer(offer, &local()).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(offer)));
        assert_eq!(a.stream.remote, addr("198.51.100.7:4000"));
        assert!(media_of(&a).starts_with("m=audio 20000 RTP/AVP"));
    }
}

#[test]
fn ipv6_is_answered_in_ipv6_and_mapped_ipv4_in_ipv4() {
    let v6 = "v=0\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nm=audio 4000 RTP/AVP 8\r\n";
    let a = answer(v6.as_bytes(), &local_v6()).unwrap();
    assert_eq!(a.stream.remote, addr("[2001:db8::7]:4000"));
    let text = String::from_utf8(a.body).unwrap();
    assert!(text.contains("o=- 77 1 IN IP6 2001:db8::1\r\n") && text.contains("c=IN IP6 2001:db8::1\r\n"));
    let mapped = "v=0\r\ns=-\r\nc=IN IP6 ::ffff:198.51.100.7\r\nm=audio 4000 RTP/AVP 8\r\n";
    assert_eq!(answer(mapped.as_bytes(), &local()).unwrap().stream.remote, addr("198.51.100.7:4000"));
    let why = answer(SIPP.as_bytes(), &local_v6()).expect_err("IPv4 can't be reached from an IPv6 port");
    assert_eq!(why.warning_code(), Some(301));
}

#[test]
fn our_offer_lists_all_that_we_speak() {
    assert_eq!(
        String::from_utf8(offer(&local())).unwrap(),
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 9 8 0 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn our_offer_answered_by_ourselves_agrees_on_both_sides() {
    let desk = LocalMedia { address: "198.51.100.7".parse().unwrap(), rtp_port: 6_000, rtcp_port: 6_001, ..local() };
    let answered = answer(&offer(&local()), &desk).unwrap();
    let config = accept(&answered.body, &local()).unwrap();
    assert_eq!((config.codec, answered.stream.codec), (Codec::G722, Codec::G722));
    assert_eq!((config.remote, answered.stream.remote), (addr("198.51.100.7:6000"), addr("192.0.2.1:20000")));
    assert_eq!((config.event_type, answered.stream.event_type), (Some(101), Some(101)));
}

#[test]
fn an_answer_is_taken_in_the_peers_order() {
    let config =
        accept(with_head("m=audio 4000 RTP/AVP 0 8 96\na=rtpmap:96 telephone-event/8000\n").as_bytes(), &local());
    let config = config.unwrap();
    assert_eq!((config.codec, config.payload_type_out, config.event_type), (Codec::Pcmu, 0, Some(96)));
    // Even an answer of one codec leaves the peer free to send the others that we offered.
    assert_eq!(config.payload_types_in, [(0, Codec::Pcmu), (8, Codec::Pcma), (9, Codec::G722)]);
}

#[test]
fn an_answer_that_refuses_is_an_error() {
    let cases = [
        ("m=audio 0 RTP/AVP 0\n", SdpError::NoAudio),
        ("m=audio 4000 RTP/AVP 18\n", SdpError::Codecs),
        ("", SdpError::NoAudio),
    ];
    for (rest, why) in cases {
        assert_eq!(accept(with_head(rest).as_bytes(), &local()), Err(why), "{rest}");
    }
}

const ALL: [&str; 7] = [LINPHONE, BARESIP, SIPP, ASTERISK, CISCO, TEAMS_LIKE, WEBRTC];

#[test]
fn offers_cut_at_every_byte_are_answered_or_refused() {
    for text in ALL {
        for cut in 0..text.len() {
            if let Ok(a) = answer(&text.as_bytes()[..cut], &local()) {
                assert!(a.body.starts_with(b"v=0\r\n"));
            }
            let _ = accept(&text.as_bytes()[..cut], &local());
        }
    }
}

#[test]
fn mutated_offers_are_answered_with_sdp_that_we_can_read_ourselves() {
    let mut random = Random::for_testing(4_566);
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut bytes = ALL[round % ALL.len()].as_bytes().to_vec();
        for _ in 0..=random.u32() % 4 {
            let at = random.u32() as usize % bytes.len();
            match random.u32() % 3 {
                0 => bytes[at] = random.u32() as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"\r\n \0=/:0"[random.u32() as usize % 8]),
            }
        }
        let Ok(a) = answer(&bytes, &local()) else { continue };
        accepted += 1;
        let config = &a.stream;
        assert!((10..=60).contains(&config.ptime_ms) && config.ptime_ms % 10 == 0);
        assert!(config.payload_types_in.contains(&(config.payload_type_out, config.codec)));
        assert!(description::Description::parse(&a.body).is_ok(), "{}", String::from_utf8_lossy(&a.body));
    }
    assert!(accepted > 10_000, "{accepted}");
}
