//! Against a keyring that misbehaves: it does what a real one does only on a bad day, or after asking a person.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use airbyte_token_core::VaultTrouble;
use airbyte_tokend::vault::BACKGROUND;
use zbus::{
    blocking::{Connection, connection::Builder},
    fdo, interface,
    object_server::SignalEmitter,
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

use crate::{
    bus::KEYRING,
    monitor::Monitor,
    session::{LONG, run},
};

const BRIEF: Duration = Duration::from_millis(300);
const ENCRYPTED: &str = "OpenSession dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// Where the item is.
#[derive(Clone, Copy)]
enum Item {
    Locked,
    Unlocked,
    Nowhere,
    /// It does not even say that.
    Failing,
}

/// What happens to a prompt.
#[derive(Clone, Copy)]
enum Person {
    Accepts,
    Dismisses,
    IsNotThere,
}

/// What happens to a request for an encrypted session.
#[derive(Clone, Copy)]
enum Encryption {
    Refused,
    NeverAnswered,
}

#[derive(Clone, Copy)]
struct Script {
    item: Item,
    person: Person,
    encryption: Encryption,
}

/// The keyring on the bus, until dropped.
struct Fake {
    bus: Connection,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Drop for Fake {
    /// Dropping the connection alone would wait for calls that are never answered.
    fn drop(&mut self) {
        self.bus.clone().close().unwrap();
    }
}

impl Fake {
    fn start(script: Script) -> Self {
        let calls = Arc::<Mutex<Vec<String>>>::default();
        let service = Service { script, calls: Arc::clone(&calls) };
        let prompt = Prompt { script, calls: Arc::clone(&calls) };
        let builder = Builder::session().unwrap().serve_at("/org/freedesktop/secrets", service).unwrap();
        let builder = builder.serve_at("/prompt", prompt).unwrap().name(KEYRING).unwrap();
        let builder = builder.allow_name_replacements(true).replace_existing_names(true);
        Self { bus: builder.build().unwrap(), calls }
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

struct Service {
    script: Script,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }
}

fn object(path: &str) -> OwnedObjectPath {
    path.try_into().unwrap()
}

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    fn search_items(
        &self,
        _attributes: HashMap<String, String>,
    ) -> fdo::Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)> {
        self.note("SearchItems");
        match self.script.item {
            Item::Locked => Ok((vec![], vec![object("/item")])),
            Item::Unlocked => Ok((vec![object("/item")], vec![])),
            Item::Nowhere => Ok((vec![], vec![])),
            Item::Failing => Err(fdo::Error::Failed("s3cret".into())),
        }
    }

    fn read_alias(&self, _name: String) -> OwnedObjectPath {
        object("/")
    }

    fn unlock(&self, _objects: Vec<OwnedObjectPath>) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        self.note("Unlock");
        (vec![], object("/prompt"))
    }

    async fn open_session(
        &self,
        algorithm: String,
        _input: OwnedValue,
    ) -> fdo::Result<(OwnedValue, OwnedObjectPath)> {
        self.note(format!("OpenSession {algorithm}"));
        match self.script.encryption {
            Encryption::Refused => Err(fdo::Error::NotSupported("no".into())),
            Encryption::NeverAnswered => pending().await,
        }
    }
}

struct Prompt {
    script: Script,
    calls: Arc<Mutex<Vec<String>>>,
}

#[interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(
        &self,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        _window: String,
    ) -> fdo::Result<()> {
        self.calls.lock().unwrap().push("Prompt".into());
        let dismissed = match self.script.person {
            Person::Accepts => false,
            Person::Dismisses => true,
            Person::IsNotThere => return Ok(()),
        };
        Self::completed(&emitter, dismissed, Value::from("")).await?;
        Ok(())
    }

    #[zbus(signal)]
    async fn completed(emitter: &SignalEmitter<'_>, dismissed: bool, result: Value<'_>) -> zbus::Result<()>;
}

const LOCKED: Script =
    Script { item: Item::Locked, person: Person::IsNotThere, encryption: Encryption::Refused };

#[test]
fn a_prompt_that_is_accepted_lets_the_call_go_on() {
    run("fake::a_prompt_that_is_accepted_lets_the_call_go_on", |session| {
        session.start_bus();
        let fake = Fake::start(Script { person: Person::Accepts, ..LOCKED });
        assert_eq!(session.read_within("a", LONG), Err(VaultTrouble::Denied));
        assert_eq!(fake.calls(), ["SearchItems", "Unlock", "Prompt", ENCRYPTED]);
    });
}

