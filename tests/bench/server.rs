//! What the daemon bears: requests a second and how long each takes, beside hyper alone.

use std::path::Path;

use crate::{
    args::Effort,
    load::{Answered, Load},
    place::Place,
    process::processor_micros,
    report::{Column, Row, Table},
    samples::Samples,
    scene::Scene,
    trouble::Trouble,
};

const TEXT: &[u8] = b"GET /v1/token HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n";
const JSON: &[u8] = b"GET /v1/token HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";

const CONNECTIONS: [usize; 3] = [1, 16, 128];

const COLUMNS: &[Column] = &[
    Column { key: "requests_per_second", head: "requests/s", decimals: 0 },
    Column { key: "p50_us", head: "p50 µs", decimals: 0 },
    Column { key: "p99_us", head: "p99 µs", decimals: 0 },
    Column { key: "cpu_us_per_request", head: "CPU µs/request", decimals: 2 },
    Column { key: "ratio", head: "requests to the floor's", decimals: 3 },
];

struct Subject<'a> {
    name: &'static str,
    socket: &'a Path,
    process: u32,
    request: &'a [u8],
    per_second: Samples,
    p50: Samples,
    p99: Samples,
    cpu: Samples,
}

/// Loads every server in turn, at every number of connections.
pub(crate) fn measure(place: &Place, scene: &Scene, effort: Effort) -> Result<Vec<Table>, Trouble> {
    let socket = place.socket();
    CONNECTIONS.into_iter().map(|connections| at(connections, &socket, scene, effort)).collect()
}

fn at(connections: usize, socket: &Path, scene: &Scene, effort: Effort) -> Result<Table, Trouble> {
    let floor = |name| Subject::new(name, &scene.floor_socket, scene.floor.id(), TEXT);
    let daemon = |name, request| Subject::new(name, socket, scene.daemon.id(), request);
    let mut subjects = [
        floor("hyper alone: the floor"),
        floor("the same again"),
        daemon("airbyte-tokend, bare token", TEXT),
        daemon("airbyte-tokend, JSON", JSON),
    ];
    for round in 0..effort.loads {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            subjects[index].bear(connections, effort)?;
        }
    }
    let floor = subjects[0].per_second.median();
    Ok(Table {
        key: match connections {
            1 => "server_1",
            16 => "server_16",
            _ => "server_128",
        },
        title: format!(
            "The socket, {connections} connections kept alive ({} loads of {:?} each, in turn; {} bytes of token)",
            effort.loads, effort.load, scene.token_length
        ),
        columns: COLUMNS,
        rows: subjects.iter().map(|subject| subject.row(floor)).collect(),
    })
}

impl<'a> Subject<'a> {
    fn new(name: &'static str, socket: &'a Path, process: u32, request: &'a [u8]) -> Self {
        let none = Samples::default;
        Self { name, socket, process, request, per_second: none(), p50: none(), p99: none(), cpu: none() }
    }

    fn bear(&mut self, connections: usize, effort: Effort) -> Result<(), Trouble> {
        let load = Load { socket: self.socket, request: self.request, connections, length: effort.load };
        let before = processor_micros(self.process)?;
        let Answered { requests, per_second, latencies } = load.run()?;
        self.cpu.push((processor_micros(self.process)? - before) / requests);
        self.per_second.push(per_second);
        self.p50.push(latencies.median());
        self.p99.push(latencies.quantile(0.99));
        Ok(())
    }

    fn row(&self, floor: f64) -> Row {
        let per_second = self.per_second.median();
        let figures =
            vec![per_second, self.p50.median(), self.p99.median(), self.cpu.median(), per_second / floor];
        Row { name: self.name.to_owned(), figures }
    }
}
