//! When each client last came. To lose this costs nobody an entry: a file that cannot be read is forgotten.

use std::{
    collections::BTreeMap,
    mem,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use airbyte_token_core::{ClientId, Moment};
use airbyte_token_local::wire::from_json;

use super::{ClientsError, Damage, disk, register::LARGEST_FILE};

#[derive(Debug)]
pub(super) struct Uses {
    path: PathBuf,
    noted: Mutex<Noted>,
    /// Held while the file is written: two writers would tear each other's.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Noted {
    /// By id, so that a client made anew under an old name has not been there yet: whole seconds since the Unix epoch.
    last: BTreeMap<String, u64>,
    is_news: bool,
}

impl Uses {
    pub(super) fn load(path: PathBuf) -> Self {
        let read = disk::read(&path, LARGEST_FILE);
        let parsed = read.and_then(|text| text.map_or_else(|| Ok(BTreeMap::new()), |text| parse(&text)));
        let last = parsed.unwrap_or_else(|damage| {
            tracing::warn!("when local clients last came is forgotten: {} {damage}", path.display());
            BTreeMap::new()
        });
        Self { path, noted: Mutex::new(Noted { last, is_news: false }), writing: Mutex::default() }
    }

    pub(super) fn note(&self, id: &ClientId, now: Moment) {
        let mut noted = self.noted();
        let now = now.since_epoch().as_secs();
        if noted.last.get(id.as_str()) != Some(&now) {
            noted.last.insert(id.to_string(), now);
            noted.is_news = true;
        }
    }

    pub(super) fn last(&self, id: &ClientId) -> Option<Duration> {
        self.noted().last.get(id.as_str()).copied().map(Duration::from_secs)
    }

    /// Writes what is new, of those clients that there are.
    pub(super) fn write(&self, is_client: impl Fn(&str) -> bool) -> Result<(), ClientsError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = {
            let mut noted = self.noted();
            if !mem::take(&mut noted.is_news) {
                return Ok(());
            }
            noted.last.retain(|id, _| is_client(id));
            noted.last.clone()
        };
        let written = serde_json::to_vec(&last).map_err(Into::into);
        written.and_then(|text| disk::replace(&self.path, &text)).map_err(|source| {
            self.noted().is_news = true;
            ClientsError::Unwritten { path: self.path.clone(), source }
        })
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &[u8]) -> Result<BTreeMap<String, u64>, Damage> {
    from_json(text).map_err(Damage::Json)
}
