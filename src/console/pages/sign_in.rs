//! Signing in and out, and one-time links: the first administrator's, and those that set a password.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::assets;
use super::form::Form;
use super::{Paged, page};
use crate::console::gate::{self, HashingRoom, LANG_COOKIE, Origin};
use crate::console::listener::Peer;
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::account::{NAME_MAX, Secrets, User, UserDraft, check_password};
use crate::desk::privacy::Role;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::token::TokenSecret;
use crate::desk::told::{Told, told};
use crate::store::{Changer, NewSession, StoreError};
use crate::types::Redacted;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/sign-in", get(ask).post(sign_in))
        .route("/sign-in/code", post(code))
        .route("/sign-out", post(sign_out))
        .route("/language/{lang}", get(language))
        .route("/welcome/{secret}", get(welcome).post(accept))
}

/// The page to sign in, which leads back to `next`.
pub fn path_to(next: &str) -> String {
    let query = form_encoded(next);
    format!("/sign-in?next={query}")
}

fn form_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path on this console, or its first page: a link can't lead anywhere else.
fn own_path(next: &str) -> &str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']);
    if own && !next.starts_with("/sign-in") { next } else { "/" }
}

/// Somebody who is not signed in (yet).
struct Stranger {
    origin: Origin,
    tongue: Tongue,
    headers: HeaderMap,
    desk: String,
    now: DateTime<Utc>,
    /// The page asks in place of one that is open: it is answered with a word, not with a page.
    in_place: bool,
}

impl FromRequestParts<Arc<Shared>> for Stranger {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        let ConnectInfo(peer) =
            ConnectInfo::<Peer>::from_request_parts(parts, shared).await.map_err(IntoResponse::into_response)?;
        let tongue = gate::tongue(None, &parts.headers);
        Ok(Self {
            origin: shared.gate.origin(peer.0.ip(), &parts.headers),
            tongue,
            desk: shared.access.settings().desk_name(Some(tongue)).to_owned(),
            headers: parts.headers.clone(),
            now: Utc::now(),
            in_place: parts.headers.contains_key("x-in-place"),
        })
    }
}

impl Stranger {
    fn place(&self) -> String {
        format!("console {}", self.origin.address)
    }

    fn address(&self) -> IpAddr {
        self.origin.address
    }
}

/// What a page for strangers needs.
struct Bare {
    title: &'static str,
    desk: String,
    tongue: Tongue,
    /// Why it is asked again.
    fault: Option<String>,
}

