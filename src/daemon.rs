//! The composition root: starts and stops everything. The only room that knows all others.
//!
//! Order of starting: data directory, settings and content, store, recorder and loader, media workers, SIP, console;
//! sockets are bound before any thread runs, so that a fault is told before the first call could be lost. Stopping goes
//! the other way round: no new calls, live ones end, then what they left is written.
//!
//! - `clerk`: the thread that looks what is due; `notifier`: the one that sends the outbox; `transcriber`: the one that has
//!   speech written down; `keeper`: the one that looks what goes by age.
//! - `watches`: what others write into the database that the line must know.
//! - `sockets`: what is bound; `settings` and `trunks`: from settings and content to what each room wants to know.

mod clerk;
mod keeper;
mod notifier;
mod settings;
mod sockets;
mod transcriber;
mod trunks;
mod watches;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use self::clerk::ClerkThread;
use self::keeper::{Keeper, KeeperOptions};
use self::notifier::NotifierThread;
use self::settings::{accounts, admission, port_range, service, ua_config};
use self::sockets::{bind_sip, bind_tcp};
use self::transcriber::TranscriberThread;
use self::watches::Watches;
use crate::call::exchange::Exchange;
use crate::config::{Config, InbandDtmf};
use crate::console::{self, ConsoleState, DaemonAsk, DeskAccess, Readiness};
use crate::desk::account::LINK_FOR;
use crate::desk::call_back::WaitingCallBack;
use crate::desk::clocks::ClockBook;
use crate::desk::token::TokenSecret;
use crate::driver::clock::Clock;
use crate::driver::line::{self, ConnectionLimits, INBOX_MAX, LineOptions, Look, RtpAddresses, ToLine};
use crate::driver::loader;
use crate::driver::media_worker::{FromWorker, MediaWorkers, WorkerContext};
use crate::driver::observe::{self, observe};
use crate::driver::pin_checker;
use crate::driver::ports::Ports;
use crate::driver::recorder::{self, RecorderOptions};
use crate::driver::repair::repair_recordings;
use crate::media::io::{Inband, StreamOptions};
use crate::metrics::METRICS;
use crate::setup::Setup;
use crate::sip::user_agent::{UaConfig, UserAgent};
use crate::sip::wire::Transport;
use crate::site::{self, Site};
use crate::store::{Changer, Editor, Store, StoreError, StoreOptions};
use crate::types::{Codec, Mono, Problem, Random};

/// Audio pieces that wait to be written to disk; the workers keep a backlog beyond it.
const RECORDER_QUEUE: usize = 4096;
/// Recordings that wait to be read back.
const LOADER_QUEUE: usize = 64;
/// PINs that wait to be checked: about two seconds' worth.
const PINS_QUEUE: usize = 64;
/// How often it is looked whether anybody said that they are out, by whichever process: sooner than anybody can dial.
const PRESENCE_EVERY: Duration = Duration::from_millis(200);
/// How often the figures of the line are copied into the metrics.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("{path}: {source}; make it a folder that this user may write to, or name another with --data")]
    Data { path: PathBuf, source: io::Error },
    #[error("{what} can't listen on {address}: {source}; is another program there? Name another in {key}")]
    Bind { what: &'static str, address: SocketAddr, key: &'static str, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
    #[error("the SIP thread ended by itself: {0}")]
    Line(String),
}

