//! What was seen, for a terminal.

use std::{fmt, ops::Range, time::Duration};

use crate::{cases::Case, sim::Tally};

/// How many characters wide the line of bars is.
const BARS: usize = 90;
/// From nothing to [`FULL`] of the fleet in a second.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const FULL: f64 = 0.02;

/// One case and what came of it, as a few lines of text.
#[derive(Debug)]
pub(crate) struct Report<'a>(pub(crate) &'a Case, pub(crate) &'a Tally);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(case, tally) = self;
        writeln!(f, "{}", case.title)?;
        for phase in &case.phases {
            let seconds = &phase.seconds;
            let (mean, peak) = (tally.mean(seconds.clone()), tally.peak(seconds.clone()));
            let limit = phase.limit.map_or_else(String::new, |limit| verdict(peak, limit));
            writeln!(
                f,
                "  {:<20} {:>7} to {:>7}   mean {:>6}   peak {:>6} in a second{limit}",
                phase.name,
                clock(seconds.start),
                clock(seconds.end),
                share(mean),
                share(peak),
            )?;
        }
        self.recovery(f)?;
        writeln!(f, "  [{}]", self.bars())
    }
}

impl Report<'_> {
    fn recovery(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(case, tally) = self;
        for (who, bare) in [("hosts without a token", true), ("all hosts that failed", false)] {
            if let Some((mean, longest)) = tally.recovery(bare) {
                let (mean, longest) = (seconds(mean), seconds(longest));
                writeln!(f, "  from healing to a token, {who}: {mean} on average, {longest} at most")?;
            }
        }
        let turned_away = tally.turned_away(whole(case));
        if turned_away == 0 { Ok(()) } else { writeln!(f, "  callers that got no token: {turned_away}") }
    }

    /// The busiest second of each stretch of the whole, as bars.
    fn bars(&self) -> String {
        let Self(case, tally) = self;
        let whole = whole(case);
        let stretch = whole.len().div_ceil(BARS).max(1);
        let stretches = whole.clone().step_by(stretch).map(|from| from..(from + stretch).min(whole.end));
        stretches.map(|seconds| bar(tally.peak(seconds))).collect()
    }
}

/// The columns of a whole case: its first phase may begin after its first second.
fn whole(case: &Case) -> Range<usize> {
    let start = case.phases.first().map_or(0, |phase| phase.seconds.start);
    start..case.phases.last().map_or(0, |phase| phase.seconds.end)
}

fn bar(share: f64) -> char {
    let top = HEIGHTS.len() - 1;
    let reached = (0..top).filter(|height| share > FULL * as_share(*height, top)).count();
    HEIGHTS.get(reached).copied().unwrap_or('█')
}

fn as_share(part: usize, of: usize) -> f64 {
    let number = |number| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    number(part) / number(of)
}

fn verdict(peak: f64, limit: f64) -> String {
    let judged = if peak < limit { "<" } else { "IS NOT <" };
    format!("   {judged} {:.0} %", limit * 100.0)
}

fn share(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn seconds(wait: Duration) -> String {
    format!("{:.0} s", wait.as_secs_f64())
}

fn clock(second: usize) -> String {
    format!("{}:{:02}", second / 60, second % 60)
}