impl Bare {
    fn new(stranger: &Stranger, title: Both, fault: Option<String>) -> Self {
        Self { title: title.of(stranger.tongue), desk: stranger.desk.clone(), tongue: stranger.tongue, fault }
    }

    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        Both::new(zh, en).of(self.tongue)
    }

    fn lang(&self) -> &'static str {
        self.say("zh-CN", "en")
    }

    fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    bare: Bare,
    next: &'a str,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage<'a> {
    bare: Bare,
    next: &'a str,
    form: &'a str,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

const TITLE: Both = Both::new("登录", "Sign in");

async fn ask(stranger: Stranger, Query(Next { next }): Query<Next>) -> Paged {
    page(&SignInPage { bare: Bare::new(&stranger, TITLE, None), next: own_path(&next), name: "" })
}

async fn sign_in(State(shared): State<Arc<Shared>>, stranger: Stranger, form: Form) -> Paged {
    let name = form.text("name").to_lowercase();
    let next = own_path(form.text("next")).to_owned();
    let again = |status: StatusCode, fault: String| {
        again(
            &stranger,
            status,
            &SignInPage { bare: Bare::new(&stranger, TITLE, Some(fault)), next: &next, name: &name },
        )
    };
    let wait = || {
        let seconds = shared.gate.tries.wait(stranger.address(), Instant::now())?;
        let problem = ProblemDetails::new(StatusCode::TOO_MANY_REQUESTS, too_many(seconds));
        Some(problem.with(header::RETRY_AFTER, seconds))
    };
    if let Some(problem) = wait() {
        return not_now(again, &stranger, problem);
    }
    let room = match shared.gate.hashing_room().await {
        Ok(room) => room,
        Err(problem) => return not_now(again, &stranger, problem),
    };
    // Others from there may have been wrong meanwhile.
    if let Some(problem) = wait() {
        return not_now(again, &stranger, problem);
    }
    let wanted = name.clone();
    let found = shared.pool.read(move |reader| Ok(reader.user_named(&wanted)?)).await?;
    let found = found.filter(|(user, _)| user.disabled_at.is_none());
    let locked = found.as_ref().is_some_and(|(user, _)| user.locked(Utc::now()).is_some());
    let hash = found.as_ref().and_then(|(_, secrets)| secrets.password.clone()).filter(|_| !locked);
    let right = room.verify(hash, Redacted(form.whole("password").to_owned())).await;
    let Some((user, secrets)) = found.filter(|_| right) else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, refuse(&shared, &stranger, &name, room).await?);
    };
    drop(room);
    if secrets.totp.is_some() {
        let form = shared.gate.await_code(user.id, Instant::now());
        let title = Both::new("两步验证", "Two-step sign-in");
        let next_page = CodePage { bare: Bare::new(&stranger, title, None), next: &next, form: &form };
        return if stranger.in_place {
            Ok((StatusCode::ACCEPTED, form.clone()).into_response())
        } else {
            page(&next_page)
        };
    }
    enter(&shared, &stranger, &user, None, &next).await
}

/// The page again, with what is to be waited for, and for how long.
fn not_now(again: impl Fn(StatusCode, String) -> Paged, stranger: &Stranger, problem: ProblemDetails) -> Paged {
    let after = problem.retry_after();
    let mut response = again(problem.status(), problem.detail().of(stranger.tongue).to_owned())?;
    response.headers_mut().extend(after.map(|after| (header::RETRY_AFTER, after)));
    Ok(response)
}

/// Counts a wrong password or code, of this address and of the account, before there is room for another; gives what is
/// said. An account that does not exist, that is locked and that has another password are told of in the same words, and
/// written down in the same way: how long it takes tells nothing either.
async fn refuse(
    shared: &Arc<Shared>,
    stranger: &Stranger,
    name: &str,
    room: HashingRoom,
) -> Result<String, ProblemDetails> {
    shared.gate.tries.note(stranger.address(), Instant::now());
    let name: String = name.chars().take(NAME_MAX).collect();
    tracing::warn!(address = %stranger.address(), ?name, "a sign-in to the console was refused");
    let (from_where, at) = (stranger.place(), Utc::now());
    let clocks = Arc::clone(&shared.access.settings().clocks);
    let refused = move |editor: &mut crate::store::Editor| {
        let by = Changer { who: &name, from_where: &from_where, at };
        editor.sign_in_refused(by, &name)?;
        Ok(())
    };
    shared.pool.edit(clocks, refused).await?;
    drop(room);
    let says = Both::new(
        "名字或密码不对；连续输错几次后，帐号会锁定几分钟",
        "Name or password is wrong; after several wrong ones in a row an account is locked for some minutes",
    );
    Ok(says.of(stranger.tongue).to_owned())
}

/// What is said to an address that has to wait.
pub(super) fn too_many(seconds: u16) -> Told {
    told!("输错次数太多：请等 {seconds} 秒", "Too many wrong tries: wait {seconds} s")
}

