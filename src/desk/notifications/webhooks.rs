//! Programs that are told what happens (`webhooks.toml`), by HTTP and signed as Standard Webhooks has it.

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::desk::privacy::Role;
use crate::types::{Problem, Reader, Redacted};

/// Webhooks in one file.
const WEBHOOKS_MAX: usize = 50;
const NAME_CHARS_MAX: usize = 40;
const URL_CHARS_MAX: usize = 2_000;
const EVENTS_MAX: usize = 50;
/// Standard Webhooks: from 24 bytes to 64.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const SECRET_BEGINS: &str = "whsec_";

/// What requests are signed with: bytes.
pub type SigningSecret = Redacted<Vec<u8>>;

/// Which events are told: `ticket.*`, `message.left`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern(String);

impl EventPattern {
    pub fn fits(&self, event: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => event.starts_with(beginning),
            None => event == self.0,
        }
    }

    /// Whether it may fit an event of that kind (`call`, `ticket`): what is read of it is read for somebody.
    pub fn may_fit(&self, kind: &str) -> bool {
        match self.0.split_once('.') {
            Some((own, _)) => own == kind,
            None => true,
        }
    }
}

/// One program, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub name: String,
    pub url: String,
    pub secret: SigningSecret,
    pub events: Vec<EventPattern>,
    /// Whose eyes it is for: what is masked (R12).
    pub role: Role,
    /// 1-based line.
    pub line: usize,
}

/// All of them, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Webhooks {
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhooks {
    #[serde(default)]
    webhook: Vec<RawWebhook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhook {
    name: Spanned<String>,
    url: Spanned<String>,
    secret: Spanned<String>,
    events: Vec<Spanned<String>>,
    role: Option<Role>,
}

impl Webhooks {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Webhooks, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let webhooks = reader.read::<RawWebhooks>("webhooks", &document).map(|raw| ready(raw, &mut reader));
        reader.finish(webhooks)
    }

    /// The built-in webhooks (`config/webhooks.toml`): none.
    pub fn default_text() -> &'static str {
        include_str!("../../../config/webhooks.toml")
    }

    pub fn all(&self) -> &[Webhook] {
        &self.webhooks
    }

    pub fn of(&self, name: &str) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.name == name)
    }

    /// Those that are told of an event.
    pub fn told_of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Webhook> {
        self.webhooks.iter().filter(move |webhook| webhook.events.iter().any(|pattern| pattern.fits(event)))
    }

    /// Whether anybody may be told of events of that kind.
    pub fn any_of(&self, kind: &str) -> bool {
        self.webhooks.iter().any(|webhook| webhook.events.iter().any(|pattern| pattern.may_fit(kind)))
    }
}

fn ready(raw: RawWebhooks, reader: &mut Reader<'_>) -> Webhooks {
    if raw.webhook.len() > WEBHOOKS_MAX {
        let what = format!("there are {} webhooks", raw.webhook.len());
        reader.problem(None, what, format!("write at most {WEBHOOKS_MAX}"));
        return Webhooks::default();
    }
    let mut webhooks: Vec<Webhook> = Vec::with_capacity(raw.webhook.len());
    for webhook in raw.webhook {
        let at = webhook.name.span().start;
        let Some(webhook) = ready_one(webhook, reader) else { continue };
        if let Some(first) = webhooks.iter().find(|other| other.name == webhook.name) {
            let what = format!("webhook {} stands twice, first in line {}", webhook.name, first.line);
            reader.problem(Some(at), what, "give each a name of its own");
        }
        webhooks.push(webhook);
    }
    Webhooks { webhooks }
}

fn ready_one(raw: RawWebhook, reader: &mut Reader<'_>) -> Option<Webhook> {
    let at = raw.name.span().start;
    let line = reader.line(at);
    let name = raw.name.into_inner();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(plain) {
        let remedy = format!("write 1 to {NAME_CHARS_MAX} letters, digits, dots, `_` or `-`");
        reader.problem(Some(at), format!("`{name}` can't be a webhook's name"), remedy);
    }
    let url_at = raw.url.span().start;
    let url = raw.url.into_inner();
    if !is_http(&url) {
        let what = format!("`{}` is no address that requests can go to", url.chars().take(80).collect::<String>());
        reader.problem(Some(url_at), what, "write it like \"https://desk.example.com/hooks/frontdesk\"");
    }
    let secret = secret(&raw.secret, &name, reader);
    if raw.events.is_empty() || raw.events.len() > EVENTS_MAX {
        let what = format!("webhook {name} has {} events", raw.events.len());
        reader.problem(Some(at), what, format!("write 1 to {EVENTS_MAX}, as [\"ticket.*\", \"message.left\"]"));
    }
    let events = raw.events.into_iter().filter_map(|event| pattern(&event, reader)).collect();
    Some(Webhook { name, url, secret: secret?, events, role: raw.role.unwrap_or(Role::Receptionist), line })
}

