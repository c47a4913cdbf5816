//! `frontdesk tokens`: which programs may ask the HTTP API, and what.

use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::Rng;
use serde::Serialize;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs};
use crate::desk::privacy::Role;
use crate::desk::token::{ApiToken, Scope, TokenDraft, TokenSecret};
use crate::desk::view::LocalTime;

/// Make, list and revoke tokens of the HTTP API
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; it is shown this once
    Add(AddArgs),
    /// List tokens, without their secrets (the same as without a subcommand)
    List(FormatArgs),
    /// Take a token back: it opens nothing from now on
    Revoke {
        /// Its id, as `list` shows it
        id: i64,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Who uses it: it stands in histories as whoever made a change
    name: String,
    /// calls:read, tickets:read, tickets:write, messages:read, messages:write, recordings:read, people:read, people:write,
    /// alarms:read, alarms:write, reports:read, work:read, work:write, residents:read, residents:write, shifts:read,
    /// shifts:write, privacy:read, privacy:write, or admin for all; several times, or with commas between
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// Whose eyes it is for: engineer, receptionist, supervisor or administrator. It decides which numbers are masked
    #[arg(long, default_value = "receptionist")]
    role: Role,
    /// It ends after so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires: Option<u16>,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(args.format, context, out),
        Some(Command::List(format)) => list(*format, context, out),
        Some(Command::Add(add)) => make(add, context, out),
        Some(Command::Revoke { id }) => {
            context.editor()?.revoke_token(*id, context.now)?;
            Ok(writeln!(out, "token {id} revoked")?)
        }
    }
}

fn make(args: &AddArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let mut scopes = args.scopes.clone();
    scopes.sort_by_key(|scope| scope.as_str());
    scopes.dedup();
    let draft = TokenDraft {
        name: args.name.trim().to_owned(),
        scopes,
        role: args.role,
        made_at: context.now,
        expires_at: args.expires.map(|days| context.now + TimeDelta::days(days.into())),
    };
    draft.check().map_err(|why| CliError::Usage(why.to_string()))?;
    let mut chance = [0; 32];
    rand::rng().fill_bytes(&mut chance);
    let secret = TokenSecret::new(chance);
    let id = context.editor()?.add_token(&draft, &secret.hash())?;
    eprintln!("token {id} is shown this once; keep it where only its program reads it");
    Ok(writeln!(out, "{}", secret.text(id))?)
}

#[derive(Serialize)]
struct TokenView {
    id: i64,
    name: String,
    scopes: Vec<Scope>,
    role: Role,
    made_at: LocalTime,
    expires_at: Option<LocalTime>,
    last_used_at: Option<LocalTime>,
    revoked_at: Option<LocalTime>,
}

fn list(format: FormatArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let tokens = context.reader()?.tokens()?;
    let local = |at: DateTime<Utc>| LocalTime::new(at, context.time_zone);
    let view = |token: &ApiToken| TokenView {
        id: token.id,
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        role: token.role,
        made_at: local(token.made_at),
        expires_at: token.expires_at.map(local),
        last_used_at: token.last_used_at.map(local),
        revoked_at: token.revoked_at.map(local),
    };
    if format.json {
        return output::json(out, &tokens.iter().map(view).collect::<Vec<_>>());
    }
    output::list(out, format, COLUMNS, &tokens, context.time_zone)
}

fn at(at: Option<DateTime<Utc>>, tz: Tz) -> String {
    at.map(|at| LocalTime::new(at, tz).short()).unwrap_or_default()
}

const COLUMNS: &[Column<ApiToken>] = &[
    Column { name: "id", in_table: true, cell: |t, _| t.id.to_string() },
    Column { name: "name", in_table: true, cell: |t, _| t.name.clone() },
    Column {
        name: "scopes",
        in_table: true,
        cell: |t, _| t.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
    },
    Column { name: "role", in_table: true, cell: |t, _| t.role.to_string() },
    Column { name: "made_at", in_table: false, cell: |t, tz| at(Some(t.made_at), tz) },
    Column { name: "expires_at", in_table: true, cell: |t, tz| at(t.expires_at, tz) },
    Column { name: "last_used_at", in_table: true, cell: |t, tz| at(t.last_used_at, tz) },
    Column { name: "revoked_at", in_table: true, cell: |t, tz| at(t.revoked_at, tz) },
];
