//! The commands, and which options belong to each.

use super::flag::Flag;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Login,
    Logout,
    Print,
    Header,
    Status,
    Refresh,
    Profiles,
    Use,
}

impl Verb {
    pub(crate) const ALL: [Self; 8] = [
        Self::Login,
        Self::Logout,
        Self::Print,
        Self::Header,
        Self::Status,
        Self::Refresh,
        Self::Profiles,
        Self::Use,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Print => "print",
            Self::Header => "header",
            Self::Status => "status",
            Self::Refresh => "refresh",
            Self::Profiles => "profiles",
            Self::Use => "use",
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
            Self::Logout => &[Flag::Profile],
            Self::Print => &[Flag::Profile, Flag::MinTtl, Flag::Wait, Flag::Json],
            Self::Header => &[Flag::Profile, Flag::MinTtl, Flag::Wait],
            Self::Status | Self::Profiles => &[Flag::Profile, Flag::Json],
            Self::Refresh => &[Flag::Profile, Flag::Wait],
            Self::Use => &[],
        }
    }
}
