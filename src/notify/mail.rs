//! E-mails over SMTP (RFC 5321), by `lettre`.

use std::path::Path;
use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{Address, AsyncTransport, Message, Tokio1Executor};

use crate::desk::notifications::Delivery;
use crate::types::Redacted;

/// How the connection is kept from others' eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Nothing is sent where the server does not offer STARTTLS.
    StartTls,
    Tls,
    None,
}

/// Which server, and as whom.
#[derive(Debug, Clone)]
pub struct MailerOptions<'a> {
    pub host: &'a str,
    pub port: u16,
    pub security: Security,
    pub login: Option<(&'a str, &'a Redacted<String>)>,
    /// The sender's address, and the desk's name.
    pub from: (&'a str, &'a str),
    /// Whom we trust, in PEM; the system's authorities when there is none.
    pub trust: Option<&'a Path>,
    pub timeout: Duration,
}

/// One e-mail.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    pub to: (&'a str, &'a str),
    pub subject: &'a str,
    pub text: &'a str,
    /// The same for every try: by it a mailbox knows a repeat. Without angle brackets and host.
    pub id: &'a str,
    pub attachment: Option<Attachment>,
}

#[derive(Debug, Clone)]
pub struct Attachment {
    pub name: String,
    /// `audio/wav`.
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

/// Machines don't answer machines (RFC 3834 section 5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// # Errors
    /// In words: a sender that is none, a file of authorities that can't be read.
    pub fn new(options: &MailerOptions<'_>) -> Result<Mailer, String> {
        let (address, name) = options.from;
        let from: Address = address.parse().map_err(|error| format!("the sender {address}: {error}"))?;
        let tls = match options.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(parameters(options)?),
            Security::Tls => Tls::Wrapper(parameters(options)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host)
            .port(options.port)
            .tls(tls)
            .timeout(Some(options.timeout));
        if let Some((user, password)) = options.login {
            builder = builder.credentials(Credentials::new(user.to_owned(), password.0.clone()));
        }
        let from = Mailbox::new(Some(name.to_owned()), from);
        Ok(Self { transport: builder.build(), from, timeout: options.timeout })
    }

    /// Once, without another try.
    pub async fn send(&self, letter: Letter<'_>) -> Delivery {
        let message = match self.message(letter) {
            Ok(message) => message,
            Err(fault) => return Delivery::Refused(fault),
        };
        // Each step has lettre's own limit; a server that dawdles over all of them has this one.
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Delivery::Sent,
            Ok(Err(error)) => failed(&error),
            Err(_) => Delivery::Again(format!("the mail server took longer than {} s", self.timeout.as_secs())),
        }
    }

    fn message(&self, letter: Letter<'_>) -> Result<Message, String> {
        let (address, name) = letter.to;
        let to: Address = address.parse().map_err(|error| format!("the address is none: {error}"))?;
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(name.to_owned()), to))
            .subject(letter.subject)
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .header(AutoSubmitted)
            .date_now();
        let text = SinglePart::plain(letter.text.to_owned());
        let built = match letter.attachment {
            None => builder.singlepart(text),
            Some(attachment) => {
                let media_type = ContentType::parse(attachment.media_type).map_err(|error| error.to_string())?;
                let part = lettre::message::Attachment::new(attachment.name).body(attachment.bytes, media_type);
                builder.multipart(MultiPart::mixed().singlepart(text).singlepart(part))
            }
        };
        built.map_err(|error| error.to_string())
    }
}

fn parameters(options: &MailerOptions<'_>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(options.host.to_owned());
    if let Some(trust) = options.trust {
        let fault = |error: String| format!("{}: {error}", trust.display());
        let pem = std::fs::read(trust).map_err(|error| fault(error.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None);
        let certificate = Certificate::from_pem(&pem).map_err(|error| fault(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| error.to_string())
}

/// What a server says of one address (550 and the like) is for good; all else may be mended: a login, a full disk, a
/// server that is away (RFC 5321 section 4.2.1).
fn failed(error: &SmtpError) -> Delivery {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    let code = error.status().map(|code| code.to_string()).and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(501 | 510 | 511 | 550..=553 | 556) => Delivery::Refused(words),
        _ => Delivery::Again(words),
    }
}
