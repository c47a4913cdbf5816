//! From files to what handshakes are made with. A fault of a file is told with what to do; dates are warnings, since a
//! line that answers without TLS is better than one that does not start.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig};

use super::certificate::{CertificateFacts, facts};
use super::identity::Identities;
use super::verify::{Anybody, SipServers};
use crate::types::Problem;

/// A certificate that expires sooner is warned of.
pub const EXPIRES_SOON: TimeDelta = TimeDelta::days(30);
/// A bigger file is no certificate.
const FILE_BYTES_MAX: u64 = 1_000_000;
const PROTOCOLS: &str = "ring has the ciphers of TLS 1.2 and 1.3";

/// A certificate with the chain to its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Whether those who connect have to show a certificate of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    #[default]
    Off,
    Optional,
    Required,
}

/// What the settings say.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    pub pairs: Vec<Pair>,
    /// Names that telephones and trunks reach us by.
    pub names: Vec<String>,
    pub client_auth: ClientAuth,
    pub client_ca: Option<PathBuf>,
    /// Whom we trust; the system's authorities when there is none.
    pub trust: Option<PathBuf>,
}

/// What handshakes are made with from now on.
#[derive(Debug, Clone)]
pub struct Tls {
    pub server: Arc<ServerConfig>,
    /// For browsers: the same certificates, and none is asked of them.
    pub pages: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
    /// Ours, with their files.
    pub certificates: Vec<(PathBuf, CertificateFacts)>,
}

impl Tls {
    /// # Errors
    /// Every fault of every file.
    pub fn load(files: &TlsFiles) -> Result<Tls, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut note = |read: Result<_, Problem>| read.map_err(|problem| problems.push(problem)).ok();
        let identities: Vec<_> = files.pairs.iter().filter_map(|pair| note(identity(pair))).collect();
        let trust = read_or(&mut problems, files.trust.as_deref(), system_roots);
        let client_ca = read_or(&mut problems, files.client_ca.as_deref(), RootCertStore::empty);
        if !problems.is_empty() {
            return Err(problems);
        }
        let certificates = files.pairs.iter().zip(&identities);
        let certificates = certificates.map(|(pair, (facts, _))| (pair.certificate.clone(), facts.clone())).collect();
        let first = identities.first().map(|(_, key)| Arc::clone(key));
        let open = TlsFiles { client_auth: ClientAuth::Off, ..files.clone() };
        let pages = server(identities.clone(), &open, RootCertStore::empty()).map_err(|problem| vec![problem])?;
        let server = server(identities, files, client_ca).map_err(|problem| vec![problem])?;
        let client = Arc::new(client(trust, first));
        Ok(Tls { server, pages, client, certificates })
    }

    /// When the first of our certificates expires.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.certificates.iter().map(|(_, facts)| facts.not_after).min()
    }

    /// What should be mended, though the line answers: dates, and names that no certificate has.
    pub fn warnings(&self, names: &[String], now: DateTime<Utc>) -> Vec<Problem> {
        let dates = self.certificates.iter().filter_map(|(file, facts)| of_dates(file, facts, now));
        let nameless = self.certificates.iter().filter(|(_, facts)| facts.whom() == "nobody").map(|(file, _)| {
            problem(
                file,
                "it has no subjectAltName: no peer accepts it".to_owned(),
                "have one made for the desk's name",
            )
        });
        let known = |name: &String| self.certificates.iter().any(|(_, facts)| facts.is_for(name));
        let unnamed = names.iter().filter(|name| !known(name)).filter_map(|name| {
            let (file, facts) = self.certificates.first()?;
            let what = format!("no certificate is for {name}: this one is for {}", facts.whom());
            Some(problem(file, what, "have one made for that name, or mend [tls] names"))
        });
        dates.chain(nameless).chain(unnamed).collect()
    }
}

/// For the built-in caller: trusts the authorities of a file, of the system, or anybody at all.
///
/// # Errors
/// When the file can't be read.
pub fn dialling(trust: Option<&Path>, anybody: bool) -> Result<Arc<ClientConfig>, Problem> {
    let mut problems = Vec::new();
    if anybody {
        let schemes = ring::default_provider().signature_verification_algorithms.supported_schemes();
        let builder = client_builder().dangerous().with_custom_certificate_verifier(Arc::new(Anybody(schemes)));
        return Ok(Arc::new(builder.with_no_client_auth()));
    }
    let roots = read_or(&mut problems, trust, system_roots);
    problems.pop().map_or_else(|| Ok(Arc::new(client(roots, None))), Err)
}

