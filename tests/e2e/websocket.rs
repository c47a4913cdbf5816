//! SIP over WebSocket (RFC 7118), by a client that speaks as a browser's telephone does.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::daemon::{Daemon, PATIENCE};

const LISTEN: (&str, &str) = ("SIP__LISTEN", r#"["udp:127.0.0.1:0", "ws:127.0.0.1:0"]"#);

async fn connect(daemon: &Daemon, protocol: Option<&'static str>) -> Result<WebSocketStream<TcpStream>, Error> {
    let at = daemon.ws.expect("WebSocket is listened on");
    let mut request = format!("ws://{at}/").into_client_request()?;
    if let Some(protocol) = protocol {
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(protocol));
    }
    client_async(request, TcpStream::connect(at).await?).await.map(|(socket, _)| socket)
}

/// A request as JsSIP makes it: its own host is a name that nobody can look up.
fn request(method: &str, more: &str) -> String {
    format!(
        "{method} sip:frontdesk SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{method}{len}\r\n\
         Max-Forwards: 69\r\nTo: <sip:desk@frontdesk>\r\nFrom: <sip:desk@frontdesk>;tag=s2ag\r\nCall-ID: {method}-{len}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:desk@df7jal23ls0d.invalid;transport=ws>;expires=60\r\n{more}Content-Length: 0\r\n\r\n",
        len = more.len()
    )
}

async fn answer(socket: &mut WebSocketStream<TcpStream>) -> String {
    loop {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time").expect("open").expect("good");
        if let Message::Text(text) = frame {
            return text.to_string();
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

#[test]
fn a_telephone_in_a_browser_is_answered_and_kept_alive() {
    let daemon = Daemon::with(&[LISTEN]);
    run(async {
        let mut socket = connect(&daemon, Some("sip")).await.expect("a connection");
        socket.send(Message::text(request("OPTIONS", ""))).await.expect("sent");
        let told = answer(&mut socket).await;
        assert!(told.starts_with("SIP/2.0 200") && told.contains("Via: SIP/2.0/WS df7jal23ls0d.invalid"), "{told}");
        socket.send(Message::text("\r\n\r\n")).await.expect("sent");
        assert_eq!(answer(&mut socket).await, "\r\n");
        // Without Content-Length the frame says where it ends (RFC 7118 section 5.3).
        let bare = request("OPTIONS", "X-More: yes\r\n").replace("Content-Length: 0\r\n", "");
        socket.send(Message::binary(bare.into_bytes())).await.expect("sent");
        assert!(answer(&mut socket).await.starts_with("SIP/2.0 200"));
    });
}

#[test]
fn a_call_from_a_browser_is_rung_through_its_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let phones = write("phones.toml", "[[phone]]\nuser = \"desk\"\npassword = \"rr4tz-77qpx\"\nmd5_only = true\n");
    let people =
        write("people.toml", "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:desk@frontdesk\"]\n");
    let daemon = Daemon::with(&[LISTEN, ("PHONES__FILE", &phones), ("PEOPLE__FILE", &people)]);
    run(async {
        let mut socket = connect(&daemon, Some("sip")).await.expect("a connection");
        socket.send(Message::text(request("REGISTER", ""))).await.expect("sent");
        let challenge = answer(&mut socket).await;
        let part = |name: &str| {
            let at = challenge.find(&format!("{name}=\"")).expect("it is there") + name.len() + 2;
            challenge[at..].split('"').next().expect("quoted").to_owned()
        };
        let nonce = part("nonce");
        let md5 = |text: String| hex(&<md5::Md5 as md5::Digest>::digest(text.as_bytes()));
        let (ha1, ha2) = (md5("desk:frontdesk:rr4tz-77qpx".to_owned()), md5("REGISTER:sip:frontdesk".to_owned()));
        let response = md5(format!("{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}"));
        let proof = format!(
            "Authorization: Digest username=\"desk\", realm=\"frontdesk\", nonce=\"{nonce}\", uri=\"sip:frontdesk\", \
             response=\"{response}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c0ffee\"\r\n"
        );
        socket.send(Message::text(request("REGISTER", &proof))).await.expect("sent");
        let told = answer(&mut socket).await;
        assert!(told.starts_with("SIP/2.0 200"), "{told}");
        let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "4,201#,wwwwww", "--hangup-after", "8"]);
        let invite = loop {
            let request = answer(&mut socket).await;
            if !request.starts_with("NOTIFY") {
                break request;
            }
        };
        assert!(invite.starts_with("INVITE sip:desk@df7jal23ls0d.invalid;transport=ws"), "{invite}");
        assert!(invite.contains("Via: SIP/2.0/WS ") && invite.contains(";transport=ws>"), "{invite}");
        let _ = caller.kill();
        let _ = caller.wait();
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn who_does_not_ask_for_sip_is_not_spoken_to() {
    let daemon = Daemon::with(&[LISTEN]);
    run(async {
        for protocol in [None, Some("mqtt")] {
            let refused = connect(&daemon, protocol).await;
            assert!(matches!(&refused, Err(Error::Http(response)) if response.status() == 400), "{refused:?}");
        }
        let mut socket = connect(&daemon, Some("chat, sip")).await.expect("a connection");
        let huge = format!("{}{}", request("OPTIONS", ""), "x".repeat(200_000));
        let _ = socket.send(Message::text(huge)).await;
        let closed = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time");
        assert!(!matches!(closed, Some(Ok(Message::Text(_)))), "{closed:?}");
    });
}
