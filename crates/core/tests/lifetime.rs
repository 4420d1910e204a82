//! Whatever an issuer says, the life that is believed is sane.

use std::time::Duration;

use airbyte_token_core::token::{Claims, LifetimeEvidence, lifetime};
use proptest::{num::f64::ANY, option, prelude::*};

fn any_claims() -> impl Strategy<Value = Claims> {
    (numbers(), option::of(numbers())).prop_map(|(expires, issued)| Claims { expires, issued })
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![1 => ANY, 2 => -100.0..1_000.0, 1 => 1.7e9..1.8e9]
}

proptest! {
    #[test]
    fn a_life_is_between_a_millisecond_and_a_day(
        expires_in in option::of(numbers()),
        claims in option::of(any_claims()),
        date in option::of(numbers()),
    ) {
        if let Ok(life) = lifetime(&LifetimeEvidence { expires_in, claims, date }) {
            prop_assert!(life >= Duration::from_millis(1) && life <= Duration::from_secs(86_400), "{life:?}");
        }
    }

    #[test]
    fn no_life_is_longer_than_the_token_itself_says(expires_in in option::of(numbers()), lives in 0.001..90_000.0) {
        let claims = Some(Claims { expires: lives, issued: Some(0.0) });
        let life = lifetime(&LifetimeEvidence { expires_in, claims, date: None });
        prop_assert!(life.is_err() || life.is_ok_and(|life| life.as_secs_f64() <= lives));
    }
}
