//! How many file descriptors there are, and how many callers that makes room for.
//!
//! Every caller holds one, and so does much that the daemon cannot do without. Whoever runs out of them can neither
//! accept nor exchange, so callers get what is left when the daemon's own are set aside.

use rustix::process::{self, Resource, Rlimit};

use crate::config::MOST_PROFILES;

/// How many callers are served at once at most, however many descriptors there are.
pub const MOST_SEATS: usize = 1024;
/// With fewer seats than this, callers would be told to come back later all the time: the daemon does not start.
pub const FEWEST_SEATS: usize = 8;
/// What the daemon itself holds at its busiest: standard streams, event loop, signals, clock, socket, lock and journal
/// are a dozen; the newest caller, those who are turned away, the session bus and a file or two are the others.
const OWN: usize = 32;
/// What a profile holds at its busiest: its alarm, its connection to Airbyte, and the question for Airbyte's address.
const EACH_PROFILE: usize = 3;
/// No use is made of more.
const PLENTY: usize = MOST_SEATS + OWN + EACH_PROFILE * MOST_PROFILES;

/// The process's file descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    limit: usize,
}

impl Descriptors {
    /// Raises the soft limit (`RLIMIT_NOFILE`, `getrlimit(2)`) as far as the hard one and what the daemon can use
    /// allow. Nothing that it does is limited to descriptors below 1024, as `select(2)` is.
    #[must_use]
    pub fn raise() -> Self {
        let Rlimit { current, maximum } = process::getrlimit(Resource::Nofile);
        let (soft, wanted) =
            (current.map_or(PLENTY, in_numbers), maximum.map_or(PLENTY, in_numbers).min(PLENTY));
        if soft >= wanted {
            return Self { limit: soft };
        }
        let raised = Rlimit { current: u64::try_from(wanted).ok(), maximum };
        match process::setrlimit(Resource::Nofile, raised) {
            Ok(()) => Self { limit: wanted },
            Err(error) => {
                tracing::debug!(%error, "the limit of open files stays at {soft}");
                Self { limit: soft }
            }
        }
    }

    /// How many callers can be served at once beside so many profiles: at least [`FEWEST_SEATS`], at most
    /// [`MOST_SEATS`].
    #[must_use]
    pub fn seats(self, profiles: usize) -> usize {
        self.limit.saturating_sub(set_aside(profiles)).clamp(FEWEST_SEATS, MOST_SEATS)
    }

    /// Makes sure that there are enough for so many profiles.
    ///
    /// # Errors
    /// When there are not.
    pub const fn suffice_for(self, profiles: usize) -> Result<(), TooFewDescriptors> {
        let needed = set_aside(profiles) + FEWEST_SEATS;
        if self.limit < needed {
            return Err(TooFewDescriptors { limit: self.limit, profiles, needed });
        }
        Ok(())
    }
}

const fn set_aside(profiles: usize) -> usize {
    OWN + EACH_PROFILE * profiles
}

fn in_numbers(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(PLENTY)
}

/// The process may not open as many files as it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {limit} files may be open and {needed} are needed (profiles: {profiles}): raise the limit, LimitNOFILE= in \
     the service's unit or `ulimit -n` in a shell"
)]
pub struct TooFewDescriptors {
    limit: usize,
    profiles: usize,
    needed: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_get_what_the_daemon_does_not_need() {
        let seats = |limit, profiles| Descriptors { limit }.seats(profiles);
        assert_eq!(seats(64, 1), 29);
        assert_eq!(seats(1024, 0), 992);
        assert_eq!(seats(PLENTY, MOST_PROFILES), MOST_SEATS);
        assert_eq!(seats(usize::MAX, 0), MOST_SEATS);
    }

    #[test]
    fn the_smallest_limit_that_suffices_makes_the_fewest_seats() {
        for profiles in [0, 1, MOST_PROFILES] {
            let needed = OWN + EACH_PROFILE * profiles + FEWEST_SEATS;
            assert_eq!(Descriptors { limit: needed }.suffice_for(profiles), Ok(()));
            assert_eq!(Descriptors { limit: needed }.seats(profiles), FEWEST_SEATS);
            let too_few = Descriptors { limit: needed - 1 }.suffice_for(profiles).unwrap_err();
            assert_eq!(too_few, TooFewDescriptors { limit: needed - 1, profiles, needed });
        }
    }

    #[test]
    fn a_profile_more_than_the_limit_is_for_leaves_the_fewest_seats() {
        assert_eq!(Descriptors { limit: 64 }.seats(MOST_PROFILES), FEWEST_SEATS);
    }
}
