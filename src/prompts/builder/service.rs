//! A speech service with the usual shape: `POST /v1/audio/speech` with JSON, audio comes back.
//!
//! Plain `http://` only: such services run on the desk's own network (put a local proxy before one that wants TLS).
//! The request is HTTP/1.0, so that the answer is neither chunked nor kept open.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::json;

use super::{SynthesisError, Synthesiser};
use crate::media::clip::Clip;
use crate::media::{flac, wav};
use crate::prompts::folder::AUDIO_BYTES_MAX;
use crate::prompts::speech::Speech;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A slow machine may speak a long text for a while.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A service by its address, and the voice to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    host: String,
    port: u16,
    path: String,
    voice: String,
    model: String,
    /// Sent as `Authorization: Bearer`.
    key: Option<crate::types::Redacted<String>>,
}

impl Service {
    /// From an URL such as `http://127.0.0.1:8880`; without a path, `/v1/audio/speech` is meant.
    pub fn new(url: &str, voice: &str, model: &str, key: Option<String>) -> Result<Self, String> {
        let rest = url
            .strip_prefix("http://")
            .ok_or("write it as http://HOST[:PORT]; for https put a local proxy before it")?;
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("{port:?} is no port"))?)
            }
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty()
            || url.chars().any(|c| c.is_control() || c == ' ')
            || key.as_ref().is_some_and(|k| k.chars().any(char::is_control))
        {
            return Err("write it as http://HOST[:PORT], without spaces".to_owned());
        }
        let path = if path.is_empty() { "/v1/audio/speech".to_owned() } else { format!("/{path}") };
        let key = key.map(crate::types::Redacted);
        Ok(Self { host: host.to_owned(), port, path, voice: voice.to_owned(), model: model.to_owned(), key })
    }

    fn request(&self, text: &str) -> Vec<u8> {
        let body =
            json!({"model": self.model, "voice": self.voice, "input": text, "response_format": "wav"}).to_string();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let mut head = format!(
            "POST {} HTTP/1.0\r\nHost: {host}:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            self.path,
            self.port,
            body.len()
        );
        if let Some(key) = &self.key {
            head.push_str(&format!("Authorization: Bearer {}\r\n", key.0));
        }
        [head.as_bytes(), b"\r\n", body.as_bytes()].concat()
    }

    fn ask(&self, text: &str) -> std::io::Result<Vec<u8>> {
        let mut last = std::io::Error::other("has an address that leads nowhere");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            let mut stream = match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => stream,
                Err(fault) => {
                    last = fault;
                    continue;
                }
            };
            stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
            stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
            stream.write_all(&self.request(text))?;
            let mut answer = Vec::new();
            stream.take(AUDIO_BYTES_MAX).read_to_end(&mut answer)?;
            return Ok(answer);
        }
        Err(last)
    }
}

impl Synthesiser for Service {
    fn speak(&self, speech: &Speech) -> Result<Clip, SynthesisError> {
        let answer = self.ask(&speech.text).map_err(|fault| {
            SynthesisError::Service(format!("at {}:{} can't be reached: {fault}", self.host, self.port))
        })?;
        let audio = body(&answer).map_err(SynthesisError::Service)?;
        let clip = if audio.starts_with(b"fLaC") {
            flac::read(audio).map_err(|e| e.to_string())
        } else {
            wav::read(audio).map_err(|e| e.to_string())
        };
        clip.map_err(|fault| {
            SynthesisError::Service(format!("answered with something that is no WAV or FLAC: {fault}"))
        })
    }

    fn service_voice(&self) -> Option<&str> {
        Some(&self.voice)
    }
}

/// The body of an answer with status 200.
fn body(answer: &[u8]) -> Result<&[u8], String> {
    let head_end = answer.windows(4).take(HEAD_BYTES_MAX).position(|w| w == b"\r\n\r\n");
    let (head, body) = answer.split_at(head_end.ok_or("answered with something that is not HTTP")? + 4);
    let head = String::from_utf8_lossy(head);
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status == "200" {
        return Ok(body);
    }
    let said: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
    Err(format!("answered with status {status}: {said}"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::media::tone_gen;
    use crate::prompts::catalogue::Voice;

    fn speech() -> Speech {
        let voice = Voice { engine: "en".to_owned(), speed_wpm: 140, pitch: 50, word_gap_10ms: 0 };
        Speech { voice, text: "您好 \"A\"".into(), reading: "nin2hao3".into(), lead_ms: 200, desk_name: None }
    }

    /// Answers one request on the loopback, and hands back what it was asked.
    fn serve_once(answer: Vec<u8>) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("one client");
            let (mut asked, mut chunk) = (Vec::new(), [0; 4096]);
            while !asked.ends_with(b"}") {
                let n = stream.read(&mut chunk).expect("the request");
                asked.extend_from_slice(&chunk[..n]);
            }
            stream.write_all(&answer).expect("the client reads");
            String::from_utf8(asked).expect("text")
        });
        (url, served)
    }

    #[test]
    fn the_text_goes_out_as_json_and_audio_comes_back() {
        let mut file = Cursor::new(Vec::new());
        let tone = Clip { rate_hz: 24_000, samples: tone_gen::sine(440.0, -12.0, 100, 24_000) };
        wav::write(&mut file, &tone).expect("memory takes it");
        let (url, served) = serve_once([&b"HTTP/1.0 200 OK\r\n\r\n"[..], file.get_ref()].concat());
        let service = Service::new(&url, "alloy", "tts-1", Some("secret".to_owned())).expect("a good URL");
        let clip = service.speak(&speech()).expect("audio");
        assert_eq!((clip.rate_hz, clip.samples.len()), (24_000, 2_400));
        let asked = served.join().expect("it served");
        assert!(asked.starts_with("POST /v1/audio/speech HTTP/1.0\r\n"), "{asked}");
        assert!(asked.contains("Authorization: Bearer secret\r\n"), "{asked}");
        assert!(asked.contains(r#""input":"您好 \"A\"""#), "{asked}");
        assert!(!format!("{service:?}").contains("secret"), "a key is not shown in logs");
    }

    #[test]
    fn a_refusal_is_told_with_its_words() {
        let (url, served) = serve_once(b"HTTP/1.0 404 Not Found\r\n\r\nno such voice".to_vec());
        let fault = Service::new(&url, "x", "m", None).expect("a good URL").speak(&speech()).expect_err("refused");
        assert_eq!(fault.to_string(), "the speech service answered with status 404: no such voice");
        served.join().expect("it served");
    }

    #[test]
    fn addresses() {
        for bad in ["https://x", "x", "http://", "http://h:99999", "http://h/a b"] {
            assert!(Service::new(bad, "v", "m", None).is_err(), "{bad}");
        }
        let v6 = Service::new("http://[::1]:8880/speak", "v", "m", None).expect("a good URL");
        assert_eq!((v6.host.as_str(), v6.port, v6.path.as_str()), ("::1", 8880, "/speak"));
        let plain = Service::new("http://tts", "v", "m", None).expect("a good URL");
        assert_eq!((plain.port, plain.path.as_str()), (80, "/v1/audio/speech"));
    }
}