/// Runs until SIGTERM or SIGINT. `setup` reads settings and content anew (SIGHUP, or when they were changed).
pub fn run(site: Site, data: &Path, setup: Setup) -> Result<(), DaemonError> {
    let clock = Clock::start();
    let control = Control::new(clock)?;
    let recordings = data.join("recordings");
    for dir in [data, &recordings, &data.join("exports")] {
        fs::create_dir_all(dir).map_err(|source| DaemonError::Data { path: dir.to_owned(), source })?;
    }
    raise_file_limit();
    let config = site.config.clone();
    observe::show_numbers_whole(config.privacy.log_numbers);
    measure_certificates(&site);
    let mut random = Random::from_seed(seed());
    let bound = bind_sip(&config, &trunks::transports(&site))?;
    let console = bind_tcp("the console", config.console.listen, "[console] listen")?;

    let (to_line, inbox) = mpsc::channel(INBOX_MAX);
    let clocks = Arc::new(site::clock_book(&config, &site.hours));
    let (store, next_call, call_backs) = open_store(&config, clocks, data, to_line.clone())?;
    let mut journal = Editor::open(&data.join("frontdesk.db"))?;
    if let Err(error) = journal.begin_run(chrono::Utc::now(), env!("CARGO_PKG_VERSION")) {
        tracing::warn!(%error, "the beginning of this run could not be written in the journal");
    }
    repair_recordings(&recordings);
    let threads = start_disk_threads(&config, &recordings, &to_line)?;
    let workers = start_workers(clock, &config, threads.recorder.clone(), &to_line, &mut random)?;

    let spoken: Vec<Transport> = bound.iter().map(|b| b.transport).collect();
    let listeners: Vec<SocketAddr> = bound.iter().map(|b| b.address).collect();
    let instance = trunks::instance(data, &mut random);
    let mut ua = UserAgent::new(UaConfig { instance, ..ua_config(&config, &bound) }, random.fork());
    ua.set_accounts(clock.mono(), accounts(&site));
    let service = service(&site);
    let prompts = service.prompts.clone();
    let mut watches = Watches::open(&data.join("frontdesk.db"))?;
    let mut exchange = Exchange::new(ua, service, admission(&config), next_call, random.fork());
    watches.begin(clock, &mut exchange)?;
    if config.record.ladder_days == 0 {
        exchange.keep_no_ladders();
    }
    let writer = store.clone();
    let line = line::start(
        LineOptions {
            clock,
            exchange,
            ports: Ports::new(port_range(&config)),
            rtp: RtpAddresses { bind: config.rtp.address, advertise: config.rtp.external_address },
            dns: config.sip.dns.clone(),
            random: random.fork(),
            workers,
            loader: threads.loader.clone(),
            pins: threads.pins.clone(),
            submit: Box::new(move |call, request| writer.submit(call, chrono::Utc::now(), request)),
            observe: Box::new(move |event| observe(clock.mono(), event)),
            tls: site.tls.clone(),
            connections: ConnectionLimits {
                total_max: config.sip.connections_max as usize,
                per_source_max: config.sip.connections_per_source_max as usize,
            },
            keep_alive: Duration::from_secs(config.sip.keep_alive_s.into()),
            listening: bound.into_iter().map(|b| b.socket).collect(),
        },
        inbox,
    )
    .map_err(DaemonError::Thread)?;
    let keeper = Keeper::start(KeeperOptions {
        clock,
        database: data.join("frontdesk.db"),
        recordings: recordings.clone(),
        rules: config.retention,
        disk_free_min_bytes: config.record.disk_free_min_bytes,
    })?;
    // The line takes it before the first call.
    let _ = to_line.blocking_send(ToLine::CallBacks(call_backs));
    let _ = to_line.blocking_send(ToLine::Trunks(trunks::settings(&site)));
    warm_prompts(prompts)?;
    let beside = Beside {
        keeper,
        clerk: ClerkThread::start(&data.join("frontdesk.db"), &site)?,
        notifier: NotifierThread::start(&data.join("frontdesk.db"), &recordings, &site, &to_line)?,
        transcriber: TranscriberThread::start(&data.join("frontdesk.db"), &recordings, &site)?,
    };
    let console_address = say_ready(&config, &listeners, &console);

    let access =
        DeskAccess::new(data.join("frontdesk.db"), recordings, settings::desk(&site)).with_setup(setup.clone());
    access.set_tls(site.tls.as_ref().map(|tls| Arc::clone(&tls.pages)));
    let reload: Reload = {
        let (setup, access, speaks_tls) = (setup.clone(), access.clone(), config.console.tls);
        Arc::new(move || {
            setup.reload().inspect(|site| {
                trunks::warn_of_unspoken(site, &spoken);
                access.set(settings::desk(site));
                follow_tls(&access, speaks_tls, site);
            })
        })
    };
    invite_first_administrator(&config, &console_address, &mut journal)?;
    let stopped = serve_until_stopped(
        control,
        &config,
        &line,
        (console, access.clone()),
        &to_line,
        ((&store, &beside), watches),
        &reload,
    );
    drop(beside);
    drop(to_line);
    let line = line.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")));
    threads.join();
    let unwritten = store.shutdown();
    if unwritten > 0 {
        tracing::error!(unwritten, "call rows could not be written");
    }
    if let Err(error) = journal.end_run(chrono::Utc::now()) {
        tracing::warn!(%error, "the end of this run could not be written in the journal");
    }
    stopped?;
    line.map_err(|error| DaemonError::Line(error.to_string()))
}

