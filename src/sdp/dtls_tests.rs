//! Offers of browsers: keys by a handshake, streams in a bundle.

use crate::types::{Fingerprint, SrtpMode, SrtpPolicy};

use super::tests::{local, media_of};
use super::*;

const THEIRS: &str =
    "sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24";

/// Chromium's offer of audio, video and data, as far as it matters.
fn chromium() -> String {
    format!(
        "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1 2\na=extmap-allow-mixed\n\
         a=msid-semantic: WMS\nm=audio 54609 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\nc=IN IP4 198.51.100.7\n\
         a=rtcp:9 IN IP4 0.0.0.0\n\
         a=candidate:1 1 udp 2122260223 198.51.100.7 54609 typ host generation 0 network-id 1\na=ice-ufrag:4ZcD\n\
         a=ice-pwd:2/1muCWoOi3uLifh0NuRHlPh\na=ice-options:trickle\na=fingerprint:{THEIRS}\na=setup:actpass\na=mid:0\n\
         a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\na=sendrecv\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n\
         a=rtcp-fb:111 transport-cc\na=rtpmap:9 G722/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n\
         a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\na=ssrc:1 cname:x\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=mid:1\na=bundle-only\na=rtpmap:96 VP8/90000\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\na=mid:2\na=sctp-port:5000\n"
    )
}

fn with_certificate() -> LocalMedia {
    LocalMedia {
        ice: LocalIce { on: true, current: None },
        dtls: Some(Fingerprint(std::array::from_fn(|n| n as u8))),
        ..local()
    }
}

fn tried(offer: &str, local: &LocalMedia) -> Result<Answered, SdpError> {
    answer(offer.replace('\n', "\r\n").as_bytes(), local)
}

#[test]
fn a_browser_gets_audio_alone_and_begins_the_handshake() {
    let answered = tried(&chromium(), &with_certificate()).unwrap();
    let stream = &answered.stream;
    assert_eq!(stream.dtls, Fingerprint::parse(THEIRS));
    assert_eq!((stream.codec, stream.event_type, stream.rtcp_mux), (Codec::G722, Some(126), true));
    assert_eq!((stream.srtp.as_ref(), answered.streams_refused), (None, 2));
    let terms = stream.ice.clone().unwrap();
    let whole = String::from_utf8(answered.body.clone()).unwrap();
    assert!(whole.contains("\r\na=group:BUNDLE 0\r\na=ice-lite\r\nm=audio"), "{whole}");
    assert_eq!(
        media_of(&answered),
        format!(
            "m=audio 20000 UDP/TLS/RTP/SAVPF 9 8 0 126\na=rtpmap:9 G722/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
             a=rtpmap:126 telephone-event/8000\na=fmtp:126 0-15\na=ptime:20\na=rtcp-mux\na=sendrecv\na=ice-ufrag:{}\n\
             a=ice-pwd:{}\na=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\na=fingerprint:{}\na=setup:passive\n\
             a=mid:0\nm=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:1\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\na=mid:2\n",
            terms.ours.ufrag,
            terms.ours.pwd.0,
            with_certificate().dtls.unwrap()
        )
    );
}

#[test]
fn elder_browsers_write_savpf() {
    let offer = chromium().replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF");
    assert!(tried(&offer, &with_certificate()).unwrap().stream.dtls.is_some());
}

#[test]
fn it_is_refused_where_it_can_not_be_had() {
    let off = LocalSrtp { policy: SrtpPolicy::new(SrtpMode::Off), ..local().srtp };
    let transport = || SdpError::Transport("UDP/TLS/RTP/SAVPF".to_owned());
    let cases = [
        (chromium(), LocalMedia { dtls: None, ..with_certificate() }, transport()),
        (chromium(), LocalMedia { srtp: off, ..with_certificate() }, transport()),
        (chromium().replace("sha-256", "sha-1"), with_certificate(), SdpError::Keys),
        (chromium().replace("75:74", "75"), with_certificate(), SdpError::Keys),
        (chromium().replace("setup:actpass", "setup:passive"), with_certificate(), SdpError::Keys),
    ];
    for (offer, local, why) in cases {
        assert_eq!(tried(&offer, &local), Err(why), "{offer}");
    }
}

#[test]
fn encryption_is_taken_where_it_is_offered_beside_plain_audio() {
    let both = format!("{}m=audio 4000 RTP/AVP 8\nc=IN IP4 198.51.100.7\n", chromium());
    assert!(tried(&both, &with_certificate()).unwrap().stream.dtls.is_some());
    let plain_first = both.replacen("m=audio 54609", "m=audio 4002 RTP/AVP 0\nc=IN IP4 198.51.100.7\nm=audio 54609", 1);
    assert!(tried(&plain_first, &with_certificate()).unwrap().stream.dtls.is_some());
}
