//! The flow engine, without I/O: what the caller hears and what each key leads to, as `config/flow.toml` says.
//!
//! - `definition`: the words of the file. `compile`: the file made ready, all its faults told at once. `check`: faults of its shape.
//! - `steps/`: what a node can do: one file per step and one line in a table.
//! - `run`: one caller's way through it. `line`: what a step can ask of the caller; `ask`: keys; `take`: recordings;
//!   `papers` (of the `sorts`): tickets and messages; `house`: PINs, and messages that are listened to.
//! - `entry`: where a call begins, by the number that was called. `diagram`: the flow as a picture.
//!
//! A step is written as an `async fn` that reads from top to bottom as the caller hears it. No runtime is behind it:
//! `FlowRun` polls that one future itself whenever an `Input` has come, so that a run stays a pure state machine,
//! `handle_input` and `poll_output`, and a whole call runs in a test in virtual time.
//!
//! What always holds:
//! - A number is said only after the change that completed the ticket is on disk (R9): `papers::Papers::number_to_say`.
//! - Every ticket and message begun ends with a mark, complete or not, unless the store fails (R24): `run::close`.
//! - A flow goes through at most `run::HOPS_MAX` nodes without a key of the caller, then ends politely.
//! - Every wait has an end: keys by their timeouts, the rest by the constants of `line`.

pub mod check;
pub mod compile;
pub mod definition;
pub mod diagram;
pub mod io;
pub mod run;

mod ask;
mod entry;
mod house;
mod line;
mod papers;
mod reach;
mod sorts;
mod steps;
mod take;

pub use compile::{CompileContext, Flow};
pub use run::{CallerInfo, FlowRun};
pub use steps::catalogue as step_catalogue;
