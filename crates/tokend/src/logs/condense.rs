//! Saying once what happens again and again.

use std::time::Duration;

use airbyte_token_core::Moment;

/// How long the same thing is counted before it is said again.
const QUIET: Duration = Duration::from_secs(60);

/// Makes at most one line a minute of what keeps happening: said at once the first time and whenever it is something
/// else, counted in between. It says nothing by itself, so a count waits until the next time that it happens.
#[derive(Debug, Default)]
pub(crate) struct Condenser(Option<Said>);

#[derive(Debug)]
struct Said {
    what: String,
    at: Moment,
    more: u64,
}

impl Condenser {
    /// One that has heard nothing.
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// The line to write about this, if there is one to write now.
    pub(crate) fn heard(&mut self, now: Moment, what: &str) -> Option<String> {
        if let Some(said) = self.0.as_mut().filter(|said| said.is_still_fresh(now, what)) {
            said.more += 1;
            return None;
        }
        let before = self.0.replace(Said { what: what.to_owned(), at: now, more: 0 });
        Some(match before.filter(|said| said.more > 0) {
            None => what.to_owned(),
            Some(said) if said.what == what => {
                format!("{what} ({} since it was last said)", times_more(said.more))
            }
            Some(said) => format!("{what}; before that {}: {}", times_more(said.more), said.what),
        })
    }
}

impl Said {
    fn is_still_fresh(&self, now: Moment, what: &str) -> bool {
        self.what == what && !self.at.after(QUIET).rest(now).is_zero()
    }
}

fn times_more(count: u64) -> String {
    if count == 1 { "1 more time".to_owned() } else { format!("{count} more times") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(1000 + seconds), Duration::from_secs(1_000_000 + seconds))
    }

    #[test]
    fn what_goes_on_is_said_once_a_minute_with_its_count() {
        let mut condenser = Condenser::new();
        assert_eq!(condenser.heard(at(0), "full").as_deref(), Some("full"));
        for second in 1..60 {
            assert_eq!(condenser.heard(at(second), "full"), None, "{second}");
        }
        let again = condenser.heard(at(60), "full");
        assert_eq!(again.as_deref(), Some("full (59 more times since it was last said)"));
        assert_eq!(condenser.heard(at(61), "full"), None);
        let again = condenser.heard(at(9999), "full");
        assert_eq!(again.as_deref(), Some("full (1 more time since it was last said)"));
    }

    #[test]
    fn what_comes_back_after_a_quiet_minute_is_said_without_a_count() {
        let mut condenser = Condenser::new();
        assert_eq!(condenser.heard(at(0), "full").as_deref(), Some("full"));
        assert_eq!(condenser.heard(at(60), "full").as_deref(), Some("full"));
    }

    #[test]
    fn something_else_is_said_at_once_and_owns_up_for_what_was_not_said() {
        let mut condenser = Condenser::new();
        assert_eq!(condenser.heard(at(0), "full").as_deref(), Some("full"));
        assert_eq!(condenser.heard(at(1), "broken").as_deref(), Some("broken"));
        assert_eq!(condenser.heard(at(2), "broken"), None);
        assert_eq!(condenser.heard(at(3), "broken"), None);
        let other = condenser.heard(at(4), "full");
        assert_eq!(other.as_deref(), Some("full; before that 2 more times: broken"));
        assert_eq!(condenser.heard(at(5), "full"), None, "its minute has begun anew");
    }

    #[test]
    fn a_wall_clock_that_is_set_neither_hushes_nor_hurries() {
        let mut condenser = Condenser::new();
        condenser.heard(at(0), "full");
        let later = |boot, wall| Moment::new(Duration::from_secs(boot), Duration::from_secs(wall));
        assert_eq!(condenser.heard(later(1059, 9_000_000), "full"), None);
        assert!(condenser.heard(later(1060, 0), "full").is_some());
    }
}
