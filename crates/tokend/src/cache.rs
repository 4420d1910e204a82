//! The tokens in hand: a cheap handle for readers and, per profile, one actor that owns the rules' state machine.
//!
//! Readers borrow what the actor published last; no lock crosses an await, and no exchange belongs to a reader: one
//! that hangs up changes nothing.

mod actor;
mod exchange;
mod handle;
mod memory;

pub use exchange::Exchanger;
pub use handle::{ProfileHandle, Shortfall};
pub use memory::{MemoryFile, Remembering};

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use airbyte_token_core::ProfileName;

/// The profiles being served, by name. Clones share one map; changing it swaps the whole map at once.
#[derive(Clone, Debug, Default)]
pub struct Cache(Arc<RwLock<Arc<BTreeMap<ProfileName, ProfileHandle>>>>);

impl Cache {
    /// The profile's handle, if it is served.
    #[must_use]
    pub fn get(&self, name: &ProfileName) -> Option<ProfileHandle> {
        self.all().get(name).cloned()
    }

    /// Every profile, as of now.
    #[must_use]
    pub fn all(&self) -> Arc<BTreeMap<ProfileName, ProfileHandle>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves exactly these from now on. An actor whose last handle is gone ends, and its token is wiped.
    pub fn replace(&self, profiles: BTreeMap<ProfileName, ProfileHandle>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(profiles);
    }
}