/// Reads settings and content again, on a thread that may wait for the disk.
type Reload = Arc<dyn Fn() -> Result<Site, Vec<Problem>> + Send + Sync>;

/// Threads that work on the database beside the line and the store; each stops as it goes.
struct Beside {
    clerk: ClerkThread,
    notifier: NotifierThread,
    transcriber: TranscriberThread,
    keeper: Keeper,
}

impl Beside {
    /// Settings and content were read again.
    fn reload(&self, site: &Site) {
        self.keeper.set_rules(site.config.retention);
        self.clerk.reload(site);
        self.notifier.reload(site);
        self.transcriber.reload(site);
    }
}

/// Two sockets a call are more than the usual 1024 files.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    seed
}

fn open_store(
    config: &Config,
    clocks: Arc<ClockBook>,
    data: &Path,
    to_line: mpsc::Sender<ToLine>,
) -> Result<(Store, i64, Vec<WaitingCallBack>), DaemonError> {
    let mut options = StoreOptions::new(data.join("frontdesk.db"), config.desk.time_zone);
    options.clocks = clocks;
    options.queue_max = config.store.queue_max as usize;
    options.ladder_days = config.record.ladder_days;
    options.ladder_bytes_max = config.record.ladder_bytes_max;
    let reply = Box::new(move |reply| {
        let _ = to_line.blocking_send(ToLine::Desk(reply));
    });
    let (store, opened) = Store::open(options, reply)?;
    if !opened.interrupted.is_empty() {
        tracing::warn!(calls = opened.interrupted.len(), "calls of an earlier run were cut off; their rows are closed");
    }
    if opened.errands_again > 0 {
        tracing::info!(errands = opened.errands_again, "calls of the desk's own were cut off; they are made again");
    }
    if opened.missed_emergencies > 0 {
        let missed = opened.missed_emergencies;
        tracing::error!(
            missed,
            "MISSED EMERGENCY: duty officers still rang when an earlier run was cut off; see `frontdesk alarms`"
        );
        METRICS.emergencies_missed.add(missed as u64);
    }
    Ok((store, opened.next_call_id, opened.call_backs))
}

struct DiskThreads {
    recorder: std::sync::mpsc::SyncSender<recorder::ToRecorder>,
    loader: std::sync::mpsc::SyncSender<loader::Load>,
    pins: std::sync::mpsc::SyncSender<pin_checker::PinCheck>,
    handles: Vec<JoinHandle<()>>,
}

impl DiskThreads {
    fn join(self) {
        drop((self.recorder, self.loader, self.pins));
        for handle in self.handles {
            let _ = handle.join();
        }
    }
}

