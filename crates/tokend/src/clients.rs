//! Local clients: tools that were given an id and a secret of their own for the loopback endpoint, so that they hold
//! nothing of Airbyte's.
//!
//! Of a secret only its SHA-256 is kept, in memory and in `clients.json`: 43 letters that the system's random numbers
//! chose are not to be guessed, so they need no slow hash. A file that cannot be understood or trusted lets nobody in
//! and is never written over. When a client last came is told apart from that, in a file that may be lost.

mod credentials;
mod disk;
mod register;
mod uses;

pub use disk::Damage;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use airbyte_token_core::{ClientId, ClientName, Moment, ProfileName, Secret};
use airbyte_token_local::wire::ClientMode;
use tokio::{sync::Notify, time};

use credentials::SecretHash;
use register::Register;
use uses::Uses;

/// How many local clients there may be.
pub const MOST_CLIENTS: usize = 256;
/// How long after one write of what was used the next one may follow.
const WRITES_APART: Duration = Duration::from_secs(60);

/// A local client, as it is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: ClientName,
    /// Its id: a random UUID (RFC 9562 §5.4).
    pub id: ClientId,
    /// The profile that it is for. It may have been taken out of the configuration by hand since.
    pub profile: ProfileName,
    /// What it may have of that profile.
    pub mode: ClientMode,
    /// Whether it may only read; never together with [`ClientMode::Token`].
    pub read_only: bool,
}

/// A local client that is to be.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Its name.
    pub name: ClientName,
    /// Its profile.
    pub profile: ProfileName,
    /// What it may have of it.
    pub mode: ClientMode,
    /// Whether it may only read.
    pub read_only: bool,
}

/// All local clients. Clones share them.
#[derive(Clone, Debug)]
pub struct Clients(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    held: RwLock<Held>,
    uses: Uses,
    /// Held while the file is read, changed and written.
    changing: Mutex<()>,
    news: Notify,
}

/// What requests are judged by.
#[derive(Debug, Default)]
struct Held {
    register: Arc<Register>,
    problem: Option<String>,
    /// Clients that were removed and that the file still has, because the disk did not take the new one.
    revoked: HashMap<ClientId, Client>,
}

impl Clients {
    /// Reads the files in this directory, which need not be there yet. Where the register of clients is damaged, all
    /// clients are refused until it is mended, and [`Clients::problem`] says so.
    #[must_use]
    pub fn load(directory: &Path) -> Self {
        let clients = Self(Arc::new(Shared {
            path: directory.join("clients.json"),
            held: RwLock::default(),
            uses: Uses::load(directory.join("client-uses.json")),
            changing: Mutex::default(),
            news: Notify::new(),
        }));
        drop(clients.read());
        clients
    }

    /// The client whose secret this is. All of them are looked at whatever is presented, and compared by their hashes:
    /// the time it takes says nothing about a secret.
    #[must_use]
    pub fn by_bearer(&self, presented: &[u8]) -> Option<Client> {
        self.register().by_secret(&SecretHash::of(presented))
    }

    /// The client with this id and this secret. Takes as long whether or not there is such an id.
    #[must_use]
    pub fn by_pair(&self, id: &[u8], secret: &[u8]) -> Option<Client> {
        self.register().by_pair(id, &SecretHash::of(secret))
    }

    /// Notes that the client was served. It is written to the disk within a minute, or when the daemon stops.
    pub fn note_use(&self, name: &ClientName, now: Moment) {
        if let Some(client) = self.register().named(name) {
            self.0.uses.note(&client.id, now);
            self.0.news.notify_one();
        }
    }