/// For requests to programs over HTTPS: trusts the authorities of a file, or of the system.
///
/// # Errors
/// When the file can't be read.
pub fn https(trust: Option<&Path>) -> Result<Arc<ClientConfig>, Problem> {
    let mut problems = Vec::new();
    let roots = read_or(&mut problems, trust, system_roots);
    let builder =
        ClientConfig::builder_with_provider(provider()).with_protocol_versions(DEFAULT_VERSIONS).expect(PROTOCOLS);
    let client = builder.with_root_certificates(roots).with_no_client_auth();
    problems.pop().map_or_else(|| Ok(Arc::new(client)), Err)
}

fn server(
    identities: Vec<(CertificateFacts, Arc<CertifiedKey>)>,
    files: &TlsFiles,
    client_ca: RootCertStore,
) -> Result<Arc<ServerConfig>, Problem> {
    let builder =
        ServerConfig::builder_with_provider(provider()).with_protocol_versions(DEFAULT_VERSIONS).expect(PROTOCOLS);
    let builder = match files.client_auth {
        ClientAuth::Off => builder.with_no_client_auth(),
        ClientAuth::Optional | ClientAuth::Required => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(client_ca), provider());
            let optional = files.client_auth == ClientAuth::Optional;
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| {
                let file = files.client_ca.clone().unwrap_or_default();
                problem(&file, error.to_string(), "name the authority of those who connect in [tls] client_ca")
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(Identities(identities)));
    // Telephones that come again resume: the ticket's key never leaves this process.
    if let Ok(ticketer) = ring::Ticketer::new() {
        config.ticketer = ticketer;
    }
    Ok(Arc::new(config))
}

/// Shows `own` to servers that ask for a certificate.
fn client(roots: RootCertStore, own: Option<Arc<CertifiedKey>>) -> ClientConfig {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let builder = match verifier {
        Ok(verifier) => client_builder().dangerous().with_custom_certificate_verifier(Arc::new(SipServers(verifier))),
        // Without any authority nobody is trusted, and each attempt says so.
        Err(_) => client_builder().with_root_certificates(RootCertStore::empty()),
    };
    match own {
        Some(own) => builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(own))),
        None => builder.with_no_client_auth(),
    }
}

fn client_builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider()).with_protocol_versions(DEFAULT_VERSIONS).expect(PROTOCOLS)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn identity(pair: &Pair) -> Result<(CertificateFacts, Arc<CertifiedKey>), Problem> {
    let chain = certificates(&pair.certificate)?;
    let facts = chain.first().and_then(|first| facts(first));
    let facts = facts.ok_or_else(|| {
        problem(&pair.certificate, "its first certificate can't be read".to_owned(), "write PEM, the desk's own first")
    })?;
    let key = PrivateKeyDer::from_pem_slice(&read(&pair.key)?).map_err(|_| {
        problem(&pair.key, "there is no private key in it".to_owned(), "write PEM: `-----BEGIN PRIVATE KEY-----`")
    })?;
    let own = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let what = format!("this key does not fit the certificate {}", pair.certificate.display());
            problem(&pair.key, what, "name them in the same order in [tls] certificates and keys")
        }
        other => problem(&pair.key, format!("this key can't be used: {other}"), "make one with ECDSA P-256, or RSA"),
    })?;
    Ok((facts, Arc::new(own)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => {
            let remedy = "write PEM: `-----BEGIN CERTIFICATE-----`";
            Err(problem(path, "there is no certificate in it".to_owned(), remedy))
        }
    }
}

