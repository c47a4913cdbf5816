//! The rule book, without I/O: tickets, clocks, messages, people, the call log's rows; and what a call asks of the desk.
//!
//! Shapes here are the JSON of `docs/` and of the HTTP API: field names are a promise.

pub mod account;
pub mod alarm;
pub mod answer_time;
pub mod answers;
pub mod audit;
pub mod ban;
pub mod call_back;
pub mod call_record;
pub mod category;
pub mod clocks;
pub mod errand;
pub mod handover;
pub mod handover_view;
pub mod happening;
pub mod hours;
pub mod journal;
pub mod ladder;
pub mod message;
pub mod notifications;
pub mod on_duty;
pub mod people;
pub mod phones;
pub mod pin;
pub mod presence;
pub mod privacy;
pub mod report;
pub mod request;
pub mod resident_list;
pub mod residents;
pub mod retention;
pub mod roster;
pub mod secret_hash;
pub mod shown;
pub mod tasks;
pub mod ticket;
pub mod ticket_edit;
pub mod ticket_number;
pub mod token;
pub mod trunk_state;
pub mod trunks;
pub mod view;
pub mod words;
pub mod work_report;
pub mod workflow;
