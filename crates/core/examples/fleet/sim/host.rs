//! One host of the fleet, and what its daemon would do.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Issued, Moment, RefreshPolicy, Refresher};

/// What the clocks of every host show when a scenario begins.
const START: Moment = Moment::new(Duration::from_secs(50_000), Duration::from_secs(1_750_000_000));

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    refresher: Refresher,
    outcome: Option<Result<Issued, Failure>>,
    timer: Option<Duration>,
    served_until: Duration,
    lives_until: Duration,
    is_failing: bool,
}

impl Host {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            refresher: Refresher::new(RefreshPolicy::default(), seed, START),
            outcome: None,
            timer: None,
            served_until: Duration::ZERO,
            lives_until: Duration::ZERO,
            is_failing: false,
        }
    }

    /// Until when callers are served from what was published: the refresher does not hear of them.
    pub(super) const fn served_until(&self) -> Duration {
        self.served_until
    }

    /// Until when its last token lives.
    pub(super) const fn lives_until(&self) -> Duration {
        self.lives_until
    }

    pub(super) const fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// A client asks. True if it is turned away.
    pub(super) fn ask(&mut self, at: Duration) -> bool {
        match self.refresher.request(START.after(at), Duration::ZERO) {
            Answer::Token(_) | Answer::Pending => false,
            Answer::Failed { .. } => true,
        }
    }

    /// A timer fires. One that was set anew since does nothing.
    pub(super) fn wake(&mut self, at: Duration) {
        if self.timer.take_if(|due| *due == at).is_some() {
            self.refresher.handle_timeout(START.after(at));
        }
    }

    /// Whether an exchange begins now.
    pub(super) fn begins(&mut self) -> bool {
        self.refresher.poll_command().is_some()
    }

    /// The exchange that has begun will end so.
    pub(super) fn expect(&mut self, outcome: Result<Issued, Failure>) {
        self.outcome = Some(outcome);
    }

    /// The exchange in flight ends.
    pub(super) fn land(&mut self, at: Duration) {
        let now = START.after(at);
        match self.outcome.take() {
            Some(Ok(issued)) => {
                self.refresher.handle_issued(now, issued);
                self.is_failing = false;
                self.publish(at);
            }
            Some(Err(failure)) => {
                self.refresher.handle_failed(now, failure);
                self.is_failing = true;
            }
            None => {}
        }
    }

    /// When the timer is to fire, if that is news.
    pub(super) fn set_timer(&mut self) -> Option<Duration> {
        let due = self.refresher.poll_timeout().map(|due| due.rest(START));
        let is_news = due != self.timer;
        self.timer = due;
        due.filter(|_| is_news)
    }

    fn publish(&mut self, at: Duration) {
        let snapshot = self.refresher.snapshot();
        let left = snapshot.token.map_or(Duration::ZERO, |token| token.remaining(START.after(at)));
        self.lives_until = at + left;
        self.served_until = at + left.saturating_sub(snapshot.hard_window);
    }
}
