//! Sockets beside the main one, each with its profiles, its verbs and its callers: `[sockets.NAME]`.

mod accounts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use airbyte_token_core::ProfileName;
use toml_edit::TableLike;

use super::{MOST_SOCKETS, Profile, document::Reader};
use crate::door::{People, Scope, Verb};

pub(super) const SOCKET_KEYS: [&str; 5] = ["path", "profiles", "verbs", "users", "groups"];

/// The longest path that a socket can have (`unix(7)`), in bytes; so long its second name may be, too.
const LONGEST_PATH: usize = 107;

/// A socket for others than the daemon's own user, or for less than everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is; without it, `NAME/api.sock` in the main socket's directory.
    pub path: Option<PathBuf>,
    /// What is to be had there.
    pub scope: Scope,
    /// Who may connect.
    pub people: People,
}

impl Socket {
    /// Where it is, beside this main socket.
    #[must_use]
    pub fn place(&self, name: &SocketName, main: &Path) -> PathBuf {
        let default = || main.with_file_name(name.as_str()).join("api.sock");
        self.path.clone().unwrap_or_else(default)
    }
}

/// The name of a socket: 1 to 32 of `a-z 0-9 -`, beginning with a letter. So none is the name of a file that the daemon
/// keeps beside its main socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketName(String);

impl SocketName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SocketName {
    type Err = BadSocketName;

    fn from_str(text: &str) -> Result<Self, BadSocketName> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let is_name = starts_well && text.len() <= 32 && text.bytes().all(inner);
        if is_name { Ok(Self(text.to_owned())) } else { Err(BadSocketName) }
    }
}

/// The text is no name of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a socket's name has 1 to 32 of a-z 0-9 - and begins with a letter")]
pub struct BadSocketName;

impl Reader<'_> {
    /// The sockets, which may give out these profiles.
    pub(super) fn sockets(
        &mut self,
        root: &dyn TableLike,
        profiles: &BTreeMap<ProfileName, Profile>,
    ) -> BTreeMap<SocketName, Socket> {
        let Some(table) = self.any_table(root, "", "sockets") else { return BTreeMap::new() };
        if table.len() > MOST_SOCKETS {
            let text = format!("there are {} sockets, and one daemon serves {MOST_SOCKETS}", table.len());
            self.blame(root, "sockets", text);
        }
        let (mut sockets, mut paths) = (BTreeMap::new(), BTreeSet::new());
        for name in table.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>() {
            let parsed: Result<SocketName, _> = name.parse();
            let parsed = parsed.map_err(|error| self.blame(table, &name, format!("`{name}`: {error}"))).ok();
            let socket = self.socket(table, &name, profiles);
            let (Some(parsed), Some(socket)) = (parsed, socket) else { continue };
            if socket.path.as_ref().is_some_and(|path| !paths.insert(path.clone())) {
                self.blame(table, &name, format!("`sockets.{name}.path` is another socket's, too"));
            }
            sockets.insert(parsed, socket);
        }
        sockets
    }

    fn socket(
        &mut self,
        sockets: &dyn TableLike,
        name: &str,
        profiles: &BTreeMap<ProfileName, Profile>,
    ) -> Option<Socket> {
        let table = self.table(sockets, "sockets.", name, &SOCKET_KEYS)?;
        let prefix = format!("sockets.{name}.");
        if table.get("profiles").is_none() {
            self.blame(sockets, name, format!("`{prefix}profiles` is missing"));
        }
        let named = self.each::<ProfileName>(table, &prefix, "profiles");
        for unknown in named.iter().filter(|name| !profiles.contains_key(name)) {
            let text = format!("`{prefix}profiles` names `{unknown}`, and there is no [profiles.{unknown}]");
            self.blame(table, "profiles", text);
        }
        let verbs = match table.get("verbs") {
            Some(_) => self.each::<Verb>(table, &prefix, "verbs"),
            None => vec![Verb::Token],
        };
        let path = self.socket_path(table, &prefix);
        let people = self.people(table, &prefix);
        Some(Socket { path, scope: Scope::narrow(named, verbs), people })
    }

    fn socket_path(&mut self, table: &dyn TableLike, prefix: &str) -> Option<PathBuf> {
        let path = self.path(table, prefix, "path")?;
        let second_name = path.with_extension("spare");
        let has_name = path.file_name().is_some() && !path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if !has_name {
            self.blame(table, "path", format!("`{prefix}path` must end in the socket's own name"));
        } else if path.as_os_str().len().max(second_name.as_os_str().len()) > LONGEST_PATH {
            let text = format!("`{prefix}path` is longer than a socket's may be ({LONGEST_PATH} bytes)");
            self.blame(table, "path", text);
        }
        Some(path)
    }

    fn people(&mut self, table: &dyn TableLike, prefix: &str) -> People {
        let (mut uids, mut gids) = (BTreeSet::new(), BTreeSet::new());
        for user in self.texts(table, prefix, "users") {
            match accounts::user(&user) {
                Ok(uid) => drop(uids.insert(uid)),
                Err(error) => self.blame(table, "users", format!("`{prefix}users`: {error}")),
            }
        }
        for group in self.texts(table, prefix, "groups") {
            match accounts::group(&group) {
                Ok(found) => {
                    gids.insert(found.gid);
                    uids.extend(found.members);
                }
                Err(error) => self.blame(table, "groups", format!("`{prefix}groups`: {error}")),
            }
        }
        People::with(uids, gids)
    }

    /// All texts there, each understood or blamed.
    fn each<T: FromStr<Err: fmt::Display>>(
        &mut self,
        table: &dyn TableLike,
        prefix: &str,
        key: &str,
    ) -> Vec<T> {
        let texts = self.texts(table, prefix, key);
        let understand = |text: String| {
            let parsed = text.parse();
            parsed.map_err(|error| self.blame(table, key, format!("`{prefix}{key}`: `{text}`: {error}"))).ok()
        };
        texts.into_iter().filter_map(understand).collect()
    }
}

#[cfg(test)]
mod tests;
