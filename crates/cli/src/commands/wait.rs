//! `wait`: until a profile can serve, or it is clear that waiting does not help.
//!
//! The daemon is asked for a second at a time, so that a person who waits is told for what, and a daemon that is
//! started anew meanwhile is found again. No clock is read here: how long each try took is known from what it was.

use std::{thread, time::Duration};

use airbyte_token_local::{
    ErrorCode,
    client::{BadReply, CallError, ConnectError, Patience},
    span::Span,
    wire::{ErrorReply, ReadyQuery, RefreshReply},
};

use super::{Daemon, table::lasting};
use crate::{
    args::WaitArgs,
    failure::Failure,
    output::{self, shown},
};

/// How long is waited where nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the daemon is asked to wait at a time.
const SLICE: Duration = Duration::from_secs(1);
/// How long to pause before the second try where there was no answer at all; twice as long before each one after it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

pub(super) fn run(args: WaitArgs, daemon: &Daemon) -> Result<(), Failure> {
    let WaitArgs { profile, min_ttl, timeout } = args;
    let timeout = timeout.map_or(DEFAULT_TIMEOUT, Span::length);
    let mut query = ReadyQuery { profile, min_ttl, wait: None };
    let mut waiting = Waiting { left: timeout, pause: FIRST_PAUSE, told: String::new() };
    loop {
        let slice = waiting.left.min(SLICE);
        query.wait = Some(Span::new(slice));
        match attempt(&query, slice, daemon) {
            Ok(ready) => {
                output::progress(&described(&ready));
                return Ok(());
            }
            Err(Unready::Passing(failure, spent)) if !waiting.left.is_zero() => {
                waiting.tell(failure.what());
                waiting.spend(spent);
            }
            Err(Unready::Passing(failure, _)) => return Err(failure.prefixed(&after(timeout))),
            Err(Unready::ForGood(failure)) => return Err(failure),
        }
    }
}

/// Why a try brought nothing.
enum Unready {
    /// Waiting does not help.
    ForGood(Failure),
    /// It may; the try has taken so long.
    Passing(Failure, Duration),
}

/// One try, in which the daemon waits for so long.
fn attempt(query: &ReadyQuery, slice: Duration, daemon: &Daemon) -> Result<RefreshReply, Unready> {
    let limit = slice + Daemon::GRACE;
    let connected = daemon.connect(Patience::None, limit).map_err(Unready::ForGood)?;
    let client = connected.map_err(|error| unreached(error, limit))?;
    client.ready(query).map_err(|error| unanswered(error, slice, limit))
}

fn unreached(error: ConnectError, limit: Duration) -> Unready {
    match error {
        ConnectError::Absent(_) | ConnectError::Deserted(_) => Unready::Passing(error.into(), Duration::ZERO),
        ConnectError::Crowded(_) => Unready::Passing(error.into(), limit),
        ConnectError::Denied { .. }
        | ConnectError::PathTooLong(_)
        | ConnectError::Distrusted(_)
        | ConnectError::Other { .. } => Unready::ForGood(error.into()),
    }
}

fn unanswered(error: CallError, slice: Duration, limit: Duration) -> Unready {
    match error {
        CallError::Refused(reply) => refused(*reply, slice),
        CallError::BadReply(BadReply::Silent) => Unready::Passing(error.into(), limit),
        CallError::Unsent(_) | CallError::BadReply(BadReply::HungUp | BadReply::Broken(_)) => {
            Unready::Passing(error.into(), Duration::ZERO)
        }
        CallError::BadReply(_) | CallError::Unsayable(_) | CallError::BadJson(_) | CallError::BadToken(_) => {
            Unready::ForGood(error.into())
        }
    }
}

/// The daemon tells a time for another try where waiting may help, and only there. What it says of itself passes too.
fn refused(reply: ErrorReply, slice: Duration) -> Unready {
    let (code, may_pass) = (reply.code, reply.retry_in.is_some());
    let failure = Failure::from(CallError::Refused(Box::new(reply)));
    if matches!(code, ErrorCode::Busy | ErrorCode::ShuttingDown) {
        return Unready::Passing(failure, Duration::ZERO);
    }
    if !may_pass {
        return Unready::ForGood(failure);
    }
    let failure = failure.temporary();
    let failure = if code == ErrorCode::WaitOver { failure.with_hint(LONGER) } else { failure };
    Unready::Passing(failure, slice)
}

/// The code's own remedy names another command's option.
const LONGER: &str = "wait longer with --timeout; `airbyte-token explain` tells what holds it up";

struct Waiting {
    left: Duration,
    pause: Duration,
    told: String,
}

impl Waiting {
    /// Tells a person what is waited for, once.
    fn tell(&mut self, what: &str) {
        if self.told != what {
            output::progress(&format!("waiting: {}", shown(what)));
            what.clone_into(&mut self.told);
        }
    }

    /// Takes off what a try has taken. One that took no time is followed by a pause, or the next would be as quick.
    fn spend(&mut self, spent: Duration) {
        let spent = if spent.is_zero() { self.rest() } else { spent };
        self.left = self.left.saturating_sub(spent);
    }

    fn rest(&mut self) -> Duration {
        let pause = self.pause.min(self.left);
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        thread::sleep(pause);
        pause
    }
}

fn after(timeout: Duration) -> String {
    match (timeout.as_secs(), timeout.subsec_millis()) {
        (0, 0) => "not ready".to_owned(),
        (_, 0) => format!("not ready after {}", lasting(timeout.as_secs())),
        (_, _) => format!("not ready after {}", Span::new(timeout)),
    }
}

fn described(ready: &RefreshReply) -> String {
    let RefreshReply { profile, fingerprint, expires_in } = ready;
    format!("ready: profile {profile}, token {fingerprint}, lives {} more", lasting(*expires_in))
}
