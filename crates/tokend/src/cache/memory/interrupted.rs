//! Exchanges that were sent and whose end nobody saw, because the daemon was killed first.
//!
//! What came of them is not known, and it may have been a refusal. A daemon that dies in the middle of every exchange
//! must not ask Airbyte once with every start: from the second in a row on, and at once where exchanges failed before,
//! its successor waits.

use std::time::Duration;

use airbyte_token_core::{
    Detail, Failure, Memory,
    refresher::{PastTrouble, Standing},
};

/// How long the successor waits, counted from the last exchange: with this, however refusals and deaths alternate, there
/// are three exchanges a minute at most.
const WAIT: Duration = Duration::from_secs(60);
/// The same where the credentials were refused for good: as before the first probe.
const WAIT_WHEN_PARKED: Duration = Duration::from_secs(5 * 60);

/// What is to be remembered when so many exchanges in a row were sent and did not end.
pub(super) fn after(unfinished: u32, memory: Memory) -> Memory {
    let Some(last) = memory.exchanges.last().map(|past| past.at) else { return memory };
    let trouble = match (unfinished, memory.trouble) {
        (0, trouble) => return Memory { trouble, ..memory },
        (1, None) => return Memory { trouble: None, ..memory },
        (_, Some(trouble)) => trouble,
        (count, None) => unknown_end(count),
    };
    let wait = match trouble.standing {
        Standing::Trying | Standing::Accused => WAIT,
        Standing::Parked { .. } => WAIT_WHEN_PARKED,
    };
    let retry_at = trouble.retry_at.max(last.saturating_add(wait.as_secs()));
    Memory { trouble: Some(PastTrouble { retry_at, ..trouble }), ..memory }
}

fn unknown_end(count: u32) -> PastTrouble {
    let text = format!("the daemon was ended {count} times in a row before Airbyte had answered");
    PastTrouble {
        failure: Failure::Transient { retry_after: None, detail: Detail::new(&text) },
        standing: Standing::Trying,
        rungs: 0,
        suspects: 0,
        retry_at: 0,
    }
}

#[cfg(test)]
mod tests {
    use airbyte_token_core::refresher::PastExchange;

    use super::*;

    const LAST: u64 = 1_000;

    fn memory(trouble: Option<(Standing, u64)>) -> Memory {
        let failure = Failure::Rejected { detail: Detail::new("no") };
        let trouble = trouble.map(|(standing, retry_at)| PastTrouble {
            failure,
            standing,
            rungs: 1,
            suspects: 0,
            retry_at,
        });
        let exchanges = [900, LAST].map(|at| PastExchange { at, elective: false }).to_vec();
        Memory { trouble, exchanges, ..Memory::default() }
    }

    fn retry_at(unfinished: u32, trouble: Option<(Standing, u64)>) -> Option<u64> {
        after(unfinished, memory(trouble)).trouble.map(|trouble| trouble.retry_at)
    }

    #[test]
    fn nothing_is_added_to_what_ended() {
        for trouble in [None, Some((Standing::Accused, 1_005))] {
            assert_eq!(after(0, memory(trouble)), memory(trouble));
        }
    }

    #[test]
    fn the_first_that_did_not_end_is_made_up_for_at_once_and_the_next_is_waited_for() {
        assert_eq!(retry_at(1, None), None);
        assert_eq!(retry_at(2, None), Some(LAST + 60));
        assert_eq!(retry_at(9, None), Some(LAST + 60));
        let failure = after(3, memory(None)).trouble.map(|trouble| trouble.failure);
        assert!(matches!(failure, Some(Failure::Transient { retry_after: None, detail })
            if detail.as_str().contains("3 times")));
    }

    #[test]
    fn what_had_failed_before_is_waited_for_and_stays_as_it_was() {
        for standing in [Standing::Trying, Standing::Accused] {
            assert_eq!(retry_at(1, Some((standing, LAST + 5))), Some(LAST + 60));
        }
        assert_eq!(retry_at(1, Some((Standing::Parked { probes: 1 }, LAST))), Some(LAST + 300));
        assert_eq!(retry_at(1, Some((Standing::Parked { probes: 1 }, LAST + 900))), Some(LAST + 900));
        let trouble = after(1, memory(Some((Standing::Accused, 0)))).trouble;
        assert!(trouble.is_some_and(|trouble| trouble.standing == Standing::Accused && trouble.rungs == 1));
    }

    #[test]
    fn without_a_single_exchange_there_is_nothing_to_wait_for() {
        assert_eq!(after(7, Memory::default()), Memory::default());
    }
}
