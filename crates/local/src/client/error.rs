//! Why a call brought nothing.

use std::io;

use airbyte_token_core::token::BadAccessToken;

use super::BadReply;
use crate::{
    ErrorCode, ExitStatus,
    wire::{BadJson, ErrorReply},
};

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The daemon understood, and said no. Its words are fit to be shown ([`shown`](crate::shown())).
    #[error("{}", .0.message)]
    Refused(Box<ErrorReply>),
    /// The request could not be sent.
    #[error("the daemon hung up before it had the whole request: {0}")]
    Unsent(io::Error),
    /// What came back is no answer of ours.
    #[error("the daemon's answer makes no sense: {0}")]
    BadReply(#[from] BadReply),
    /// What was to be sent cannot be said in JSON, such as a path that is not UTF-8.
    #[error("the request cannot be said in json: {0}")]
    Unsayable(BadJson),
    /// What came back is not the JSON we agreed on.
    #[error("the daemon's answer makes no sense: {0}")]
    BadJson(#[from] BadJson),
    /// What came back is no token.
    #[error("the daemon's answer makes no sense: {0}")]
    BadToken(#[from] BadAccessToken),
}

impl CallError {
    /// The daemon's code, if it said no.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            Self::Unsent(_)
            | Self::Unsayable(_)
            | Self::BadReply(_)
            | Self::BadJson(_)
            | Self::BadToken(_) => None,
        }
    }

    /// What the command line exits with.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Refused(error) => error.code.exit_status(),
            Self::Unsent(_) | Self::BadReply(BadReply::Silent | BadReply::HungUp | BadReply::Broken(_)) => {
                ExitStatus::TryAgain
            }
            Self::Unsayable(_) => ExitStatus::Usage,
            Self::BadReply(_) | Self::BadJson(_) | Self::BadToken(_) => ExitStatus::Mismatch,
        }
    }

    /// One thing to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Refused(error) if error.code == ErrorCode::Unknown => {
                "this client is older than the daemon: update airbyte-token"
            }
            Self::Refused(error) => error.hint.as_deref().unwrap_or_else(|| error.code.remedy()),
            Self::Unsent(_) | Self::BadReply(BadReply::Silent | BadReply::HungUp | BadReply::Broken(_)) => {
                "try again; if it happens again, see `journalctl --user -u airbyte-tokend`"
            }
            Self::Unsayable(_) => "use names and paths that are UTF-8",
            Self::BadReply(_) | Self::BadJson(_) | Self::BadToken(_) => ErrorCode::Unknown.remedy(),
        }
    }
}
