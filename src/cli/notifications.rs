//! `frontdesk notifications`: what people and programs are told by e-mail, text and webhook (R5, R26, R41).

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty};
use crate::desk::notifications::{
    self, NewNotification, Notification, NotificationId, NotificationState, NotifyChannel,
};
use crate::desk::view::{LocalTime, NotificationView};
use crate::site::{self, Site};
use crate::store::NotificationFilter;

/// How long a trial is waited for.
const WAIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The event of a trial.
const TRIAL: &str = "trial";

/// List what people and programs are told, send what failed once more, and try a channel
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List them, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Send one that failed, or waits, now
    Retry(RetryArgs),
    /// Send a trial to a person or a webhook, and wait for what comes of it
    Trial(TrialArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// waiting, sending, sent or failed
    #[arg(long)]
    state: Option<NotificationState>,
    /// email, webhook or sip
    #[arg(long)]
    channel: Option<NotifyChannel>,
    /// About this ticket's number, or this message's, call's or alarm's id
    #[arg(long)]
    about: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    #[arg(required_unless_present = "failed")]
    id: Option<i64>,
    /// All that failed
    #[arg(long, conflicts_with = "id")]
    failed: bool,
}

#[derive(Debug, clap::Args)]
pub struct TrialArgs {
    /// Extension of a person of people.toml
    #[arg(required_unless_present = "webhook")]
    extension: Option<String>,
    /// By which way: email or sip; all ways of the person by default
    #[arg(long, conflicts_with = "webhook")]
    channel: Option<NotifyChannel>,
    /// The name of a webhook of webhooks.toml
    #[arg(long, value_name = "NAME", conflicts_with = "extension")]
    webhook: Option<String>,
}

/// `site`: the people, webhooks and words that a trial needs.
pub fn run(
    args: &Args,
    site: impl FnOnce() -> Result<Site, CliError>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Retry(args)) => retry(args, context, out),
        Some(Command::Trial(args)) => trial(args, &site()?, context, out),
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let filter = NotificationFilter {
        state: args.state,
        channel: args.channel,
        about: args.about.clone(),
        limit: at_most(args.limit),
        ..NotificationFilter::default()
    };
    let found = context.reader()?.notifications(&filter)?;
    tell_if_cut(found.len(), args.limit);
    if args.format.json {
        let views: Vec<_> = found.iter().map(|one| NotificationView::new(one, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &found, context.time_zone)
}

fn retry(args: &RetryArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let ids = match args.id {
        Some(id) => vec![NotificationId(id)],
        None => {
            let failed = NotificationFilter { state: Some(NotificationState::Failed), ..NotificationFilter::default() };
            context.reader()?.notifications(&failed)?.into_iter().map(|one| one.id).collect()
        }
    };
    let mut editor = context.editor()?;
    for id in &ids {
        editor.retry_notification(*id, context.now)?;
    }
    Ok(writeln!(out, "{} to be sent now", ids.len())?)
}

fn trial(args: &TrialArgs, site: &Site, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let rules = site::notify_rules(site);
    let new = |channel, recipient: &str, content| NewNotification {
        event: TRIAL.to_owned(),
        channel,
        recipient: recipient.to_owned(),
        about: String::new(),
        content,
        not_before: context.now,
    };
    let mut trials = Vec::new();
    if let Some(name) = &args.webhook {
        let Some(webhook) = rules.webhooks.of(name) else {
            let known: Vec<&str> = rules.webhooks.all().iter().map(|webhook| webhook.name.as_str()).collect();
            let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
            return Err(CliError::Failed(format!("webhooks.toml has no webhook `{name}`: {known}")));
        };
        let content = notifications::trial_payload(TRIAL, &rules, context.now);
        trials.push(new(NotifyChannel::Webhook, &webhook.name, content));
    }
    if let Some(extension) = &args.extension {
        let Some(person) = site.people.person(extension) else {
            return Err(CliError::Failed(format!("people.toml has nobody with extension {extension}")));
        };
        for channel in notifications::ways(person, &rules, args.channel).map_err(CliError::Failed)? {
            let note = notifications::trial(person, &rules, context.now);
            trials.push(new(channel, extension, notifications::NoticeContent::Note(note)));
        }
    }
    let mut editor = context.editor()?;
    let mut ids = Vec::new();
    for trial in &trials {
        ids.push(editor.add_notification(context.now, trial)?);
    }
    wait_for(&ids, context, out)
}

/// Until each was sent, or failed once.
fn wait_for(ids: &[NotificationId], context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let reader = context.reader()?;
    let until = Instant::now() + WAIT;
    let mut failed = false;
    for id in ids {
        let one = loop {
            let one = reader.notification(*id)?;
            let over = one.as_ref().is_none_or(|one| one.state == NotificationState::Sent || one.error.is_some());
            if over || Instant::now() >= until {
                break one;
            }
            thread::sleep(LOOK_EVERY);
        };
        let Some(one) = one else { continue };
        let said = match (&one.error, one.state) {
            (_, NotificationState::Sent) => "sent".to_owned(),
            (Some(error), _) => error.clone(),
            (None, _) => "not sent: is `frontdesk serve` running with these settings?".to_owned(),
        };
        failed |= one.state != NotificationState::Sent;
        writeln!(out, "{} to {}: {}", one.channel, one.recipient, output::printable(&said))?;
    }
    if failed { Err(CliError::Failed("not all of it was sent".to_owned())) } else { Ok(()) }
}

fn shown(at: Option<DateTime<Utc>>, zone: chrono_tz::Tz) -> String {
    at.map(|at| LocalTime::new(at, zone).short()).unwrap_or_default()
}

const COLUMNS: &[Column<Notification>] = &[
    Column { name: "id", in_table: true, cell: |n, _| n.id.0.to_string() },
    Column { name: "event", in_table: true, cell: |n, _| n.event.clone() },
    Column { name: "about", in_table: true, cell: |n, _| n.about.clone() },
    Column { name: "channel", in_table: true, cell: |n, _| n.channel.to_string() },
    Column { name: "recipient", in_table: true, cell: |n, _| n.recipient.clone() },
    Column { name: "state", in_table: true, cell: |n, _| n.state.to_string() },
    Column { name: "tries", in_table: true, cell: |n, _| n.tries.to_string() },
    Column { name: "created_at", in_table: false, cell: |n, tz| shown(Some(n.created_at), tz) },
    Column { name: "next_at", in_table: true, cell: |n, tz| shown(n.next_at, tz) },
    Column { name: "ended_at", in_table: true, cell: |n, tz| shown(n.ended_at, tz) },
    Column { name: "error", in_table: true, cell: |n, _| or_empty(&n.error) },
];
