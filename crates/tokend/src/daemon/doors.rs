//! The ways in, as whoever serves them is told of them.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::service::Door;

/// The doors that are open, and those that wait to be served.
#[derive(Debug)]
pub(super) struct Doors {
    opened: UnboundedSender<Door>,
    unserved: Mutex<Option<UnboundedReceiver<Door>>>,
}

impl Doors {
    /// None yet.
    pub(super) fn new() -> Self {
        let (opened, unserved) = mpsc::unbounded_channel();
        Self { opened, unserved: Mutex::new(Some(unserved)) }
    }

    /// Has callers let in by this door from now on, or once doors are served.
    pub(super) fn serve(&self, door: Door) {
        if self.opened.send(door).is_err() {
            tracing::debug!("a door was opened that nobody serves any more");
        }
    }

    /// The doors to be served; none after the first time.
    pub(super) fn take(&self) -> Option<UnboundedReceiver<Door>> {
        self.unserved.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
