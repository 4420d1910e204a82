//! What the daemon does next, and if nothing, why.

use airbyte_token_local::{
    ProfileState,
    wire::{ExchangeResult, Happening, NextExchange, TimelineReply},
};

use super::{past, words};
use crate::commands::table::lasting;

/// Tokens that live no longer than this, in seconds, are not renewed ahead: that would be one exchange after another.
const FLEETING: u64 = 10;

pub(super) fn told(reply: &TimelineReply) -> String {
    match &reply.next {
        Some(next) => planned(next),
        None => unplanned(reply),
    }
}

fn planned(NextExchange { within, why, held_by }: &NextExchange) -> String {
    let when = if *within == 0 { "now".to_owned() } else { format!("in {}", lasting(*within)) };
    let held = held_by.map_or_else(String::new, |held_by| format!("; {}", words::hold(held_by)));
    format!("{when}: {}{held}", words::intent(*why))
}

fn unplanned(reply: &TimelineReply) -> String {
    if let Some(began) = past::under_way(&reply.events) {
        return format!("an exchange is under way, begun {} ago", lasting(began));
    }
    if reply.state == ProfileState::Locked {
        return "nothing until somebody runs `airbyte-token unlock`".to_owned();
    }
    if reply.state == ProfileState::Idle {
        return "nothing, since no program asks; the next that asks gets a token".to_owned();
    }
    if last_lifetime(reply).is_some_and(|lifetime| lifetime <= FLEETING) {
        return "nothing, since tokens of so short a life are fetched when a program asks".to_owned();
    }
    "nothing until a program asks, since none has asked for a while".to_owned()
}

/// How long the last token was to live.
fn last_lifetime(reply: &TimelineReply) -> Option<u64> {
    reply.events.iter().rev().find_map(|event| match &event.what {
        Happening::Exchange { result: Some(ExchangeResult::Token { lifetime, .. }), .. }
        | Happening::LoggedIn { lifetime, .. } => Some(*lifetime),
        Happening::Exchange { .. }
        | Happening::Started { .. }
        | Happening::Changed
        | Happening::Locked
        | Happening::Unlocked
        | Happening::ClockSet { .. } => None,
    })
}
