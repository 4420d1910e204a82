//! Who asks, as records say it: looked up once for each connection.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use airbyte_token_local::audit;

use super::proc;
use crate::service::{Peer, Who};

/// How many askers are known at once.
const MOST_KNOWN: usize = 1024;
/// How many connections are known at once: about as many as there are seats, so that none is looked up over and over.
const MOST_CONNECTIONS: usize = 4096;

/// An asker: the same one for the same user, program and parent, whatever the number of its process.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// Without the number of its process.
    pub(super) who: Arc<audit::Who>,
    pub(super) pid: Option<i32>,
}

impl Asker {
    /// Who it is, with the number of its process.
    pub(super) fn whole(&self) -> audit::Who {
        let mut who = audit::Who::clone(&self.who);
        who.process.pid = self.pid;
        who
    }
}

/// Those who asked of late.
#[derive(Debug, Default)]
pub(super) struct Peers {
    connections: Fading<(i32, Duration), Asker>,
    askers: HashSet<Arc<audit::Who>>,
    order: VecDeque<Arc<audit::Who>>,
}

impl Peers {
    /// Who this is. Looks the process up the first time, while it waits for its answer and so is most likely still there.
    pub(super) fn seen(&mut self, who: &Who) -> Asker {
        match who {
            Who::Peer(peer) => self.peer(peer),
            Who::Client(name) => {
                let who = audit::Who { client: Some(name.to_string()), ..audit::Who::default() };
                Asker { who: self.one(who), pid: None }
            }
            Who::Unnamed => Asker { who: self.one(audit::Who::default()), pid: None },
        }
    }

    /// The kernel does not number connections; no two of a process begin in the same nanosecond.
    fn peer(&mut self, peer: &Peer) -> Asker {
        let connection = (peer.pid.unwrap_or(0), peer.came.since_boot());
        if let Some(asker) = self.connections.get(&connection) {
            return asker.clone();
        }
        let (process, parent) = peer.pid.map(|pid| proc::look(pid, peer.came)).unwrap_or_default();
        let process = audit::Process { pid: None, ..process };
        let who = audit::Who { client: None, uid: Some(peer.uid), process, parent };
        let asker = Asker { who: self.one(who), pid: peer.pid.filter(|pid| *pid > 0) };
        self.connections.put(connection, asker.clone());
        asker
    }

    /// The one that is known already, if it is.
    pub(super) fn one(&mut self, who: audit::Who) -> Arc<audit::Who> {
        if let Some(known) = self.askers.get(&who) {
            return Arc::clone(known);
        }
        let who = Arc::new(who);
        self.askers.insert(Arc::clone(&who));
        self.order.push_back(Arc::clone(&who));
        if self.order.len() > MOST_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.askers.remove(&oldest);
        }
        who
    }
}

/// A map that forgets the oldest when it is full.
#[derive(Debug)]
struct Fading<K, V> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Fading<K, V> {
    fn default() -> Self {
        Self { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, V> Fading<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    fn put(&mut self, key: K, value: V) {
        if self.map.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST_CONNECTIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.map.remove(&oldest);
        }
    }
}
