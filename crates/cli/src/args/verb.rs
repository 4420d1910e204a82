//! The commands, and which options belong to each.

use super::flag::Flag;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Login,
    Logout,
    Print,
    Header,
    Status,
    Explain,
    Wait,
    Refresh,
    Reload,
    Lock,
    Unlock,
    Profiles,
    Use,
    /// What comes before `add`, `list` and `rm`.
    Client,
    ClientAdd,
    ClientList,
    ClientRm,
    Audit,
    Trace,
}

impl Verb {
    pub(crate) const ALL: [Self; 19] = [
        Self::Login,
        Self::Logout,
        Self::Print,
        Self::Header,
        Self::Status,
        Self::Explain,
        Self::Wait,
        Self::Refresh,
        Self::Reload,
        Self::Lock,
        Self::Unlock,
        Self::Profiles,
        Self::Use,
        Self::Client,
        Self::ClientAdd,
        Self::ClientList,
        Self::ClientRm,
        Self::Audit,
        Self::Trace,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Print => "print",
            Self::Header => "header",
            Self::Status => "status",
            Self::Explain => "explain",
            Self::Wait => "wait",
            Self::Refresh => "refresh",
            Self::Reload => "reload",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Profiles => "profiles",
            Self::Use => "use",
            Self::Client => "client",
            Self::ClientAdd => "client add",
            Self::ClientList => "client list",
            Self::ClientRm => "client rm",
            Self::Audit => "audit",
            Self::Trace => "trace",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// The options of this command, besides `--socket`, `--help` and `--version`, which belong to all.
    pub(super) const fn flags(self) -> &'static [Flag] {
        match self {
            Self::Login => &[
                Flag::Profile,
                Flag::Service,
                Flag::Url,
                Flag::Agents,
                Flag::ClientId,
                Flag::Vault,
                Flag::OrganizationId,
                Flag::CaFile,
                Flag::Proxy,
                Flag::Default,
            ],
            Self::Logout => &[Flag::Profile, Flag::Force],
            Self::Print => &[Flag::Profile, Flag::MinTtl, Flag::Wait, Flag::Json],
            Self::Header => &[Flag::Profile, Flag::MinTtl, Flag::Wait],
            Self::Status | Self::Explain | Self::Profiles | Self::ClientList => &[Flag::Profile, Flag::Json],
            Self::Wait => &[Flag::Profile, Flag::Timeout, Flag::MinTtl],
            Self::Refresh => &[Flag::Profile, Flag::Wait],
            Self::Reload | Self::Lock | Self::Unlock | Self::Use | Self::Client | Self::ClientRm => &[],
            Self::Audit => &[Flag::Profile, Flag::Since, Flag::Json, Flag::Follow, Flag::StateDir],
            Self::Trace => &[Flag::Json, Flag::StateDir],
            Self::ClientAdd => &[Flag::Profile, Flag::Mode, Flag::ReadOnly, Flag::Json],
        }
    }
}