#[test]
fn a_prompt_that_is_dismissed_leaves_it_locked() {
    run("fake::a_prompt_that_is_dismissed_leaves_it_locked", |session| {
        session.start_bus();
        let fake = Fake::start(Script { person: Person::Dismisses, ..LOCKED });
        assert_eq!(session.read_within("a", LONG), Err(VaultTrouble::Locked));
        assert_eq!(fake.calls(), ["SearchItems", "Unlock", "Prompt"]);
    });
}

#[test]
fn a_prompt_that_nobody_answers_is_given_up() {
    run("fake::a_prompt_that_nobody_answers_is_given_up", |session| {
        session.start_bus();
        let _fake = Fake::start(LOCKED);
        assert_eq!(session.read_within("a", BACKGROUND + BRIEF), Err(VaultTrouble::Slow));
        // The thread is free again, although the prompt was never answered.
        assert_eq!(session.read_when_free("a", BACKGROUND), Err(VaultTrouble::Locked));
    });
}

#[test]
fn a_keyring_that_ends_while_it_prompts_is_absent() {
    run("fake::a_keyring_that_ends_while_it_prompts_is_absent", |session| {
        session.start_bus();
        let mut monitor = Monitor::start();
        let fake = Fake::start(LOCKED);
        let outcome = session.read_during("a", move || {
            monitor.until("Prompt");
            drop(fake);
        });
        assert_eq!(outcome, Err(VaultTrouble::Absent));
    });
}

#[test]
fn a_keyring_without_encryption_gets_and_gives_nothing() {
    run("fake::a_keyring_without_encryption_gets_and_gives_nothing", |session| {
        session.start_bus();
        let fake = Fake::start(Script { item: Item::Unlocked, ..LOCKED });
        assert_eq!(session.read("a"), Err(VaultTrouble::Denied));
        assert_eq!(session.write("a", "one"), Err(VaultTrouble::Denied));
        assert_eq!(fake.calls(), ["SearchItems", ENCRYPTED, "SearchItems", ENCRYPTED]);
    });
}

#[test]
fn while_the_store_is_stuck_calls_are_slow_and_then_served_again() {
    run("fake::while_the_store_is_stuck_calls_are_slow_and_then_served_again", |session| {
        session.start_bus();
        let stuck = Script { item: Item::Unlocked, encryption: Encryption::NeverAnswered, ..LOCKED };
        let fake = Fake::start(stuck);
        assert_eq!(session.read("a"), Err(VaultTrouble::Slow));
        assert_eq!(session.read_within("a", LONG), Err(VaultTrouble::Slow));
        assert_eq!(fake.calls(), ["SearchItems", ENCRYPTED], "nothing was queued");
        drop(fake);
        assert_eq!(session.read_when_free("a", LONG), Err(VaultTrouble::Absent));
    });
}

#[test]
fn a_call_that_a_restart_interrupts_is_made_again() {
    run("fake::a_call_that_a_restart_interrupts_is_made_again", |session| {
        session.start_bus();
        let mut monitor = Monitor::start();
        let stuck = Script { item: Item::Unlocked, encryption: Encryption::NeverAnswered, ..LOCKED };
        let before = Fake::start(stuck);
        let mut after = None;
        let outcome = session.read_during("a", || {
            monitor.until("OpenSession");
            after = Some(Fake::start(Script { item: Item::Nowhere, ..LOCKED }));
            drop(before);
        });
        assert_eq!(outcome, Err(VaultTrouble::Empty), "the answer of the one that came after");
    });
}

#[test]
fn without_a_default_collection_there_is_nothing_to_read_and_nowhere_to_write() {
    run("fake::without_a_default_collection_there_is_nothing_to_read_and_nowhere_to_write", |session| {
        session.start_bus();
        let _fake = Fake::start(Script { item: Item::Nowhere, ..LOCKED });
        assert_eq!(session.read("a"), Err(VaultTrouble::Empty));
        assert_eq!(session.delete("a"), Ok(()));
        assert_eq!(session.write("a", "one"), Err(VaultTrouble::Absent));
    });
}

#[test]
fn a_failing_keyring_is_named_by_its_error_and_not_by_its_words() {
    run("fake::a_failing_keyring_is_named_by_its_error_and_not_by_its_words", |session| {
        session.start_bus();
        let _fake = Fake::start(Script { item: Item::Failing, ..LOCKED });
        let error = session.error_of("a");
        assert_eq!(error.trouble, VaultTrouble::Absent);
        let detail = error.detail.as_str();
        assert!(
            detail.contains("org.freedesktop.DBus.Error.Failed") && !detail.contains("s3cret"),
            "{detail}"
        );
    });
}
