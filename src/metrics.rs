//! Figures of the running process, for Prometheus (text format 0.0.4) at `/metrics`.
//!
//! A metric is one entry of the table below: its doc comment is its help text. Adding to one is a relaxed atomic
//! operation, so that the packet path may do it. `prometheus-client` was weighed: its registry wants an `Arc` and a
//! registration beside each use, and brings a lock to the labelled ones, whereas all labels here are known beforehand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::desk::call_record::{LegEnd, Outcome};
use crate::desk::errand::ErrandResult;
use crate::desk::notifications::NotifyChannel;
use crate::desk::ticket::Kind;
use crate::media::io::DigitSource;

/// The process's own figures.
pub static METRICS: Metrics = Metrics::new();

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $type:ty = $name:literal, $new:expr;)+) => {
        /// All metrics by name.
        #[derive(Debug)]
        pub struct Metrics {
            $($(#[doc = $help])+ pub $field: $type,)+
        }

        impl Metrics {
            const fn new() -> Self {
                Self { $($field: $new,)+ }
            }

            /// Every metric with its exported name, its help text and its figures.
            pub fn table(&self) -> Vec<Row<'_>> {
                vec![$(Row { name: $name, help: concat!($($help),+).trim(), figures: &self.$field },)+]
            }
        }
    };
}

