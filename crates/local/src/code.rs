//! Which errors there are, and what each is called: on the wire, by HTTP, and by the shell. One table.

mod exit_status;

pub use exit_status::ExitStatus;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What went wrong, as far as a program must tell it apart. The wording may change, the codes of version 1 do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request cannot be understood.
    BadRequest,
    /// There is no profile of this name.
    NoSuchProfile,
    /// No profile was named and there is no default.
    NoProfileChosen,
    /// The vault holds no secret for the profile.
    NoSecret,
    /// The secret was stored for another origin (scheme, host, port) than the profile has now.
    LogInAgain,
    /// What answers at the profile's URL is not Airbyte's token endpoint.
    Misdirected,
    /// The daemon's configuration does not allow it, or cannot be read or written.
    ConfigInvalid,
    /// There is no local client of this name.
    NoSuchClient,
    /// There is a local client of this name already.
    ClientExists,
    /// The file of the local clients cannot be read, written or trusted.
    ClientsFile,
    /// Airbyte refuses the client id and secret.
    Rejected,
    /// Somebody locked the daemon.
    Locked,
    /// The keyring refused the daemon.
    KeyringDenied,
    /// The keyring is locked.
    KeyringLocked,
    /// No keyring answers.
    KeyringMissing,
    /// The vault did not answer in time.
    VaultSlow,
    /// The vault's file or its key is missing, or is not as it must be.
    VaultUnreadable,
    /// What the vault holds cannot be understood.
    VaultDamaged,
    /// Airbyte cannot be reached, or is in trouble.
    UpstreamUnavailable,
    /// Airbyte asked for fewer requests.
    Throttled,
    /// The token lives, but not as long as was asked for.
    MinTtlUnmet,
    /// No token came within the time that the caller would wait.
    WaitOver,
    /// The daemon has as many callers as it takes.
    Busy,
    /// The daemon is going down.
    ShuttingDown,
    /// The caller is no user whom the daemon serves there.
    PeerRefused,
    /// The caller came in by a way on which this is not to be had.
    NotAllowed,
    /// The caller shows no credential of a local client, or none that is good.
    Unauthorized,
    /// The request looks like a browser's or a proxy's.
    RequestRefused,
    /// The request names a host that the daemon is not.
    WrongHost,
    /// There is no such route.
    NotFound,
    /// The route exists, the method on it does not.
    MethodNotAllowed,
    /// The request is larger than any of ours.
    TooLarge,
    /// A fault of the daemon's own.
    Internal,
    /// A code that this build does not know: the other end is newer. Read, never sent.
    Unknown,
}

struct Row {
    name: &'static str,
    http: u16,
    exit: ExitStatus,
}

