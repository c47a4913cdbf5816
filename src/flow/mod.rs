//! The flow engine, without I/O: what the caller hears and what each key leads to, as `config/flow.toml` says.

pub mod io;