async fn code(State(shared): State<Arc<Shared>>, stranger: Stranger, form: Form) -> Paged {
    let next = own_path(form.text("next")).to_owned();
    let secret = form.text("form").to_owned();
    let title = Both::new("两步验证", "Two-step sign-in");
    let again = |status, fault: String| {
        let bare = Bare::new(&stranger, title, Some(fault));
        again(&stranger, status, &CodePage { bare, next: &next, form: &secret })
    };
    // As for a password: the code is looked at, and counted, with room that others wait for.
    let room = match shared.gate.hashing_room().await {
        Ok(room) => room,
        Err(problem) => return not_now(again, &stranger, problem),
    };
    if let Some(seconds) = shared.gate.tries.wait(stranger.address(), Instant::now()) {
        let problem = ProblemDetails::new(StatusCode::TOO_MANY_REQUESTS, too_many(seconds));
        return not_now(again, &stranger, problem.with(header::RETRY_AFTER, seconds));
    }
    let now = Utc::now();
    let over = Both::new("超时或输错太多次：请重新登录", "It took too long, or too many tries: sign in again");
    let Some(id) = shared.gate.code_of(&secret, Instant::now()) else {
        let bare = Bare::new(&stranger, TITLE, Some(over.of(stranger.tongue).to_owned()));
        return self::again(&stranger, StatusCode::UNPROCESSABLE_ENTITY, &SignInPage { bare, next: &next, name: "" });
    };
    let found = shared.pool.read(move |reader| Ok(reader.user(id)?)).await?;
    let Some((user, Secrets { totp: Some(totp), totp_step, .. })) = found else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, over.of(stranger.tongue).to_owned());
    };
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let step = totp.opens(form.text("code"), seconds, totp_step).filter(|_| user.locked(now).is_none());
    let Some(step) = step else {
        refuse(&shared, &stranger, &user.name, room).await?;
        let wrong = Both::new("验证码不对；每个码只能用一次", "The code is wrong; each opens once");
        return again(StatusCode::UNPROCESSABLE_ENTITY, wrong.of(stranger.tongue).to_owned());
    };
    drop(room);
    shared.gate.code_was_right(&secret);
    enter(&shared, &stranger, &user, Some(step), &next).await
}

/// A session begins; the one that this browser had ends.
async fn enter(shared: &Arc<Shared>, stranger: &Stranger, user: &User, step: Option<u64>, next: &str) -> Paged {
    let secret = gate::secret();
    let (name, id) = (user.name.clone(), user.id);
    let (from_where, at) = (stranger.place(), stranger.now);
    let (address, agent) = (stranger.address().to_string(), gate::agent(&stranger.headers));
    let clocks = Arc::clone(&shared.access.settings().clocks);
    let (hash, csrf) = (secret.hash(), gate::csrf());
    let before = gate::enter(shared, &stranger.headers, stranger.origin, at, false).await?;
    let instead_of = before.map(|entered| entered.visitor.session.id);
    let begin = move |editor: &mut crate::store::Editor| {
        let begun = NewSession { hash, csrf, address: &address, agent: &agent, instead_of };
        Ok(editor.sign_in(Changer { who: &name, from_where: &from_where, at }, id, step, &begun)?)
    };
    let Some(session) = shared.pool.edit(clocks, begin).await? else {
        let bare = Bare::new(
            stranger,
            TITLE,
            Some(Both::new("请重新登录", "Please sign in again").of(stranger.tongue).to_owned()),
        );
        return again(stranger, StatusCode::UNPROCESSABLE_ENTITY, &SignInPage { bare, next, name: &user.name });
    };
    tracing::info!(user = %user.name, address = %stranger.address(), "signed in to the console");
    let mut response = match stranger.in_place {
        // The page that is open goes on with the new session's token.
        true => (StatusCode::OK, csrf.text()).into_response(),
        false => Redirect::to(next).into_response(),
    };
    response.headers_mut().append(header::SET_COOKIE, gate::cookie_of(session, &secret, stranger.origin));
    Ok(response)
}

/// The same page again, saying why; in place of another page, only the reason.
fn again(stranger: &Stranger, status: StatusCode, template: &impl Bared) -> Paged {
    if stranger.in_place {
        let fault = template.fault().unwrap_or_default().to_owned();
        return Ok((status, fault).into_response());
    }
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}

