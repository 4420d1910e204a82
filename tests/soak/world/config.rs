//! What the daemon's configuration says, and how somebody changes it.

use airbyte_tokend_tests::{Airbyte, Home};

use crate::script::{self, Role};

/// How a profile stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// As it was at first.
    Plain,
    /// With another spelling of the same URL.
    Touched,
    /// Not at all.
    Removed,
    /// With the URL of another profile's Airbyte.
    Misrouted,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// How long before their end tokens are renewed, in seconds.
    pub(crate) early: u64,
    vault: String,
    /// Each profile's text, and its URL in it.
    profiles: Vec<(String, String)>,
    entries: Vec<Entry>,
}

impl Config {
    pub(crate) fn new(home: &Home, airbytes: &[Airbyte], cast: &[Role]) -> Self {
        let profile = |(number, airbyte): (usize, &Airbyte)| {
            (airbyte.profile_in_config(&script::name(number), cast[number].vault), airbyte.url())
        };
        Self {
            early: 300,
            vault: home.file_vault(),
            profiles: airbytes.iter().enumerate().map(profile).collect(),
            entries: vec![Entry::Plain; airbytes.len()],
        }
    }

    pub(crate) fn text(&self) -> String {
        let profiles: String = (0..self.profiles.len()).map(|number| self.profile(number)).collect();
        format!("[refresh]\nearly = \"{}s\"\n{}{profiles}", self.early, self.vault)
    }

    pub(crate) fn touch(&mut self, profile: usize) {
        self.entries[profile] = Entry::Touched;
    }

    pub(crate) fn remove(&mut self, profile: usize) {
        self.entries[profile] = Entry::Removed;
    }

    pub(crate) fn misroute(&mut self, profile: usize) {
        self.entries[profile] = Entry::Misrouted;
    }

    pub(crate) fn restore(&mut self, profile: usize) {
        self.entries[profile] = Entry::Plain;
    }

    /// Whether the profile can be served as it stands there.
    pub(crate) fn is_plain(&self, profile: usize) -> bool {
        matches!(self.entries[profile], Entry::Plain | Entry::Touched)
    }

    fn profile(&self, number: usize) -> String {
        let (text, url) = &self.profiles[number];
        let (_, next) = &self.profiles[(number + 1) % self.profiles.len()];
        match self.entries[number] {
            Entry::Plain => text.clone(),
            Entry::Touched => text.replace(url, &format!("{url}/")),
            Entry::Removed => String::new(),
            Entry::Misrouted => text.replace(url, next),
        }
    }
}
