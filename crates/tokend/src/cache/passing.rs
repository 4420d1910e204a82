//! Which failures pass without anybody mending anything here, so that waiting is worth while.

use airbyte_token_core::{Failure, Misdirection, VaultTrouble};

/// Whether it may pass: the network, Airbyte, what stands between, or a keyring that somebody unlocks or starts as part
/// of using the machine. What needs a new secret, another configuration or another program's consent does not.
pub(super) const fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Transient { .. } | Failure::Throttled { .. } | Failure::Suspect { .. } => true,
        Failure::Unreached { .. } | Failure::Untrusted { .. } => true,
        Failure::Rejected { .. } => false,
        Failure::Misdirected { by, .. } => match by {
            Misdirection::Address => false,
            Misdirection::Interception => true,
        },
        Failure::Vault { trouble, .. } => match trouble {
            VaultTrouble::Locked | VaultTrouble::Absent | VaultTrouble::Slow => true,
            VaultTrouble::Denied
            | VaultTrouble::Empty
            | VaultTrouble::OtherOrigin
            | VaultTrouble::Unreadable
            | VaultTrouble::Damaged => false,
        },
    }
}
