//! The options.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Help,
    Version,
    Socket,
    Profile,
    Json,
    MinTtl,
    Wait,
    Service,
    Url,
    Agents,
    ClientId,
    Vault,
    OrganizationId,
    CaFile,
    Proxy,
    Default,
    Timeout,
    Force,
    Mode,
    ReadOnly,
    Since,
    Follow,
    StateDir,
}

impl Flag {
    pub(super) const ALL: [Self; 23] = [
        Self::Help,
        Self::Version,
        Self::Socket,
        Self::Profile,
        Self::Json,
        Self::MinTtl,
        Self::Wait,
        Self::Service,
        Self::Url,
        Self::Agents,
        Self::ClientId,
        Self::Vault,
        Self::OrganizationId,
        Self::CaFile,
        Self::Proxy,
        Self::Default,
        Self::Timeout,
        Self::Force,
        Self::Mode,
        Self::ReadOnly,
        Self::Since,
        Self::Follow,
        Self::StateDir,
    ];

    /// Its name, without the dashes.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Version => "version",
            Self::Socket => "socket",
            Self::Profile => "profile",
            Self::Json => "json",
            Self::MinTtl => "min-ttl",
            Self::Wait => "wait",
            Self::Service => "service",
            Self::Url => "url",
            Self::Agents => "agents",
            Self::ClientId => "client-id",
            Self::Vault => "vault",
            Self::OrganizationId => "organization-id",
            Self::CaFile => "ca-file",
            Self::Proxy => "proxy",
            Self::Default => "default",
            Self::Timeout => "timeout",
            Self::Force => "force",
            Self::Mode => "mode",
            Self::ReadOnly => "read-only",
            Self::Since => "since",
            Self::Follow => "follow",
            Self::StateDir => "state-dir",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }

    pub(super) const fn short(letter: char) -> Option<Self> {
        match letter {
            'h' => Some(Self::Help),
            'V' => Some(Self::Version),
            'p' => Some(Self::Profile),
            _ => None,
        }
    }
}
