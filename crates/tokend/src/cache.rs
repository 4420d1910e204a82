//! The tokens in hand: a cheap handle for readers and, per profile, one actor that owns the rules' state machine.
//!
//! Readers borrow what the actor published last; no lock crosses an await, and no exchange belongs to a reader: one
//! that hangs up changes nothing.

mod actor;
mod code;
mod exchange;
mod handle;
mod history;
mod memory;
mod passing;
mod state;

pub use code::{FAILURES, code_of};
pub use exchange::Exchanger;
pub use handle::{ProfileHandle, Shortfall};
pub use history::{Event, History, MOST_EVENTS, Outcome, Tally, What};
pub use memory::{Diary, MemoryFile, Remembering};
pub use state::{MOST_SKEW, state_of};

use std::{
    collections::BTreeMap,
    mem,
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

    /// Serves exactly these from now on. An actor that is no longer among them ends at once, whoever still waits for
    /// it: a profile never has two, and what was removed makes no more exchanges.
    pub fn replace(&self, profiles: BTreeMap<ProfileName, ProfileHandle>) {
        let profiles = Arc::new(profiles);
        let before =
            mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::clone(&profiles));
        for (name, handle) in before.iter() {
            if !profiles.get(name).is_some_and(|now| now.is_same(handle)) {
                handle.retire();
            }
        }
    }
}

#[cfg(test)]
mod tests;
