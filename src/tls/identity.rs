//! Which of our certificates a peer is shown.

use std::sync::Arc;

use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::CertificateFacts;

/// The one that speaks for the name that the peer asks for (SNI); else the first, which the peer may refuse.
#[derive(Debug)]
pub(super) struct Identities(pub Vec<(CertificateFacts, Arc<CertifiedKey>)>);

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wanted = hello.server_name();
        let named = wanted.and_then(|name| self.0.iter().find(|(facts, _)| facts.is_for(name)));
        named.or(self.0.first()).map(|(_, key)| Arc::clone(key))
    }
}
