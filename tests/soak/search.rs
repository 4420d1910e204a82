//! Secrets where none may be.
//!
//! What is looked for is looked for all at once: a soak's output is long, and so is the list. What is found is told by
//! its place and its label, never by its text.

use std::collections::HashMap;

use airbyte_tokend_tests::Canary;

/// How many bytes of a text decide where to look closer; nothing shorter can be looked for.
const HEAD: usize = 8;
/// How much of a token is enough to know it by.
const PIECE: usize = 24;

/// Texts that may not turn up.
#[derive(Debug, Default)]
pub(crate) struct Searcher {
    needles: Vec<Needle>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    /// Which first two bytes are worth a closer look.
    filter: Vec<bool>,
}

struct Needle {
    label: String,
    text: Vec<u8>,
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

impl Searcher {
    /// Adds a secret in all its disguises.
    pub(crate) fn add_secret(&mut self, what: &str, secret: &Canary) {
        for (disguise, text) in secret.disguises() {
            self.add(format!("{what}, {disguise}"), text.as_bytes());
        }
    }

    /// Adds a token: its beginning, its middle and its end.
    pub(crate) fn add_token(&mut self, what: &str, token: &str) {
        let middle = (token.len() / 2).saturating_sub(PIECE / 2);
        for (part, at) in [("beginning", 0), ("middle", middle), ("end", token.len().saturating_sub(PIECE))] {
            let piece = token.as_bytes().get(at..at + PIECE).unwrap_or(token.as_bytes());
            self.add(format!("{what}, its {part}"), piece);
        }
    }

    fn add(&mut self, label: String, text: &[u8]) {
        let Some(head) = text.first_chunk::<HEAD>() else { return };
        self.filter.resize(1 << 16, false);
        self.filter[slot(head)] = true;
        let known = self.by_head.entry(*head).or_default();
        if known.iter().all(|at| self.needles[*at].text != text) {
            known.push(self.needles.len());
            self.needles.push(Needle { label, text: text.to_owned() });
        }
    }

    /// What is in it, by label; nothing where nothing is.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<&str> {
        for at in 0..bytes.len().saturating_sub(HEAD - 1) {
            if !self.filter.get(slot(&bytes[at..])).copied().unwrap_or_default() {
                continue;
            }
            let Some(head) = bytes[at..].first_chunk::<HEAD>() else { continue };
            let near = self.by_head.get(head).into_iter().flatten().map(|needle| &self.needles[*needle]);
            if let Some(found) = near.into_iter().find(|needle| bytes[at..].starts_with(&needle.text)) {
                return Some(&found.label);
            }
        }
        None
    }

    /// How many of the texts are not found where each is put into these bytes: none, if the search is any good.
    pub(crate) fn blind_to(&self, bytes: &[u8]) -> usize {
        let sample = &bytes[..bytes.len().min(2_000)];
        let missed = |needle: &&Needle| {
            let planted = [sample, needle.text.as_slice(), sample].concat();
            self.find(&planted).is_none()
        };
        self.needles.iter().step_by(1 + self.needles.len() / 200).filter(missed).count()
    }
}

fn slot(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    #[test]
    fn a_secret_is_found_in_every_disguise_and_its_like_is_not() {
        let (secret, other) = (Canary::new("secret"), Canary::new("secret"));
        let mut searcher = Searcher::default();
        searcher.add_secret("the secret", &secret);
        for (disguise, text) in secret.disguises() {
            let found = searcher.find(format!("before {text} after").as_bytes());
            assert!(found.is_some_and(|label| label.starts_with("the secret, ")), "{disguise}");
        }
        for (disguise, text) in other.disguises() {
            assert_eq!(searcher.find(format!("before {text} after").as_bytes()), None, "{disguise}");
        }
    }

    #[test]
    fn a_piece_of_a_token_is_found() {
        let mut dice = Dice::of(1, 1);
        let token: String = (0..400).map(|_| char::from(b'a' + dice.index(26) as u8)).collect();
        let mut searcher = Searcher::default();
        searcher.add_token("a token", &token);
        for part in [&token[..30], &token[180..220], &token[370..]] {
            assert!(searcher.find(format!("x{part}y").as_bytes()).is_some(), "{part}");
        }
        assert_eq!(searcher.find(b"x"), None);
        assert_eq!(searcher.find(&token.as_bytes()[40..80]), None);
    }

    #[test]
    fn the_search_is_tried_on_what_it_searches() {
        let mut searcher = Searcher::default();
        searcher.add_secret("the secret", &Canary::new("secret"));
        assert_eq!(searcher.blind_to(b"a log"), 0);
        searcher.by_head.clear();
        assert!(searcher.blind_to(b"a log") > 0);
    }

    #[test]
    fn no_label_tells_what_is_looked_for() {
        let secret = Canary::new("secret");
        let mut searcher = Searcher::default();
        searcher.add_secret("the secret", &secret);
        assert_eq!(searcher.find(format!("{searcher:?}").as_bytes()), None);
    }
}
