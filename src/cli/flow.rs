//! `frontdesk flow`: draws the configured flow.

use std::io::Write;

use super::context::CliError;
use super::output;
use crate::flow::{Flow, diagram, step_catalogue};

/// Draw the flow that callers walk through
#[derive(Debug, clap::Args)]
pub struct FlowArgs {
    /// How it is drawn
    #[arg(long, value_enum, default_value_t)]
    pub format: FlowFormat,
    /// List the steps that a node can have instead
    #[arg(long)]
    pub steps: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum FlowFormat {
    /// A tree for the terminal
    #[default]
    Text,
    /// A flowchart for a page
    Mermaid,
}

/// Writes the picture.
pub fn run(args: &FlowArgs, flow: &Flow, out: &mut dyn Write) -> Result<(), CliError> {
    if args.steps {
        let rows: Vec<Vec<String>> =
            step_catalogue().map(|(name, about)| vec![name.to_owned(), about.to_owned()]).collect();
        return output::table(out, &["step", "what it does"], &rows);
    }
    let picture = match args.format {
        FlowFormat::Text => diagram::text(flow),
        FlowFormat::Mermaid => diagram::mermaid(flow),
    };
    out.write_all(picture.as_bytes())?;
    Ok(())
}
