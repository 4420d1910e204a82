//! What one call costs: a whole process, from its start to its end, that prints a token which the daemon holds.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    clock::Stopwatch,
    place::Place,
    programs::{Programs, is_static},
    report::{Column, Row, Table},
    samples::Samples,
    scene::print,
    trouble::{Trouble, While as _},
};

/// The most that the client may take of the C program's time.
pub(crate) const LIMIT: f64 = 1.15;
/// The most that a floor may differ from itself for a ratio to be believed.
const NOISE: f64 = 0.05;

const COLUMNS: &[Column] = &[
    Column { key: "median_us", head: "median µs", decimals: 0 },
    Column { key: "p10_us", head: "10% µs", decimals: 0 },
    Column { key: "p90_us", head: "90% µs", decimals: 0 },
    Column { key: "ratio", head: "to the floor", decimals: 3 },
];

struct Subject {
    name: String,
    command: Command,
    samples: Samples,
}

/// What is to be known of the client, in ratios to the C program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) client: f64,
    /// What the C program itself came to when it was measured again.
    pub(crate) floor_again: f64,
    /// Whether the client is linked statically, as it is installed.
    pub(crate) is_static: bool,
}

impl Verdict {
    pub(crate) fn is_within(self) -> bool {
        self.client <= LIMIT && self.is_static
    }

    /// Whether the machine did so much else that the ratio says little.
    pub(crate) fn is_noisy(self) -> bool {
        (self.floor_again - 1.0).abs() > NOISE
    }
}

/// Starts every program `calls` times, in turn.
pub(crate) fn measure(place: &Place, programs: &Programs, calls: usize) -> Result<(Table, Verdict), Trouble> {
    let mut subjects = subjects(place, programs)?;
    agree(place, programs)?;
    for round in 0..calls {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            subjects[index].call()?;
        }
    }
    let floor = subjects[FLOOR].samples.median();
    let ratio = |index: usize| subjects[index].samples.median() / floor;
    let is_static = is_static(&programs.client)? == Some(true);
    let verdict = Verdict { client: ratio(CLIENT), floor_again: ratio(FLOOR_AGAIN), is_static };
    let rows = subjects.iter().map(|subject| subject.row(floor)).collect();
    let title =
        format!("One call: a token printed, from the process's start to its end ({calls} each, in turn)");
    Ok((Table { key: "client", title, columns: COLUMNS, rows }, verdict))
}

const FLOOR: usize = 0;
const FLOOR_AGAIN: usize = 1;
const CLIENT: usize = 2;

fn subjects(place: &Place, programs: &Programs) -> Result<Vec<Subject>, Trouble> {
    let linked = match is_static(&programs.client)? {
        Some(true) => "static",
        Some(false) => "dynamic",
        None => "linked somehow",
    };
    let mut subjects = vec![
        Subject::new("C, dynamic: the floor", place, &programs.floor),
        Subject::new("the same again", place, &programs.floor),
        Subject::new(&format!("airbyte-token print, {linked}"), place, &programs.client),
    ];
    let static_floor = programs.static_floor.as_deref();
    subjects.extend(static_floor.map(|program| Subject::new("C, static", place, program)));
    Ok(subjects)
}

/// Programs that do not print the same cannot be compared.
fn agree(place: &Place, programs: &Programs) -> Result<(), Trouble> {
    let token = print(place.command(&programs.client))?;
    for floor in [Some(&programs.floor), programs.static_floor.as_ref()].into_iter().flatten() {
        if print(place.command(floor))? != token {
            return Err(Trouble::program("the C program", "prints something else than the client"));
        }
    }
    Ok(())
}

impl Subject {
    fn new(name: &str, place: &Place, program: &Path) -> Self {
        let mut command = place.command(program);
        command.arg("print").stdout(Stdio::null());
        Self { name: name.to_owned(), command, samples: Samples::default() }
    }

    /// The standard library starts it by posix_spawn(3), which copies no page of this process.
    fn call(&mut self) -> Result<(), Trouble> {
        let begun = Stopwatch::start();
        let ended = self.command.status().when(format!("start {}", self.name))?;
        self.samples.push_micros(begun.elapsed());
        if ended.success() { Ok(()) } else { Err(Trouble::program(&self.name, ended.to_string())) }
    }

    fn row(&self, floor: f64) -> Row {
        let median = self.samples.median();
        let figures = vec![median, self.samples.quantile(0.1), self.samples.quantile(0.9), median / floor];
        Row { name: self.name.clone(), figures }
    }
}
