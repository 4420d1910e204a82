//! The server's side of TLS, from PEM.

use std::sync::Arc;

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    },
};

use crate::settings::Tls;

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file is not PEM.
    #[error("cannot read the TLS certificate: {0}; it must be PEM, the server's own certificate first")]
    Certificate(pem::Error),
    /// The key file is not PEM.
    #[error("cannot read the TLS key: {0}; it must be PEM (PKCS #8, PKCS #1 or SEC 1)")]
    Key(pem::Error),
    /// They do not belong together or are of a kind that is not supported.
    #[error("cannot use the TLS certificate with this key: {0}")]
    Pair(#[from] rustls::Error),
}

pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(tls.certificate_pem.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes()).map_err(TlsError::Key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(TlsError::Certificate)?, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
