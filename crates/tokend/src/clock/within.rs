//! Giving up on what got lost while the machine slept.

use std::{io, time::Duration};

use airbyte_token_core::Moment;

use super::{Alarm, Clock, LeapWatch};

/// What the work comes to, or nothing once `limit` has passed by either clock.
///
/// The runtime's own timeouts stand still while the machine is suspended: work that waits for a server which has long
/// forgotten it would use up the rest of its time after the machine woke up, and whoever waits for the work as well.
/// Where the process has no file descriptors left for timers, nothing limits the work here.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let over = Clock.now().after(limit);
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => Some(done),
        passed = pass(over) => match passed {
            Ok(()) => None,
            Err(error) => {
                tracing::debug!(%error, "no timer that counts suspend");
                Some(work.await)
            }
        }
    }
}

async fn pass(moment: Moment) -> io::Result<()> {
    let (alarm, leaps) = (Alarm::new()?, LeapWatch::new()?);
    while !moment.is_reached(Clock.now()) {
        tokio::select! {
            fired = alarm.until(Some(moment)) => fired?,
            leapt = leaps.leap() => leapt?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_done_in_time_is_done() {
        assert_eq!(within(Duration::ZERO, ready(7)).await, Some(7));
        let slow = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(within(Duration::from_secs(60), slow).await, Some(7));
    }

    #[tokio::test]
    async fn what_never_ends_is_given_up() {
        let over = Clock.now().after(Duration::from_millis(20));
        assert_eq!(within(Duration::from_millis(20), pending::<()>()).await, None);
        assert!(over.is_reached(Clock.now()), "not before its time");
    }
}
