//! What can go wrong with a keyring, in our own words.
//!
//! The words of the keyring crates are not passed on: two of their errors carry the bytes of the secret.

use std::{error::Error, io};

use airbyte_token_core::{ProfileName, VaultTrouble};
use zbus::DBusError as _;
use zeroize::Zeroize as _;

use super::super::VaultError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("no client secret is stored for this profile; log in")]
    Empty,
    #[error("the keyring is locked; unlock it (logging in to the desktop does), then try again")]
    Locked,
    #[error(
        "the keyring is locked, and its prompt was dismissed or could not be shown; unlock it and try again"
    )]
    Dismissed,
    #[error(
        "no session bus answers here, so there is no keyring; start from a desktop session, or use another vault"
    )]
    NoBus,
    #[error(
        "no keyring runs in this session; start one (GNOME Keyring, KWallet, KeePassXC), or use another vault"
    )]
    NoService,
    #[error("the keyring has no default collection; make one in its settings, or use another vault")]
    NoCollection,
    #[error("the keyring ended or was restarted in the middle of a call; try again")]
    Lost,
    #[error("the keyring does not answer; restart it")]
    Slow,
    #[error(
        "the keyring or the session bus refuses this program ({0}); look at its settings for allowed programs"
    )]
    Denied(String),
    #[error(
        "the keyring holds several secrets for this profile; log out, which forgets them all, and log in again"
    )]
    Ambiguous,
    #[error("what the keyring holds for this profile cannot be read; log in again")]
    Unreadable,
    #[error("the keyring failed ({0}); restart it, or use another vault")]
    Strange(String),
}

impl Fault {
    /// The fault as the vault's callers know it.
    pub(super) fn of(&self, profile: &ProfileName) -> VaultError {
        let trouble = match self {
            Self::Empty => return VaultError::empty(profile),
            Self::Locked | Self::Dismissed => VaultTrouble::Locked,
            Self::NoBus | Self::NoService | Self::NoCollection | Self::Lost | Self::Strange(_) => {
                VaultTrouble::Absent
            }
            Self::Slow => VaultTrouble::Slow,
            Self::Denied(_) => VaultTrouble::Denied,
            Self::Ambiguous | Self::Unreadable => VaultTrouble::Damaged,
        };
        VaultError::new(trouble, &self.to_string())
    }

    /// What it means that the session bus cannot be reached.
    pub(super) fn connecting(error: &zbus::Error) -> Self {
        let cause = input_output(error);
        if matches!(error, zbus::Error::Handshake(_)) || cause == Some(io::ErrorKind::PermissionDenied) {
            return Self::Denied("the bus does not let it in".into());
        }
        Self::NoBus
    }

    /// What an error reply means, by its name (D-Bus specification, "Error names"; Secret Service API, "Errors").
    fn named(name: &str) -> Self {
        let bus = name.strip_prefix("org.freedesktop.DBus.Error.");
        let secret = name.strip_prefix("org.freedesktop.Secret.Error.");
        match (bus, secret) {
            (Some("ServiceUnknown" | "NameHasNoOwner"), _) => Self::NoService,
            (Some(spawn), _) if spawn.starts_with("Spawn.") => Self::NoService,
            (Some("NoReply" | "Disconnected" | "UnknownObject" | "UnknownMethod"), _) => Self::Lost,
            (Some("Timeout" | "TimedOut"), _) => Self::Slow,
            (Some("AccessDenied" | "AuthFailed" | "NotSupported"), _) => Self::Denied(name.to_owned()),
            (_, Some("IsLocked")) => Self::Locked,
            (_, Some("NoSession" | "NoSuchObject")) => Self::Lost,
            _ if name == "org.gnome.keyring.Error.Denied" => Self::Denied(name.to_owned()),
            _ => Self::Strange(name.to_owned()),
        }
    }

