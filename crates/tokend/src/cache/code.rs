//! By which code callers know a failure.

use airbyte_token_core::{Failure, VaultTrouble};
use airbyte_token_local::ErrorCode;

/// The code by which callers know a failure.
#[must_use]
pub const fn code_of(failure: &Failure) -> ErrorCode {
    match failure {
        Failure::Transient { .. } | Failure::Suspect { .. } => ErrorCode::UpstreamUnavailable,
        Failure::Unreached { .. } | Failure::Untrusted { .. } => ErrorCode::UpstreamUnavailable,
        Failure::Throttled { .. } => ErrorCode::Throttled,
        Failure::Rejected { .. } => ErrorCode::Rejected,
        Failure::Misdirected { .. } => ErrorCode::Misdirected,
        Failure::Vault { trouble, .. } => code_of_trouble(*trouble),
    }
}

/// The code by which callers know a vault's trouble.
const fn code_of_trouble(trouble: VaultTrouble) -> ErrorCode {
    match trouble {
        VaultTrouble::Locked => ErrorCode::KeyringLocked,
        VaultTrouble::Absent => ErrorCode::KeyringMissing,
        VaultTrouble::Slow => ErrorCode::VaultSlow,
        VaultTrouble::Denied => ErrorCode::KeyringDenied,
        VaultTrouble::Empty => ErrorCode::NoSecret,
        VaultTrouble::OtherOrigin => ErrorCode::LogInAgain,
        VaultTrouble::Unreadable => ErrorCode::VaultUnreadable,
        VaultTrouble::Damaged => ErrorCode::VaultDamaged,
    }
}

/// Every code that a failed exchange can have.
pub const FAILURES: [ErrorCode; 12] = [
    ErrorCode::UpstreamUnavailable,
    ErrorCode::Throttled,
    ErrorCode::Rejected,
    ErrorCode::Misdirected,
    ErrorCode::KeyringLocked,
    ErrorCode::KeyringMissing,
    ErrorCode::VaultSlow,
    ErrorCode::KeyringDenied,
    ErrorCode::NoSecret,
    ErrorCode::LogInAgain,
    ErrorCode::VaultUnreadable,
    ErrorCode::VaultDamaged,
];
