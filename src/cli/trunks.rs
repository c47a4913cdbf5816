//! `frontdesk trunks`: how it is with the lines of carriers and PBXs (R1).

use std::io::Write;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs, or_empty};
use crate::desk::trunk_state::{TrunkState, TrunkWord};
use crate::desk::view::{LocalTime, TrunkView};

/// List the lines of carriers and PBXs, and how it is with each, as the daemon last said
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    /// Those too that the daemon has left
    #[arg(long)]
    all: bool,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let mut trunks = context.reader()?.trunks()?;
    trunks.retain(|trunk| args.all || trunk.state != TrunkState::Left);
    if args.format.json {
        let views: Vec<_> = trunks.iter().map(|trunk| TrunkView::new(trunk, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &trunks, context.time_zone)
}

const COLUMNS: &[Column<TrunkWord>] = &[
    Column { name: "name", in_table: true, cell: |t, _| t.name.clone() },
    Column { name: "state", in_table: true, cell: |t, _| t.state.to_string() },
    Column { name: "since", in_table: true, cell: |t, tz| LocalTime::new(t.since, tz).short() },
    Column { name: "server", in_table: true, cell: |t, _| or_empty(&t.server) },
    Column { name: "external", in_table: false, cell: |t, _| or_empty(&t.external) },
    Column { name: "note", in_table: true, cell: |t, _| t.note.clone() },
];