    /// What the first error of the bus means that stands behind this one.
    fn behind(error: &(dyn Error + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<zbus::Error>() {
            return Self::from(error);
        }
        if let Some(error) = error.downcast_ref::<zbus::fdo::Error>() {
            return Self::from(error);
        }
        error.source().map_or_else(|| Self::Strange("no reply that makes sense".into()), Self::behind)
    }
}

fn input_output(error: &zbus::Error) -> Option<io::ErrorKind> {
    if let zbus::Error::InputOutput(cause) | zbus::Error::Connection(cause, _) = error {
        return Some(cause.kind());
    }
    None
}

impl From<&zbus::Error> for Fault {
    fn from(error: &zbus::Error) -> Self {
        if let zbus::Error::MethodError(name, _, _) = error {
            return Self::named(name);
        }
        if let zbus::Error::FDO(error) = error {
            return Self::from(error.as_ref());
        }
        match input_output(error) {
            Some(io::ErrorKind::TimedOut) => Self::Slow,
            Some(_) => Self::Lost,
            None => Self::Strange("no reply that makes sense".into()),
        }
    }
}

impl From<&zbus::fdo::Error> for Fault {
    fn from(error: &zbus::fdo::Error) -> Self {
        if let zbus::fdo::Error::ZBus(error) = error {
            return Self::from(error);
        }
        Self::named(&error.name())
    }
}

impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        Self::from(&error)
    }
}

