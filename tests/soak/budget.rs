//! Whether Airbyte was asked too often, whatever clients, clocks and kills did.

use crate::clock::Seconds;

/// So many exchanges ...
const A_MINUTE: usize = 10;
/// ... and so many.
const AN_HOUR: usize = 60;
/// A request may reach Airbyte so long after the exchange began: the vault is asked first, and has three seconds. The
/// first of a row may come late and the last in time, so a minute at Airbyte's door is that much shorter.
const LATE: Seconds = 3.5;

/// The requests of a profile that came too close together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Excess {
    pub(crate) count: usize,
    pub(crate) within: Seconds,
}

impl Excess {
    /// The first in a row of requests, by when each came on the daemon's boot clock.
    pub(crate) fn of(arrivals: &[Seconds]) -> Option<Self> {
        let mut sorted = arrivals.to_vec();
        sorted.sort_by(Seconds::total_cmp);
        [(A_MINUTE, 60.0), (AN_HOUR, 3600.0)].into_iter().find_map(|(most, window)| {
            let mut rows = sorted.windows(most + 1);
            let row = rows.find(|row| row[most] - row[0] < window - LATE)?;
            Some(Self { count: most + 1, within: row[most] - row[0] })
        })
    }
}

/// The most requests in any minute.
pub(crate) fn busiest_minute(arrivals: &[Seconds]) -> usize {
    let within = |from: &Seconds| arrivals.iter().filter(|at| (*from..*from + 60.0).contains(*at)).count();
    arrivals.iter().map(within).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(gap: Seconds, count: u32) -> Vec<Seconds> {
        (0..count).map(|nth| Seconds::from(nth) * gap).collect()
    }

    #[test]
    fn ten_a_minute_are_fine_and_eleven_are_not() {
        assert_eq!(Excess::of(&every(5.0, 10)), None);
        assert_eq!(Excess::of(&every(6.0, 100).split_off(90)), None);
        assert_eq!(Excess::of(&every(5.0, 11)), Some(Excess { count: 11, within: 50.0 }));
        assert_eq!(busiest_minute(&every(5.0, 13)), 12);
    }

    #[test]
    fn sixty_an_hour_are_fine_and_sixty_one_are_not() {
        assert_eq!(Excess::of(&every(59.0, 60)), None);
        assert_eq!(Excess::of(&every(59.0, 61)), Some(Excess { count: 61, within: 3540.0 }));
        assert_eq!(Excess::of(&every(60.0, 200)), None);
    }

    #[test]
    fn the_order_does_not_matter() {
        let mut arrivals = every(5.0, 11);
        arrivals.reverse();
        assert!(Excess::of(&arrivals).is_some());
    }
}
