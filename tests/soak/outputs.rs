//! Everything that the programs under test said, and the search of it for secrets.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::search::Searcher;

/// Where something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Answers that hold a token: no secret may be in them.
    Tokens,
    /// All other answers but these two.
    Answers,
    Status,
    Timeline,
    /// The client's standard output, but for tokens.
    ClientOut,
    ClientErr,
    /// The daemon's log.
    Log,
    /// What the daemon remembers on disk.
    Memory,
    Config,
    /// The sealed file.
    Vault,
    /// Who was given what.
    Audit,
}

impl Place {
    /// Every place that a soak must have searched something in.
    pub(crate) const ALL: [Self; 11] = [
        Self::Tokens,
        Self::Answers,
        Self::Status,
        Self::Timeline,
        Self::ClientOut,
        Self::ClientErr,
        Self::Log,
        Self::Memory,
        Self::Config,
        Self::Vault,
        Self::Audit,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "answers with a token",
            Self::Answers => "answers without",
            Self::Status => "status",
            Self::Timeline => "timeline",
            Self::ClientOut => "the client's output",
            Self::ClientErr => "the client's errors",
            Self::Log => "the daemon's log",
            Self::Memory => "memory.json",
            Self::Config => "config.toml",
            Self::Vault => "the sealed file",
            Self::Audit => "audit.log",
        }
    }
}

/// What was said in one place.
#[derive(Debug, Default)]
struct Said {
    /// Not searched yet.
    fresh: Vec<u8>,
    /// How much was searched, in bytes.
    searched: u64,
    /// Some of it, to try the search on.
    sample: Vec<u8>,
}

/// What was said everywhere.
#[derive(Debug, Default)]
pub(crate) struct Outputs(Mutex<BTreeMap<Place, Said>>);

/// Between two texts: what is in neither is not found.
const BORDER: &[u8] = b"\n\0\n";
const SAMPLE: usize = 2_000;

impl Outputs {
    pub(crate) fn add(&self, place: Place, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = all.entry(place).or_default();
        said.fresh.extend_from_slice(text);
        said.fresh.extend_from_slice(BORDER);
    }

    /// What is found in what was said since the last search, and where.
    pub(crate) fn search(&self, secrets: &Searcher, secrets_and_tokens: &Searcher) -> Vec<String> {
        let mut found = Vec::new();
        for (place, (text, searcher)) in self.take(secrets, secrets_and_tokens) {
            let what = searcher.find(&text).map(|label| format!("{label}, in {}", place.name()));
            found.extend(what);
        }
        found
    }

    /// How many secrets or tokens would not be found where they are put into what was said; and how many bytes were
    /// searched, by place.
    pub(crate) fn try_search(&self, searcher: &Searcher) -> (usize, BTreeMap<&'static str, u64>) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let blind = all.values().map(|said| searcher.blind_to(&said.sample)).sum();
        (blind, all.iter().map(|(place, said)| (place.name(), said.searched)).collect())
    }

    fn take<'a>(&self, secrets: &'a Searcher, both: &'a Searcher) -> Vec<(Place, (Vec<u8>, &'a Searcher))> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let take = |(place, said): (&Place, &mut Said)| {
            let text = std::mem::take(&mut said.fresh);
            said.searched += text.len() as u64;
            if said.sample.is_empty() {
                said.sample = text[..text.len().min(SAMPLE)].to_owned();
            }
            (*place, (text, if *place == Place::Tokens { secrets } else { both }))
        };
        all.iter_mut().map(take).collect()
    }
}

#[cfg(test)]
mod tests {
    use airbyte_tokend_tests::Canary;

    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is_and_a_token_where_none_may_be() {
        let (secret, token) = (Canary::new("secret"), "t0ken-".repeat(20));
        let (mut secrets, mut both) = (Searcher::default(), Searcher::default());
        secrets.add_secret("p00's secret", &secret);
        both.add_secret("p00's secret", &secret);
        both.add_token("p00's token", &token);
        let outputs = Outputs::default();
        for place in [Place::Tokens, Place::Log] {
            outputs.add(place, b"nothing");
            assert!(outputs.search(&secrets, &both).is_empty());
            outputs.add(place, secret.expose().as_bytes());
            assert_eq!(outputs.search(&secrets, &both).len(), 1, "{place:?}");
        }
        outputs.add(Place::Tokens, token.as_bytes());
        assert!(outputs.search(&secrets, &both).is_empty());
        outputs.add(Place::Log, token.as_bytes());
        assert_eq!(outputs.search(&secrets, &both).len(), 1);
        let (blind, searched) = outputs.try_search(&both);
        assert_eq!(blind, 0);
        assert!(searched["the daemon's log"] > 100);
    }
}
