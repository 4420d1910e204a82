//! Certificates, good and bad, and whom they are from.

use airbyte_sandbox::Tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A certificate authority of one's own.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// One that calls itself as all do that are made so, each with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::named("the company's authority")
    }

    /// One that calls itself this.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is chance");
        let pem = params.self_signed(&key).expect("it can be signed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate: what goes into a `ca_file`.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for this host, with which nothing is wrong.
    #[must_use]
    pub fn good(&self, host: &str) -> Tls {
        self.certificate(&[host], |_| {})
    }

    /// A certificate for these hosts, changed before it is signed.
    pub fn certificate(&self, hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Tls {
        let (params, key) = request(hosts, change);
        let certificate_pem = params.signed_by(&key, &self.issuer).expect("it can be signed").pem();
        Tls { certificate_pem, key_pem: key.serialize_pem() }
    }

    /// What `openssl req -x509` makes: it says of itself that it is an authority, and is used as a server's.
    #[must_use]
    pub fn self_signed(host: &str) -> Tls {
        let is_authority =
            |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (params, key) = request(&[host], is_authority);
        let certificate_pem = params.self_signed(&key).expect("it can be signed").pem();
        Tls { certificate_pem, key_pem: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn request(hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (CertificateParams, KeyPair) {
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("they are names");
    change(&mut params);
    (params, KeyPair::generate().expect("there is chance"))
}
