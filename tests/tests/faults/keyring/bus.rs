//! Somebody who listens to the whole bus.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use airbyte_tokend_tests::{Keyring, PATIENCE, eventually};
use zbus::{
    Message,
    blocking::{Connection, MessageIterator, connection::Builder, fdo::MonitoringProxy},
    message::Type,
};

/// More messages than a test causes.
const MANY: usize = 10_000;
const SERVICE: &str = "org.freedesktop.secrets";

/// What is said on the bus, from now on.
pub(super) struct Ear {
    address: String,
    heard: Arc<Mutex<Vec<Message>>>,
}

impl Ear {
    /// Returns when it hears.
    pub(super) fn on(keyring: &Keyring<'_>) -> Self {
        let address = keyring.address().to_owned();
        let bus = connect(&address);
        let messages = MessageIterator::from(&bus);
        MonitoringProxy::new(&bus).expect("a proxy").become_monitor(&[], 0).expect("the bus lets us listen");
        let ear = Self { address, heard: Arc::default() };
        let heard = Arc::clone(&ear.heard);
        thread::spawn(move || {
            for message in messages.flatten() {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        });
        ear
    }

    /// How often this method was called so far.
    pub(super) fn calls(&self, member: &str) -> usize {
        self.catch_up();
        self.count(|message| is_call(message) && is_named(message, member))
    }

    /// Waits until this method was called so often.
    pub(super) fn wait_for_calls(&self, member: &str, count: usize) {
        eventually(&format!("{member} is called {count} times"), PATIENCE, || {
            (self.calls(member) >= count).then_some(())
        });
    }

    /// How many calls to the keyring were without an answer at the same time, at most. A caller that has hung up waits
    /// no longer.
    pub(super) fn most_calls_at_once(&self) -> usize {
        self.catch_up();
        let (mut waiting, mut most) = (BTreeSet::new(), 0);
        for message in self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let header = message.header();
            let sender = header.sender().map(ToString::to_string).unwrap_or_default();
            let serial = header.primary().serial_num().get();
            if is_call(message) && header.destination().is_some_and(|name| name.as_str() == SERVICE) {
                waiting.insert((sender, serial));
                most = most.max(waiting.len());
            } else if let (Some(answered), Some(caller)) = (header.reply_serial(), header.destination()) {
                waiting.remove(&(caller.to_string(), answered.get()));
            } else if let Some(gone) = who_left(message) {
                waiting.retain(|(caller, _)| *caller != gone);
            }
        }
        most
    }

    /// Returns when all that was said until now is heard.
    fn catch_up(&self) {
        let marker = |message: &Message| is_named(message, "EndOfListening");
        let before = self.count(marker);
        let bus = connect(&self.address);
        bus.emit_signal(None::<&str>, "/", "test.Marker", "EndOfListening", &()).expect("the bus takes it");
        eventually("the marker is heard", PATIENCE, || (self.count(marker) > before).then_some(()));
    }

    fn count(&self, is: impl Fn(&Message) -> bool) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|message| is(message)).count()
    }
}

fn connect(address: &str) -> Connection {
    let builder = Builder::address(address).expect("it is an address").max_queued(MANY);
    builder.build().expect("the bus lets us in")
}

fn is_call(message: &Message) -> bool {
    message.message_type() == Type::MethodCall
}

fn is_named(message: &Message, member: &str) -> bool {
    message.header().member().is_some_and(|name| name.as_str() == member)
}

/// The bus tells whose connection has ended.
fn who_left(message: &Message) -> Option<String> {
    if !is_named(message, "NameOwnerChanged") {
        return None;
    }
    let (name, _old, new): (String, String, String) = message.body().deserialize().ok()?;
    new.is_empty().then_some(name)
}
