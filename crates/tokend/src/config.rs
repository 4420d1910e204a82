//! Which profiles there are: TOML, read whole and checked whole before any of it counts. No secret is ever in it.

mod document;
mod edit;
mod http;
mod problem;
mod sockets;

pub use edit::{Draft, EditError, remove_profile, set_default_profile, set_profile};
pub use http::{LoopbackAddress, NotLoopback};
pub use problem::{ConfigError, Position, Problem};
pub use sockets::{BadSocketName, Socket, SocketName};

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use airbyte_token_core::{ClientId, ProfileName, RefreshPolicy, RefreshSettings, policy::BadPolicy};

use crate::{
    issuer::{Endpoint, Service, Target},
    trust::{self, Fault},
    vault::{KeySource, StoreKind},
};

/// The file that lists every key, its default and one line of why. It is what an absent file means.
pub const EMBEDDED: &str = include_str!("../../../config/airbyte-tokend.toml");

/// The most profiles that one daemon serves.
pub const MOST_PROFILES: usize = 256;

/// The most sockets beside the main one.
pub const MOST_SOCKETS: usize = 16;

/// The most ways in beside the main socket: those, and loopback.
pub const MOST_SIDE_DOORS: usize = MOST_SOCKETS + 2;

/// The largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 1024 * 1024;

/// A whole configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The profile that is meant when nobody names one.
    pub default_profile: Option<ProfileName>,
    /// When tokens are renewed.
    pub refresh: Refresh,
    /// Where the `file` vault is, if one is set up.
    pub file_vault: Option<FileVault>,
    /// Where loopback HTTP is served, one endpoint of each family at most; nowhere, when empty.
    pub http: Vec<LoopbackAddress>,
    /// The sockets beside the main one, by name.
    pub sockets: BTreeMap<SocketName, Socket>,
    /// The profiles by name.
    pub profiles: BTreeMap<ProfileName, Profile>,
}

/// When tokens are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// How long before its death a token is renewed, at most.
    pub early: Duration,
    /// After how long without a caller a profile is left alone.
    pub idle_after: Duration,
}

/// Where the `file` vault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVault {
    /// The sealed file; without it, `secrets` in the state directory.
    pub path: Option<PathBuf>,
    /// What it is sealed under.
    pub key: KeySource,
}

/// One Airbyte application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Which of Airbyte's services it belongs to.
    pub service: Service,
    /// The base URL as it was written, for a self-managed service.
    pub url: Option<String>,
    /// The application's id.
    pub client_id: ClientId,
    /// Where its secret is kept.
    pub vault: StoreKind,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy to go through.
    pub proxy: Option<String>,
    /// What `X-Organization-Id` says.
    pub organization_id: Option<String>,
    /// Where its exchanges go.
    pub endpoint: Endpoint,
}

impl Config {
    /// Reads and checks the file; an absent one means the embedded defaults.
    ///
    /// # Errors
    /// That another user could replace the file, or every problem there is, with its line and column, at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?.unwrap_or_else(|| EMBEDDED.to_owned());
        Self::parse(&text, path)
    }

    /// Checks the text; `path` is only for its errors.
    ///
    /// # Errors
    /// Every problem there is, with its line and column, at once.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        document::read(text).map_err(|problems| ConfigError::new(path, problems))
    }

    /// How many ways in there are beside the main socket.
    #[must_use]
    pub fn side_doors(&self) -> usize {
        self.http.len() + self.sockets.len()
    }

    /// The profile that is meant when a caller names none: the chosen default, or the only one there is.
    #[must_use]
    pub fn default_profile(&self) -> Option<&ProfileName> {
        let only = || self.profiles.keys().next().filter(|_| self.profiles.len() == 1);
        self.default_profile.as_ref().or_else(only)
    }
}

impl Refresh {
    /// The rules' own form of it.
    ///
    /// # Errors
    /// When the values contradict each other.
    pub fn policy(self) -> Result<RefreshPolicy, BadPolicy> {
        let defaults = RefreshSettings::default();
        RefreshPolicy::new(RefreshSettings {
            soft_window_max: self.early,
            hard_window_max: defaults.hard_window_max.min(self.early),
            idle_after: self.idle_after,
        })
    }
}

impl Profile {
    /// Where its exchanges go and how.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            organization_id: self.organization_id.clone(),
            ca_file: self.ca_file.clone(),
            proxy: self.proxy.clone(),
        }
    }
}

/// The text of a file that nobody else can replace; none, where there is none and nobody else can make one.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let file = trust::open(path).map_err(|untrusted| match &untrusted.fault {
        Fault::Unseen { source, .. } => ConfigError::unreadable(path, source),
        Fault::Foreign { .. } | Fault::Writable { .. } | Fault::Shared { .. } | Fault::Swapped => {
            ConfigError::untrusted(path, &untrusted.fault)
        }
    })?;
    file.map(read_limited).transpose().map_err(|error| ConfigError::unreadable(path, &error))
}

fn read_limited(file: fs::File) -> io::Result<String> {
    use io::Read as _;
    let mut text = String::new();
    file.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
