//! Which certificate authorities are trusted: the system's, and a profile's own file.
//!
//! The system's store is what people add their company's CA to, so it is what is trusted, and no list is built in that
//! would go stale. It is read here and not by `rustls-native-certs` or `rustls-platform-verifier`, because both let
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` replace it: whoever can set a variable for the daemon could then put their own
//! server between it and Airbyte. The places are those where distributions are known to put the bundle.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};

/// Where the bundle is, by distribution. The first that holds a certificate is used.
const BUNDLES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",             // openSUSE, SLES
    "/var/lib/ca-certificates/ca-bundle.pem", // openSUSE's own file behind it
    "/etc/ssl/cert.pem",                  // Alpine, macOS, OpenBSD
    "/usr/local/etc/ssl/cert.pem",        // FreeBSD
];

/// The largest file of certificates that is read, in bytes. Debian's whole bundle has a fifth of it.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The system's certificate authorities, and those in `ca_file` besides.
///
/// # Errors
/// When there are none at all, or `ca_file` cannot be used.
pub(super) fn load(ca_file: Option<&Path>) -> Result<RootCertStore, BadRoots> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system());
    if let Some(path) = ca_file {
        let at_fault = |fault| BadRoots::File { path: path.to_owned(), fault };
        for certificate in private(path).map_err(at_fault)? {
            roots.add(certificate).map_err(|_| at_fault(BadCaFile::BadCertificate))?;
        }
    }
    if roots.is_empty() {
        return Err(BadRoots::None);
    }
    Ok(roots)
}

fn system() -> Vec<CertificateDer<'static>> {
    let certificates = |path: &&str| {
        let text = fs::read(path).unwrap_or_default();
        CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect::<Vec<_>>()
    };
    BUNDLES.iter().map(certificates).find(|found| !found.is_empty()).unwrap_or_default()
}

fn private(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadCaFile> {
    let text = read(path)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, pem::Error>>()?;
    if certificates.is_empty() {
        return Err(BadCaFile::NoCertificate);
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, BadCaFile> {
    // A named pipe would hold the daemon up until somebody writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(BadCaFile::NotAFile);
    }
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(BadCaFile::TooLarge);
    }
    Ok(text)
}

/// Why there is nothing to check a server's certificate against.
#[derive(Debug, thiserror::Error)]
pub enum BadRoots {
    /// The system has no bundle where one is known to be, and the profile names none.
    #[error(
        "no certificate authorities found on this system; install its ca-certificates package or set ca_file"
    )]
    None,
    /// The profile's own file cannot be used.
    #[error("ca_file {path}: {fault}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: BadCaFile,
    },
}

/// What is wrong with a profile's file of certificate authorities.
#[derive(Debug, thiserror::Error)]
pub enum BadCaFile {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a directory, a pipe, or the like.
    #[error("is no regular file; name one file with the certificates in it")]
    NotAFile,
    /// It is larger than any such file is.
    #[error("is larger than 1 MiB; is it the right file?")]
    TooLarge,
    /// It is cut off or garbled.
    #[error("is damaged: a block between BEGIN and END is not whole; copy it again")]
    Damaged(#[from] pem::Error),
    /// It holds no certificate in PEM form.
    #[error("has no BEGIN CERTIFICATE in it; convert a binary one with `openssl x509 -inform der -in FILE`")]
    NoCertificate,
    /// A block in it is no X.509 certificate.
    #[error("has a block that is no X.509 certificate; export it again")]
    BadCertificate,
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn fault(text: &[u8]) -> BadCaFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        match load(Some(file.path())) {
            Err(BadRoots::File { path, fault }) => {
                assert_eq!(path, file.path());
                fault
            }
            Err(BadRoots::None) => panic!("the file was not looked at"),
            Ok(roots) => panic!("{} roots from a bad file", roots.len()),
        }
    }

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem()
    }

    #[test]
    fn a_private_authority_is_added_to_the_systems() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "a comment\n{}{}", certificate(), certificate()).unwrap();
        let before = system().len();
        let mut alone = RootCertStore::empty();
        let (taken, _) = alone.add_parsable_certificates(system());
        assert!(taken <= before);
        assert_eq!(load(Some(file.path())).unwrap().len(), taken + 2);
    }

    #[test]
    fn each_fault_of_a_file_has_its_own_words() {
        assert!(matches!(fault(b""), BadCaFile::NoCertificate));
        assert!(matches!(fault(b"\x30\x82\x01\x02"), BadCaFile::NoCertificate));
        let cut = certificate().replace("-----END", "");
        assert!(matches!(fault(cut.as_bytes()), BadCaFile::Damaged(_)));
        let hollow = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(fault(hollow), BadCaFile::BadCertificate));
        assert!(matches!(fault(&vec![b'x'; 1024 * 1024 + 1]), BadCaFile::TooLarge));
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("ca.pem");
        let text = |path: &Path| load(Some(path)).unwrap_err().to_string();
        assert!(text(&missing).contains("ca.pem: cannot be read"));
        assert!(text(directory.path()).contains("is no regular file"));
    }
}
