//! The clients that there are, and the text that the file has of them.

use std::collections::HashSet;

use airbyte_token_core::{ClientId, ClientName, ProfileName};
use airbyte_token_local::wire::{ClientMode, from_json};
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::{
    Client, ClientsError, Damage, MOST_CLIENTS,
    credentials::{SecretHash, is_id},
};

/// The largest file that is read, in bytes: more than all clients take with the longest names.
pub(super) const LARGEST_FILE: u64 = 256 * 1024;
/// Changes when what is written does.
const VERSION: u32 = 1;

/// The clients, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    client: Client,
    hash: SecretHash,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    clients: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    id: String,
    secret_sha256: String,
    profile: String,
    mode: ClientMode,
    read_only: bool,
}

impl Register {
    /// Reads what [`Register::to_json`] writes. One mistake makes all of it unfit: who may come in is not guessed.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Damage> {
        let Document { version, clients } = from_json(text).map_err(Damage::Json)?;
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        if clients.len() > MOST_CLIENTS {
            return Err(Damage::TooMany);
        }
        let entry = |(number, row): (usize, Row)| row.entry().ok_or(Damage::Client(number));
        let mut entries = (1..).zip(clients).map(entry).collect::<Result<Vec<_>, _>>()?;
        entries.sort_by(|a, b| a.client.name.cmp(&b.client.name));
        let register = Self { entries };
        if register.is_distinct() { Ok(register) } else { Err(Damage::Twice) }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let document = Document { version: VERSION, clients: self.entries.iter().map(Row::of).collect() };
        serde_json::to_vec(&document).expect("names, numbers and hexadecimal digits can be said in json")
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.entries.iter().map(|entry| &entry.client)
    }

    pub(super) fn named(&self, name: &ClientName) -> Option<&Client> {
        self.clients().find(|client| client.name == *name)
    }

    pub(super) fn by_secret(&self, hash: &SecretHash) -> Option<Client> {
        self.find(|entry| entry.hash.ct_eq(hash))
    }

    pub(super) fn by_pair(&self, id: &[u8], hash: &SecretHash) -> Option<Client> {
        self.find(|entry| entry.client.id.as_str().as_bytes().ct_eq(id) & entry.hash.ct_eq(hash))
    }

    pub(super) fn add(&mut self, client: Client, hash: SecretHash) -> Result<(), ClientsError> {
        if self.named(&client.name).is_some() {
            return Err(ClientsError::Taken(client.name));
        }
        if self.entries.len() >= MOST_CLIENTS {
            return Err(ClientsError::TooMany);
        }
        let place = self.entries.partition_point(|entry| entry.client.name < client.name);
        self.entries.insert(place, Entry { client, hash });
        Ok(())
    }

    pub(super) fn remove_of(&mut self, profile: &ProfileName) -> Self {
        let (gone, kept) = self.entries.drain(..).partition(|entry: &Entry| entry.client.profile == *profile);
        self.entries = kept;
        Self { entries: gone }
    }

    /// Takes in those whose names are not taken.
    pub(super) fn take_in(&mut self, others: Self) {
        for Entry { client, hash } in others.entries {
            self.add(client, hash).unwrap_or(());
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Client) -> bool) {
        self.entries.retain(|entry| keep(&entry.client));
    }

    /// Looks at all of them, and at each for as long, whichever it is.
    fn find(&self, is_it: impl Fn(&Entry) -> Choice) -> Option<Client> {
        let mut found = u64::MAX;
        for (place, entry) in (0..).zip(&self.entries) {
            found.conditional_assign(&place, is_it(entry));
        }
        let place = usize::try_from(found).ok()?;
        self.entries.get(place).map(|entry| entry.client.clone())
    }

    fn is_distinct(&self) -> bool {
        let count = self.entries.len();
        let names: HashSet<_> = self.clients().map(|client| &client.name).collect();
        let ids: HashSet<_> = self.clients().map(|client| client.id.as_str()).collect();
        let hashes: HashSet<_> = self.entries.iter().map(|entry| entry.hash).collect();
        [names.len(), ids.len(), hashes.len()] == [count; 3]
    }
}

impl Row {
    fn of(entry: &Entry) -> Self {
        let Entry { client, hash } = entry;
        Self {
            name: client.name.to_string(),
            id: client.id.to_string(),
            secret_sha256: hash.to_hex(),
            profile: client.profile.to_string(),
            mode: client.mode,
            read_only: client.read_only,
        }
    }

    fn entry(self) -> Option<Entry> {
        let Self { name, id, secret_sha256, profile, mode, read_only } = self;
        let id: ClientId = id.parse().ok().filter(|id: &ClientId| is_id(id.as_str()))?;
        let (name, profile) = (name.parse().ok()?, profile.parse().ok()?);
        let hash = SecretHash::from_hex(&secret_sha256)?;
        let allowed = !read_only || mode == ClientMode::Proxy;
        allowed.then_some(Entry { client: Client { name, id, profile, mode, read_only }, hash })
    }
}
