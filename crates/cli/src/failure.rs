//! What a person is told when something fails.

use std::io;

use airbyte_token_local::{
    ErrorCode, ExitStatus,
    client::{CallError, ConnectError},
    paths::NoPlace,
};

use crate::args::UsageError;

/// What happened, one thing to do about it, and what the process exits with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    hint: String,
    status: ExitStatus,
}

impl Failure {
    pub(crate) fn new(status: ExitStatus, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), status }
    }

    /// The token or the text could not be written where it was wanted.
    pub(crate) fn unwritten(error: &io::Error) -> Self {
        let hint = "see where standard output goes";
        Self::new(ExitStatus::TryAgain, format!("cannot write to standard output: {error}"), hint)
    }

    /// The same failure as this code's: for what the client can tell without asking.
    pub(crate) fn of_code(code: ErrorCode, what: impl Into<String>) -> Self {
        Self::new(code.exit_status(), what, code.remedy())
    }

    /// The same, with words put before what happened.
    pub(crate) fn prefixed(self, words: &str) -> Self {
        Self { what: format!("{words}: {}", self.what), ..self }
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    pub(crate) const fn status(&self) -> ExitStatus {
        self.status
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::new(ExitStatus::Usage, error.to_string(), error.hint())
    }
}

impl From<NoPlace> for Failure {
    fn from(error: NoPlace) -> Self {
        let hint = "log in through a session, or name the daemon's socket with --socket";
        Self::new(ExitStatus::Unreachable, error.to_string(), hint)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::new(error.exit_status(), error.to_string(), error.hint())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(error.exit_status(), error.to_string(), error.hint())
    }
}
