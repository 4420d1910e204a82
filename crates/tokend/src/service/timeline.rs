//! What happened to a profile of late, and what is planned.

use airbyte_token_core::{Moment, ProfileName};
use airbyte_token_local::wire::{
    ExchangeResult, Happening, NextExchange, TimelineEvent, TimelineQuery, TimelineReply,
};
use axum::extract::{Query, State as Shared, rejection::QueryRejection};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Caller, find,
    reply::{Json, Refusal, bad_query, last_error, whole_seconds_up},
};
use crate::{
    cache::{Event, Outcome, ProfileHandle, What},
    daemon::State,
};

pub(super) async fn timeline(
    Shared(state): Shared<State>,
    caller: Caller,
    query: Result<Query<TimelineQuery>, QueryRejection>,
) -> Result<Json<TimelineReply>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let (name, profile) = find(&state, &caller, query.profile)?;
    Ok(Json(describe(name, &profile, state.now())))
}

fn describe(profile: ProfileName, handle: &ProfileHandle, now: Moment) -> TimelineReply {
    let snapshot = handle.snapshot();
    let alive = snapshot.token.filter(|token| token.is_alive(now));
    let events = handle.history().events();
    TimelineReply {
        now: local_time(now),
        state: handle.state(),
        fingerprint: alive.as_ref().map(|token| token.fingerprint()),
        expires_in: alive.as_ref().map(|token| token.remaining(now).as_secs()),
        last_error: snapshot.failure.as_ref().map(|failure| last_error(failure, &profile)),
        events: events.into_iter().map(|event| told(event, &profile, now)).collect(),
        next: snapshot.plan.map(|plan| NextExchange {
            within: whole_seconds_up(plan.at.rest(now)),
            why: plan.why,
            held_by: plan.held_by,
        }),
        profile,
    }
}

fn told(event: Event, profile: &ProfileName, now: Moment) -> TimelineEvent {
    let what = match event.what {
        What::Started { remembered } => {
            Happening::Started { remembered: remembered.map(|failure| last_error(&failure, profile)) }
        }
        What::Changed => Happening::Changed,
        What::Locked => Happening::Locked,
        What::Unlocked => Happening::Unlocked,
        What::LoggedIn(fingerprint, lifetime) => {
            Happening::LoggedIn { fingerprint, lifetime: lifetime.as_secs() }
        }
        What::ClockSet(seconds) => Happening::ClockSet { seconds },
        What::Exchange { why, outcome } => Happening::Exchange {
            why,
            result: outcome.map(|(took, outcome)| {
                let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                match outcome {
                    Outcome::Token(fingerprint, lifetime) => {
                        ExchangeResult::Token { fingerprint, lifetime: lifetime.as_secs(), took_ms }
                    }
                    Outcome::Failed(failure) => {
                        let error = last_error(&failure, profile);
                        ExchangeResult::Failed { code: error.code, message: error.message, took_ms }
                    }
                }
            }),
        },
    };
    let at = local_time(event.at);
    TimelineEvent { at, ago: now.rest(event.at).as_secs(), what }
}

/// In the machine's time zone, since people read it: `2030-01-31T23:59:59+01:00` (RFC 3339).
fn local_time(at: Moment) -> String {
    let seconds = i64::try_from(at.since_epoch().as_secs()).unwrap_or(i64::MAX);
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
