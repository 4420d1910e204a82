//! How long it takes from a server's start until it says that it is ready, and until it has answered.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    clock::Stopwatch,
    load::ask_once,
    place::Place,
    programs::Programs,
    report::{Column, Row, Table},
    samples::Samples,
    scene::floor_server,
    trouble::{Trouble, While as _},
};

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

const COLUMNS: &[Column] = &[
    Column { key: "ready_us", head: "ready µs", decimals: 0 },
    Column { key: "answered_us", head: "first 200 µs", decimals: 0 },
    Column { key: "ratio", head: "to the floor", decimals: 2 },
];

#[derive(Clone, Copy)]
enum Server {
    Floor,
    Daemon,
}

struct Subject {
    name: &'static str,
    server: Server,
    ready: Samples,
    answered: Samples,
}

pub(crate) fn measure(programs: &Programs, starts: usize) -> Result<Table, Trouble> {
    let subject =
        |name, server| Subject { name, server, ready: Samples::default(), answered: Samples::default() };
    let mut subjects = [
        subject("hyper alone: the floor", Server::Floor),
        subject("the same again", Server::Floor),
        subject("airbyte-tokend, no profile", Server::Daemon),
    ];
    for round in 0..starts {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            subjects[index].start(programs)?;
        }
    }
    let floor = subjects[0].answered.median();
    Ok(Table {
        key: "startup",
        title: format!("From a server's start to READY=1, and to its first answer ({starts} each, in turn)"),
        columns: COLUMNS,
        rows: subjects.iter().map(|subject| subject.row(floor)).collect(),
    })
}

impl Subject {
    fn start(&mut self, programs: &Programs) -> Result<(), Trouble> {
        let place = Place::new()?;
        let socket = place.socket();
        let command = match self.server {
            Server::Daemon => place.command(&programs.daemon),
            Server::Floor => floor_command(&place, programs, &socket)?,
        };
        let (ready, answered) = ready_and_answered(&place, command, &socket)?;
        self.ready.push_micros(ready);
        self.answered.push_micros(answered);
        Ok(())
    }

    fn row(&self, floor: f64) -> Row {
        let answered = self.answered.median();
        Row { name: self.name.to_owned(), figures: vec![self.ready.median(), answered, answered / floor] }
    }
}

fn floor_command(place: &Place, programs: &Programs, socket: &Path) -> Result<Command, Trouble> {
    if let Some(directory) = socket.parent() {
        std::fs::create_dir(directory).when("make the socket's directory")?;
    }
    Ok(floor_server(place, programs, socket, 2))
}

fn ready_and_answered(
    place: &Place,
    command: Command,
    socket: &Path,
) -> Result<(Duration, Duration), Trouble> {
    let (_running, ready) = place.start(command)?;
    let since = Stopwatch::start();
    ask_once(socket, HEALTH)?;
    Ok((ready, ready + since.elapsed()))
}
