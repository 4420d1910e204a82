//! Why a change was not made, for whoever wanted it.

use airbyte_token_core::{Failure, Moment, policy::BadPolicy};

use crate::{
    clients::ClientsError,
    config::{ConfigError, EditError, MOST_PROFILES, SocketName},
    issuer::{BadEndpoint, BadRoots, BuildIssuerError},
    listen::{ListenError, PortError, TooFewDescriptors},
    trust::Untrusted,
    vault::BadFileSettings,
};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no profile of this name.
    #[error("there is no such profile")]
    NoSuchProfile,
    /// There is no room for another profile.
    #[error("there are {MOST_PROFILES} profiles already, and one daemon serves no more")]
    TooMany,
    /// The profile's URL is not one that a secret may go to.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The profile's CA file or proxy cannot be used.
    #[error(transparent)]
    Issuer(BuildIssuerError),
    /// The profile wants the `file` vault, and none is set up.
    #[error(
        "no file vault is set up; add [vault.file] with key_file or key_credential to the configuration, and reload"
    )]
    NoFileVault,
    /// The `file` vault is set up in a way that cannot work.
    #[error("[vault.file]: {0}")]
    FileVault(#[from] BadFileSettings),
    /// Another user could replace the sealed file or its key.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// When tokens are to be renewed contradicts itself.
    #[error("[refresh]: {0}")]
    Policy(#[from] BadPolicy),
    /// The configuration has mistakes or cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The local clients are as before, or the disk has not forgotten one.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The pair was not proved or the secret not stored.
    #[error("{}", .0.detail())]
    Failed(Failure),
    /// Somebody locked the daemon.
    #[error("the daemon is locked: it takes no secret and makes no exchange")]
    Locked,
    /// Airbyte was asked too often for this profile already.
    #[error("there were too many logins and exchanges for this profile just now")]
    Paced(Option<Moment>),
    /// The process may not open as many files as it must.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// There is no port for loopback HTTP.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A socket beside the main one is not to be had.
    #[error("[sockets.{name}]: {source}")]
    Socket {
        /// Which.
        name: SocketName,
        /// Why.
        source: ListenError,
    },
    /// The process or the system is out of file descriptors or memory.
    #[error("the system refuses what another profile needs: {0}")]
    System(std::io::Error),
    /// A fault of ours.
    #[error("{0}")]
    Internal(tokio::task::JoinError),
}

impl From<Failure> for ChangeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<BuildIssuerError> for ChangeError {
    fn from(error: BuildIssuerError) -> Self {
        match error {
            BuildIssuerError::Roots(BadRoots::Exhausted(cause)) => Self::System(cause),
            BuildIssuerError::Roots(BadRoots::None | BadRoots::File { .. })
            | BuildIssuerError::Proxy(_)
            | BuildIssuerError::ProxyForHttp
            | BuildIssuerError::OrganizationId
            | BuildIssuerError::Client => Self::Issuer(error),
        }
    }
}

impl From<ConfigError> for ChangeError {
    fn from(error: ConfigError) -> Self {
        Self::Edit(error.into())
    }
}
