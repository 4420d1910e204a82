//! How many file descriptors there are, and how many callers that makes room for.
//!
//! Every caller holds one, and so does much that the daemon cannot do without. Whoever runs out of them can neither
//! accept nor exchange, so callers get what is left when the daemon's own are set aside. Callers at the main door and
//! those at each other door have seats of their own: nobody comes to lack one because of who comes in elsewhere.

use rustix::process::{self, Resource, Rlimit};

use crate::{
    config::{MOST_PROFILES, MOST_SIDE_DOORS},
    door::Rank,
};

/// How many callers at the main door are served at once at most, however many descriptors there are.
pub const MOST_SEATS: usize = 1024;
/// With fewer seats than this, callers would be told to come back later all the time: the daemon does not start.
pub const FEWEST_SEATS: usize = 8;
/// The most seats of each other door.
const MOST_SIDE_SEATS: usize = 64;
/// The fewest.
const FEWEST_SIDE_SEATS: usize = 4;
/// What the daemon itself holds at its busiest: standard streams, event loop, signals, clock, socket, lock and journal
/// are a dozen; the newest caller, those who are turned away, the session bus and a file or two are the others.
const OWN: usize = 32;
/// What a profile holds at its busiest: its alarm, its connection to Airbyte, and the question for Airbyte's address.
const EACH_PROFILE: usize = 3;
/// What a door beside the main one holds at its busiest: its listener, lock and watch, the newest caller, and those who
/// are turned away.
const EACH_SIDE_DOOR: usize = 8;
/// No use is made of more: half of what is left after all else is as much as the side doors can use.
const PLENTY: usize = set_aside(MOST_PROFILES, MOST_SIDE_DOORS) + 2 * MOST_SIDE_SEATS * MOST_SIDE_DOORS;

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

    /// How many callers at a door of this rank can be served at once, beside so many profiles and so many doors beside
    /// the main one. At the main one, that is at least [`FEWEST_SEATS`] and at most [`MOST_SEATS`].
    #[must_use]
    pub fn seats(self, rank: Rank, profiles: usize, side_doors: usize) -> usize {
        let all = self.limit.saturating_sub(set_aside(profiles, side_doors));
        let to_share = all.saturating_sub(FEWEST_SEATS).min(all / 2);
        let each = to_share.checked_div(side_doors).unwrap_or(0).clamp(FEWEST_SIDE_SEATS, MOST_SIDE_SEATS);
        match rank {
            Rank::Main => all.saturating_sub(each * side_doors).clamp(FEWEST_SEATS, MOST_SEATS),
            Rank::Side => each,
        }
    }

    /// Makes sure that there are enough for so many profiles and so many doors beside the main one.
    ///
    /// # Errors
    /// When there are not.
    pub const fn suffice_for(self, profiles: usize, side_doors: usize) -> Result<(), TooFewDescriptors> {
        let needed = set_aside(profiles, side_doors) + FEWEST_SEATS + FEWEST_SIDE_SEATS * side_doors;
        if self.limit < needed {
            return Err(TooFewDescriptors { limit: self.limit, profiles, side_doors, needed });
        }
        Ok(())
    }
}

const fn set_aside(profiles: usize, side_doors: usize) -> usize {
    OWN + EACH_PROFILE * profiles + EACH_SIDE_DOOR * side_doors
}

fn in_numbers(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(PLENTY)
}

/// The process may not open as many files as it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {limit} files may be open and {needed} are needed (profiles: {profiles}{}): raise the limit, LimitNOFILE= in \
     the service's unit or `ulimit -n` in a shell",
    if *side_doors > 0 { format!(", sockets for others: {side_doors}") } else { String::new() }
)]
pub struct TooFewDescriptors {
    limit: usize,
    profiles: usize,
    side_doors: usize,
    needed: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(limit: usize, rank: Rank, profiles: usize, side_doors: usize) -> usize {
        Descriptors { limit }.seats(rank, profiles, side_doors)
    }

    #[test]
    fn callers_get_what_the_daemon_does_not_need() {
        assert_eq!(seats(64, Rank::Main, 1, 0), 29);
        assert_eq!(seats(1024, Rank::Main, 0, 0), 992);
        assert_eq!(seats(PLENTY, Rank::Main, MOST_PROFILES, MOST_SIDE_DOORS), MOST_SEATS);
        assert_eq!(seats(PLENTY, Rank::Side, MOST_PROFILES, MOST_SIDE_DOORS), MOST_SIDE_SEATS);
        assert_eq!(seats(usize::MAX, Rank::Main, 0, 0), MOST_SEATS);
    }

    #[test]
    fn the_main_door_keeps_half_of_the_seats_as_long_as_the_others_have_their_fewest() {
        assert_eq!((seats(72, Rank::Main, 0, 1), seats(72, Rank::Side, 0, 1)), (16, 16));
        assert_eq!((seats(256, Rank::Main, 0, 1), seats(256, Rank::Side, 0, 1)), (152, 64));
        assert_eq!((seats(256, Rank::Main, 0, 4), seats(256, Rank::Side, 0, 4)), (96, 24));
    }

    #[test]
    fn the_seats_of_all_doors_fit_into_the_limit() {
        for (profiles, side_doors) in [(0, 0), (1, 1), (3, 16), (MOST_PROFILES, MOST_SIDE_DOORS)] {
            let aside = set_aside(profiles, side_doors);
            let needed = aside + FEWEST_SEATS + FEWEST_SIDE_SEATS * side_doors;
            for limit in needed..needed + 3000 {
                let main = seats(limit, Rank::Main, profiles, side_doors);
                let side = seats(limit, Rank::Side, profiles, side_doors);
                assert!(aside + main + side * side_doors <= limit, "{limit}: {main} and {side}");
            }
        }
    }

    #[test]
    fn the_smallest_limit_that_suffices_makes_the_fewest_seats() {
        for (profiles, side_doors) in [(0, 0), (1, 0), (1, 2), (MOST_PROFILES, MOST_SIDE_DOORS)] {
            let needed = set_aside(profiles, side_doors) + FEWEST_SEATS + FEWEST_SIDE_SEATS * side_doors;
            assert_eq!(Descriptors { limit: needed }.suffice_for(profiles, side_doors), Ok(()));
            assert_eq!(seats(needed, Rank::Main, profiles, side_doors), FEWEST_SEATS);
            let too_few = Descriptors { limit: needed - 1 }.suffice_for(profiles, side_doors).unwrap_err();
            assert_eq!(too_few, TooFewDescriptors { limit: needed - 1, profiles, side_doors, needed });
        }
    }

    #[test]
    fn a_profile_more_than_the_limit_is_for_leaves_the_fewest_seats() {
        assert_eq!(seats(64, Rank::Main, MOST_PROFILES, 0), FEWEST_SEATS);
        assert_eq!(seats(64, Rank::Side, MOST_PROFILES, 1), FEWEST_SIDE_SEATS);
    }
}
