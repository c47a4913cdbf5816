//! frontdesk: the front desk's telephone line as a daemon.
//!
//! # Floors
//!
//! Each room is one module here and has one job. Arrows lead down, or sideways without a circle; `tests/architecture.rs` holds
//! every arrow, and the place where each foreign crate may be named.
//!
//! | floor | rooms | what they know |
//! |---|---|---|
//! | shell | `cli`, `daemon` | arguments and exit codes; starting and stopping everything |
//! | edge | `driver`, `console`, `store`, `backup`, `config`, `site`, `setup`, `sheets`, `tls`, `notify`, `telemetry`, `metrics` | sockets, threads, clocks, SQLite, files, certificates, pages to print, e-mails and webhooks, logs |
//! | call | `call` | one call from its INVITE to its outcome, where the rooms below meet |
//! | trade | `prompts`, `flow`, `media`, `sip`, `sdp`, `dial` | what is said; the walk through the menu; audio and keys; signalling; offers and answers; the built-in caller |
//! | ground | `desk`, `types` | tickets, clocks, hours, people, duty, the call record; digits, codecs, time, problems |
//!
//! `types`, `desk`, `sip`, `sdp`, `media`, `flow` and `call` are pure: no socket, file, thread, clock or random source.
//! Time and randomness come in as arguments, so that every rule of the line is tested in virtual time.
//! `prompts` reads its folder and, in its builder, asks a speech program; calls only look up what it has loaded.
//!
//! # The one pattern
//!
//! A pure room is a state machine: `handle_input(now, input)` changes it, `poll_output()` is asked until it says what it
//! next waits for. What it wants done (send this, start that timer, keep this ticket) is a value, which the floor above
//! carries out. What came of it goes in again as an input. So no room calls upward, and none waits.
//!
//! # The walk of one call
//!
//! 0. The line is where callers find it: `sip::trunk` registers with carriers, `driver::locator` finds their servers,
//!    `call::lines` tells how it is with each.
//! 1. `driver::line`, the SIP thread, reads a datagram and hands it to `call::exchange`, which asks its `sip` user agent.
//! 2. `call::admission` lets the INVITE in; a row goes to `store`. `sdp` agrees on a codec, `driver::ports` lends ports,
//!    and a worker of `driver::media_worker` opens a `media` stream.
//! 3. `call::answering` says when 200 is due, always before the third ring. `flow` then begins to walk its nodes: each
//!    step asks for something to be played, keys, a recording, a ticket.
//! 4. Keys come from `media` (RFC 4733, or tones) or from a SIP INFO. Prompts come out of `prompts`, ready to be encoded.
//!    What the caller says goes to `driver::recorder`, which writes it while it is spoken.
//! 5. A ticket goes over a bounded queue to the writer thread of `store`. Its reply leads the flow on: a number is read
//!    out only once it is kept.
//! 6. A person is reached by `call::reach`: legs of the same call, rung by the user agent, told who calls, and bridged
//!    with the caller by the media worker that has both streams; from there the caller may be handed on to others.
//!    `call::switchboard` knows who is out, free or parked, and the queue; `desk::on_duty` who is rung for a duty.
//!    `driver::locator` finds the servers of their URIs meanwhile.
//! 7. BYE, from either side, ends the stream and the flow; when both are done, the row gets its one outcome, and
//!    `call::ladders` hands out the SIP messages that it kept.
//! 8. For a caller who is gone the session may have something left to do (`call::session::after`): duty officers ring on,
//!    a receptionist calls back. The row's end stays as it was; what comes of it is in the row's legs and the ticket.
//!
//! # What follows a call
//!
//! 1. Each change of a call, ticket, message or alarm writes a row of `happenings` by a trigger, in its own transaction,
//!    whichever process makes it. Whoever must be told reads them by their ids: the clerk, and listeners over HTTP.
//! 2. `store::Clerk`, on a thread of its own (`daemon::clerk`), looks what is due: clocks of tickets (`desk::clocks`) are warned
//!    of and alarmed; `desk::tasks` begin, go on and end. A task is a small state machine that is kept between its steps.
//! 3. A task asks for a telephone call by a row of `errands`. The line makes it (`call::session`, walking the same flow from
//!    another beginning); its result is on disk before it is said, and leads the task on.
//! 4. A ticket changes stage only by the table of steps in `desk::workflow`, whoever asks: a shell, the API, a phone, a task.
//! 5. Who is told of what happened by e-mail, text or webhook is `desk::notifications`; the clerk puts it into the outbox in
//!    the transaction that notes how far it has read, and `daemon::notifier` sends it through `notify` and the line.
//! 6. What is changed from the console goes through `setup`: checked as a whole site before it is written, then read again.
//! 7. `console::api` shows the same records to programs as the command line, `console::pages` to the desk's people; each
//!    passes `desk::privacy` before it leaves, and who is shown a caller's number or the way to a recording is written down
//!    before they are. Who a browser is, `console::gate` knows by `desk::account`; what happens now is looked at once for
//!    all who watch (`console::board`), by asking the daemon over one channel (`console::daemon_ask`).
//!
//! # Invariants
//!
//! - Every INVITE that begins a call has exactly one row, and every row ends in exactly one outcome, also after a crash.
//! - An emergency that nobody took is an alarm on disk, also after a crash.
//! - A ticket number is said only after the database has it.
//! - A happening is in the outbox once for a channel and a recipient; what a crash leaves half sent is sent again under its id.
//! - What a task does and its new state are one transaction: nothing is done twice, nothing forgotten.
//! - No byte from network, settings or database makes the program panic; a fault in one call ends that call alone.
//! - Every queue, cache and table has a written limit. Where one is full, the newest work is refused and counted.
//! - The SIP thread and the media workers never wait for a disk.

pub mod backup;
pub mod call;
pub mod cli;
pub mod config;
pub mod console;
pub mod daemon;
pub mod desk;
pub mod dial;
pub mod driver;
pub mod flow;
pub mod media;
pub mod metrics;
pub mod notify;
pub mod prompts;
pub mod sdp;
pub mod setup;
pub mod sheets;
pub mod sip;
pub mod site;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod types;
