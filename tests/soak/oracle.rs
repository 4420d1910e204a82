//! Judges every answer against what truly was.
//!
//! Where a thing happened between two of our readings of the clock, the reading counts that is in the daemon's favour: a
//! token is expired only if it was dead before the question was asked, and withheld only if it was alive until the answer
//! was there. That the daemon held a token is known from its having served it, in the same run, before.

use std::{collections::HashMap, fmt};

use crate::{
    clock::Seconds,
    facts::{Facts, Span, Weather},
    ledger::TokenId,
    script,
};

/// A question about a token, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) profile: usize,
    /// From just before it was asked until just after it was answered.
    pub(crate) span: Span,
    /// How long the token had to live.
    pub(crate) min_ttl: Seconds,
    /// How long the daemon was allowed to take.
    pub(crate) wait: Seconds,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A token, and how many seconds the daemon said that it still lives, if it said so.
    Token(TokenId, Option<u64>),
    /// An error of this name.
    Refused(String),
    /// The connection ended without an answer, or could not be had.
    Cut,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Breach {
    pub(crate) kind: Kind,
    pub(crate) profile: usize,
    pub(crate) at: Seconds,
    pub(crate) what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Expired,
    Withheld,
    WrongProfile,
    Secret,
    Budget,
    Unanswered,
    Recovery,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Expired,
        Self::Withheld,
        Self::WrongProfile,
        Self::Secret,
        Self::Budget,
        Self::Unanswered,
        Self::Recovery,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired tokens served",
            Self::Withheld => "live tokens withheld",
            Self::WrongProfile => "tokens of another profile",
            Self::Secret => "secrets in any output",
            Self::Budget => "minutes and hours over budget",
            Self::Unanswered => "callers left without an answer",
            Self::Recovery => "recoveries later than the policy says",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.kind.name(), script::name(self.profile), self.what)
    }
}

/// A token that the daemon was seen to hold.
#[derive(Clone, Copy, Debug)]
struct Held {
    run: usize,
    token: TokenId,
    seen: Span,
    /// How long it lived at least when it was seen.
    left: Seconds,
}

/// How long answers took for which there was a token at hand, in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    pub(crate) well: Vec<Seconds>,
    pub(crate) silent: Vec<Seconds>,
}

/// What it has seen so far.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    held: HashMap<usize, Vec<Held>>,
    pub(crate) latencies: Latencies,
    /// Tokens that died while their answer was on its way: neither served expired nor not.
    pub(crate) died_on_the_way: usize,
}

/// What the daemon's rounding to whole seconds, and a clock that is read twice, may hide.
const DOUBT: Seconds = 1.5;
/// An answer for which a token is at hand has no business to take so long, on the busiest machine.
const AT_ONCE: Seconds = 5.0;
/// By so much may an answer be late that had to wait, on the busiest machine.
const LATE: Seconds = 10.0;
/// No token is worth remembering that was seen longer ago: none lives so long.
const FORGOTTEN: Seconds = 300.0;
/// How long before it was seen a token may have been asked for.
const ON_ITS_WAY: Seconds = 15.0;

impl Oracle {
    /// Judges answers, in any order; the facts must reach beyond the last of them.
    pub(crate) fn judge(&mut self, answers: &[Answer], facts: &Facts) -> Vec<Breach> {
        for answer in answers {
            self.learn(answer, facts);
        }
        answers.iter().flat_map(|answer| self.judge_one(answer, facts)).collect()
    }

    fn judge_one(&mut self, answer: &Answer, facts: &Facts) -> Vec<Breach> {
        let held = self.held(answer, facts);
        self.time(answer, held, facts);
        let what = match &answer.outcome {
            Outcome::Token(token, left) => self.judge_token(answer, *token, *left, facts),
            Outcome::Refused(code) => judge_refusal(answer, code, held),
            Outcome::Cut => judge_cut(answer, facts),
        };
        let late = judge_time(answer, held);
        let breach = |(kind, what)| Breach { kind, profile: answer.profile, at: answer.span.until, what };
        what.into_iter().chain(late).map(breach).collect()
    }