metrics! {
    /// Calls that have come in (INVITEs that began a call), the refused ones too.
    calls_started: Counter = "frontdesk_calls_started_total", Counter::new();
    /// Calls that are held now.
    calls_live: Gauge = "frontdesk_calls_live", Gauge::new();
    /// Calls that have ended, by outcome.
    calls_ended: Labelled<Outcome, 7> = "frontdesk_calls_ended_total", Labelled::new();
    /// Phones of people that were rung for callers.
    legs_begun: Counter = "frontdesk_legs_begun_total", Counter::new();
    /// What came of them.
    legs_ended: Labelled<LegEnd, 9> = "frontdesk_legs_ended_total", Labelled::new();
    /// What came of calls that the desk itself made.
    errands_ended: Labelled<ErrandResult, 9> = "frontdesk_errands_ended_total", Labelled::new();
    /// 1 for a trunk over which calls can come in, 0 for one that is down.
    trunk_up: Named = "frontdesk_trunk_up", Named::new("trunk");
    /// Callers who were put through.
    talks_begun: Counter = "frontdesk_talks_begun_total", Counter::new();
    /// Emergencies that nobody took (R18); each is an alarm.
    emergencies_missed: Counter = "frontdesk_emergencies_missed_total", Counter::new();
    /// Clocks of tickets that a share of their time went by on (R23).
    clocks_warned: Counter = "frontdesk_clocks_warned_total", Counter::new();
    /// Clocks of tickets that are over without their promise being kept; each is an alarm.
    clocks_breached: Counter = "frontdesk_clocks_breached_total", Counter::new();
    /// Notifications that were taken by mail servers, programs and telephones.
    notifications_sent: Labelled<NotifyChannel, 3> = "frontdesk_notifications_sent_total", Labelled::new();
    /// Tries to send one that failed.
    notifications_failed: Labelled<NotifyChannel, 3> = "frontdesk_notifications_failed_total", Labelled::new();
    /// Seconds from INVITE to 200.
    answer_seconds: Histogram<10> = "frontdesk_answer_seconds",
        Histogram::new([500, 1_000, 2_000, 5_000, 20_000, 100_000, 1_000_000, 5_000_000, 6_000_000, 10_000_000]);
    /// Calls that were answered after the third ring had begun (R2).
    answers_late: Counter = "frontdesk_answers_late_total", Counter::new();
    /// Calls whose own code failed; each ended alone.
    calls_panicked: Counter = "frontdesk_calls_panicked_total", Counter::new();
    /// SIP messages received.
    sip_received: Counter = "frontdesk_sip_received_total", Counter::new();
    /// SIP messages that could not be understood.
    sip_malformed: Counter = "frontdesk_sip_malformed_total", Counter::new();
    /// Requests that came again and were answered from memory.
    sip_retransmissions: Counter = "frontdesk_sip_retransmissions_total", Counter::new();
    /// Calls refused because a limit was reached (503).
    sip_shed: Counter = "frontdesk_sip_shed_total", Counter::new();
    /// Calls refused because their source is not allowed (403).
    sip_forbidden: Counter = "frontdesk_sip_forbidden_total", Counter::new();
    /// SIP connections (TCP, TLS, WebSocket) that are open now.
    connections_live: Gauge = "frontdesk_connections_live", Gauge::new();
    /// SIP connections refused because too many were open.
    connections_refused: Counter = "frontdesk_connections_refused_total", Counter::new();
    /// SIP connections that could not be made.
    connections_failed: Counter = "frontdesk_connections_failed_total", Counter::new();
    /// TLS handshakes that succeeded, in both directions.
    tls_handshakes: Counter = "frontdesk_tls_handshakes_total", Counter::new();
    /// TLS handshakes that failed.
    tls_handshakes_failed: Counter = "frontdesk_tls_handshakes_failed_total", Counter::new();
    /// When the first of our certificates expires, in seconds since 1970; 0 without one.
    tls_certificate_expires: Gauge = "frontdesk_tls_certificate_expires_seconds", Gauge::new();
    /// SIP messages that were not read: of banned sources, and of scanners.
    sip_dropped: Counter = "frontdesk_sip_dropped_total", Counter::new();
    /// SIP requests beyond what one source may send.
    sip_too_fast: Counter = "frontdesk_sip_too_fast_total", Counter::new();
    /// Telephones whose password was wrong.
    phones_refused: Counter = "frontdesk_phones_refused_total", Counter::new();
    /// Sources that were banned because they guessed passwords.
    bans: Counter = "frontdesk_bans_total", Counter::new();
    /// Times that no more calls were made through a gateway within an hour; each is an alarm.
    outgoing_limit: Counter = "frontdesk_outgoing_limit_total", Counter::new();
    /// SIP messages of calls, and bans, that could not be kept.
    notes_lost: Counter = "frontdesk_notes_lost_total", Counter::new();
    /// RTP packets sent.
    rtp_sent: Counter = "frontdesk_rtp_sent_total", Counter::new();
    /// RTP packets received that belonged to a call.
    rtp_received: Counter = "frontdesk_rtp_received_total", Counter::new();
    /// Packets of encrypted streams that were not made with their key.
    srtp_forged: Counter = "frontdesk_srtp_forged_total", Counter::new();
    /// RTP packets dropped: malformed, of a wrong source or payload type, or late.
    rtp_dropped: Counter = "frontdesk_rtp_dropped_total", Counter::new();
    /// Seconds that media workers woke up late for a slot.
    pacing_late_seconds: Histogram<8> = "frontdesk_pacing_late_seconds",
        Histogram::new([100, 250, 500, 1_000, 2_000, 5_000, 20_000, 100_000]);
    /// Keys pressed, by the way that they came.
    digits: Labelled<DigitSource, 3> = "frontdesk_digits_total", Labelled::new();
    /// Recordings that are being written now.
    recordings_live: Gauge = "frontdesk_recordings_live", Gauge::new();
    /// Recordings that could not be written to their end.
    recordings_failed: Counter = "frontdesk_recordings_failed_total", Counter::new();
    /// 1 while the disk has less room than record.disk_free_min_mb.
    disk_low: Gauge = "frontdesk_disk_low", Gauge::new();
    /// Tickets opened by calls, by kind.
    tickets_opened: Labelled<Kind, 4> = "frontdesk_tickets_opened_total", Labelled::new();
    /// Messages left for people.
    messages_opened: Counter = "frontdesk_messages_opened_total", Counter::new();
    /// PINs that did not open anybody's messages: wrong, or keyed while a lock held.
    pins_refused: Counter = "frontdesk_pins_refused_total", Counter::new();
    /// Extensions and callers locked because of wrong PINs.
    pins_locked: Counter = "frontdesk_pins_locked_total", Counter::new();
    /// Requests that wait to be written to the database.
    store_waiting: Gauge = "frontdesk_store_waiting", Gauge::new();
    /// Requests that the database could not keep.
    store_failed: Counter = "frontdesk_store_failed_total", Counter::new();
    /// Prompts that were wanted and not there; silence was played.
    prompts_missing: Counter = "frontdesk_prompts_missing_total", Counter::new();
    /// Times that the settings were read again.
    reloads: Counter = "frontdesk_reloads_total", Counter::new();
    /// Times that the settings were read again and had faults; the old ones stayed.
    reloads_failed: Counter = "frontdesk_reloads_failed_total", Counter::new();
    /// Log lines left out because the same one had come too often.
    log_lines_suppressed: Counter = "frontdesk_log_lines_suppressed_total", Counter::new();
    /// Log lines dropped because stderr was not read.
    log_lines_dropped: Counter = "frontdesk_log_lines_dropped_total", Counter::new();
}

