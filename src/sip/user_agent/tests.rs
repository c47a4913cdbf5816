//! The user agent in virtual time.
//!
//! - `line`: the fixture: one user agent, and a phone's requests as text; nothing may be left when it is dropped.
//! - `pair`: two user agents over a network that loses, doubles and reorders.
//! - `answering`, `refusing`, `dialogs`, `calling`, `streams`, `transfers`, `replacing`, `changing`: one rule a test.
//! - `provisional`: 100rel and UPDATE; `sessions`: session timers and reasons.
//! - `registering`, `waiting`: phones with accounts; `guarding`: who guesses their passwords, or floods the line.
//! - `trunks`: our own accounts at carriers; `outside`: our external address.
//! - `matrix`, `odd_orders`, `phones_at_random`: what holds whatever the network and the peers do.

mod answering;
mod calling;
mod changing;
mod dialogs;
mod guarding;
mod line;
mod matrix;
mod odd_orders;
mod outside;
mod pair;
mod phones_at_random;
mod provisional;
mod refusing;
mod registering;
mod replacing;
mod secure;
mod sessions;
mod streams;
mod texts;
mod transfers;
mod trunks;
mod waiting;
