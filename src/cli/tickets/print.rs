//! `frontdesk tickets print`: the forms of a ticket as pages.

use std::io::Write;

use super::number;
use crate::cli::context::{CliError, Context};
use crate::desk::audit::Deed;
use crate::desk::privacy::Surface;
use crate::desk::report::table::Tongue;
use crate::sheets;

#[derive(Debug, clap::Args)]
pub struct PrintArgs {
    number: String,
    /// zh or en
    #[arg(long, value_name = "LANGUAGE", default_value = "zh")]
    lang: Tongue,
}

pub fn run(args: &PrintArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let number = number(&args.number);
    let Some(ticket) = context.reader()?.ticket(&number, context.now)? else {
        return Err(CliError::Failed(format!("there is no ticket {number}")));
    };
    let ticket = context.sight(Surface::Record).ticket(ticket);
    let head = context.letterhead(args.lang);
    let page = sheets::of_ticket(&ticket, &head, |who| context.people.get(who).cloned());
    let page = page.map_err(|fault| CliError::Failed(fault.to_string()))?;
    if ticket.shows(Surface::Record) {
        context.audit(Deed::Shown, &format!("ticket {number}"))?;
    }
    out.write_all(page.as_bytes())?;
    Ok(())
}
