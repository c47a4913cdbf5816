//! `frontdesk dial`: the built-in caller, for trying and monitoring a line.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use super::Global;
use super::context::CliError;
use super::failure::Failure;
use crate::call::answering::Cadence;
use crate::dial::script;
use crate::driver::dialer::{DialOptions, DialReport, Dtmf, dial};
use crate::media::wav;
use crate::sip::wire::{Scheme, Transport, Uri};
use crate::tls;
use crate::types::{Codec, SrtpMode};

#[derive(Debug, clap::Args)]
pub struct DialArgs {
    /// Whom to call: sip:desk@127.0.0.1, sip:desk@127.0.0.1:5070;transport=tcp, sips:desk@desk.example.com
    pub uri: String,
    /// Keys to press: 1,ww2,4# (each w waits a second, p until the prompt ends, s speaks the file of --say)
    #[arg(long, default_value = "")]
    pub keys: String,
    /// A WAV file to speak: where the keys say s, or after them once the prompt has ended
    #[arg(long, value_name = "FILE")]
    pub say: Option<PathBuf>,
    /// Writes what is heard to this WAV file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Prints the result as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// Hangs up so many seconds after the answer; without it 10 s of silence after the last key end the call
    #[arg(long, value_name = "S")]
    pub hangup_after: Option<f64>,
    /// How keys are sent
    #[arg(long, value_enum, default_value_t)]
    pub dtmf: Dtmf,
    /// The codec to offer alone: g722, pcma or pcmu
    #[arg(long, value_parser = codec)]
    pub codec: Option<Codec>,
    /// Over TLS, trust the authorities of this PEM file; without it those of the system
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Over TLS, take any certificate: who answers is not known then
    #[arg(long, conflicts_with = "tls_ca")]
    pub tls_insecure: bool,
    /// Whether the audio is encrypted: off, optional (offered beside plain audio) or required
    #[arg(long, value_name = "MODE", default_value = "off", default_missing_value = "required", num_args = 0..=1, value_parser = srtp)]
    pub srtp: SrtpMode,
    /// The SIP user, or number, to call as
    #[arg(long, default_value = "caller")]
    pub from: String,
}

pub(super) fn run(args: &DialArgs, global: &Global) -> Result<(), Failure> {
    let config = global.load_config()?;
    let options = options(args, Cadence { on_ms: config.answer.ring_on_ms, off_ms: config.answer.ring_off_ms })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(dial(options))?;
    if let (Some(path), Some(heard)) = (&args.record, &report.heard) {
        let file = File::create(path).map_err(|e| failed(format!("{}: {e}", path.display())))?;
        wav::write(BufWriter::new(file), heard)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", summary(&report));
    }
    if report.before_third_ring {
        return Ok(());
    }
    Err(failed("the call was not answered before the third ring".to_owned()))
}

fn options(args: &DialArgs, cadence: Cadence) -> Result<DialOptions, Failure> {
    let target: Uri = args.uri.parse().map_err(|_| usage(format!("{} is no SIP URI", args.uri)))?;
    if !matches!(target.scheme, Scheme::Sip | Scheme::Sips) {
        return Err(usage(format!("{} is no sip: or sips: URI; write sip:desk@HOST", args.uri)));
    }
    let say = match &args.say {
        Some(path) => {
            let file = File::open(path).map_err(|e| failed(format!("{}: {e}", path.display())))?;
            Some(wav::read(file).map_err(|e| failed(format!("{}: {e}; --say takes a PCM WAV file", path.display())))?)
        }
        None => None,
    };
    let actions = script::parse(&args.keys, say.is_some()).map_err(|e| usage(e.to_string()))?;
    let hang_up_after = args.hangup_after.map(|s| Duration::try_from_secs_f64(s).unwrap_or_default());
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    let progress: Box<dyn Fn(&str)> =
        if args.json { Box::new(|line| eprintln!("{line}")) } else { Box::new(|line| println!("{line}")) };
    Ok(DialOptions {
        target: target.clone(),
        from_user: args.from.clone(),
        actions,
        say,
        dtmf: args.dtmf,
        codecs: args.codec.map_or_else(|| Codec::ALL.to_vec(), |codec| vec![codec]),
        srtp: args.srtp,
        hang_up_after,
        cadence,
        tls: trusted(args, &target)?,
        seed,
        progress,
    })
}

/// Whom to trust, where it matters.
fn trusted(args: &DialArgs, target: &Uri) -> Result<Option<Arc<tls::ClientConfig>>, Failure> {
    if target.scheme != Scheme::Sips && target.transport() != Some(Transport::Tls) {
        return Ok(None);
    }
    tls::dialling(args.tls_ca.as_deref(), args.tls_insecure).map(Some).map_err(|problem| failed(problem.to_string()))
}

fn codec(text: &str) -> Result<Codec, String> {
    Codec::ALL
        .into_iter()
        .find(|codec| codec.encoding_name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "write g722, pcma or pcmu".to_owned())
}

fn srtp(text: &str) -> Result<SrtpMode, String> {
    SrtpMode::from_name(text).ok_or_else(|| "write off, optional or required".to_owned())
}

fn summary(report: &DialReport) -> String {
    match (report.answer_ms, report.rings) {
        (Some(ms), Some(rings)) => format!(
            "answered after {ms} ms, in ring {rings}; {} s of talk; {} packets heard, {} lost; ended: {}",
            report.talk_ms / 1000,
            report.rtp.received,
            report.rtp.lost,
            report.end_reason
        ),
        _ => format!("not answered: {}", report.end_reason),
    }
}

fn usage(text: String) -> Failure {
    Failure::Command(CliError::Usage(text))
}

fn failed(text: String) -> Failure {
    Failure::Command(CliError::Failed(text))
}
