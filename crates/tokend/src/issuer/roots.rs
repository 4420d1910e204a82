//! Which certificate authorities are trusted: the system's, and a profile's own file.
//!
//! The system's store is what people add their company's CA to, so it is what is trusted, and no list is built in that
//! would go stale. It is read here and not by `rustls-native-certs` or `rustls-platform-verifier`, because both let
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` replace it: whoever can set a variable for the daemon could then put their own
//! server between it and Airbyte. The places are those where distributions are known to put the bundle.

use std::{
    fs::{self, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rustix::io::Errno;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};

use crate::trust::{self, Fault, Untrusted};

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

/// The system's authorities as they were last read: profiles that trust nothing besides share them.
static SHARED: Shelf = Shelf::empty();

/// The system's certificate authorities, and those in `ca_file` besides. They are read anew where the files have
/// changed since somebody else did so.
///
/// # Errors
/// When there are none at all, `ca_file` cannot be used, or the system is out of what it takes to read them.
pub(super) fn load(ca_file: Option<&Path>) -> Result<Arc<RootCertStore>, BadRoots> {
    let system = SHARED.first_of(&BUNDLES)?;
    let Some(path) = ca_file else {
        return if system.is_empty() { Err(BadRoots::None) } else { Ok(system) };
    };
    let mut roots = RootCertStore::clone(&system);
    let at_fault = |fault| BadRoots::of_file(path, fault);
    for certificate in private(path).map_err(at_fault)? {
        roots.add(certificate).map_err(|_| at_fault(BadCaFile::BadCertificate))?;
    }
    Ok(Arc::new(roots))
}

/// Where the bundle that was read last can be had again while somebody uses it.
struct Shelf(Mutex<Option<(Stamp, Weak<RootCertStore>)>>);

impl Shelf {
    const fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// What is in the first of these bundles that has any authority; nothing where none has.
    fn first_of(&self, bundles: &[&str]) -> Result<Arc<RootCertStore>, BadRoots> {
        for path in bundles {
            match self.bundle(Path::new(path)) {
                Ok(roots) if roots.is_empty() => {}
                Ok(roots) => return Ok(roots),
                Err(error) if is_passing(&error) => return Err(BadRoots::Exhausted(error)),
                Err(_is_not_there) => {}
            }
        }
        Ok(Arc::new(RootCertStore::empty()))
    }

    fn bundle(&self, path: &Path) -> io::Result<Arc<RootCertStore>> {
        let stamp = Stamp::of(path, &fs::metadata(path)?);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|(of, _)| *of == stamp);
        if let Some(roots) = known.and_then(|(_, roots)| roots.upgrade()) {
            return Ok(roots);
        }
        let text = fs::read(path)?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).filter_map(Result::ok));
        let roots = Arc::new(roots);
        *last = Some((stamp, Arc::downgrade(&roots)));
        Ok(roots)
    }
}

/// What tells a file from the one that was there before it, or from what was in it.
#[derive(PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    file: (u64, u64),
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path, file: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            file: (file.dev(), file.ino()),
            length: file.len(),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// Whether the process or the system is out of descriptors or memory, which says nothing about the file.
fn is_passing(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
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
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let file = trust::open(path)?.ok_or_else(missing)?;
    if !file.metadata()?.is_file() {
        return Err(BadCaFile::NotAFile);
    }
    let mut text = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut text)?;
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
    /// The process or the system is out of descriptors or memory. That passes, and says nothing about the files.
    #[error("the certificate authorities cannot be read now: {0}")]
    Exhausted(io::Error),
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

impl BadRoots {
    fn of_file(path: &Path, fault: BadCaFile) -> Self {
        let at_fault = |fault| Self::File { path: path.to_owned(), fault };
        match fault {
            BadCaFile::Unreadable(error) if is_passing(&error) => Self::Exhausted(error),
            BadCaFile::Unreadable(error) => at_fault(BadCaFile::Unreadable(error)),
            BadCaFile::Untrusted(_)
            | BadCaFile::NotAFile
            | BadCaFile::TooLarge
            | BadCaFile::Damaged(_)
            | BadCaFile::NoCertificate
            | BadCaFile::BadCertificate => at_fault(fault),
        }
    }
}

/// What is wrong with a profile's file of certificate authorities.
#[derive(Debug, thiserror::Error)]
pub enum BadCaFile {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Another user could replace it, and so choose who may pose as Airbyte.
    #[error("is not read: {0}")]
    Untrusted(Fault),
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

impl From<Untrusted> for BadCaFile {
    fn from(untrusted: Untrusted) -> Self {
        match untrusted.fault {
            Fault::Unseen { source, .. } => Self::Unreadable(source),
            fault @ (Fault::Foreign { .. }
            | Fault::Writable { .. }
            | Fault::Shared { .. }
            | Fault::Swapped) => Self::Untrusted(fault),
        }
    }
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
            Err(BadRoots::Exhausted(error)) => panic!("{error}"),
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
        let alone = Shelf::empty().first_of(&BUNDLES).unwrap().len();
        assert_eq!(load(Some(file.path())).unwrap().len(), alone + 2);
    }

    #[test]
    fn a_bundle_is_read_once_and_anew_when_it_has_changed() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(certificate().as_bytes()).unwrap();
        let path = file.path().to_owned();
        let bundles = [path.to_str().unwrap()];
        let shelf = Shelf::empty();
        let first = shelf.first_of(&bundles).unwrap();
        assert!(Arc::ptr_eq(&first, &shelf.first_of(&bundles).unwrap()));
        file.write_all(certificate().as_bytes()).unwrap();
        assert_eq!((first.len(), shelf.first_of(&bundles).unwrap().len()), (1, 2));
    }

    #[test]
    fn a_bundle_without_a_certificate_is_passed_over() {
        let (empty, mut full) =
            (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        full.write_all(certificate().as_bytes()).unwrap();
        let bundles = ["/nonexistent/ca.pem", "/etc/passwd/ca.pem", empty.path().to_str().unwrap()];
        let shelf = Shelf::empty();
        assert!(shelf.first_of(&bundles).unwrap().is_empty());
        let found = shelf.first_of(&[&bundles[..], &[full.path().to_str().unwrap()]].concat()).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn to_be_out_of_descriptors_is_not_to_have_no_authorities() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            assert!(is_passing(&errno.into()));
            let fault = BadCaFile::Unreadable(errno.into());
            assert!(matches!(BadRoots::of_file(Path::new("ca.pem"), fault), BadRoots::Exhausted(_)));
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::NOTDIR, Errno::IO] {
            assert!(!is_passing(&errno.into()));
            let fault = BadCaFile::Unreadable(errno.into());
            assert!(matches!(BadRoots::of_file(Path::new("ca.pem"), fault), BadRoots::File { .. }));
        }
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
    fn a_file_that_others_can_write_to_is_not_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(certificate().as_bytes()).unwrap();
        assert!(load(Some(file.path())).is_ok());
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o602)).unwrap();
        let said = load(Some(file.path())).unwrap_err().to_string();
        assert!(said.contains("is not read: ") && said.contains("mode 0602"), "{said}");
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
