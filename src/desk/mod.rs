//! The rule book, without I/O: tickets, clocks, messages, people, the call log's rows; and what a call asks of the desk.
//!
//! Shapes here are the JSON of `docs/` and of the HTTP API: field names are a promise.

pub mod call_record;
pub mod message;
pub mod request;
pub mod ticket;
