//! What is to come, in order of time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// What happens to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A client asks.
    Ask,
    /// The exchange in flight ends.
    Land,
    /// The timer fires.
    Wake,
}

/// When, to which host, and what.
pub(super) type Event = (Duration, usize, What);

/// What is to come up to some end. A heap for each second: one for all of them would be too large for the caches.
#[derive(Debug)]
pub(super) struct Agenda {
    seconds: Vec<BinaryHeap<Reverse<Event>>>,
    second: usize,
}

impl Agenda {
    pub(super) fn until(end: Duration) -> Self {
        let seconds = usize::try_from(end.as_secs()).unwrap_or_default() + 1;
        Self { seconds: std::iter::repeat_with(BinaryHeap::new).take(seconds).collect(), second: 0 }
    }

    /// Notes an event; forgets it if it is beyond the end.
    pub(super) fn push(&mut self, event: Event) {
        let second = usize::try_from(event.0.as_secs()).ok();
        if let Some(heap) = second.and_then(|second| self.seconds.get_mut(second)) {
            heap.push(Reverse(event));
        }
    }

    /// The next event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        loop {
            if let Some(Reverse(event)) = self.seconds.get_mut(self.second)?.pop() {
                return Some(event);
            }
            self.seconds[self.second] = BinaryHeap::new();
            self.second += 1;
        }
    }
}
