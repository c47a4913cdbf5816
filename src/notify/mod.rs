//! What leaves the desk for services of others: e-mails, webhooks, speech to be written down. What is sent to whom is
//! `desk::notifications`, the outbox `store`; texts to telephones are the line's. Nothing here knows the database.
//!
//! - `mail`: e-mails over SMTP; the only file that names `lettre`.
//! - `webhook`: signed requests to programs; `transcription`: recordings to a service that writes down what was said.
//! - `http`: one request over one connection; the only file that names `hyper`.

mod http;
mod mail;
mod transcription;
mod webhook;

pub use http::{Http, Request, Response};
pub use mail::{Attachment, Letter, Mailer, MailerOptions, Security};
pub use transcription::{Heard, Transcription};
pub use webhook::{Post, post};
