//! What stands between those who serve and the one who writes.

use std::{collections::VecDeque, mem, time::Duration};

use airbyte_token_core::Moment;
use airbyte_token_local::audit::{Event, Stamp, Verb};

use super::{
    peers::Peers,
    repeats::{Deed, Repeats},
    stamp,
};

/// How many events wait for the writer at most.
pub const MOST_QUEUED: usize = 1024;

/// A disk that takes longer than this for a few lines hangs.
const HANGS_AFTER: Duration = Duration::from_secs(3);

/// The events that wait, and how the writer fares.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) peers: Peers,
    repeats: Repeats,
    tray: Tray,
    writer: Writer,
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Tray {
    queue: VecDeque<Event>,
    lost: Option<Lost>,
    lost_in_all: u64,
}

/// What there was no room for, since it was last told.
#[derive(Debug)]
struct Lost {
    first: Stamp,
    last: Stamp,
    times: u64,
}

#[derive(Debug, Default)]
struct Writer {
    is_closing: bool,
    has_ended: bool,
    /// Since when the disk is busy with what it was given last.
    busy_since: Option<Moment>,
    /// How many events it has in hand.
    in_hand: usize,
    trouble: Option<String>,
    damage: Option<String>,
}

impl Desk {
    /// Takes the deed in. Whether there is something for the writer.
    pub(super) fn note(&mut self, now: Moment, deed: &Deed<'_>) -> bool {
        if self.writer.is_closing {
            return false;
        }
        let (tray, mut is_news) = (&mut self.tray, false);
        self.repeats.note(now, deed, &mut |event| is_news |= tray.put(event));
        is_news
    }

    /// Puts repeats among what waits, whose time has come.
    pub(super) fn sweep(&mut self, now: Moment) {
        let tray = &mut self.tray;
        self.repeats.sweep(now, &mut |event| _ = tray.put(event));
    }

    /// When there will be something for the writer, if nothing happens: time since boot.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.repeats.next_due()
    }

    /// Nothing comes in any more.
    pub(super) fn close(&mut self, now: Moment) {
        let tray = &mut self.tray;
        self.repeats.flush(&mut |event| _ = tray.put(event));
        if !mem::replace(&mut self.writer.is_closing, true) {
            self.tray.queue.push_back(Event::new(stamp(now), Verb::Stop));
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.writer.is_closing
    }

    /// Whether something waits.
    pub(super) fn has_news(&self) -> bool {
        !self.tray.queue.is_empty()
    }

    /// Hands over what waits, and at its end how much there was no room for.
    pub(super) fn take(&mut self) -> VecDeque<Event> {
        let mut events = mem::take(&mut self.tray.queue);
        if let Some(Lost { first, last, times }) = self.tray.lost.take() {
            events.push_back(Event { first: Some(first), times, ..Event::new(last, Verb::Lost) });
        }
        events
    }

    /// The writer begins to give the disk something.
    pub(super) const fn begin(&mut self, now: Moment, in_hand: usize) {
        (self.writer.busy_since, self.writer.in_hand) = (Some(now), in_hand);
    }

    /// The disk has taken it, or said why not.
    pub(super) fn end(&mut self, trouble: Option<String>, damage: Option<String>, in_hand: usize) {
        let Writer { is_closing, has_ended, damage: before, .. } = mem::take(&mut self.writer);
        self.writer =
            Writer { is_closing, has_ended, busy_since: None, in_hand, trouble, damage: damage.or(before) };
    }

    /// The writer is gone.
    pub(super) const fn leave(&mut self) {
        self.writer.has_ended = true;
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.writer.has_ended
    }

    pub(super) const fn lost_in_all(&self) -> u64 {
        self.tray.lost_in_all
    }

    pub(super) fn problem(&self, now: Moment) -> Option<String> {
        let Writer { busy_since, trouble, damage, .. } = &self.writer;
        let busy = busy_since.map(|since| now.since(since)).filter(|busy| *busy >= HANGS_AFTER);
        let trouble = match (busy, trouble) {
            (Some(busy), _) => Some(format!("the disk has not taken the audit log for {} s", busy.as_secs())),
            (None, Some(trouble)) => Some(format!("the audit log cannot be written: {trouble}")),
            (None, None) => None,
        };
        let trouble = trouble.map(|trouble| trouble + &self.waiting());
        let problems: Vec<_> = trouble.into_iter().chain(damage.clone()).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    fn waiting(&self) -> String {
        let lost = self.tray.lost.as_ref().map_or(0, |lost| lost.times);
        format!(" ({} events wait, {lost} are lost)", self.tray.queue.len() + self.writer.in_hand)
    }
}

impl Tray {
    /// Whether there was room for it.
    fn put(&mut self, event: Event) -> bool {
        if self.queue.len() < MOST_QUEUED {
            self.queue.push_back(event);
            return true;
        }
        self.lost_in_all += event.times;
        let lost = self.lost.get_or_insert(Lost { first: event.first(), last: event.time, times: 0 });
        lost.last = event.time;
        lost.times += event.times;
        false
    }
}