impl Metrics {
    /// Everything in Prometheus's text format.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        for row in self.table() {
            let kind = row.figures.kind();
            // Writing to a String can't fail.
            let _ = writeln!(out, "# HELP {} {}\n# TYPE {} {kind}", row.name, row.help, row.name);
            row.figures.write(row.name, &mut out);
        }
        out
    }
}

/// One metric as the table shows it.
pub struct Row<'a> {
    pub name: &'static str,
    pub help: &'static str,
    pub figures: &'a dyn Figures,
}

/// What every kind of metric can tell.
pub trait Figures {
    /// `counter`, `gauge` or `histogram`.
    fn kind(&self) -> &'static str;
    /// Its sample lines.
    fn write(&self, name: &str, out: &mut String);
}

/// A figure for each of a few things that the settings name; each name is a label.
#[derive(Debug)]
pub struct Named {
    label: &'static str,
    figures: Mutex<BTreeMap<String, i64>>,
}

impl Named {
    const fn new(label: &'static str) -> Self {
        Self { label, figures: Mutex::new(BTreeMap::new()) }
    }

    pub fn set(&self, name: &str, value: i64) {
        self.lock().insert(name.to_owned(), value);
    }

    pub fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, i64>> {
        self.figures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Figures for Named {
    fn kind(&self) -> &'static str {
        "gauge"
    }

    fn write(&self, name: &str, out: &mut String) {
        for (thing, value) in self.lock().iter() {
            let _ = writeln!(out, "{name}{{{}=\"{thing}\"}} {value}", self.label);
        }
    }
}

/// Only ever grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Figures for Counter {
    fn kind(&self) -> &'static str {
        "counter"
    }

    fn write(&self, name: &str, out: &mut String) {
        let _ = writeln!(out, "{name} {}", self.value());
    }
}

/// Goes up and down.
#[derive(Debug)]
pub struct Gauge(AtomicI64);

impl Gauge {
    const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// Adds, or takes away when negative.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn set(&self, n: i64) {
        self.0.store(n, Relaxed);
    }

    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

impl Figures for Gauge {
    fn kind(&self) -> &'static str {
        "gauge"
    }

    fn write(&self, name: &str, out: &mut String) {
        let _ = writeln!(out, "{name} {}", self.value());
    }
}

/// A value of a label, out of a few that are known.
pub trait Label: Copy + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every value, in the order of `index`.
    const VALUES: &'static [Self];
    /// Its place in `VALUES`.
    fn index(self) -> usize;
    /// The value's text.
    fn word(self) -> &'static str;
}

/// One counter for each of the `N` values of a label.
#[derive(Debug)]
pub struct Labelled<L, const N: usize> {
    counters: [Counter; N],
    label: std::marker::PhantomData<fn(L)>,
}

impl<L: Label, const N: usize> Labelled<L, N> {
    const fn new() -> Self {
        assert!(N == L::VALUES.len(), "one counter for each value");
        Self { counters: [const { Counter::new() }; N], label: std::marker::PhantomData }
    }

    pub fn add(&self, label: L, n: u64) {
        if let Some(counter) = self.counters.get(label.index()) {
            counter.add(n);
        }
    }

    pub fn value(&self, label: L) -> u64 {
        self.counters.get(label.index()).map_or(0, Counter::value)
    }
}

impl<L: Label, const N: usize> Figures for Labelled<L, N> {
    fn kind(&self) -> &'static str {
        "counter"
    }

    fn write(&self, name: &str, out: &mut String) {
        for (label, counter) in L::VALUES.iter().zip(&self.counters) {
            let _ = writeln!(out, "{name}{{{}=\"{}\"}} {}", L::NAME, label.word(), counter.value());
        }
    }
}

impl Label for Outcome {
    const NAME: &'static str = "outcome";
    const VALUES: &'static [Self] = Outcome::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Label for NotifyChannel {
    const NAME: &'static str = "channel";
    const VALUES: &'static [Self] = NotifyChannel::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Label for LegEnd {
    const NAME: &'static str = "end";
    const VALUES: &'static [Self] = LegEnd::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Label for ErrandResult {
    const NAME: &'static str = "result";
    const VALUES: &'static [Self] = ErrandResult::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Label for Kind {
    const NAME: &'static str = "kind";
    const VALUES: &'static [Self] = Kind::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Label for DigitSource {
    const NAME: &'static str = "source";
    const VALUES: &'static [Self] = &[DigitSource::Rfc4733, DigitSource::Info, DigitSource::Inband];

    fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        match self {
            DigitSource::Rfc4733 => "rfc4733",
            DigitSource::Info => "info",
            DigitSource::Inband => "inband",
        }
    }
}

/// Durations by size, with `N` bounds in microseconds and one bucket beyond them.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds_us: [u64; N],
    buckets: [Counter; N],
    beyond: Counter,
    sum_us: Counter,
}

impl<const N: usize> Histogram<N> {
    const fn new(bounds_us: [u64; N]) -> Self {
        let buckets = [const { Counter::new() }; N];
        Self { bounds_us, buckets, beyond: Counter::new(), sum_us: Counter::new() }
    }

    pub fn observe(&self, duration: std::time::Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let index = self.bounds_us.iter().position(|bound| us <= *bound);
        index.map_or(&self.beyond, |i| &self.buckets[i]).add(1);
        self.sum_us.add(us);
    }
}

impl<const N: usize> Figures for Histogram<N> {
    fn kind(&self) -> &'static str {
        "histogram"
    }

    fn write(&self, name: &str, out: &mut String) {
        let mut count = 0;
        for (bound, bucket) in self.bounds_us.iter().zip(&self.buckets) {
            count += bucket.value();
            let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {count}", seconds(*bound));
        }
        count += self.beyond.value();
        let sum = seconds(self.sum_us.value());
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_a_help_text_and_figures() {
        let metrics = Metrics::new();
        metrics.trunk_up.set("carrier", 1);
        assert!(metrics.text().contains("frontdesk_trunk_up{trunk=\"carrier\"} 1\n"));
        let text = metrics.text();
        let mut names = BTreeSet::new();
        for row in metrics.table() {
            assert!(names.insert(row.name), "{} is there twice", row.name);
            assert!(row.name.starts_with("frontdesk_"), "{}", row.name);
            assert_eq!(row.name.ends_with("_total"), row.figures.kind() == "counter", "{}", row.name);
            assert!(row.help.ends_with('.') && !row.help.contains('\n'), "{}: {}", row.name, row.help);
            assert!(text.contains(&format!("# HELP {} {}\n", row.name, row.help)));
            assert!(text.contains(&format!("# TYPE {} {}\n{}", row.name, row.figures.kind(), row.name)));
        }
    }

    #[test]
    fn every_value_of_a_label_has_its_own_counter() {
        fn check<L: Label + PartialEq>() {
            for (i, value) in L::VALUES.iter().enumerate() {
                assert_eq!(value.index(), i, "{} {i}", L::NAME);
            }
        }
        check::<Outcome>();
        check::<LegEnd>();
        check::<DigitSource>();
        check::<Kind>();
        let metrics = Metrics::new();
        metrics.calls_ended.add(Outcome::Ticket, 2);
        assert_eq!(metrics.calls_ended.value(Outcome::Ticket), 2);
        assert!(metrics.text().contains("frontdesk_calls_ended_total{outcome=\"ticket\"} 2\n"));
    }

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::new();
        for ms in [0, 1, 3, 20, 99_000] {
            metrics.answer_seconds.observe(Duration::from_millis(ms));
        }
        let text = metrics.text();
        let value = |sample: &str| text.lines().find_map(|l| l.strip_prefix(sample).map(str::trim).map(str::to_owned));
        assert_eq!(value("frontdesk_answer_seconds_bucket{le=\"0.001\"}").as_deref(), Some("2"));
        assert_eq!(value("frontdesk_answer_seconds_bucket{le=\"0.02\"}").as_deref(), Some("4"));
        assert_eq!(value("frontdesk_answer_seconds_bucket{le=\"10\"}").as_deref(), Some("4"));
        assert_eq!(value("frontdesk_answer_seconds_bucket{le=\"+Inf\"}").as_deref(), Some("5"));
        assert_eq!(value("frontdesk_answer_seconds_sum").as_deref(), Some("99.024"));
    }

    #[test]
    fn gauges_go_both_ways() {
        let metrics = Metrics::new();
        metrics.calls_live.add(3);
        metrics.calls_live.add(-2);
        assert!(metrics.text().contains("\nfrontdesk_calls_live 1\n"));
        metrics.calls_live.set(0);
        assert_eq!(metrics.calls_live.value(), 0);
    }
}
