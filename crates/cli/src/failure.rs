//! What a person is told when something fails.

use std::io;

use airbyte_token_local::{
    ErrorCode, ExitStatus,
    client::{CallError, ConnectError},
    paths::NoPlace,
    wire::ErrorReply,
};

use crate::args::UsageError;

/// What happened, one thing to do about it, and what the process exits with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    details: Vec<String>,
    hint: String,
    status: ExitStatus,
}

impl Failure {
    pub(crate) fn new(status: ExitStatus, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), details: Vec::new(), hint: hint.into(), status }
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

    /// The same, with a list of what happened in particular.
    pub(crate) fn with_details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }

    /// The same, with something else to do about it.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// The same, for what may pass whatever its code says.
    pub(crate) fn temporary(self) -> Self {
        Self { status: ExitStatus::TryAgain, ..self }
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn details(&self) -> &[String] {
        &self.details
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
        let what = match &error {
            CallError::Refused(reply) => refusal(reply),
            CallError::Unsent(_)
            | CallError::BadReply(_)
            | CallError::Unsayable(_)
            | CallError::BadJson(_)
            | CallError::BadToken(_) => error.to_string(),
        };
        Self::new(error.exit_status(), what, error.hint())
    }
}

/// Which profile it is about and how that fares, where the daemon says so. The code is told where it says more than the
/// state does.
fn refusal(reply: &ErrorReply) -> String {
    let ErrorReply { code, message, profile, state, .. } = reply;
    match (profile, state) {
        (Some(profile), Some(state)) if state.name() == code.name() => {
            format!("{profile} is {state}: {message}")
        }
        (Some(profile), Some(state)) => format!("{profile} is {state}: {message} ({code})"),
        (Some(_) | None, _) => message.clone(),
    }
}
