//! The lock.

use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/lock` and `POST /v1/unlock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockReply {
    /// Whether the daemon is locked now.
    pub locked: bool,
    /// Whether it will be so after a restart, too. If not, the disk did not take it.
    pub lasting: bool,
    /// The profiles whose secret was in memory only and is forgotten: they need a login.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<String>,
}
