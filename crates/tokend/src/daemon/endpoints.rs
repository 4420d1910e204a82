//! Where loopback HTTP is served, opened and closed as the configuration says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::net::TcpListener;

use super::doors::Doors;
use crate::{
    config::LoopbackAddress,
    door::{People, Rank, Scope},
    listen::{self, PortError},
    service::{Door, Key, Listener, Rule},
};

/// The endpoints that are open.
#[derive(Debug, Default)]
pub(super) struct Endpoints(Mutex<BTreeMap<LoopbackAddress, Key>>);

/// The endpoints of a configuration, each with its socket if it was not open before.
#[derive(Debug)]
pub(super) struct Opened(Vec<(LoopbackAddress, Option<TcpListener>)>);

impl Endpoints {
    /// Opens those that are not open yet, and lets nobody in. Must be called on the runtime or a thread of its.
    pub(super) fn open(&self, wanted: &[LoopbackAddress]) -> Result<Opened, PortError> {
        let is_open: Vec<_> = self.with(|open| open.keys().copied().collect());
        let open = |address: &LoopbackAddress| match is_open.contains(address) {
            true => Ok((*address, None)),
            false => listening(*address).map(|listener| (*address, Some(listener))),
        };
        wanted.iter().map(open).collect::<Result<_, _>>().map(Opened)
    }

    /// Serves these from now on, and no others.
    pub(super) fn put(&self, Opened(endpoints): Opened, doors: &Doors) {
        self.with(|open| open.retain(|address, _| endpoints.iter().any(|(wanted, _)| wanted == address)));
        for (address, listener) in endpoints {
            let Some(listener) = listener else { continue };
            let name = format!("http://{address}");
            tracing::info!("local clients are served at {name}");
            let listener = Listener::Loopback(listener, address);
            let (door, key) = Door::new(&name, Rank::Side, listener, nothing_for_strangers());
            self.with(|open| open.insert(address, key));
            doors.serve(door);
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<LoopbackAddress, Key>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn listening(address: LoopbackAddress) -> Result<TcpListener, PortError> {
    let listener = listen::open_port(address)?;
    TcpListener::from_std(listener).map_err(|source| PortError::Refused { address, source })
}

/// The kernel does not say who comes. Whoever shows the credential of a local client gets what that may have.
fn nothing_for_strangers() -> Rule {
    Rule { scope: Arc::new(Scope::narrow([], [])), people: People::owner() }
}
