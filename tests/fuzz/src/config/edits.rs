//! Edits of a file: what is accepted stays accepted and keeps the rest of its text; what is refused stays as it was.

use std::{collections::BTreeSet, fs, path::Path};

use airbyte_token_core::ProfileName;
use airbyte_tokend::config::{
    Config, Draft, EditError, MOST_PROFILES, Profile, remove_profile, set_default_profile, set_profile,
};
use toml_edit::{Document, Item, Value};

use super::Shelf;
use crate::broken::{Broken, ensure};

/// How many profiles of a file are edited: more cost time and show nothing new.
const EDITED: usize = 3;

thread_local! {
    static SHELF: Shelf = Shelf::new();
}

/// What is done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The profile is written as it is already.
    Rewrite(ProfileName),
    /// The profile is taken out.
    Remove(ProfileName),
    /// The profile becomes the default.
    Choose(ProfileName),
    /// A profile is written that was not there.
    Add,
}

/// Tries every edit on a file with these bytes.
pub(super) fn check(bytes: &[u8]) -> Result<(), Broken> {
    SHELF.with(|shelf| {
        shelf.put(bytes).map_err(|error| Broken(error.to_string()))?;
        let path = shelf.path();
        let outcome = match Config::load(&path) {
            Ok(config) => {
                every_edit(&config).iter().try_for_each(|edit| accepted(&path, &config, edit, bytes))
            }
            Err(_) => refused(shelf),
        };
        let after = fs::read(path).map_err(|error| Broken(error.to_string()))?;
        ensure!(after == bytes, "a draft changed the file");
        outcome
    })
}

/// What is to be said of a file that an edit made of another one, which was accepted.
///
/// # Errors
/// Which promise is broken:
/// - the new file is accepted, and means what the old one meant but for the edit;
/// - a profile that is written as it is keeps all but the way in which its values are written;
/// - one that is taken out takes no line of another along, and one that is put in leaves every line there;
/// - the choice of a default changes that line only;
/// - lines end as they did.
pub fn verdict(old: &str, edit: &Edit, new: &str) -> Result<(), Broken> {
    let read = |text: &str| Config::parse(text, Path::new("config.toml"));
    let Ok(before) = read(old) else { return Ok(()) };
    let after = read(new).map_err(|error| Broken(format!("no longer accepted: {error}")))?;
    ensure!(after == meant(before, edit), "{edit:?} means something else: {new:?}");
    ensure!(!has_only_crlf(old) || has_only_crlf(new), "lines end otherwise after {edit:?}: {new:?}");
    // A byte order mark is missed by nobody.
    let old = old.strip_prefix('\u{feff}').unwrap_or(old);
    let keeps_the_rest = match edit {
        Edit::Rewrite(name) => plain_line_ends(new) == plain_line_ends(&with_plain_values(old, name)),
        Edit::Remove(name) => !has_own_table(old, name) || is_subsequence(new, old),
        Edit::Choose(_) => old.contains('\\') || all_but_the_choice(new) == all_but_the_choice(old),
        Edit::Add => !has_tables_for_profiles(old) || is_subsequence(old, new),
    };
    ensure!(keeps_the_rest, "{edit:?} changes the rest: {new:?}");
    Ok(())
}

fn every_edit(config: &Config) -> Vec<Edit> {
    let of_one =
        |name: &ProfileName| [Edit::Rewrite, Edit::Remove, Edit::Choose].map(|edit| edit(name.clone()));
    let has_room = config.profiles.len() < MOST_PROFILES && !config.profiles.contains_key(&new_name());
    let edits = config.profiles.keys().take(EDITED).flat_map(of_one);
    edits.chain(has_room.then_some(Edit::Add)).collect()
}

fn accepted(path: &Path, config: &Config, edit: &Edit, bytes: &[u8]) -> Result<(), Broken> {
    let draft = draft(path, config, edit);
    let draft = draft.map_err(|error| Broken(format!("{edit:?} of an accepted file fails: {error}")))?;
    let read = Config::parse(draft.text(), path);
    ensure!(read.as_ref() == Ok(draft.config()), "what is in force after {edit:?} is not what is written");
    verdict(std::str::from_utf8(bytes).unwrap_or_default(), edit, draft.text())
}

