//! The desk's work at real telephones, end to end: what a caller reports is seen through until they are satisfied. The same
//! stories over hours and days, in virtual time, are those of `src/store/tests/seen_through.rs`.
//!
//! What the desk waits for by the clock is set short in the settings; nothing else is other than at a running desk.

mod follow_up;
mod house;
mod relay;
mod repair;
mod residents;
