//! How notifications leave the desk: e-mails, webhooks. What is sent to whom is `desk::notifications`, the outbox `store`;
//! texts to telephones are the line's. Nothing here knows the database.
//!
//! - `mail`: e-mails over SMTP; the only file that names `lettre`.
//! - `webhook`: signed requests to programs.
//! - `http`: one request over one connection; the only file that names `hyper`.

mod http;
mod mail;
mod webhook;

pub use http::{Http, Request, Response};
pub use mail::{Attachment, Letter, Mailer, MailerOptions, Security};
pub use webhook::{Post, post};
