//! Every token that the stand-ins made: whose it is, and how long it truly lives.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use airbyte_sandbox::Sandbox;
use airbyte_tokend_tests::Airbyte;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::{runtime, time};

use crate::{
    clock::{self, Seconds},
    trouble::{Trouble, While as _},
};

/// A token, known by a hash of its text: nothing that is printed can hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TokenId(u64);

impl TokenId {
    pub(crate) fn of(token: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(token.as_bytes());
        Self(hasher.finish())
    }
}

/// A token that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Issue {
    pub(crate) profile: usize,
    /// It had been made by then.
    pub(crate) by: Seconds,
    /// Its Airbyte refuses it from then on: whole seconds, as in a JWT (RFC 7519 §4.1.4).
    pub(crate) dies: Seconds,
    /// How long it was made for.
    pub(crate) life: Seconds,
}

/// All tokens so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    by_token: HashMap<TokenId, Issue>,
    by_profile: HashMap<usize, Vec<Issue>>,
}

impl Ledger {
    pub(crate) fn get(&self, token: TokenId) -> Option<&Issue> {
        self.by_token.get(&token)
    }

    /// Those of a profile, oldest first.
    pub(crate) fn of(&self, profile: usize) -> &[Issue] {
        self.by_profile.get(&profile).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_token.len()
    }

    pub(crate) fn add(&mut self, token: TokenId, issue: Issue) {
        self.by_token.insert(token, issue);
        self.by_profile.entry(issue.profile).or_default().push(issue);
    }
}

/// What the scribe has written so far, and the texts of the tokens that nobody has searched for yet.
#[derive(Debug, Default)]
struct Book {
    ledger: Ledger,
    texts: Vec<String>,
    counts: Vec<usize>,
}

/// Watches the stand-ins and writes down what they make, as they make it, for as long as the program runs.
#[derive(Clone, Debug)]
pub(crate) struct Scribe {
    airbytes: Arc<Vec<Airbyte>>,
    book: Arc<Mutex<Book>>,
}

/// How often the scribe looks up where nothing happens.
const GLANCE: Duration = Duration::from_secs(1);

impl Scribe {
    pub(crate) fn start(airbytes: Arc<Vec<Airbyte>>, lives: Vec<u64>) -> Result<Self, Trouble> {
        let book = Book { counts: vec![0; lives.len()], ..Book::default() };
        let scribe = Self { airbytes, book: Arc::new(Mutex::new(book)) };
        let runtime = runtime::Builder::new_current_thread().enable_time().build().when("start a runtime")?;
        let watching = scribe.clone();
        thread::spawn(move || {
            runtime.block_on(async {
                let watchers = lives.iter().enumerate().map(|(profile, life)| {
                    let (scribe, life) = (watching.clone(), *life);
                    tokio::spawn(async move { scribe.watch(profile, life).await })
                });
                for watcher in watchers.collect::<Vec<_>>() {
                    drop(watcher.await);
                }
            });
        });
        Ok(scribe)
    }

    /// All that was made so far.
    pub(crate) fn ledger(&self) -> Ledger {
        while !self.is_up_to_date() {
            clock::wait(0.01);
        }
        self.book().ledger.clone()
    }

    /// The texts of the tokens that were not taken before.
    pub(crate) fn take_texts(&self) -> Vec<String> {
        std::mem::take(&mut self.book().texts)
    }

    fn is_up_to_date(&self) -> bool {
        let book = self.book();
        self.airbytes.iter().zip(&book.counts).all(|(airbyte, count)| airbyte.counts().issued == *count)
    }

    async fn watch(self, profile: usize, life: u64) {
        let mut seen = 0;
        loop {
            let more = Sandbox::wait_until(&self.airbytes[profile], move |counts| counts.issued > seen);
            if time::timeout(GLANCE, more).await.is_ok() {
                let (by, tokens) = (clock::now(), self.airbytes[profile].issued_tokens());
                self.write(profile, life as Seconds, by, &tokens[seen.min(tokens.len())..]);
                seen = tokens.len();
            }
        }
    }

    fn write(&self, profile: usize, life: Seconds, by: Seconds, tokens: &[String]) {
        let mut book = self.book();
        for token in tokens {
            // One that says nothing of itself was made within the second in which it was seen.
            let dies = expiry(token).unwrap_or_else(|| by.floor() + life);
            book.ledger.add(TokenId::of(token), Issue { profile, by, dies, life });
            book.texts.push(token.clone());
        }
        book.counts[profile] += tokens.len();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a JWT says of its end (RFC 7519 §4.1.4).
fn expiry(token: &str) -> Option<Seconds> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&payload).ok()?["exp"].as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_jwt_is_read_and_of_anything_else_is_not() {
        let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"exp":1234567890}"#));
        assert_eq!(expiry(&jwt), Some(1_234_567_890.0));
        assert_eq!(expiry("opaque"), None);
    }
}
