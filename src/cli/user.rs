//! `frontdesk user`: who may use the console.

use std::io::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rand::Rng;
use serde::Serialize;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs};
use super::secret_input;
use crate::desk::account::{LINK_FOR, User, UserDraft, UserId, check_password};
use crate::desk::privacy::Role;
use crate::desk::secret_hash::{SALT_BYTES, SecretHash};
use crate::desk::token::TokenSecret;
use crate::desk::view::LocalTime;
use crate::store::{AccountChange, Changer};

/// Accounts of the console
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
    /// Make an account; prints the one-time link by which its owner sets a password
    Add(AddArgs),
    /// Print a new one-time link for an account, or set its password here
    Passwd(PasswdArgs),
    /// List accounts (the same as without a subcommand)
    List(FormatArgs),
    /// Close an account: it is signed out everywhere at once
    Disable {
        /// The name that it signs in with
        name: String,
    },
    /// Open it again, and unlock it
    Enable {
        /// The name that it signs in with
        name: String,
    },
    /// Take away its second factor, where the phone was lost
    NoFactor {
        /// The name that it signs in with
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Signs in with it
    name: String,
    /// engineer, receptionist, supervisor or administrator
    #[arg(long)]
    role: Role,
    /// As others read it
    #[arg(long, default_value = "")]
    full_name: String,
    /// Their extension in the directory: the telephone on their desk
    #[arg(long)]
    extension: Option<String>,
    /// Ask for the password here (or read it from stdin) in place of printing a link
    #[arg(long)]
    password: bool,
}

#[derive(Debug, clap::Args)]
struct PasswdArgs {
    /// The name that it signs in with
    name: String,
    /// Ask for the password here (or read it from stdin) in place of printing a link
    #[arg(long)]
    password: bool,
}

/// `url`: how browsers reach the console.
pub fn run(args: &Args, url: &str, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let changer = Changer { who: &context.who, from_where: "shell", at: context.now };
    match &args.command {
        None => list(args.format, context, out),
        Some(Command::List(format)) => list(*format, context, out),
        Some(Command::Add(add)) => {
            let draft = UserDraft {
                name: add.name.clone(),
                full_name: add.full_name.clone(),
                extension: add.extension.clone(),
                role: add.role,
            }
            .tidy();
            draft.check().map_err(|fault| CliError::Usage(fault.to_string()))?;
            // Asked first: without a good password there is no account.
            let password = add.password.then(|| password(&draft.name)).transpose()?;
            let id = context.editor()?.add_user(changer, &draft)?;
            give(context, changer, (id, &draft.name), (password, "added, with its password"), url, out)
        }
        Some(Command::Passwd(passwd)) => {
            let user = known(context, &passwd.name)?;
            if user.disabled_at.is_some() {
                let name = &user.name;
                let what = format!("account {name} is disabled: `frontdesk user enable {name}` first");
                return Err(CliError::Failed(what));
            }
            let password = passwd.password.then(|| password(&user.name)).transpose()?;
            give(context, changer, (user.id, &user.name), (password, "has a new password"), url, out)
        }
        Some(Command::Disable { name }) => {
            change(context, changer, name, AccountChange::Disabled(true), "disabled", out)
        }
        Some(Command::Enable { name }) => {
            change(context, changer, name, AccountChange::Disabled(false), "enabled", out)
        }
        Some(Command::NoFactor { name }) => {
            change(context, changer, name, AccountChange::Totp(None), "signs in with the password alone now", out)
        }
    }
}

fn known(context: &Context, name: &str) -> Result<User, CliError> {
    let found = context.reader()?.user_named(&name.trim().to_lowercase())?;
    let unknown = || CliError::Failed(format!("there is no account `{name}`; `frontdesk user list` shows all"));
    found.map(|(user, _)| user).ok_or_else(unknown)
}