impl From<keyring::Error> for Fault {
    fn from(error: keyring::Error) -> Self {
        use keyring::Error;
        match error {
            Error::NoEntry => Self::Empty,
            // It was locked after it had passed the gate.
            Error::NoStorageAccess(_) => Self::Dismissed,
            Error::PlatformFailure(cause) => Self::behind(cause.as_ref()),
            Error::Ambiguous(_) => Self::Ambiguous,
            Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
                bytes.zeroize();
                Self::Unreadable
            }
            Error::BadStoreFormat(_) => Self::Unreadable,
            Error::TooLong(..)
            | Error::Invalid(..)
            | Error::NoDefaultStore
            | Error::NotSupportedByStore(_)
            | _ => Self::Strange("the request does not suit it".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_fault() -> Vec<Fault> {
        vec![
            Fault::Empty,
            Fault::Locked,
            Fault::Dismissed,
            Fault::NoBus,
            Fault::NoService,
            Fault::NoCollection,
            Fault::Lost,
            Fault::Slow,
            Fault::Denied("org.freedesktop.DBus.Error.AccessDenied".into()),
            Fault::Ambiguous,
            Fault::Unreadable,
            Fault::Strange("org.freedesktop.DBus.Error.LimitsExceeded".into()),
        ]
    }

    #[test]
    fn every_fault_is_told_to_the_end() {
        for fault in every_fault() {
            let error = fault.of(&"a".parse().unwrap());
            assert!(fault == Fault::Empty || error.detail.as_str() == fault.to_string(), "{error}");
        }
    }

    #[test]
    fn an_empty_vault_says_for_which_profile() {
        let error = Fault::Empty.of(&"work".parse().unwrap());
        assert_eq!(error.trouble, VaultTrouble::Empty);
        assert!(error.detail.as_str().contains("profile work"));
    }

    #[test]
    fn errors_of_the_bus_are_told_apart_by_name() {
        let denied = |name: &str| Fault::Denied(name.to_owned());
        let rows = [
            ("org.freedesktop.DBus.Error.ServiceUnknown", Fault::NoService),
            ("org.freedesktop.DBus.Error.NameHasNoOwner", Fault::NoService),
            ("org.freedesktop.DBus.Error.Spawn.ChildExited", Fault::NoService),
            ("org.freedesktop.DBus.Error.NoReply", Fault::Lost),
            ("org.freedesktop.DBus.Error.Disconnected", Fault::Lost),
            ("org.freedesktop.DBus.Error.UnknownObject", Fault::Lost),
            ("org.freedesktop.DBus.Error.UnknownMethod", Fault::Lost),
            ("org.freedesktop.DBus.Error.Timeout", Fault::Slow),
            ("org.freedesktop.DBus.Error.TimedOut", Fault::Slow),
            ("org.freedesktop.DBus.Error.AccessDenied", denied("org.freedesktop.DBus.Error.AccessDenied")),
            ("org.freedesktop.DBus.Error.AuthFailed", denied("org.freedesktop.DBus.Error.AuthFailed")),
            ("org.freedesktop.DBus.Error.NotSupported", denied("org.freedesktop.DBus.Error.NotSupported")),
            ("org.gnome.keyring.Error.Denied", denied("org.gnome.keyring.Error.Denied")),
            ("org.freedesktop.Secret.Error.IsLocked", Fault::Locked),
            ("org.freedesktop.Secret.Error.NoSession", Fault::Lost),
            ("org.freedesktop.Secret.Error.NoSuchObject", Fault::Lost),
            ("com.example.Error.AccessDenied", Fault::Strange("com.example.Error.AccessDenied".into())),
        ];
        for (name, fault) in rows {
            assert_eq!(Fault::named(name), fault, "{name}");
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("as the crates below wrap it")]
    struct Wrapped<E: Error + 'static>(#[source] E);

    #[test]
    fn an_error_is_recognised_however_deep_it_stands() {
        let access = || zbus::fdo::Error::AccessDenied("no".into());
        let boxed =
            || zbus::Error::FDO(Box::new(zbus::fdo::Error::ZBus(zbus::Error::FDO(Box::new(access())))));
        let denied = Fault::Denied("org.freedesktop.DBus.Error.AccessDenied".into());
        let causes: [Box<dyn Error + Send + Sync>; 3] =
            [Box::new(Wrapped(access())), Box::new(Wrapped(boxed())), Box::new(Wrapped(Wrapped(boxed())))];
        for cause in causes {
            assert_eq!(Fault::from(keyring::Error::PlatformFailure(cause)), denied);
        }
        let error = keyring::Error::PlatformFailure("no bus in it".into());
        assert!(matches!(Fault::from(error), Fault::Strange(_)));
    }

    #[test]
    fn a_connection_that_fails_is_lost_or_slow() {
        let failing = |kind: io::ErrorKind| Fault::from(zbus::Error::from(io::Error::from(kind)));
        assert_eq!(failing(io::ErrorKind::BrokenPipe), Fault::Lost);
        assert_eq!(failing(io::ErrorKind::TimedOut), Fault::Slow);
    }

    #[test]
    fn a_bus_that_refuses_us_is_told_from_one_that_is_not_there() {
        let failing = |kind: io::ErrorKind| Fault::connecting(&zbus::Error::from(io::Error::from(kind)));
        assert_eq!(failing(io::ErrorKind::NotFound), Fault::NoBus);
        assert_eq!(failing(io::ErrorKind::ConnectionRefused), Fault::NoBus);
        assert!(matches!(failing(io::ErrorKind::PermissionDenied), Fault::Denied(_)));
        let handshake = zbus::Error::Handshake("rejected".into());
        assert!(matches!(Fault::connecting(&handshake), Fault::Denied(_)));
    }

    #[test]
    fn bytes_that_an_error_carries_are_not_passed_on() {
        let secret = || b"s3cret".to_vec();
        let cause = || "s3cret".into();
        let errors = [
            keyring::Error::BadEncoding(secret()),
            keyring::Error::BadDataFormat(secret(), cause()),
            keyring::Error::PlatformFailure(cause()),
            keyring::Error::NoStorageAccess(cause()),
            keyring::Error::BadStoreFormat("s3cret".into()),
            keyring::Error::Invalid("s3cret".into(), "s3cret".into()),
        ];
        for error in errors {
            let fault = Fault::from(error);
            assert!(!format!("{fault} {fault:?}").contains("s3cret"), "{fault}");
        }
    }
}