fn read_or(problems: &mut Vec<Problem>, file: Option<&Path>, otherwise: fn() -> RootCertStore) -> RootCertStore {
    let Some(file) = file else { return otherwise() };
    let mut roots = RootCertStore::empty();
    match certificates(file) {
        Ok(found) => {
            let (added, _) = roots.add_parsable_certificates(found);
            if added == 0 {
                let what = "none of its certificates is an authority's".to_owned();
                problems.push(problem(file, what, "name the file of the authority itself"));
            }
        }
        Err(problem) => problems.push(problem),
    }
    roots
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system's authorities can't be read");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let told = |what: String, remedy: &str| problem(path, what, remedy);
    let readable = "make it readable for the user that runs frontdesk";
    match fs::metadata(path) {
        Ok(file) if file.len() > FILE_BYTES_MAX => {
            return Err(told(format!("{} bytes are too many", file.len()), "name a PEM file"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(told("there is no such file".to_owned(), "name an existing one in [tls]"));
        }
        Err(error) => return Err(told(format!("it can't be read: {error}"), readable)),
    }
    fs::read(path).map_err(|error| told(format!("it can't be read: {error}"), readable))
}

fn of_dates(file: &Path, facts: &CertificateFacts, now: DateTime<Utc>) -> Option<Problem> {
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    let renew = "renew it, then `systemctl reload frontdesk`";
    if now > facts.not_after {
        return Some(problem(file, format!("this certificate has expired on {}", day(facts.not_after)), renew));
    }
    if now < facts.not_before {
        let what = format!("this certificate is not valid before {}", day(facts.not_before));
        return Some(problem(file, what, "set the machine's clock, or wait"));
    }
    let left = facts.not_after - now;
    let what = format!("this certificate expires in {} days, on {}", left.num_days(), day(facts.not_after));
    (left < EXPIRES_SOON).then(|| problem(file, what, renew))
}

fn problem(file: &Path, what: String, remedy: &str) -> Problem {
    Problem { file: file.display().to_string(), line: None, what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with `a.pem`, `a.key`, `b.pem`, `b.key`, each self-signed for its own name, and `not.pem`.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a", "b"] {
            let made = rcgen::generate_simple_self_signed(vec![format!("{name}.example")]).expect("a certificate");
            fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).expect("written");
            fs::write(folder.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).expect("written");
        }
        fs::write(folder.path().join("not.pem"), "nothing of the kind").expect("written");
        folder
    }

    fn files(folder: &tempfile::TempDir, certificate: &str, key: &str) -> TlsFiles {
        let at = |name: &str| folder.path().join(name);
        let pairs = vec![Pair { certificate: at(certificate), key: at(key) }];
        TlsFiles { pairs, trust: Some(at("a.pem")), ..TlsFiles::default() }
    }

    fn fault(files: &TlsFiles) -> String {
        let faults = Tls::load(files).expect_err("it is wrong");
        faults.iter().map(|fault| fault.what.clone()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_certificate_and_its_key_are_taken() {
        let folder = folder();
        let files = files(&folder, "a.pem", "a.key");
        let tls = Tls::load(&files).expect("they are good");
        assert!(tls.warnings(&["a.example".to_owned()], Utc::now()).is_empty());
    }

    #[test]
    fn every_fault_of_a_file_is_told() {
        let folder = folder();
        assert!(fault(&files(&folder, "a.pem", "b.key")).starts_with("this key does not fit the certificate"));
        assert_eq!(fault(&files(&folder, "none.pem", "a.key")), "there is no such file");
        assert_eq!(fault(&files(&folder, "a.pem", "none.key")), "there is no such file");
        assert_eq!(fault(&files(&folder, "not.pem", "a.key")), "there is no certificate in it");
        assert_eq!(fault(&files(&folder, "a.pem", "not.pem")), "there is no private key in it");
        assert_eq!(fault(&files(&folder, "a.key", "a.key")), "there is no certificate in it");
        let two = TlsFiles { client_ca: Some("/none.pem".into()), ..files(&folder, "none.pem", "a.key") };
        assert_eq!(fault(&two), "there is no such file; there is no such file");
        let nobody = TlsFiles { client_auth: ClientAuth::Required, ..files(&folder, "a.pem", "a.key") };
        assert!(Tls::load(&nobody).is_err());
    }

    #[test]
    fn dates_and_names_are_warned_of() {
        let folder = folder();
        let mut tls = Tls::load(&files(&folder, "a.pem", "a.key")).expect("they are good");
        let now = Utc::now();
        tls.certificates[0].1.not_after = now + TimeDelta::days(9) + TimeDelta::hours(1);
        let warned = |tls: &Tls, now, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            tls.warnings(&names, now).iter().map(|warning| warning.what.clone()).collect::<Vec<_>>()
        };
        assert!(warned(&tls, now, &[])[0].starts_with("this certificate expires in 9 days"));
        assert!(warned(&tls, now + TimeDelta::days(10), &[])[0].starts_with("this certificate has expired on"));
        tls.certificates[0].1.not_after = now + TimeDelta::days(31);
        assert_eq!(warned(&tls, now, &[]), Vec::<String>::new());
        tls.certificates[0].1.not_before = now + TimeDelta::days(1);
        assert!(warned(&tls, now, &[])[0].starts_with("this certificate is not valid before"));
        tls.certificates[0].1.not_before = now;
        assert_eq!(warned(&tls, now, &["x.example"]), ["no certificate is for x.example: this one is for a.example"]);
    }
}
