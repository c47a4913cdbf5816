//! Tokens of programs that ask the API: made (and shown once), and taken back.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use chrono::TimeDelta;

use super::account::change;
use super::form::Form;
use super::frame::Frame;
use super::list::Asked;
use super::{Paged, done, page};
use crate::console::gate::{self, Visitor};
use crate::console::problem::wrong;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::privacy::Role;
use crate::desk::report::table::Both;
use crate::desk::token::{ApiToken, Scope, TokenDraft};

const PATH: &str = "/setup/tokens";
/// The longest that a token lasts.
const DAYS_MAX: u16 = 3_650;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(list).post(add)).route("/setup/tokens/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<ApiToken>,
    scopes: &'static [Scope],
    roles: &'static [Role],
    /// The one that was just made.
    made: Option<String>,
}

impl TokensPage {
    fn words(&self, token: &ApiToken) -> String {
        token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn holds(&self, token: &ApiToken) -> bool {
        token.holds(self.frame.now)
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let tokens = shared.pool.read(|reader| Ok(reader.tokens()?)).await?;
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&TokensPage { frame, tokens, scopes: Scope::ALL, roles: Role::ALL, made: None })
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let scopes: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| form.ticked(scope.as_str())).collect();
    let days: Option<u16> = match form.text("days") {
        "" => None,
        days => {
            let days = days.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
            let what = Both::new("有效天数为 1 至 3650", "A token lasts 1 to 3650 days").of(visitor.tongue);
            Some(days.ok_or_else(|| wrong(what))?)
        }
    };
    let draft = TokenDraft {
        name: form.text("name").to_owned(),
        scopes,
        role: form.word("role")?,
        made_at: visitor.now,
        expires_at: days.map(|days| visitor.now + TimeDelta::days(days.into())),
    };
    draft.check().map_err(wrong)?;
    let secret = gate::secret();
    let hash = secret.hash();
    let entry = visitor.entry(Deed::AccountChanged, &format!("token {}: made, {}", draft.name, draft.role));
    let id = change(&shared, &visitor, move |editor, _| {
        editor.at_once(|editor| {
            let id = editor.add_token(&draft, &hash)?;
            editor.audit(&entry)?;
            Ok::<_, crate::store::StoreError>(id)
        })
    })
    .await?;
    let tokens = shared.pool.read(|reader| Ok(reader.tokens()?)).await?;
    let frame = Frame::of(&visitor, PATH);
    page(&TokensPage { frame, tokens, scopes: Scope::ALL, roles: Role::ALL, made: Some(secret.text(id)) })
}

async fn revoke(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    let entry = visitor.entry(Deed::AccountChanged, &format!("token {id}: revoked"));
    change(&shared, &visitor, move |editor, by| {
        editor.at_once(|editor| {
            editor.revoke_token(id, by.at)?;
            editor.audit(&entry)
        })
    })
    .await?;
    done(PATH, "revoked")
}
