//! The sockets beside the main one, opened and closed as the configuration says.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::UnixListener, task::AbortHandle};

use super::{ChangeError, doors::Doors};
use crate::{
    config::{Socket, SocketName},
    door::Rank,
    listen::{Access, ListenError, Listening},
    service::{Door, Key, Listener, Rule},
};

/// The sockets that are open, by where they are: one that only changes its rule stays where and what it is.
#[derive(Debug, Default)]
pub(super) struct Sockets(Mutex<BTreeMap<PathBuf, Open>>);

/// An open socket. The key goes first: whoever connects in between is not served.
#[derive(Debug)]
struct Open {
    key: Key,
    access: Access,
    listening: Listening,
    _vigil: Watching,
}

/// Somebody who watches over the socket's name, until this is dropped.
#[derive(Debug)]
struct Watching(Option<AbortHandle>);

/// The sockets of a configuration, each bound if it was not open before.
#[derive(Debug)]
pub(super) struct Bound(Vec<Wanted>);

#[derive(Debug)]
struct Wanted {
    name: SocketName,
    path: PathBuf,
    access: Access,
    rule: Rule,
    bound: Option<(UnixListener, Listening)>,
}

impl Sockets {
    /// Binds those that are not open yet, beside this main socket, and lets nobody in. Those that are bound are gone
    /// again when the outcome is dropped. Must be called on the runtime or a thread of its.
    pub(super) fn bind(
        &self,
        wanted: &BTreeMap<SocketName, Socket>,
        main: &Path,
    ) -> Result<Bound, ChangeError> {
        let bind = |(name, socket): (&SocketName, &Socket)| {
            let failed = |source| ChangeError::Socket { name: name.clone(), source };
            self.bind_one(name, socket, main).map_err(failed)
        };
        wanted.iter().map(bind).collect::<Result<_, _>>().map(Bound)
    }

    fn bind_one(&self, name: &SocketName, socket: &Socket, main: &Path) -> Result<Wanted, ListenError> {
        let (path, access) = place(name, socket, main)?;
        let kept = self.with(|open| open.get(&path).map(|open| open.listening.check(access)));
        let bound = match kept {
            Some(fit) => fit.map(|()| None)?,
            None => Some(bound(&path, access)?),
        };
        let rule = Rule { scope: Arc::new(socket.scope.clone()), people: socket.people.clone() };
        Ok(Wanted { name: name.clone(), path, access, rule, bound })
    }

    /// Serves these from now on, and no others. Must be called on the runtime.
    pub(super) fn put(&self, Bound(wanted): Bound, doors: &Doors) {
        self.with(|open| open.retain(|path, _| wanted.iter().any(|wanted| wanted.path == *path)));
        for Wanted { name, path, access, rule, bound } in wanted {
            match bound {
                None => self.with(|open| {
                    open.get_mut(&path).into_iter().for_each(|open| open.change(access, rule.clone()))
                }),
                Some((listener, listening)) => {
                    tracing::info!(socket = %path.display(), "serving at the socket {name}");
                    let listener = Listener::Socket(listener);
                    let (door, key) = Door::new(&format!("the socket {name}"), Rank::Side, listener, rule);
                    let open = Open { key, access, _vigil: Watching::over(&listening), listening };
                    self.with(|all| all.insert(path, open));
                    doors.serve(door);
                }
            }
        }
    }

    /// Closes all of them, and takes their names away.
    pub(super) fn close(&self) {
        self.with(BTreeMap::clear);
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<PathBuf, Open>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Open {
    /// The rule decides, whatever becomes of the mode.
    fn change(&mut self, access: Access, rule: Rule) {
        self.key.change(rule);
        if access == self.access {
            return;
        }
        match self.listening.admit(access) {
            Ok(()) => self.access = access,
            Err(error) => tracing::error!(%error, "the mode of a socket stays as it was"),
        }
    }
}

impl Watching {
    fn over(listening: &Listening) -> Self {
        Self(listening.vigil().map(|vigil| tokio::spawn(vigil.keep()).abort_handle()))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Checks that the sockets of a configuration could be bound beside this main socket, as far as that can be seen from
/// their places. Makes nothing.
pub(super) fn check(wanted: &BTreeMap<SocketName, Socket>, main: &Path) -> Vec<ChangeError> {
    let failure = |(name, socket): (&SocketName, &Socket)| {
        let placed = place(name, socket, main);
        let source = placed.and_then(|(path, access)| Listening::could_be(&path, access)).err()?;
        Some(ChangeError::Socket { name: name.clone(), source })
    };
    wanted.iter().filter_map(failure).collect()
}

fn place(name: &SocketName, socket: &Socket, main: &Path) -> Result<(PathBuf, Access), ListenError> {
    let path = socket.place(name, main);
    if path == main {
        return Err(ListenError::Main { path });
    }
    let access = if socket.people.are_owner_alone() { Access::Owner } else { Access::Others };
    Ok((path, access))
}

fn bound(path: &Path, access: Access) -> Result<(UnixListener, Listening), ListenError> {
    let (listener, listening) = Listening::beside(path, access)?;
    let failed = |source: io::Error| ListenError::Socket { path: path.to_owned(), source };
    Ok((UnixListener::from_std(listener).map_err(failed)?, listening))
}