fn change(
    context: &Context,
    changer: Changer<'_>,
    name: &str,
    change: AccountChange<'_>,
    said: &str,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let user = known(context, name)?;
    context.editor()?.change_user(changer, user.id, change)?;
    Ok(writeln!(out, "account {}: {said}", user.name)?)
}

fn password(name: &str) -> Result<SecretHash, CliError> {
    let password = secret_input::ask("password", &format!("password of {name}"))?;
    check_password(&password.0, name).map_err(|fault| CliError::Failed(fault.to_string()))?;
    let mut salt = [0; SALT_BYTES];
    rand::rng().fill_bytes(&mut salt);
    SecretHash::make(&password, &salt).ok_or_else(|| CliError::Failed("there is not enough memory".to_owned()))
}

/// Sets the password, or prints the link by which its owner does.
fn give(
    context: &Context,
    changer: Changer<'_>,
    (id, name): (UserId, &str),
    (password, said): (Option<SecretHash>, &str),
    url: &str,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    if let Some(password) = password {
        context.editor()?.set_password(changer, id, &password, None)?;
        return Ok(writeln!(out, "account {name}: {said}")?);
    }
    let mut chance = [0; 32];
    rand::rng().fill_bytes(&mut chance);
    let secret = TokenSecret::new(chance);
    context.editor()?.invite(changer, Some(id), &secret.hash(), context.now + LINK_FOR)?;
    eprintln!("account {name} sets its password by this link, once, within {} hours:", LINK_FOR.num_hours());
    Ok(writeln!(out, "{url}/welcome/{}", secret.hex())?)
}

#[derive(Serialize)]
struct UserView<'a> {
    name: &'a str,
    full_name: &'a str,
    extension: Option<&'a str>,
    role: Role,
    state: &'static str,
    two_step: bool,
    made_at: LocalTime,
    signed_in_at: Option<LocalTime>,
}

fn state(user: &User, now: DateTime<Utc>) -> &'static str {
    if user.disabled_at.is_some() {
        "disabled"
    } else if !user.has_password {
        "no password yet"
    } else if user.locked(now).is_some() {
        "locked"
    } else {
        "open"
    }
}

fn list(format: FormatArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let users = context.reader()?.users()?;
    if format.json {
        let local = |at: DateTime<Utc>| LocalTime::new(at, context.time_zone);
        let view = |user: &User| {
            serde_json::to_value(UserView {
                name: &user.name,
                full_name: &user.full_name,
                extension: user.extension.as_deref(),
                role: user.role,
                state: state(user, context.now),
                two_step: user.has_totp,
                made_at: local(user.made_at),
                signed_in_at: user.signed_in_at.map(local),
            })
        };
        return output::json(out, &users.iter().map(view).collect::<Result<Vec<_>, _>>()?);
    }
    let listed: Vec<_> = users.into_iter().map(|user| Listed { state: state(&user, context.now), user }).collect();
    output::list(out, format, COLUMNS, &listed, context.time_zone)
}

struct Listed {
    user: User,
    state: &'static str,
}

fn at(at: Option<DateTime<Utc>>, tz: Tz) -> String {
    at.map(|at| LocalTime::new(at, tz).short()).unwrap_or_default()
}

const COLUMNS: &[Column<Listed>] = &[
    Column { name: "name", in_table: true, cell: |l, _| l.user.name.clone() },
    Column { name: "full_name", in_table: true, cell: |l, _| l.user.full_name.clone() },
    Column { name: "role", in_table: true, cell: |l, _| l.user.role.to_string() },
    Column { name: "extension", in_table: true, cell: |l, _| l.user.extension.clone().unwrap_or_default() },
    Column { name: "state", in_table: true, cell: |l, _| l.state.to_owned() },
    Column { name: "two_step", in_table: true, cell: |l, _| if l.user.has_totp { "yes" } else { "" }.to_owned() },
    Column { name: "made_at", in_table: false, cell: |l, tz| at(Some(l.user.made_at), tz) },
    Column { name: "signed_in_at", in_table: true, cell: |l, tz| at(l.user.signed_in_at, tz) },
];
