//! One's own account: password, second factor, where one is signed in.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use chrono::Utc;
use qrcode::QrCode;
use qrcode::render::svg;

use super::form::Form;
use super::frame::Frame;
use super::sign_in::too_many;
use super::{Paged, done, page};
use crate::console::gate::{self, Visitor};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::account::session::Session;
use crate::desk::account::totp::{SECRET_BYTES, TotpSecret};
use crate::desk::account::{AccountFault, check_password};
use crate::desk::report::table::{Both, Tongue};
use crate::store::{AccountChange, Editor};
use crate::types::Redacted;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/account", get(own))
        .route("/account/password", post(password))
        .route("/account/factor", get(factor).post(set_factor))
        .route("/account/factor/off", post(no_factor))
        .route("/account/sessions/end", post(end_others))
}

/// What was just done.
#[derive(serde::Deserialize)]
pub struct Said {
    pub said: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: Frame,
    visitor: &'a Visitor,
    sessions: Vec<Session>,
}

async fn own(State(shared): State<Arc<Shared>>, visitor: Visitor, Query(Said { said }): Query<Said>) -> Paged {
    let id = visitor.user.id;
    let sessions = shared.pool.read(move |reader| Ok(reader.sessions_of(id)?)).await?;
    let frame = Frame::of(&visitor, "/account").saying(said.as_deref());
    page(&AccountPage { frame, visitor: &visitor, sessions })
}

/// Whether the password that stands in the form is one's own: whoever finds a console open can't take the account.
///
/// # Errors
/// 422 where it is not, counted as a wrong try; 429 after too many, 503 where too many are checked at once.
async fn confirm(shared: &Arc<Shared>, visitor: &Visitor, form: &Form) -> Result<(), ProblemDetails> {
    let id = visitor.user.id;
    let room = shared.gate.hashing_room().await?;
    if let Some(seconds) = shared.gate.tries.wait(visitor.origin.address, Instant::now()) {
        let problem = ProblemDetails::new(StatusCode::TOO_MANY_REQUESTS, too_many(seconds));
        return Err(problem.with(header::RETRY_AFTER, seconds));
    }
    let found = shared.pool.read(move |reader| Ok(reader.user(id)?)).await?;
    // The request may have waited: the lock is looked at as it is now.
    let open = found.filter(|(user, _)| user.locked(Utc::now()).is_none());
    let hash = open.and_then(|(_, secrets)| secrets.password);
    if room.verify(hash, Redacted(form.whole("current").to_owned())).await {
        return Ok(());
    }
    shared.gate.tries.note(visitor.origin.address, Instant::now());
    let name = visitor.user.name.clone();
    change(shared, visitor, move |editor, by| editor.sign_in_refused(by, &name)).await?;
    drop(room);
    let what = Both::new("当前密码不对", "The current password is wrong");
    Err(ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what.of(visitor.tongue)))
}

/// Carries out a change in the visitor's name.
pub async fn change<T: Send + 'static>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    work: impl FnOnce(&mut Editor, crate::store::Changer<'_>) -> Result<T, crate::store::StoreError> + Send + 'static,
) -> Result<T, ProblemDetails> {
    let by = visitor.clone();
    let clocks = Arc::clone(&visitor.settings.clocks);
    let edit = move |editor: &mut Editor| {
        let from_where = by.place();
        Ok(work(editor, by.changer(&from_where))?)
    };
    shared.pool.edit(clocks, edit).await
}

/// A fault of an account, in the visitor's language.
pub fn wrong(visitor: &Visitor, fault: AccountFault) -> ProblemDetails {
    let what = match visitor.tongue {
        Tongue::Zh => fault.zh(),
        Tongue::En => fault.to_string(),
    };
    ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what)
}

async fn password(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let new = form.whole("password").to_owned();
    check_password(&new, &visitor.user.name).map_err(|fault| wrong(&visitor, fault))?;
    if new != form.whole("again") {
        let what = Both::new("两次输入的密码不一样", "The two passwords differ").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what).into());
    }
    confirm(&shared, &visitor, &form).await?;
    let hash = shared.gate.hash(Redacted(new)).await?;
    let (id, session) = (visitor.user.id, visitor.session.id);
    change(&shared, &visitor, move |editor, by| editor.set_password(by, id, &hash, Some(session))).await?;
    done("/account", "password")
}

#[derive(Template)]
#[template(path = "factor.html")]
struct FactorPage {
    frame: Frame,
    /// A picture of the address, as SVG that was made here.
    picture: String,
    words: String,
    secret: String,
}

/// Shows a new secret. It holds once a code of it was shown: nobody locks themselves out.
async fn factor(visitor: Visitor) -> Paged {
    let secret = TotpSecret(gate::random::<SECRET_BYTES>());
    let address = secret.address(visitor.settings.desk_name(Some(visitor.tongue)), &visitor.user.name);
    let picture = QrCode::new(address).map(|code| code.render::<svg::Color<'_>>().min_dimensions(220, 220).build());
    let picture = picture.unwrap_or_default();
    let picture = picture.split_once("?>").map_or(picture.as_str(), |(_, svg)| svg).to_owned();
    let title = Both::new("启用两步验证", "Turn on two-step sign-in").of(visitor.tongue).to_owned();
    let hex = secret.0.iter().map(|byte| format!("{byte:02x}")).collect();
    page(&FactorPage { frame: Frame::new(&visitor, title), picture, words: secret.words(), secret: hex })
}

async fn set_factor(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let wrong = |zh, en| ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, Both::new(zh, en).of(visitor.tongue));
    let Some(secret) = secret_of_hex(form.text("secret")) else {
        return Err(wrong("请重新打开这一页", "Open this page again").into());
    };
    let seconds = u64::try_from(visitor.now.timestamp()).unwrap_or(0);
    let Some(step) = secret.opens(form.text("code"), seconds, None) else {
        return Err(wrong(
            "验证码不对：请看手机上现在的六位数；手机时间也要准",
            "The code is wrong: look at the six digits that the phone shows now; its clock must be right",
        )
        .into());
    };
    confirm(&shared, &visitor, &form).await?;
    let id = visitor.user.id;
    let on = AccountChange::Totp(Some((secret, step)));
    change(&shared, &visitor, move |editor, by| editor.change_user(by, id, on)).await?;
    done("/account", "factor-on")
}

fn secret_of_hex(hex: &str) -> Option<TotpSecret> {
    if hex.len() != 2 * SECRET_BYTES || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut secret = [0; SECRET_BYTES];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(TotpSecret(secret))
}

async fn no_factor(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    confirm(&shared, &visitor, &form).await?;
    let id = visitor.user.id;
    change(&shared, &visitor, move |editor, by| editor.change_user(by, id, AccountChange::Totp(None))).await?;
    done("/account", "factor-off")
}

async fn end_others(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    let (id, session) = (visitor.user.id, visitor.session.id);
    change(&shared, &visitor, move |editor, by| editor.end_other_sessions(by, id, session)).await?;
    done("/account", "ended")
}