fn start_disk_threads(
    config: &Config,
    recordings: &Path,
    to_line: &mpsc::Sender<ToLine>,
) -> Result<DiskThreads, DaemonError> {
    let (recorder, recorder_inbox) = sync_channel(RECORDER_QUEUE);
    let (loader, loader_inbox) = sync_channel(LOADER_QUEUE);
    let options =
        RecorderOptions { dir: recordings.to_owned(), disk_free_min_bytes: config.record.disk_free_min_bytes };
    let (line, dir) = (to_line.clone(), recordings.to_owned());
    let recording = thread::Builder::new().name("recorder".to_owned()).spawn(move || {
        recorder::run(&options, &recorder_inbox, &|told| {
            let _ = line.blocking_send(ToLine::Recorder(told));
        });
    });
    let line = to_line.clone();
    let loading = thread::Builder::new().name("loader".to_owned()).spawn(move || {
        loader::run(&dir, &loader_inbox, &|call, recording, audio| {
            let _ = line.blocking_send(ToLine::Loaded { call, recording, audio });
        });
    });
    let (pins, pins_inbox) = sync_channel(PINS_QUEUE);
    let line = to_line.clone();
    let checking = thread::Builder::new().name("pins".to_owned()).spawn(move || {
        pin_checker::run(&pins_inbox, &|call, id, right| {
            let _ = line.blocking_send(ToLine::PinChecked { call, id, right });
        });
    });
    let mut handles = Vec::new();
    for started in [recording, loading, checking] {
        handles.push(started.map_err(DaemonError::Thread)?);
    }
    Ok(DiskThreads { recorder, loader, pins, handles })
}

fn start_workers(
    clock: Clock,
    config: &Config,
    recorder: std::sync::mpsc::SyncSender<recorder::ToRecorder>,
    to_line: &mpsc::Sender<ToLine>,
    random: &mut Random,
) -> Result<MediaWorkers, DaemonError> {
    let inband = match config.rtp.inband_dtmf {
        InbandDtmf::Auto => Inband::Auto,
        InbandDtmf::Always => Inband::Always,
        InbandDtmf::Off => Inband::Off,
    };
    let options = StreamOptions {
        media_timeout_ms: config.rtp.media_timeout_ms,
        inband,
        send_silence: config.rtp.send_silence,
        ..StreamOptions::default()
    };
    let line = to_line.clone();
    let tell = move |told: FromWorker| {
        line.try_send(ToLine::Media(told)).or_else(|error| match error {
            mpsc::error::TrySendError::Full(ToLine::Media(told)) => Err(Box::new(told)),
            // The line has ended: nobody is left to be told.
            mpsc::error::TrySendError::Full(_) | mpsc::error::TrySendError::Closed(_) => Ok(()),
        })
    };
    let context = WorkerContext { clock, options, recorder, tell: Arc::new(tell) };
    let count = thread::available_parallelism().map_or(1, usize::from);
    MediaWorkers::start(count, &context, random).map_err(DaemonError::Thread)
}

/// Encodes every prompt for every codec beside the first calls, which encode what they need themselves.
fn warm_prompts(prompts: Arc<crate::prompts::Library>) -> Result<(), DaemonError> {
    let warm = move || {
        let mut began = Instant::now();
        // Half of a core at most, and never for longer than one prompt: calls that come meanwhile are answered on time,
        // also where all threads share one core under a real-time policy.
        prompts.warm(&Codec::ALL, || {
            thread::sleep(began.elapsed());
            began = Instant::now();
        });
    };
    thread::Builder::new().name("prompts".to_owned()).spawn(warm).map_err(DaemonError::Thread)?;
    Ok(())
}

/// Where nobody can sign in to the console as an administrator yet: says, on this machine's own console alone, by which
/// link the first one is made. There is no password that anybody could know beforehand.
fn invite_first_administrator(config: &Config, console: &str, editor: &mut Editor) -> Result<(), StoreError> {
    if editor.has_administrator()? {
        return Ok(());
    }
    let mut chance = [0; 32];
    rand::rng().fill_bytes(&mut chance);
    let secret = TokenSecret::new(chance);
    let now = chrono::Utc::now();
    let by = Changer { who: "system", from_where: "daemon", at: now };
    editor.invite(by, None, &secret.hash(), now + LINK_FOR)?;
    let console = config.console.url.as_deref().unwrap_or(console);
    eprintln!("no administrator yet: open {console}/welcome/{} once to make the first one", secret.hex());
    Ok(())
}

