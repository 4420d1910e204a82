//! Which fault strikes next.

use super::{Fault, Scope, Times, Trouble, Wire};
use crate::dice;

/// Faults in the order in which they strike.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Vec<Fault>);

impl FaultQueue {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.times != Times::Count(0) {
            self.0.push(fault);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.0
    }

    /// The first fault that can strike such a request and does; uses it up by one.
    pub(crate) fn take(&mut self, asked: Scope) -> Option<Fault> {
        let index =
            self.0.iter().position(|fault| fault.on.covers(asked) && dice::happens(fault.probability))?;
        Some(self.use_up(index))
    }

    /// Whether the connection that has just come is to be reset: only if that is the very next fault.
    pub(crate) fn take_reset_on_accept(&mut self) -> bool {
        let strikes = self.0.first().is_some_and(|fault| {
            fault.trouble == Trouble::Wire(Wire::ResetOnAccept) && dice::happens(fault.probability)
        });
        if strikes {
            self.use_up(0);
        }
        strikes
    }

    fn use_up(&mut self, index: usize) -> Fault {
        let fault = &mut self.0[index];
        match fault.times {
            Times::Forever => fault.clone(),
            Times::Count(left) if left > 1 => {
                fault.times = Times::Count(left - 1);
                fault.clone()
            }
            Times::Count(_) => self.0.remove(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultQueue, Scope};

    fn queue(faults: impl IntoIterator<Item = Fault>) -> FaultQueue {
        let mut queue = FaultQueue::default();
        for fault in faults {
            queue.push(fault);
        }
        queue
    }

    fn next(queue: &mut FaultQueue, scope: Scope) -> Option<String> {
        queue.take(scope).map(|fault| fault.trouble.to_string())
    }

    #[test]
    fn faults_strike_in_order_and_as_often_as_they_were_told() {
        let mut queue = queue([Fault::status(500).times(2), Fault::status(501).times(0), Fault::hang()]);
        let struck: Vec<_> = std::iter::from_fn(|| next(&mut queue, Scope::Token)).collect();
        assert_eq!(struck, ["status=500", "status=500", "hang"]);
    }

    #[test]
    fn a_fault_passes_over_requests_that_are_not_meant() {
        let mut queue = queue([Fault::status(500).on(Scope::Api), Fault::status(501)]);
        assert_eq!(next(&mut queue, Scope::Token).as_deref(), Some("status=501"));
        assert_eq!(next(&mut queue, Scope::Token), None);
        assert_eq!(next(&mut queue, Scope::Api).as_deref(), Some("status=500"));
    }

    #[test]
    fn an_impossible_fault_stays_and_lets_the_next_one_strike() {
        let mut queue = queue([Fault::status(500).with_probability(0.0), Fault::status(501).forever()]);
        assert_eq!(next(&mut queue, Scope::Token).as_deref(), Some("status=501"));
        assert_eq!(queue.waiting().len(), 2);
    }

    #[test]
    fn a_reset_on_accept_waits_for_its_turn() {
        let mut queue = queue([Fault::status(500), "reset-on-accept".parse().unwrap()]);
        assert!(!queue.take_reset_on_accept());
        next(&mut queue, Scope::Token);
        assert!(queue.take_reset_on_accept());
        assert!(!queue.take_reset_on_accept());
    }
}
