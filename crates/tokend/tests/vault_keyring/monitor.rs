//! Somebody who listens to the whole bus.

use zbus::{
    Message,
    blocking::{Connection, MessageIterator, connection::Builder, fdo::MonitoringProxy},
};

/// More messages than a test causes.
const MANY: usize = 10_000;

/// A connection that gets a copy of every message on the bus.
pub(crate) struct Monitor(MessageIterator);

/// What was said, as the bytes that went over the bus.
pub(crate) struct Heard(Vec<Message>);

impl Monitor {
    /// Returns when it hears.
    pub(crate) fn start() -> Self {
        let bus = Builder::session().unwrap().max_queued(MANY).build().unwrap();
        let messages = MessageIterator::from(&bus);
        MonitoringProxy::new(&bus).unwrap().become_monitor(&[], 0).unwrap();
        Self(messages)
    }

    /// All it heard from here to the first message for or from this member. Waits for it.
    pub(crate) fn until(&mut self, member: &str) -> Heard {
        let mut heard = Heard(Vec::new());
        while heard.count(member) == 0 {
            heard.0.push(self.0.next().unwrap().unwrap());
        }
        heard
    }

    /// All it has heard up to now.
    pub(crate) fn so_far(&mut self) -> Heard {
        let bus = Connection::session().unwrap();
        bus.emit_signal(None::<&str>, "/", "test.Marker", "EndOfListening", &()).unwrap();
        self.until("EndOfListening")
    }
}

impl Heard {
    pub(crate) fn count(&self, member: &str) -> usize {
        let is = |message: &&Message| message.header().member().is_some_and(|name| name.as_str() == member);
        self.0.iter().filter(is).count()
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        let contains =
            |message: &Message| message.data().windows(text.len()).any(|part| part == text.as_bytes());
        self.0.iter().any(contains)
    }
}