const fn row(name: &'static str, http: u16, exit: ExitStatus) -> Row {
    Row { name, http, exit }
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 34] = [
        Self::BadRequest,
        Self::NoSuchProfile,
        Self::NoProfileChosen,
        Self::NoSecret,
        Self::LogInAgain,
        Self::Misdirected,
        Self::ConfigInvalid,
        Self::NoSuchClient,
        Self::ClientExists,
        Self::ClientsFile,
        Self::Rejected,
        Self::Locked,
        Self::KeyringDenied,
        Self::KeyringLocked,
        Self::KeyringMissing,
        Self::VaultSlow,
        Self::VaultUnreadable,
        Self::VaultDamaged,
        Self::UpstreamUnavailable,
        Self::Throttled,
        Self::MinTtlUnmet,
        Self::WaitOver,
        Self::Busy,
        Self::ShuttingDown,
        Self::PeerRefused,
        Self::NotAllowed,
        Self::Unauthorized,
        Self::RequestRefused,
        Self::WrongHost,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::Internal,
        Self::Unknown,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The code of this name; [`ErrorCode::Unknown`] where this build knows none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|code| code.name() == name).unwrap_or(Self::Unknown)
    }

    /// The HTTP status (RFC 9110 §15, RFC 4918 §11.4) that carries it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// What the command line exits with.
    #[must_use]
    pub const fn exit_status(self) -> ExitStatus {
        self.row().exit
    }

    /// One thing to do about it, for when nothing better is known: lower-case, no full stop.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::BadRequest => "see `airbyte-token --help`",
            Self::NoSuchProfile => "`airbyte-token profiles` lists those there are",
            Self::NoProfileChosen => {
                "name a profile with -p, or choose a default with `airbyte-token use NAME`"
            }
            Self::NoSecret => "run `airbyte-token login`",
            Self::LogInAgain => "run `airbyte-token login` again for the new URL",
            Self::Misdirected => "check the profile's service and URL",
            Self::ConfigInvalid => "correct the daemon's configuration",
            Self::NoSuchClient => "`airbyte-token client list` lists those there are",
            Self::ClientExists => "choose another name, or `airbyte-token client rm NAME` first",
            Self::ClientsFile => "put the file in order, as the message says",
            Self::Rejected => {
                "check the client id and secret in Airbyte's settings, then run `airbyte-token login`"
            }
            Self::Locked => "run `airbyte-token unlock`",
            Self::KeyringDenied => "allow airbyte-tokend to use the keyring",
            Self::KeyringLocked => "unlock the keyring",
            Self::KeyringMissing => {
                "start a keyring service, or log in with `--vault file` or `--vault memory`"
            }
            Self::VaultSlow => "see whether the keyring waits for an answer",
            Self::VaultUnreadable => "put the vault's file and its key in order, as the message says",
            Self::VaultDamaged => {
                "name the key it was sealed under, or move it away and run `airbyte-token login`"
            }
            Self::UpstreamUnavailable => {
                "the daemon tries again by itself; `airbyte-token status` shows when"
            }
            Self::Throttled => "wait; the daemon asks again when Airbyte allows it",
            Self::MinTtlUnmet => "ask for less with --min-ttl, or try again later",
            Self::WaitOver => "try again, or wait longer with --wait",
            Self::Busy | Self::ShuttingDown => "try again in a moment",
            Self::PeerRefused => "run this as the user that the daemon serves",
            Self::NotAllowed => "use the daemon's own socket, or allow it for this one in the configuration",
            Self::Unauthorized => {
                "show the secret of a local client, which `airbyte-token client add` makes, as a bearer"
            }
            Self::RequestRefused => {
                "send the request directly: no browser, no proxy, no Origin or forwarding header"
            }
            Self::WrongHost => "send `Host: localhost`",
            Self::NotFound | Self::MethodNotAllowed | Self::Unknown => {
                "bring airbyte-token and airbyte-tokend to the same version"
            }
            Self::TooLarge => "send less",
            Self::Internal => "see the daemon's log: `journalctl --user -u airbyte-tokend`",
        }
    }

    const fn row(self) -> Row {
        use ExitStatus::{Config, Mismatch, Refused, TryAgain, Usage};
        match self {
            Self::BadRequest => row("bad_request", 400, Usage),
            Self::NoSuchProfile => row("no_such_profile", 404, Config),
            Self::NoProfileChosen => row("no_profile_chosen", 404, Config),
            Self::NoSecret => row("no_secret", 424, Config),
            Self::LogInAgain => row("log_in_again", 424, Config),
            Self::Misdirected => row("misdirected", 424, Config),
            Self::ConfigInvalid => row("config_invalid", 409, Config),
            Self::NoSuchClient => row("no_such_client", 404, Config),
            Self::ClientExists => row("client_exists", 409, Config),
            Self::ClientsFile => row("clients_file", 424, Config),
            Self::Rejected => row("rejected", 424, Refused),
            Self::Locked => row("locked", 503, TryAgain),
            Self::KeyringDenied => row("keyring_denied", 424, Refused),
            Self::KeyringLocked => row("keyring_locked", 503, TryAgain),
            Self::KeyringMissing => row("keyring_missing", 503, TryAgain),
            Self::VaultSlow => row("vault_slow", 503, TryAgain),
            Self::VaultUnreadable => row("vault_unreadable", 424, Config),
            Self::VaultDamaged => row("vault_damaged", 424, Config),
            Self::UpstreamUnavailable => row("upstream_unavailable", 503, TryAgain),
            Self::Throttled => row("throttled", 503, TryAgain),
            Self::MinTtlUnmet => row("min_ttl_unmet", 503, TryAgain),
            Self::WaitOver => row("wait_over", 504, TryAgain),
            Self::Busy => row("busy", 503, TryAgain),
            Self::ShuttingDown => row("shutting_down", 503, TryAgain),
            Self::PeerRefused => row("peer_refused", 403, Refused),
            Self::NotAllowed => row("not_allowed", 403, Refused),
            Self::Unauthorized => row("unauthorized", 401, Refused),
            Self::RequestRefused => row("request_refused", 403, Refused),
            Self::WrongHost => row("wrong_host", 421, Refused),
            Self::NotFound => row("not_found", 404, Mismatch),
            Self::MethodNotAllowed => row("method_not_allowed", 405, Mismatch),
            Self::TooLarge => row("too_large", 413, Usage),
            Self::Internal => row("internal", 500, TryAgain),
            Self::Unknown => row("unknown", 500, Mismatch),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;
        impl de::Visitor<'_> for Named {
            type Value = ErrorCode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error code")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<ErrorCode, E> {
                Ok(ErrorCode::named(name))
            }
        }
        deserializer.deserialize_str(Named)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_is_found_by_it() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert_eq!(ErrorCode::ALL.len(), ErrorCode::Unknown as usize + 1, "a code is missing from ALL");
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::named(code.name()), code);
        }
    }

    #[test]
    fn a_code_from_the_future_reads_as_unknown_and_asks_for_an_update() {
        let code: ErrorCode = serde_json::from_str("\"moon_phase\"").unwrap();
        assert_eq!(code, ErrorCode::Unknown);
        assert_eq!(code.exit_status(), ExitStatus::Mismatch);
        assert!(code.remedy().contains("version"));
    }

    #[test]
    fn codes_travel_in_snake_case() {
        assert_eq!(serde_json::to_string(&ErrorCode::MinTtlUnmet).unwrap(), "\"min_ttl_unmet\"");
    }

    #[test]
    fn no_code_is_a_success_and_every_code_has_one_remedy() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.http_status()), "{code}");
            assert_ne!(code.exit_status(), ExitStatus::Done, "{code}");
            let remedy = code.remedy();
            assert!(!remedy.is_empty() && !remedy.ends_with('.') && remedy.is_ascii(), "{code}: {remedy}");
        }
    }

    #[test]
    fn trouble_that_passes_and_trouble_that_stays_exit_differently() {
        assert_eq!(ErrorCode::KeyringLocked.exit_status(), ExitStatus::TryAgain);
        assert_eq!(ErrorCode::Rejected.exit_status(), ExitStatus::Refused);
        assert_eq!(ErrorCode::Misdirected.exit_status(), ExitStatus::Config);
        assert_eq!(ErrorCode::BadRequest.exit_status(), ExitStatus::Usage);
    }
}
