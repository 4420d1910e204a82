//! Each promise, over random histories.

use proptest::prelude::*;

use crate::{
    event::{Event, histories},
    fixture::CANARY,
    oracle::Promise,
    world::World,
};

fn assert_kept(promise: Promise, seed: u64, history: &[Event]) -> Result<(), TestCaseError> {
    let world = World::after(seed, history);
    let breaches = world.oracle.breaches_of(promise);
    prop_assert!(breaches.is_empty(), "{breaches:?}");
    Ok(())
}

/// Each promise watches every history whole, so the dozen of them see enough with half of the usual number each.
fn half_as_many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(2), ..usual }
}

macro_rules! promises {
    ($($(#[$doc:meta])* $name:ident: $promise:ident;)*) => {
        proptest! {
            #![proptest_config(half_as_many())]
            $(
                $(#[$doc])*
                #[test]
                fn $name(seed: u64, history in histories(80)) {
                    assert_kept(Promise::$promise, seed, &history)?;
                }
            )*
        }
    };
}

promises! {
    no_caller_gets_a_dead_token_however_clocks_leap: NoDeadToken;
    no_caller_gets_less_life_than_it_asked_for: NoLessLifeThanAsked;
    a_token_that_lives_is_never_withheld_and_no_failure_drops_it: NoLiveTokenWithheld;
    at_most_one_exchange_is_in_flight: OneInFlight;
    exchanges_keep_the_floor_between_them: Floor;
    ten_exchanges_a_minute_and_sixty_an_hour_whatever_happens: Budget;
    what_the_issuer_asks_for_is_kept_within_bounds: RetryAfter;
    refused_credentials_rest_until_something_changes_or_a_probe_is_due: Parking;
    a_profile_that_nobody_uses_causes_no_exchange: Idleness;
    the_next_wake_is_in_the_future: NextWake;
    a_profile_in_use_without_a_token_has_a_try_to_come_within_the_hour: NextTry;
    a_pending_answer_has_an_exchange_behind_it_and_a_refusal_a_date: HonestAnswers;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_debug_output_of_any_state_holds_a_token(seed: u64, history in histories(60)) {
        let mut world = World::new(seed);
        for event in &history {
            world.apply(event);
            let snapshot = world.refresher.snapshot();
            let answer = world.request(std::time::Duration::ZERO);
            let memory = world.refresher.memory();
            let shown = format!("{:?} {snapshot:?} {answer:?} {memory:?}", world.refresher);
            prop_assert!(!shown.contains(CANARY), "{shown}");
            if let Some(token) = snapshot.token {
                prop_assert!(token.access_token().expose().contains(CANARY), "the search can find one");
            }
        }
    }
}