/// The one line on stdout that says that calls can be taken; gives the console's address.
fn say_ready(config: &Config, listeners: &[SocketAddr], console: &TcpListener) -> String {
    let mut sip = Vec::new();
    for (listen, address) in config.sip.listen.iter().zip(listeners) {
        sip.push(format!("sip={}:{address}", listen.transport()));
    }
    let console = console.local_addr().unwrap_or(config.console.listen);
    let console = format!("{}://{console}", if config.console.tls { "https" } else { "http" });
    println!("ready {} console={console}", sip.join(" "));
    console
}

/// The main thread's runtime and the signals that it obeys. They are caught before anything runs: one that comes right
/// after the ready line, or before it, must not kill the process.
struct Control {
    clock: Clock,
    runtime: Runtime,
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Control {
    fn new(clock: Clock) -> Result<Self, DaemonError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DaemonError::Thread)?;
        let inside = runtime.enter();
        let caught = |kind| signal(kind).map_err(DaemonError::Thread);
        let (term, int) = (caught(SignalKind::terminate())?, caught(SignalKind::interrupt())?);
        let hup = caught(SignalKind::hangup())?;
        drop(inside);
        Ok(Self { clock, runtime, term, int, hup })
    }
}

fn serve_until_stopped(
    control: Control,
    config: &Config,
    line: &JoinHandle<io::Result<()>>,
    (console, access): (TcpListener, DeskAccess),
    to_line: &mpsc::Sender<ToLine>,
    (desk, mut watches): ((&Store, &Beside), Watches),
    reload: &Reload,
) -> Result<(), DaemonError> {
    let Control { clock, runtime, mut term, mut int, mut hup } = control;
    runtime.block_on(async {
        let state = ConsoleState::new();
        state.set_readiness(Readiness::Ready);
        let (stop_console, console_stopped) = oneshot::channel::<()>();
        let listener = tokio::net::TcpListener::from_std(console).map_err(DaemonError::Thread)?;
        let (ask, mut asks) = mpsc::channel(console::ASKS_MAX);
        let console =
            tokio::spawn(console::serve(listener, state.clone(), (access, settings::gate(config)), ask, async {
                let _ = console_stopped.await;
            }));
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut look_for_presences = tokio::time::interval(PRESENCE_EVERY);
        look_for_presences.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut figures = Figures::default();
        loop {
            tokio::select! {
                _ = term.recv() => break,
                _ = int.recv() => break,
                _ = hup.recv() => drop(reload_service(reload, to_line, desk).await),
                Some(ask) = asks.recv() => match ask {
                    DaemonAsk::Reload(answer) => drop(answer.send(reload_service(reload, to_line, desk).await)),
                    ask => answer(ask, to_line).await,
                },
                _ = look.tick() => figures.look(to_line, desk.0).await,
                _ = look_for_presences.tick() => {
                    watches.look(to_line).await;
                }
            }
            if line.is_finished() {
                return Err(DaemonError::Line("see the log above".to_owned()));
            }
        }
        state.set_readiness(Readiness::Stopping);
        let grace = Duration::from_millis(u64::from(config.daemon.shutdown_grace_ms));
        tracing::info!(grace_ms = config.daemon.shutdown_grace_ms, "stopping: no new calls, live ones may end");
        let until: Mono = clock.mono() + grace;
        let _ = to_line.send(ToLine::Shutdown { until }).await;
        loop {
            tokio::select! {
                () = to_line.closed() => break,
                Some(ask) = asks.recv() => answer(ask, to_line).await,
            }
        }
        // Nobody answers from now on.
        drop(asks);
        figures.look(to_line, desk.0).await;
        let _ = stop_console.send(());
        let _ = console.await;
        Ok(())
    })
}

/// Answers the console, or has the line answer it.
async fn answer(ask: DaemonAsk, to_line: &mpsc::Sender<ToLine>) {
    // An error says that the line has ended: the question goes with it, unanswered.
    let _ = match ask {
        DaemonAsk::Phones(answer) => to_line.send(ToLine::Phones(answer)).await,
        // One that stops reads nothing again.
        DaemonAsk::Reload(_) => return,
        DaemonAsk::LiveCalls(answer) => to_line.send(ToLine::LiveCalls(answer)).await,
        DaemonAsk::Steer { order, answer } => to_line.send(ToLine::Steer { order, answer }).await,
    };
}

