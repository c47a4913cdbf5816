//! Requests to programs, signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::http::{Http, Request};
use crate::desk::notifications::{Delivery, Webhook};

/// An answer is read no further: it says nothing to us.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// One event for one program.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub webhook: &'a Webhook,
    /// The same for every try: by it the program knows a repeat.
    pub id: &'a str,
    /// JSON.
    pub payload: &'a str,
    pub timeout: Duration,
}

/// Once, without another try. A program that is gone for good answers 410.
pub async fn post(http: &Http, now: DateTime<Utc>, post: Post<'_>) -> Delivery {
    let timestamp = now.timestamp();
    let request = Request {
        url: &post.webhook.url,
        media_type: "application/json",
        headers: vec![
            ("webhook-id", post.id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature(&post.webhook.secret.0, post.id, timestamp, post.payload)),
        ],
        body: post.payload.as_bytes().to_vec(),
        timeout: post.timeout,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    match http.post(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Delivery::Sent,
        Ok(answer) if answer.status == 410 => Delivery::Refused("it answered 410: it is gone".to_owned()),
        Ok(answer) => Delivery::Again(format!("it answered {}", answer.status)),
        Err(fault) => Delivery::Again(fault),
    }
}

/// `v1,` and the code in base64.
fn signature(secret: &[u8], id: &str, timestamp: i64, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in [id, ".", &timestamp.to_string(), ".", payload] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification and its libraries.
    #[test]
    fn a_request_is_signed_as_the_specification_shows() {
        let secret = Base64::decode_vec("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
