//! Does a fleet behave? A hundred thousand hosts, each with the real rules of renewal, go through a restart of all at
//! once and through outages of Airbyte, in simulated time; and the issuer counts who asks in each second.
//!
//! ```text
//! cargo run --release --package airbyte-token-core --example fleet -- [--hosts N] [--seed N] [--svg FILE]
//! ```
//!
//! It prints the mean and the busiest second of each phase, as shares of the fleet, and exits with 1 if a phase saw
//! more than it may: 2 % of the fleet in any one second after an outage, 5 % at any other time. `--svg` draws it.
#![expect(clippy::disallowed_methods, reason = "says what it measured")]

mod cases;
mod plot;
mod report;
mod sim;

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use cases::{Case, Fleet};
use plot::Panel;
use report::Report;
use sim::{Down, Tally};

/// What the command line asks for.
#[derive(Debug)]
struct Options {
    fleet: Fleet,
    svg: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Options { fleet, svg } = Options::parse(std::env::args().skip(1))?;
    let mut out = io::stdout();
    writeln!(
        out,
        "which share of the hosts asks Airbyte in one second; a full bar is 2 %; seed {}\n",
        fleet.seed
    )?;
    let mut breaches = 0;
    let mut played = Vec::new();
    for case in cases(fleet) {
        let tally = case.scenario.play()?;
        writeln!(out, "{}", Report(&case, &tally))?;
        breaches += case.breaches(|seconds| tally.peak(seconds)).len();
        played.push((case, tally));
    }
    if let Some(path) = svg {
        fs::write(path, draw(fleet, &played)?)?;
    }
    writeln!(out, "{breaches} phases with a busier second than they may have")?;
    Ok(if breaches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the fleet goes through, [`draw`]n first.
fn cases(fleet: Fleet) -> Vec<Case> {
    let half_a_minute = Down::UnavailableFor(Duration::from_secs(30));
    vec![
        fleet.restarts(60),
        fleet.outlasts(600, Down::Unavailable, 60),
        fleet.outlasts(600, Down::Refused, 60),
        fleet.outlasts(600, half_a_minute, 60),
        fleet.restarts(1),
        fleet.outlasts(120, Down::Unavailable, 60),
        // As long as a token is in use: every host has failed, and the last of them only just.
        fleet.outlasts(570, Down::Unavailable, 60),
        fleet.fifth().starts_before_airbyte(120),
        fleet.fifth().outlasts(3_600, Down::Unavailable, 60),
        fleet.fifth().outlasts(600, Down::Unavailable, 1),
        fleet.fifth().outlasts(600, Down::UnavailableUntilHealed, 60),
        fleet.fifth().outlasts(600, Down::WebPage, 60),
        fleet.fifth().outlasts(600, Down::Expired, 60),
        fleet.fifth().outlasts(600, Down::Unresolved, 60),
    ]
}

fn draw(fleet: Fleet, played: &[(Case, Tally)]) -> Result<String, Box<dyn Error>> {
    let [(_, restart), (outage, unavailable), (_, refused), (_, told), ..] = played else {
        return Err("there is nothing to draw".into());
    };
    let [well, down, .., after] = outage.phases.as_slice() else { return Err("it has no phases".into()) };
    let panels = [
        Panel {
            title: "All hosts start at once; a client asks each about once a minute".to_owned(),
            seconds: 0..3_600,
            origin: 0,
            outage: None,
            lines: vec![("restart", restart)],
        },
        Panel {
            title: "Ten minutes of an outage".to_owned(),
            seconds: well.seconds.end - 300..after.seconds.end,
            origin: down.seconds.start,
            outage: Some(down.seconds.clone()),
            lines: vec![("503", unavailable), ("refused", refused), ("503, Retry-After: 30", told)],
        },
    ];
    let title =
        format!("What Airbyte sees of {} hosts: the busiest of every ten seconds", grouped(fleet.hosts));
    Ok(plot::svg(&title, fleet.hosts, &panels)?)
}

/// A number as people read it: 100 000.
fn grouped(number: u32) -> String {
    let (thousands, rest) = (number / 1_000, number % 1_000);
    if thousands == 0 { rest.to_string() } else { format!("{} {rest:03}", grouped(thousands)) }
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { fleet: Fleet { hosts: 100_000, seed: 1 }, svg: None };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--hosts" => options.fleet.hosts = value.parse()?,
                "--seed" => options.fleet.seed = value.parse()?,
                "--svg" => options.svg = Some(value),
                _ => return Err(format!("there is no {name}; there are --hosts, --seed and --svg").into()),
            }
        }
        Ok(options)
    }
}