async fn reload_service(
    reload: &Reload,
    to_line: &mpsc::Sender<ToLine>,
    (store, beside): (&Store, &Beside),
) -> Result<Vec<Problem>, Vec<Problem>> {
    let reload = Arc::clone(reload);
    // It reads files and prompts for a second or more: the console answers meanwhile.
    let loaded = tokio::task::spawn_blocking(move || reload()).await.unwrap_or_else(|error| {
        let what = format!("reading everything again broke off: {error}");
        Err(vec![Problem { file: "settings".to_owned(), line: None, what, remedy: "see the log".to_owned() }])
    });
    match loaded {
        Ok(site) => {
            beside.reload(&site);
            store.set_clocks(Arc::new(site::clock_book(&site.config, &site.hours)));
            let _ = to_line.send(ToLine::Reload(service(&site))).await;
            let _ = to_line.send(ToLine::Accounts(accounts(&site))).await;
            measure_certificates(&site);
            for warning in &site.warnings {
                tracing::warn!(problem = %warning, "should be mended");
            }
            let trunks = trunks::settings(&site);
            // Trunks that begin now shake hands with it.
            if let Some(tls) = site.tls {
                let _ = to_line.send(ToLine::Tls(Box::new(tls))).await;
            }
            let _ = to_line.send(ToLine::Trunks(trunks)).await;
            METRICS.reloads.add(1);
            tracing::info!("settings, flow, people, phones and prompts read again; live calls keep the old ones");
            Ok(site.warnings)
        }
        Err(problems) => {
            METRICS.reloads_failed.add(1);
            for problem in &problems {
                tracing::error!(%problem, "not reloaded");
            }
            Err(problems)
        }
    }
}

/// Gives the console the certificates that were read again. It goes on with those that it has where there are none now:
/// whether it speaks HTTPS at all is settled as it starts, and without any it could only drop its connections.
fn follow_tls(access: &DeskAccess, speaks_tls: bool, site: &Site) {
    if let Some(tls) = &site.tls {
        access.set_tls(Some(Arc::clone(&tls.pages)));
    }
    if speaks_tls != site.config.console.tls {
        let tls = if speaks_tls { "on" } else { "off" };
        tracing::warn!(tls, "[console] tls is another now: a restart makes it hold, until then it stays as it was");
    }
}

fn measure_certificates(site: &Site) {
    let expires = site.tls.as_ref().and_then(crate::tls::Tls::expires);
    METRICS.tls_certificate_expires.set(expires.map_or(0, |at| at.timestamp()));
}

/// Copies the line's and the store's own counters into the metrics.
#[derive(Default)]
struct Figures {
    seen: HashMap<&'static str, u64>,
}

impl Figures {
    async fn look(&mut self, to_line: &mpsc::Sender<ToLine>, store: &Store) {
        let counters = store.counters();
        let waiting = counters.requests_waiting + counters.calls_waiting;
        METRICS.store_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let (answer, answered) = oneshot::channel();
        if to_line.send(ToLine::Look(answer)).await.is_err() {
            return;
        }
        let Ok(Look { sip, .. }) = answered.await else { return };
        METRICS.sip_received.add(self.rise("received", sip.received));
        METRICS.notes_lost.add(self.rise("notes_lost", counters.notes_lost));
        METRICS.sip_dropped.add(self.rise("dropped", sip.dropped));
        METRICS.sip_too_fast.add(self.rise("too_fast", sip.too_fast));
        METRICS.sip_malformed.add(self.rise("malformed", sip.malformed));
        METRICS.sip_retransmissions.add(self.rise("retransmissions", sip.retransmissions_in));
    }

    fn rise(&mut self, name: &'static str, value: u64) -> u64 {
        let seen = self.seen.insert(name, value).unwrap_or(0);
        value.saturating_sub(seen)
    }
}