fn is_http(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let plain = url.len() <= URL_CHARS_MAX && url.bytes().all(|b| b.is_ascii_graphic()) && !url.contains('#');
    // Credentials in an address end up in logs.
    plain && matches!(scheme, "http" | "https") && !authority.is_empty() && !authority.contains('@')
}

fn secret(written: &Spanned<String>, name: &str, reader: &mut Reader<'_>) -> Option<SigningSecret> {
    let bytes = written.get_ref().strip_prefix(SECRET_BEGINS).and_then(decoded);
    let Some(bytes) = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())) else {
        // What stands there may be right but for a slip: it is not shown.
        let remedy = format!(
            "write \"{SECRET_BEGINS}\" and {} to {} bytes in base64: `openssl rand -base64 32` makes them",
            SECRET_BYTES.start(),
            SECRET_BYTES.end()
        );
        reader.problem(Some(written.span().start), format!("the secret of webhook {name} is none"), remedy);
        return None;
    };
    Some(Redacted(bytes))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(text).ok()
}

fn pattern(written: &Spanned<String>, reader: &mut Reader<'_>) -> Option<EventPattern> {
    const KINDS: [&str; 6] = ["call", "ticket", "message", "alarm", "journal", "errand"];
    let text = written.get_ref();
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let good = match text.split_once('.') {
        Some((kind, what)) => KINDS.contains(&kind) && (what == "*" || word(what)),
        None => text == "*",
    };
    if !good {
        let remedy = format!("write \"*\", or one of {} with what became of it: \"ticket.*\"", KINDS.join(", "));
        reader.problem(Some(written.span().start), format!("`{text}` is no event"), remedy);
        return None;
    }
    Some(EventPattern(text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[webhook]]
name = "erp"
url = "https://erp.example.com/hooks/desk"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
events = ["ticket.*", "message.left"]
"#;

    #[test]
    fn a_webhook_is_told_what_it_asked_for() {
        let webhooks = Webhooks::parse(GOOD, "w.toml").expect("it is good");
        let told = |event| webhooks.told_of(event).count() == 1;
        assert!(told("ticket.opened") && told("ticket.accepted") && told("message.left"));
        assert!(!told("message.heard") && !told("call.began") && !told("ticketing.x"));
        assert!(webhooks.any_of("ticket") && webhooks.any_of("message") && !webhooks.any_of("call"));
        assert_eq!(webhooks.of("erp").map(|w| (w.role, w.secret.0.len())), Some((Role::Receptionist, 24)));
        let all = GOOD.replace("[\"ticket.*\", \"message.left\"]", "[\"*\"]");
        assert!(Webhooks::parse(&all, "w.toml").expect("it is good").any_of("call"));
    }

    #[test]
    fn the_built_in_ones_are_none() {
        assert_eq!(Webhooks::parse(Webhooks::default_text(), "built-in webhooks"), Ok(Webhooks::default()));
    }

    #[test]
    fn every_fault_is_told_and_no_secret_is_shown() {
        let bad = [
            ("\"erp\"", "\"e r p\"", "3: `e r p` can't be a webhook's name"),
            ("https://erp", "ftp://erp", "4: `ftp://erp.example.com/hooks/desk` is no address"),
            ("https://erp", "https://me:pw@erp", "4: `https://me:pw@erp.example.com/hooks/desk` is no address"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "topsecret", "5: the secret of webhook erp is none"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "5: the secret of webhook erp is none"),
            ("ticket.*", "tickets.*", "6: `tickets.*` is no event"),
            ("[\"ticket.*\", \"message.left\"]", "[]", "3: webhook erp has 0 events"),
        ];
        for (right, wrong, told) in bad {
            let problems = Webhooks::parse(&GOOD.replace(right, wrong), "w.toml").expect_err("it is wrong");
            assert_eq!(problems.len(), 1, "{problems:?}");
            let problem = problems[0].to_string();
            assert!(problem.starts_with(&format!("w.toml:{told}")), "{problem}");
            assert!(!problem.contains("topsecret"), "{problem}");
        }
        let twice = format!("{GOOD}{GOOD}");
        let problems = Webhooks::parse(&twice, "w.toml").expect_err("it is wrong");
        assert_eq!(problems[0].what, "webhook erp stands twice, first in line 3");
    }
}
