//! Edits of a file: what is accepted stays accepted and keeps the rest of its text; what is refused stays as it was.

use std::{collections::BTreeSet, fs};

use airbyte_token_core::ProfileName;
use airbyte_tokend::config::{
    Config, Draft, EditError, MOST_PROFILES, Profile, remove_profile, set_default_profile, set_profile,
};
use toml_edit::{Document, Item, Value};

use super::Shelf;
use crate::broken::{Broken, ensure};

thread_local! {
    static SHELF: Shelf = Shelf::new();
}

/// Tries every edit on a file with these bytes.
pub(super) fn verdict(bytes: &[u8]) -> Result<(), Broken> {
    SHELF.with(|shelf| {
        shelf.put(bytes).map_err(|error| Broken(error.to_string()))?;
        let outcome = match Config::load(&shelf.path()) {
            Ok(config) => Edits { shelf, config: &config, text: without_mark(bytes) }.all(),
            Err(_) => refused(shelf),
        };
        let after = fs::read(shelf.path()).map_err(|error| Broken(error.to_string()))?;
        ensure!(after == bytes, "a draft changed the file");
        outcome
    })
}

/// A byte order mark is not missed by anybody.
fn without_mark(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.strip_prefix('\u{feff}').unwrap_or(text)
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

/// An accepted file.
struct Edits<'a> {
    shelf: &'a Shelf,
    config: &'a Config,
    text: &'a str,
}

impl Edits<'_> {
    fn all(&self) -> Result<(), Broken> {
        for (name, profile) in self.config.profiles.iter().take(3) {
            self.writing_what_is_there_changes_nothing_else(name, profile)?;
            self.removing_takes_only_its_lines(name)?;
            self.choosing_changes_only_the_choice(name)?;
        }
        if self.config.profiles.len() < MOST_PROFILES && !self.config.profiles.contains_key(&new_name()) {
            self.adding_keeps_every_line()?;
        }
        Ok(())
    }

    fn writing_what_is_there_changes_nothing_else(
        &self,
        name: &ProfileName,
        profile: &Profile,
    ) -> Result<(), Broken> {
        let draft = self.draft(set_profile(&self.shelf.path(), name, profile, false), self.config)?;
        let expected = with_plain_values(self.text, name);
        let is_same = plain_line_ends(draft.text()) == plain_line_ends(&expected);
        ensure!(is_same, "written anew, {name} changes more: {:?}", draft.text());
        Ok(())
    }

    fn removing_takes_only_its_lines(&self, name: &ProfileName) -> Result<(), Broken> {
        let mut expected = self.config.clone();
        expected.profiles.remove(name);
        expected.default_profile.take_if(|default| default == name);
        let draft = self.draft(remove_profile(&self.shelf.path(), name), &expected)?;
        let is_subset = !self.has_own_table(name) || is_subsequence(draft.text(), self.text);
        ensure!(is_subset, "without {name} there is more: {:?}", draft.text());
        Ok(())
    }

    fn choosing_changes_only_the_choice(&self, name: &ProfileName) -> Result<(), Broken> {
        let expected = Config { default_profile: Some(name.clone()), ..self.config.clone() };
        let draft = self.draft(set_default_profile(&self.shelf.path(), name), &expected)?;
        let lines = |text: &str| {
            text.lines()
                .filter(|line| !line.contains("default_profile"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let is_same = self.text.contains('\\') || lines(draft.text()) == lines(self.text);
        ensure!(is_same, "with {name} chosen more changes: {:?}", draft.text());
        Ok(())
    }

    fn adding_keeps_every_line(&self) -> Result<(), Broken> {
        let (name, profile) = (new_name(), new_profile());
        let mut expected = self.config.clone();
        expected.profiles.insert(name.clone(), profile.clone());
        let draft = self.draft(set_profile(&self.shelf.path(), &name, &profile, false), &expected)?;
        let is_kept = !self.has_tables_for_profiles() || is_subsequence(self.text, draft.text());
        ensure!(is_kept, "with another profile something is gone: {:?}", draft.text());
        Ok(())
    }

    /// The draft, which must mean what is expected, and must be read so.
    fn draft(&self, edit: Result<Draft, EditError>, expected: &Config) -> Result<Draft, Broken> {
        let draft = edit.map_err(|error| Broken(format!("an accepted file cannot be edited: {error}")))?;
        ensure!(draft.config() == expected, "an edit made {:?} of {:?}", draft.text(), self.text);
        let is_ended_alike = !has_only_crlf(self.text) || has_only_crlf(draft.text());
        ensure!(is_ended_alike, "an edit changed the ends of lines: {:?}", draft.text());
        let read = Config::parse(draft.text(), &self.shelf.path());
        ensure!(read.as_ref() == Ok(expected), "what is written is read as {read:?}");
        Ok(draft)
    }

    /// Whether the profile stands under a header of its own, so that its lines are only its.
    fn has_own_table(&self, name: &ProfileName) -> bool {
        let Ok(document) = Document::parse(self.text) else { return false };
        let profiles = document.get("profiles").and_then(Item::as_table);
        let own = profiles.and_then(|profiles| profiles.get(name.as_str())).and_then(Item::as_table);
        own.is_some_and(|table| !table.is_dotted())
    }

    /// Whether profiles stand under headers, or would.
    fn has_tables_for_profiles(&self) -> bool {
        let Ok(document) = Document::parse(self.text) else { return false };
        document
            .get("profiles")
            .is_none_or(|profiles| profiles.as_table().is_some_and(|table| !table.is_dotted()))
    }
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
