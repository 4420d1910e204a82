//! Made-up tokens and failures.

use std::time::Duration;

use airbyte_token_core::{
    AccessToken, Detail, Failure, Fingerprint, Issued, Misdirection, Secret, VaultTrouble,
};

/// In the text of every token, so that a search for it finds any leak.
pub(crate) const CANARY: &str = "canary-token-text";

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn mins(minutes: u64) -> Duration {
    secs(minutes * 60)
}

pub(crate) const fn hours(hours: u64) -> Duration {
    mins(hours * 60)
}

/// The fingerprint of the token with this number.
pub(crate) fn fingerprint(number: u64) -> Fingerprint {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Fingerprint::from_sha256(digest)
}

/// A token with this number.
pub(crate) fn issued(number: u64, lifetime: Duration) -> Issued {
    let text = Secret::new(format!("{CANARY}-{number:016}"));
    let access_token = AccessToken::parse(text).expect("the text fits");
    Issued { access_token, fingerprint: fingerprint(number), lifetime }
}

fn detail() -> Detail {
    Detail::new("made up")
}

pub(crate) fn transient() -> Failure {
    Failure::Transient { retry_after: None, detail: detail() }
}

pub(crate) fn unavailable(retry_after: Duration) -> Failure {
    Failure::Transient { retry_after: Some(retry_after), detail: detail() }
}

pub(crate) fn throttled(retry_after: Option<Duration>) -> Failure {
    Failure::Throttled { retry_after, detail: detail() }
}

pub(crate) fn suspect() -> Failure {
    Failure::Suspect { detail: detail() }
}

pub(crate) fn rejected() -> Failure {
    Failure::Rejected { detail: detail() }
}

pub(crate) fn unreached() -> Failure {
    Failure::Unreached { detail: detail() }
}

pub(crate) fn untrusted() -> Failure {
    Failure::Untrusted { detail: detail() }
}

pub(crate) fn misdirected() -> Failure {
    Failure::Misdirected { by: Misdirection::Address, detail: detail() }
}

pub(crate) fn intercepted() -> Failure {
    Failure::Misdirected { by: Misdirection::Interception, detail: detail() }
}

pub(crate) fn vault(trouble: VaultTrouble) -> Failure {
    Failure::Vault { trouble, detail: detail() }
}
