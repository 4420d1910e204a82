//! Changes to the file, made so that a person's comments and order stay and a crash leaves the old file or the new.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use airbyte_token_core::ProfileName;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::{Config, ConfigError, EMBEDDED, Profile, read};

/// A change to the file that is checked and not yet written.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    old: String,
    new: String,
    config: Config,
}

impl Draft {
    /// What the file will mean.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// What the file will say, to the letter.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.new
    }

    /// Replaces the file. Whatever goes wrong, it is whole: the old one or the new one.
    ///
    /// # Errors
    /// When the disk refuses; the file is then as it was.
    pub fn write(self) -> Result<(), EditError> {
        let Self { path, old, new, config: _ } = self;
        if new == old {
            return Ok(());
        }
        replace(&path, new.as_bytes()).map_err(|source| EditError::Write { path, source })
    }
}

/// Puts the profile into the file, in place of one of that name.
///
/// # Errors
/// When the file cannot be read or has a mistake, or would have one.
pub fn set_profile(
    path: &Path,
    name: &ProfileName,
    profile: &Profile,
    default: bool,
) -> Result<Draft, EditError> {
    draft(path, |document| {
        let profiles = document.entry("profiles").or_insert_with(implicit_table);
        let Some(profiles) = profiles.as_table_like_mut() else { return };
        let table = profiles.entry(name.as_str()).or_insert_with(|| Item::Table(Table::new()));
        write_profile(table, profile);
        if default {
            put(document.as_table_mut(), "default_profile", name.as_str());
        }
    })
}

/// Takes the profile out of the file, and out of `default_profile` if it stood there.
///
/// # Errors
/// As for [`set_profile`].
pub fn remove_profile(path: &Path, name: &ProfileName) -> Result<Draft, EditError> {
    draft(path, |document| {
        if let Some(profiles) = document.get_mut("profiles").and_then(Item::as_table_like_mut) {
            profiles.remove(name.as_str());
        }
        if document.get("default_profile").and_then(Item::as_str) == Some(name.as_str()) {
            document.remove("default_profile");
        }
    })
}

/// Makes the profile the one that is meant when nobody names one.
///
/// # Errors
/// As for [`set_profile`].
pub fn set_default_profile(path: &Path, name: &ProfileName) -> Result<Draft, EditError> {
    draft(path, |document| put(document.as_table_mut(), "default_profile", name.as_str()))
}

fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

fn write_profile(item: &mut Item, profile: &Profile) {
    let ca_file = profile.ca_file.as_ref().map(|path| path.display().to_string());
    let fields = [
        ("service", Some(profile.service.to_string())),
        ("url", profile.url.clone()),
        ("client_id", Some(profile.client_id.to_string())),
        ("vault", Some(profile.vault.to_string())),
        ("organization_id", profile.organization_id.clone()),
        ("ca_file", ca_file),
        ("proxy", profile.proxy.clone()),
    ];
    let Some(table) = item.as_table_like_mut() else { return };
    for (key, text) in fields {
        set_or_remove(table, key, text);
    }
}

fn set_or_remove(table: &mut dyn TableLike, key: &str, text: Option<String>) {
    match text {
        Some(text) => put(table, key, &text),
        None => drop(table.remove(key)),
    }
}

/// Sets the value and keeps the space and the comment that stood beside the old one.
fn put(table: &mut dyn TableLike, key: &str, text: &str) {
    let mut new = Value::from(text);
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => drop(table.insert(key, Item::Value(new))),
    }
}

fn draft(path: &Path, change: impl FnOnce(&mut DocumentMut)) -> Result<Draft, EditError> {
    let old = read(path)?.unwrap_or_else(|| EMBEDDED.to_owned());
    Config::parse(&old, path)?;
    let mut document: DocumentMut = old.parse().map_err(|_| EditError::Lost)?;
    change(&mut document);
    let new = with_line_ends_of(&old, document.to_string());
    let config = Config::parse(&new, path)?;
    Ok(Draft { path: path.to_owned(), old, new, config })
}

/// The library ends every line with a line feed alone. A file whose lines all end otherwise keeps its ends.
fn with_line_ends_of(old: &str, new: String) -> String {
    let is_crlf = old.contains('\n') && old.matches('\n').count() == old.matches("\r\n").count();
    if is_crlf { new.replace('\n', "\r\n") } else { new }
}

/// Follows a symbolic link to the file itself, so that a dotfile kept elsewhere stays a link.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let mut temporary = path.clone().into_os_string();
    temporary.push(format!(".{}.new", std::process::id()));
    discard(Path::new(&temporary))?;
    let written = write_new(Path::new(&temporary), text).and_then(|()| fs::rename(&temporary, &path));
    match written {
        // The new file is in force; a disk that fails only now can at worst bring the old one back after a crash.
        Ok(()) => drop(fs::File::open(parent).and_then(|parent| parent.sync_all())),
        // What went wrong is worth more than that nothing was there to be removed.
        Err(_) => drop(fs::remove_file(&temporary)),
    }
    written
}

/// One that is there already was left by a daemon that was killed. In a directory like `/tmp` it may be somebody else's:
/// that one cannot be removed, and is not written to.
fn discard(temporary: &Path) -> io::Result<()> {
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It has mistakes, or would have.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It reads as a configuration but not as a document; the two parsers are one, so this is a fault of ours.
    #[error("the configuration could not be edited; please report this")]
    Lost,
    /// The disk refused.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
