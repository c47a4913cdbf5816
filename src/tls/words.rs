//! Why a handshake failed, in words for whoever reads the log.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// What is wrong, and what helps where it can be known.
pub fn why(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_tls(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "it hung up during the handshake".to_owned(),
        None => error.to_string(),
    }
}

fn of_tls(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => of_certificate(fault),
        Error::InvalidMessage(_) => "it does not speak TLS there".to_owned(),
        Error::NoCertificatesPresented => "it showed no certificate".to_owned(),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => "no cipher in common".to_owned(),
        Error::PeerIncompatible(_) => format!("it speaks no TLS 1.2 or 1.3 that we do ({error})"),
        Error::AlertReceived(alert) => of_alert(*alert),
        other => other.to_string(),
    }
}

fn of_certificate(fault: &CertificateError) -> String {
    use CertificateError as C;
    match fault {
        C::Expired | C::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is the time of this machine right?".to_owned()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => "its certificate is for another name".to_owned(),
        C::UnknownIssuer => {
            "its certificate comes from an authority that is not trusted: name that one in [tls] trust".to_owned()
        }
        C::Revoked => "its certificate was revoked".to_owned(),
        C::BadEncoding => "its certificate can't be read".to_owned(),
        other => format!("its certificate is not good: {other:?}"),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::UnknownCA => "it does not trust the authority of our certificate".to_owned(),
        A::CertificateExpired => "it says that our certificate has expired".to_owned(),
        A::CertificateRequired | A::NoCertificate => "it wants a certificate of ours".to_owned(),
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => {
            "it does not accept our certificate".to_owned()
        }
        A::ProtocolVersion => "it speaks no TLS 1.2 or 1.3".to_owned(),
        other => format!("it refused the handshake: {other:?}"),
    }
}