    /// Every client, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Client> {
        self.register().clients().cloned().collect()
    }

    /// The client of this name, which may be one that was removed and that the disk has not forgotten yet.
    #[must_use]
    pub fn known(&self, name: &ClientName) -> Option<Client> {
        let removed = |held: &Held| held.revoked.values().find(|client| client.name == *name).cloned();
        self.held(|held| held.register.named(name).cloned().or_else(|| removed(held)))
    }

    /// When the client last came, as time since the Unix epoch; none where it never did.
    #[must_use]
    pub fn last_use(&self, client: &Client) -> Option<Duration> {
        self.0.uses.last(&client.id)
    }

    /// Why all clients are refused, if they are.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.held(|held| held.problem.clone())
    }

    /// Makes a client, and brings its secret: the only time that anybody sees it. Reads and writes the disk.
    ///
    /// # Errors
    /// When it is not to be, or the disk does not take it; there is then no such client.
    pub fn add(&self, new: NewClient) -> Result<(Client, Secret), ClientsError> {
        let NewClient { name, profile, mode, read_only } = new;
        if read_only && mode == ClientMode::Token {
            return Err(ClientsError::ReadOnlyToken);
        }
        let (id, secret) = (credentials::id()?, credentials::secret()?);
        let client = Client { name, id, profile, mode, read_only };
        let hash = SecretHash::of(secret.expose().as_bytes());
        self.change(|register| register.add(client.clone(), hash))?;
        Ok((client, secret))
    }

    /// Refuses the client from now on, and then has the disk forget it.
    ///
    /// # Errors
    /// When there is none of this name, or the disk does not take it: the client is refused all the same, as long as
    /// this daemon runs, and this may be called again.
    pub fn remove(&self, name: &ClientName) -> Result<(), ClientsError> {
        self.revoke(name)?;
        match self.change(|_| Ok(())) {
            Err(ClientsError::Unwritten { path, source }) => {
                self.0.news.notify_one();
                Err(ClientsError::StillWritten { name: name.clone(), path, source })
            }
            outcome => outcome,
        }
    }

    /// Refuses all clients of a profile from now on, and brings what [`Clients::put_back`] takes.
    ///
    /// # Errors
    /// When the disk does not take it; then none is removed.
    pub fn remove_of(&self, profile: &ProfileName) -> Result<Removed, ClientsError> {
        if !self.register().clients().any(|client| client.profile == *profile) {
            return Ok(Removed::default());
        }
        self.change(|register| Ok(register.remove_of(profile))).map(Removed)
    }

    /// Has these clients again, for what removed them did not come to be.
    ///
    /// # Errors
    /// When the disk does not take them; then they are gone.
    pub fn put_back(&self, removed: Removed) -> Result<(), ClientsError> {
        let Removed(removed) = removed;
        if removed.clients().next().is_none() {
            return Ok(());
        }
        self.change(|register| {
            register.take_in(removed);
            Ok(())
        })
    }

    /// Writes what is not on the disk yet, at most once a minute, for ever.
    pub async fn keep(self) {
        let mut written = true;
        loop {
            if written {
                self.0.news.notified().await;
            }
            let clients = self.clone();
            let problem = match tokio::task::spawn_blocking(move || clients.write()).await {
                Ok(outcome) => outcome.err().map(|error| error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            written = problem.is_none();
            if let Some(problem) = problem {
                tracing::warn!("what is new of local clients is not written down yet: {problem}");
            }
            time::sleep(WRITES_APART).await;
        }
    }

    /// Writes what is not on the disk yet: who came when, and who was removed while there was no room to write it down.
    ///
    /// # Errors
    /// What the disk said.
    pub fn write(&self) -> Result<(), ClientsError> {
        if self.held(|held| !held.revoked.is_empty()) {
            self.change(|_| Ok(()))?;
        }
        let known = self.register();
        self.0.uses.write(|id| known.clients().any(|client| client.id.as_str() == id))
    }

    /// Makes a change to what the file says, and then has it in force. Nothing is written where the change fails, or
    /// where the file is damaged.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Register) -> Result<T, ClientsError>,
    ) -> Result<T, ClientsError> {
        let _one_at_a_time = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut register = self.read()?;
        let changed = change(&mut register)?;
        let path = &self.0.path;
        let unwritten = |source| ClientsError::Unwritten { path: path.clone(), source };
        disk::replace(path, &register.to_json()).map_err(unwritten)?;
        self.put(register);
        Ok(changed)
    }

    /// What the file says, but for those whose removal it does not know yet. From now on it is in force.
    fn read(&self) -> Result<Register, ClientsError> {
        let read = disk::read(&self.0.path, register::LARGEST_FILE)
            .and_then(|text| text.map_or_else(|| Ok(Register::default()), |text| Register::parse(&text)));
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(mut register) => {
                register.retain(|client| !held.revoked.contains_key(&client.id));
                (held.register, held.problem) = (Arc::new(register.clone()), None);
                Ok(register)
            }
            Err(damage) => {
                let error = ClientsError::Damaged { path: self.0.path.clone(), damage };
                tracing::error!("all local clients are refused: {error}");
                (held.register, held.problem) = (Arc::default(), Some(error.to_string()));
                Err(error)
            }
        }
    }

    fn put(&self, register: Register) {
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        held.register = Arc::new(register);
        held.revoked.clear();
    }

    fn revoke(&self, name: &ClientName) -> Result<(), ClientsError> {
        let client = self.known(name).ok_or_else(|| ClientsError::NoSuchClient(name.clone()))?;
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut held.register).retain(|other| other.id != client.id);
        held.revoked.insert(client.id.clone(), client);
        Ok(())
    }

    fn register(&self) -> Arc<Register> {
        self.held(|held| Arc::clone(&held.register))
    }

    fn held<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&self.0.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Clients that were removed together.
#[derive(Debug, Default)]
pub struct Removed(Register);

impl Removed {
    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.clients().count()
    }
}

/// Why the local clients are as before, or all refused.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The name is taken.
    #[error("there is a local client `{0}` already")]
    Taken(ClientName),
    /// There is none of this name.
    #[error("there is no local client `{0}`")]
    NoSuchClient(ClientName),
    /// There is no room for another one.
    #[error("there are {MOST_CLIENTS} local clients already, and one daemon has no more")]
    TooMany,
    /// A token is worth what it is worth wherever it goes.
    #[error("a token cannot be made read-only; a read-only client needs mode proxy")]
    ReadOnlyToken,
    /// The file cannot be understood or trusted.
    #[error("{path} {damage}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In what way.
        damage: Damage,
    },
    /// The disk refused.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk refused to forget a client, who is refused until the daemon is started again, and then, too, if the
    /// file was written since.
    #[error(
        "the local client `{name}` is refused from now on, but would be back after a restart: \
         {path} cannot be written: {source}", path = path.display()
    )]
    StillWritten {
        /// The client.
        name: ClientName,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system's source of random numbers failed.
    #[error("the system has no random numbers to give")]
    NoRandom,
}

#[cfg(test)]
mod tests;
