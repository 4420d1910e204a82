//! The seats: how many there are, who sits idle, and who must leave when somebody else needs one.
//!
//! A caller is *idle* while it is its own turn to do something: to send a head or the rest of a body, or to read its
//! answer. While a request of its is being handled, it is the daemon's turn. Whoever is idle can be sent away without
//! harm; whoever waits for the daemon is not, but not every seat may be waited in, so that there is always one for a
//! request that is answered at once.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{
    sync::Notify,
    task,
    time::{self, Instant},
};

/// Of so many seats, one is kept for callers who do not wait.
const SEATS_FOR_ONE_SPARE: usize = 64;

/// How long a caller may keep its seat whoever else comes: whoever connects sends its request a moment later.
const GRACE: Duration = Duration::from_millis(10);

/// A number of seats. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Hall(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    book: Mutex<Book>,
    /// A seat was given back, or its caller is idle now.
    news: Notify,
}

#[derive(Debug, Default)]
struct Book {
    seats: usize,
    taken: usize,
    /// Those of `taken` whose callers were told to leave.
    leaving: usize,
    /// Those of `taken` in which a request waits.
    waiting: usize,
    tickets: u64,
    /// By when it became their turn, the oldest first.
    idle: BTreeMap<u64, Idle>,
}

#[derive(Debug)]
struct Idle {
    since: Instant,
    leave: Arc<Notify>,
}

/// What was done for a free seat.
struct Made {
    shed: usize,
    /// When the next idle caller can be told to leave, where more of them must.
    next: Option<Instant>,
}

/// One caller's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    hall: Hall,
    leave: Arc<Notify>,
    /// The ticket in `idle`; zero while it is the daemon's turn.
    turn: AtomicU64,
}

/// A seat, and how many idle callers had to leave for it.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) seat: Seat,
    pub(super) shed: usize,
}

/// The right of a request to keep its caller's seat while it waits.
#[derive(Debug)]
pub(super) struct Waiting(Hall);

impl Hall {
    /// A seat among so many, once whoever sits idle the longest has left for it, if all are taken. Where nobody is idle,
    /// this waits until somebody is, and has been for [`GRACE`]. That is soon, since requests may not wait in every seat,
    /// unless there were more seats when they began to.
    pub(super) async fn seat(&self, seats: usize) -> Seated {
        let mut shed = 0;
        while !self.book().take(seats) {
            // Whoever's request has come by now is not idle any more, once that was read.
            task::yield_now().await;
            let made = self.book().make_room();
            shed += made.shed;
            let news = self.0.news.notified();
            match made.next {
                Some(next) => drop(time::timeout_at(next, news).await),
                None => news.await,
            }
        }
        Seated { seat: Seat::in_hall(self.clone()), shed }
    }

    /// Tells whoever sits idle the longest to leave; false when nobody is idle.
    pub(super) fn shed(&self) -> bool {
        self.book().shed()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Whether there was a free seat.
    fn take(&mut self, seats: usize) -> bool {
        self.seats = seats;
        let is_free = self.taken < seats;
        self.taken += usize::from(is_free);
        is_free
    }

    /// Tells idle callers to leave until there will be a free seat.
    fn make_room(&mut self) -> Made {
        let (now, mut shed) = (awake(), 0);
        while self.taken - self.leaving >= self.seats {
            let next = self.idle.first_key_value().map(|(_, idle)| idle.since + GRACE);
            if next.is_none_or(|next| next > now) {
                return Made { shed, next };
            }
            shed += usize::from(self.shed());
        }
        Made { shed, next: None }
    }

    fn shed(&mut self) -> bool {
        let Some((_, idle)) = self.idle.pop_first() else { return false };
        self.leaving += 1;
        idle.leave.notify_one();
        true
    }

    fn most_waiting(&self) -> usize {
        self.seats - self.seats.div_ceil(SEATS_FOR_ONE_SPARE)
    }
}

impl Seat {
    fn in_hall(hall: Hall) -> Self {
        Self { hall, leave: Arc::default(), turn: AtomicU64::new(0) }
    }

    /// From now on it is the caller's turn, if it was not so already.
    pub(super) fn await_caller(&self) {
        if !self.is_our_turn() {
            return;
        }
        let mut book = self.hall.book();
        book.tickets += 1;
        let ticket = book.tickets;
        book.idle.insert(ticket, Idle { since: awake(), leave: Arc::clone(&self.leave) });
        drop(book);
        self.turn.store(ticket, Ordering::Relaxed);
        self.hall.0.news.notify_one();
    }

    /// From now on the caller waits for the daemon, unless it must leave.
    pub(super) fn serve_caller(&self) {
        if self.hall.book().idle.remove(&self.turn()).is_some() {
            self.turn.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the caller waits for the daemon.
    pub(super) fn is_our_turn(&self) -> bool {
        self.turn() == 0
    }

    /// Lets a request wait in this seat; none when too many do already.
    pub(super) fn wait(&self) -> Option<Waiting> {
        let mut book = self.hall.book();
        let has_room = book.waiting < book.most_waiting();
        book.waiting += usize::from(has_room);
        has_room.then(|| Waiting(self.hall.clone()))
    }

    /// Ends when the caller must leave for another one.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Does the caller's work, until that is done, or the caller must leave for another one, or has been idle for so
    /// long at a stretch.
    pub(super) async fn keep(&self, limit: Duration, work: impl Future<Output = ()>) {
        self.await_caller();
        tokio::select! {
            biased;
            () = self.told_to_leave() => tracing::debug!("an idle caller left for another one"),
            () = work => {}
            () = self.outstayed(limit) => tracing::debug!("a caller was idle for too long"),
        }
    }

    /// Ends when the caller was idle for too long. Whose turn it is changes where the work is done: in the same task,
    /// so that this is polled after each change.
    async fn outstayed(&self, limit: Duration) {
        let (mut turn, mut end) = (self.turn(), pin!(time::sleep(limit)));
        poll_fn(|cx| {
            if turn != self.turn() {
                turn = self.turn();
                end.set(time::sleep(limit));
            }
            if self.is_our_turn() { Poll::Pending } else { end.as_mut().poll(cx) }
        })
        .await;
    }

    fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a sleeping machine sends no request: only the time awake counts"
)]
fn awake() -> Instant {
    Instant::now()
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut book = self.hall.book();
        let was_told = !self.is_our_turn() && book.idle.remove(&self.turn()).is_none();
        book.leaving -= usize::from(was_told);
        book.taken -= 1;
        drop(book);
        self.hall.0.news.notify_one();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.book().waiting -= 1;
    }
}

#[cfg(test)]
mod tests;
