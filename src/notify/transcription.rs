//! Speech to text: a recording goes to a service of the usual `/v1/audio/transcriptions` shape.

use std::time::Duration;

use serde::Deserialize;

use super::http::{Http, Request};
use crate::types::Redacted;

/// A longer answer is none.
const ANSWER_BYTES_MAX: usize = 1_000_000;

/// Which service, and how it is asked.
#[derive(Debug, Clone)]
pub struct Transcription {
    pub url: String,
    pub key: Option<Redacted<String>>,
    pub model: String,
    /// ISO 639-1; the service guesses where there is none.
    pub language: Option<String>,
    pub timeout: Duration,
}

/// What the service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    Again(String),
    /// It does not take this recording (400, 413, 415, 422).
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Transcription {
    /// One recording as WAV, `name` for its file; `boundary` parts the request and must not occur in it.
    pub async fn ask(&self, http: &Http, name: &str, wav: &[u8], boundary: &str) -> Heard {
        let headers = self.key.iter().map(|key| ("authorization", format!("Bearer {}", key.0))).collect();
        let request = Request {
            url: &self.url,
            media_type: &format!("multipart/form-data; boundary={boundary}"),
            headers,
            body: self.form(name, wav, boundary),
            timeout: self.timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        match http.post(request).await {
            Ok(answer) if answer.status == 200 => match serde_json::from_slice::<Answer>(&answer.body) {
                Ok(answer) => Heard::Text(answer.text),
                Err(fault) => Heard::Again(format!("its answer has no text: {fault}")),
            },
            Ok(answer) if matches!(answer.status, 400 | 413 | 415 | 422) => {
                Heard::Refused(format!("it answered {}", answer.status))
            }
            Ok(answer) => Heard::Again(format!("it answered {}", answer.status)),
            Err(fault) => Heard::Again(fault),
        }
    }

    /// RFC 7578.
    fn form(&self, name: &str, wav: &[u8], boundary: &str) -> Vec<u8> {
        let mut form = Vec::with_capacity(wav.len() + 1_000);
        let fields = [
            Some(("model", self.model.as_str())),
            Some(("response_format", "json")),
            self.language.as_deref().map(|language| ("language", language)),
        ];
        for (field, value) in fields.into_iter().flatten() {
            let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            form.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: audio/wav\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(wav);
        form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_fields_and_the_file_as_they_are() {
        let service = Transcription {
            url: String::new(),
            key: None,
            model: "m".to_owned(),
            language: Some("zh".to_owned()),
            timeout: Duration::from_secs(1),
        };
        let form = service.form("a.wav", b"RIFF\x00\xff", "X");
        let expected = b"--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
            --X\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\njson\r\n\
            --X\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nzh\r\n\
            --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
            RIFF\x00\xff\r\n--X--\r\n";
        assert_eq!(form, expected);
    }
}