    fn judge_token(
        &mut self,
        answer: &Answer,
        token: TokenId,
        left: Option<u64>,
        facts: &Facts,
    ) -> Option<(Kind, String)> {
        let Some(issue) = facts.ledger.get(token) else {
            return Some((Kind::WrongProfile, "a token that nobody made".to_owned()));
        };
        if issue.profile != answer.profile {
            return Some((Kind::WrongProfile, format!("the token of {}", script::name(issue.profile))));
        }
        let Span { from, until } = answer.span;
        let age = facts.shifts.least_age(issue.by, ON_ITS_WAY, from);
        let late = (from - issue.dies).max(age - issue.life);
        if late >= 0.0 {
            return Some((
                Kind::Expired,
                format!("dead for {late:.3} s before anybody asked, said to have {left:?} s"),
            ));
        }
        if issue.dies <= from {
            return None;
        }
        self.died_on_the_way += usize::from(issue.dies <= until);
        let most = issue.dies - from;
        left.filter(|left| *left as Seconds > most + 1.0)
            .map(|left| (Kind::Expired, format!("said to live {left} s, and lives {most:.3} s at most")))
    }

    /// The life that a token in the daemon's hands had at least, all the time from question to answer.
    fn held(&self, answer: &Answer, facts: &Facts) -> Option<Seconds> {
        let run = facts.run(answer.span)?;
        let all = self.held.get(&answer.profile)?.iter();
        let before = all.filter(|held| held.run == run && held.seen.until <= answer.span.from);
        let left = before.filter_map(|held| {
            let since = Span { from: held.seen.from, until: answer.span.until };
            let left = held.left - facts.shifts.most_spent(since.from, since.until) - DOUBT;
            let is_lost =
                || facts.was_changed(answer.profile, since) || facts.was_shortened(answer.profile, since);
            (left > 0.0 && !is_lost()).then_some(left)
        });
        left.max_by(Seconds::total_cmp)
    }

    fn learn(&mut self, answer: &Answer, facts: &Facts) {
        let Outcome::Token(token, Some(left)) = answer.outcome else { return };
        let Some(run) = facts.run(answer.span) else { return };
        let held = self.held.entry(answer.profile).or_default();
        held.retain(|held| held.seen.until + FORGOTTEN > answer.span.from);
        if held
            .iter()
            .any(|held| held.run == run && held.token == token && held.seen.until <= answer.span.until)
        {
            return;
        }
        held.push(Held { run, token, seen: answer.span, left: left as Seconds });
    }

    fn time(&mut self, answer: &Answer, held: Option<Seconds>, facts: &Facts) {
        if !held.is_some_and(|left| is_at_hand(answer, left)) {
            return;
        }
        let took = answer.span.until - answer.span.from;
        match facts.weather(answer.profile, answer.span) {
            Weather::Well => self.latencies.well.push(took),
            Weather::Silent => self.latencies.silent.push(took),
            Weather::Mixed => {}
        }
    }
}

/// Whether nobody need wait for a token with so much left: it is outside the window in which its successor is worth
/// waiting for, a fifteenth of two minutes at most.
fn is_at_hand(answer: &Answer, left: Seconds) -> bool {
    left > answer.min_ttl.max(8.0)
}

fn judge_refusal(answer: &Answer, code: &str, held: Option<Seconds>) -> Option<(Kind, String)> {
    let left = held.filter(|left| *left > answer.min_ttl)?;
    let asked = answer.min_ttl;
    Some((
        Kind::Withheld,
        format!("`{code}`, though a token was there that lived {left:.1} s more; {asked} s were asked for"),
    ))
}

fn judge_cut(answer: &Answer, facts: &Facts) -> Option<(Kind, String)> {
    facts.run(answer.span).map(|_| (Kind::Unanswered, "cut off while the daemon ran".to_owned()))
}

fn judge_time(answer: &Answer, held: Option<Seconds>) -> Option<(Kind, String)> {
    let took = answer.span.until - answer.span.from;
    if held.is_some_and(|left| is_at_hand(answer, left)) && took > AT_ONCE {
        return Some((Kind::Withheld, format!("answered after {took:.1} s, though a token was there")));
    }
    let limit = answer.wait + LATE;
    (took > limit)
        .then(|| (Kind::Unanswered, format!("answered after {took:.1} s, {} s were allowed", answer.wait)))
}

#[cfg(test)]
mod tests;