trait Bared: Template {
    fn fault(&self) -> Option<&str>;
}

impl Bared for SignInPage<'_> {
    fn fault(&self) -> Option<&str> {
        self.bare.fault.as_deref()
    }
}

impl Bared for CodePage<'_> {
    fn fault(&self) -> Option<&str> {
        self.bare.fault.as_deref()
    }
}

/// Ends the session. It needs no token: a stranger's page could at worst sign somebody out.
async fn sign_out(State(shared): State<Arc<Shared>>, stranger: Stranger) -> Paged {
    if let Some(entered) = gate::enter(&shared, &stranger.headers, stranger.origin, stranger.now, false).await? {
        let visitor = entered.visitor;
        let id = visitor.session.id;
        super::account::change(&shared, &visitor, move |editor, by| editor.end_session(by, id)).await?;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().append(header::SET_COOKIE, gate::no_cookie(stranger.origin));
    Ok(response)
}

/// Remembers the language of this browser, and of the account where somebody is signed in; leads back.
async fn language(State(shared): State<Arc<Shared>>, stranger: Stranger, Path(lang): Path<String>) -> Paged {
    let Ok(tongue) = lang.parse::<Tongue>() else {
        return Err(ProblemDetails::new(StatusCode::NOT_FOUND, "there is no such language: zh, en").into());
    };
    if let Some(entered) = gate::enter(&shared, &stranger.headers, stranger.origin, stranger.now, false).await? {
        let visitor = entered.visitor;
        let (who, at) = (visitor.who().to_owned(), visitor.now);
        let clocks = Arc::clone(&visitor.settings.clocks);
        let choose = move |editor: &mut crate::store::Editor| {
            let by = Changer { who: &who, from_where: "", at };
            Ok(editor.change_user(by, visitor.user.id, crate::store::AccountChange::Lang(tongue.as_str()))?)
        };
        shared.pool.edit(clocks, choose).await?;
    }
    let back = stranger.headers.get(header::REFERER).and_then(|from| from.to_str().ok());
    let back = back.and_then(|from| from.splitn(4, '/').nth(3)).map(|path| format!("/{path}"));
    let back = back.as_deref().filter(|path| path.starts_with("/sign-in") || own_path(path) == *path).unwrap_or("/");
    let mut response = Redirect::to(back).into_response();
    let cookie = format!("{LANG_COOKIE}={tongue}; Path=/; Max-Age=31536000; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage<'a> {
    bare: Bare,
    /// Whose link it is; none makes the first administrator.
    user: Option<&'a User>,
    name: &'a str,
    full_name: &'a str,
}

#[derive(Template)]
#[template(path = "no_link.html")]
struct NoLinkPage {
    bare: Bare,
}

const WELCOME: Both = Both::new("设置密码", "Set your password");

/// The link's secret and whose it is; the page that says that it opens nothing.
async fn link(shared: &Arc<Shared>, stranger: &Stranger, secret: &str) -> Result<LinkOf, super::PageFault> {
    let hash = TokenSecret::of_hex(secret).map(|secret| secret.hash());
    let wait = shared.gate.tries.wait(stranger.address(), Instant::now());
    if let (Some(hash), None) = (hash, wait) {
        let now = stranger.now;
        if let Some(invite) = shared.pool.read(move |reader| Ok(reader.invite(&hash, now)?)).await? {
            return Ok(LinkOf::Opens(hash, invite.user));
        }
    }
    shared.gate.tries.note(stranger.address(), Instant::now());
    let title = Both::new("链接无效", "This link opens nothing");
    let mut response = page(&NoLinkPage { bare: Bare::new(stranger, title, None) })?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(LinkOf::Nothing(response))
}

enum LinkOf {
    Opens(crate::desk::token::TokenHash, Option<User>),
    Nothing(Response),
}

async fn welcome(State(shared): State<Arc<Shared>>, stranger: Stranger, Path(secret): Path<String>) -> Paged {
    match link(&shared, &stranger, &secret).await? {
        LinkOf::Nothing(response) => Ok(response),
        LinkOf::Opens(_, user) => {
            let bare = Bare::new(&stranger, WELCOME, None);
            page(&WelcomePage { bare, user: user.as_ref(), name: "", full_name: "" })
        }
    }
}

async fn accept(
    State(shared): State<Arc<Shared>>,
    stranger: Stranger,
    Path(secret): Path<String>,
    form: Form,
) -> Paged {
    let (hash, user) = match link(&shared, &stranger, &secret).await? {
        LinkOf::Nothing(response) => return Ok(response),
        LinkOf::Opens(hash, user) => (hash, user),
    };
    let draft = UserDraft {
        name: form.text("name").to_owned(),
        full_name: form.text("full_name").to_owned(),
        extension: None,
        role: Role::Administrator,
    }
    .tidy();
    let name = user.as_ref().map_or(draft.name.as_str(), |user| user.name.as_str()).to_owned();
    let again = |status: StatusCode, fault: &str| {
        let bare = Bare::new(&stranger, WELCOME, Some(fault.to_owned()));
        let template =
            WelcomePage { bare, user: user.as_ref(), name: form.text("name"), full_name: form.text("full_name") };
        let mut response = page(&template)?;
        *response.status_mut() = status;
        Ok(response)
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    let said = |fault: crate::desk::account::AccountFault| match stranger.tongue {
        Tongue::Zh => fault.zh(),
        Tongue::En => fault.to_string(),
    };
    let password = form.whole("password");
    let checked = if user.is_none() { draft.check() } else { Ok(()) };
    if let Err(fault) = checked.and_then(|()| check_password(password, &name)) {
        return again(wrong, &said(fault));
    }
    if password != form.whole("again") {
        let fault = Both::new("两次输入的密码不一样", "The two passwords differ");
        return again(wrong, fault.of(stranger.tongue));
    }
    let kept = match shared.gate.hash(Redacted(password.to_owned())).await {
        Ok(kept) => kept,
        Err(problem) => return again(problem.status(), problem.detail().of(stranger.tongue)),
    };
    let (now, from_where) = (stranger.now, stranger.place());
    let clocks = Arc::clone(&shared.access.settings().clocks);
    let first = user.is_none().then_some(draft);
    let accept = move |editor: &mut crate::store::Editor| match editor.accept_invite(
        &hash,
        (now, &from_where),
        first.as_ref(),
        &kept,
    ) {
        Ok(accepted) => Ok(Ok(accepted)),
        Err(StoreError::Refused(why)) => Ok(Err(why)),
        Err(error) => Err(error.into()),
    };
    let accepted = match shared.pool.edit(clocks, accept).await? {
        Ok(accepted) => accepted,
        // What was typed stays.
        Err(why) => return again(StatusCode::CONFLICT, why.of(stranger.tongue)),
    };
    let Some(id) = accepted else {
        let bare = Bare::new(&stranger, Both::new("链接无效", "This link opens nothing"), None);
        return page(&NoLinkPage { bare });
    };
    let found = shared.pool.read(move |reader| Ok(reader.user(id)?)).await?;
    match found {
        // Who has a second factor shows it all the same.
        Some((user, secrets)) if secrets.totp.is_none() => enter(&shared, &stranger, &user, None, "/").await,
        _ => Ok(Redirect::to("/sign-in").into_response()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_nowhere_but_to_this_console() {
        for (next, path) in [
            ("/tickets/20261123-0007?x=1", "/tickets/20261123-0007?x=1"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/sign-in?next=/sign-in", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(next), path, "{next}");
        }
        assert_eq!(path_to("/a?b=c&d"), "/sign-in?next=/a%3Fb%3Dc%26d");
    }
}