fn draft(path: &Path, config: &Config, edit: &Edit) -> Result<Draft, EditError> {
    match edit {
        Edit::Rewrite(name) => set_profile(path, name, &config.profiles[name], false),
        Edit::Remove(name) => remove_profile(path, name),
        Edit::Choose(name) => set_default_profile(path, name),
        Edit::Add => set_profile(path, &new_name(), &new_profile(), false),
    }
}

/// A file with a mistake is neither edited nor reloaded.
fn refused(shelf: &Shelf) -> Result<(), Broken> {
    let (path, name) = (shelf.path(), new_name());
    let edits = [
        set_profile(&path, &name, &new_profile(), true),
        remove_profile(&path, &name),
        set_default_profile(&path, &name),
    ];
    for edit in edits {
        ensure!(matches!(edit, Err(EditError::Config(_))), "a file with a mistake is edited: {edit:?}");
    }
    shelf.refuses_to_reload()
}

/// What a configuration means after an edit.
fn meant(mut config: Config, edit: &Edit) -> Config {
    match edit {
        Edit::Rewrite(_) => {}
        Edit::Remove(name) => {
            config.profiles.remove(name);
            config.default_profile.take_if(|default| default == name);
        }
        Edit::Choose(name) => config.default_profile = Some(name.clone()),
        Edit::Add => drop(config.profiles.insert(new_name(), new_profile())),
    }
    config
}

fn all_but_the_choice(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains("default_profile")).collect()
}

/// Whether the profile stands under a header of its own, so that its lines are only its.
fn has_own_table(text: &str, name: &ProfileName) -> bool {
    let Ok(document) = Document::parse(text) else { return false };
    let profiles = document.get("profiles").and_then(Item::as_table);
    let own = profiles.and_then(|profiles| profiles.get(name.as_str())).and_then(Item::as_table);
    own.is_some_and(|table| !table.is_dotted())
}

/// Whether profiles stand under headers, or would.
fn has_tables_for_profiles(text: &str) -> bool {
    let Ok(document) = Document::parse(text) else { return false };
    let is_table = |profiles: &Item| profiles.as_table().is_some_and(|table| !table.is_dotted());
    document.get("profiles").is_none_or(is_table)
}

fn new_name() -> ProfileName {
    "added-by-a-check".parse().expect("this is a profile's name")
}

fn new_profile() -> Profile {
    let text = "[profiles.x]\nservice = \"self-managed\"\nurl = \"http://localhost:8000\"\n\
        client_id = \"an-id\"\nvault = \"memory\"\n";
    let config = Config::parse(text, "new.toml".as_ref()).expect("the example has no mistake");
    config.profiles.into_values().next().expect("the example has a profile")
}

/// The text with the values of this profile written the way that an edit writes them.
fn with_plain_values(text: &str, name: &ProfileName) -> String {
    let Ok(document) = Document::parse(text) else { return text.to_owned() };
    let profile = document.get("profiles").and_then(|profiles| profiles.get(name.as_str()));
    let Some(table) = profile.and_then(Item::as_table_like) else { return text.to_owned() };
    let values: BTreeSet<(usize, usize, String)> = table
        .iter()
        .filter_map(|(_, item)| Some((item.span()?, Value::from(item.as_str()?).to_string())))
        .map(|(span, value)| (span.start, span.end, value))
        .collect();
    let mut text = text.to_owned();
    for (start, end, value) in values.into_iter().rev() {
        text.replace_range(start..end, &value);
    }
    text
}

/// The text with line feeds alone, and none at its very end, where an edit may add one.
fn plain_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

fn has_only_crlf(text: &str) -> bool {
    text.contains('\n') && !text.replace("\r\n", "").contains('\n')
}

/// Whether every line of the one stands in the other, in the same order.
fn is_subsequence(of: &str, text: &str) -> bool {
    let mut lines = text.lines();
    of.lines().all(|line| lines.any(|other| other == line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_missing_or_out_of_order_are_noticed() {
        assert!(is_subsequence("a\nc\n", "a\nb\nc\n"));
        assert!(!is_subsequence("c\na\n", "a\nb\nc\n"));
        assert!(!is_subsequence("a\nd\n", "a\nb\nc\n"));
    }
}
