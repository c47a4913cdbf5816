//! Everybody's accounts: who may use the console, and as what.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::account::{Said, change, wrong};
use super::form::Form;
use super::frame::Frame;
use super::{Paged, done, page};
use crate::console::gate::{self, Visitor};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::account::session::Session;
use crate::desk::account::{LINK_FOR, User, UserDraft, UserId};
use crate::desk::privacy::Role;
use crate::desk::report::table::Both;
use crate::store::AccountChange;

const PATH: &str = "/setup/users";

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/users", get(list).post(add))
        .route("/setup/users/{id}", get(one).post(edit))
        .route("/setup/users/{id}/link", post(link))
        .route("/setup/users/{id}/disabled", post(disable))
        .route("/setup/users/{id}/enabled", post(enable))
        .route("/setup/users/{id}/factor/off", post(no_factor))
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    users: Vec<User>,
    roles: &'static [Role],
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, Query(Said { said }): Query<Said>) -> Paged {
    let users = shared.pool.read(|reader| Ok(reader.users()?)).await?;
    let frame = Frame::of(&visitor, PATH).saying(said.as_deref());
    page(&UsersPage { frame, users, roles: Role::ALL })
}

/// What stands in the form of an account.
fn draft(visitor: &Visitor, form: &Form, name: &str) -> Result<UserDraft, ProblemDetails> {
    let draft = UserDraft {
        name: name.to_owned(),
        full_name: form.text("full_name").to_owned(),
        extension: form.some("extension"),
        role: form.word("role")?,
    }
    .tidy();
    draft.check().map_err(|fault| wrong(visitor, fault))?;
    Ok(draft)
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let draft = draft(&visitor, &form, form.text("name"))?;
    let id = change(&shared, &visitor, move |editor, by| editor.add_user(by, &draft)).await?;
    shown_link(&shared, &visitor, id).await
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    frame: Frame,
    user: User,
    roles: &'static [Role],
    sessions: Vec<Session>,
    is_self: bool,
}

async fn one(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Query(Said { said }): Query<Said>,
) -> Paged {
    let (user, sessions) = known(&shared, id).await?;
    let frame = Frame::new(&visitor, user.full_name.clone()).saying(said.as_deref());
    let is_self = user.id == visitor.user.id;
    page(&UserPage { frame, user, roles: Role::ALL, sessions, is_self })
}

async fn known(shared: &Arc<Shared>, id: i64) -> Result<(User, Vec<Session>), ProblemDetails> {
    let id = UserId(id);
    let found = shared.pool.read(move |reader| {
        let Some((user, _)) = reader.user(id)? else { return Ok(None) };
        Ok(Some((user, reader.sessions_of(id)?)))
    });
    let unknown = || ProblemDetails::new(StatusCode::NOT_FOUND, format!("account {id} does not exist"));
    found.await?.ok_or_else(unknown)
}

async fn edit(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, form: Form) -> Paged {
    let (user, _) = known(&shared, id).await?;
    let draft = draft(&visitor, &form, &user.name)?;
    change(&shared, &visitor, move |editor, by| {
        // All of it or nothing.
        editor.at_once(|editor| {
            if draft.role != user.role {
                editor.change_user(by, user.id, AccountChange::Role(draft.role))?;
            }
            if draft.full_name != user.full_name {
                editor.change_user(by, user.id, AccountChange::FullName(&draft.full_name))?;
            }
            if draft.extension != user.extension {
                editor.change_user(by, user.id, AccountChange::Extension(draft.extension.as_deref()))?;
            }
            Ok::<_, crate::store::StoreError>(())
        })
    })
    .await?;
    done(&format!("{PATH}/{id}"), "saved")
}

#[derive(Template)]
#[template(path = "user_link.html")]
struct LinkPage {
    frame: Frame,
    user: User,
    /// Below this console's address.
    path: String,
}

async fn link(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    known(&shared, id).await?;
    shown_link(&shared, &visitor, UserId(id)).await
}

/// Makes a one-time link and shows it this once.
async fn shown_link(shared: &Arc<Shared>, visitor: &Visitor, id: UserId) -> Paged {
    let (user, _) = known(shared, id.0).await?;
    if user.disabled_at.is_some() {
        let what = Both::new("帐号已停用：请先启用", "The account is disabled: enable it first").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::CONFLICT, what).into());
    }
    let secret = gate::secret();
    let (hash, until) = (secret.hash(), visitor.now + LINK_FOR);
    change(shared, visitor, move |editor, by| editor.invite(by, Some(id), &hash, until)).await?;
    let title = Both::new("一次性链接", "One-time link").of(visitor.tongue).to_owned();
    page(&LinkPage { frame: Frame::new(visitor, title), user, path: format!("/welcome/{}", secret.hex()) })
}

async fn disable(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    turn(&shared, &visitor, id, AccountChange::Disabled(true), "disabled").await
}

async fn enable(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    turn(&shared, &visitor, id, AccountChange::Disabled(false), "enabled").await
}

async fn no_factor(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    turn(&shared, &visitor, id, AccountChange::Totp(None), "factor-off").await
}

async fn turn(shared: &Arc<Shared>, visitor: &Visitor, id: i64, to: AccountChange<'static>, said: &str) -> Paged {
    if id == visitor.user.id.0 && matches!(to, AccountChange::Disabled(true)) {
        let what = Both::new("不能停用自己的帐号", "Your own account can't be disabled by yourself").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::CONFLICT, what).into());
    }
    change(shared, visitor, move |editor, by| editor.change_user(by, UserId(id), to)).await?;
    done(&format!("{PATH}/{id}"), said)
}
