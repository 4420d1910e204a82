//! Callers of the kinds that nobody wants: they hold their connections and ask for little or nothing.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use airbyte_tokend_tests::Http;

/// A head, slowly.
const HEAD: &[u8] =
    b"GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const WHOLE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// How a caller of the crowd behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Says nothing.
    Silent,
    /// Sends a byte of a head whenever it is stirred.
    Dripping,
    /// Sends half a head.
    Halfway,
    /// Asks once, reads the answer some day, and stays.
    Idle,
    /// Asks and asks and reads no answer.
    Deaf,
}

/// One of the crowd.
#[derive(Debug)]
pub(crate) struct Nuisance {
    habit: Habit,
    stream: UnixStream,
    sent: usize,
}

impl Nuisance {
    /// Comes in and does what it does.
    pub(crate) fn enter(http: &Http, habit: Habit) -> Self {
        let stream = http.connect().expect("the queue is long");
        let mut nuisance = Self { habit, stream, sent: 0 };
        match habit {
            Habit::Silent => {}
            Habit::Dripping => nuisance.say(&HEAD[..1]),
            Habit::Halfway => nuisance.say(&HEAD[..HEAD.len() / 2]),
            Habit::Idle => nuisance.say(WHOLE),
            // Its answers are more than the socket holds (`net.core.wmem_default`).
            Habit::Deaf => nuisance.say(&WHOLE.repeat(600)),
        }
        nuisance.stream.set_nonblocking(true).expect("it is a socket");
        nuisance
    }

    /// Goes on, and says whether it is still connected.
    pub(crate) fn stir(&mut self) -> bool {
        match self.habit {
            Habit::Dripping => self.say(&HEAD[self.sent % HEAD.len()..][..1]),
            Habit::Silent | Habit::Halfway | Habit::Idle | Habit::Deaf => {}
        }
        // A deaf one would hear.
        self.habit == Habit::Deaf || self.is_connected()
    }

    /// Its connection.
    pub(crate) const fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Whether nobody has hung up on it. Reads.
    pub(crate) fn is_connected(&mut self) -> bool {
        loop {
            match self.stream.read(&mut [0; 512]) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    /// A connection that was closed takes nothing, and that is found out by reading.
    fn say(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).is_ok() {
            self.sent += bytes.len();
        }
    }
}

/// Many of them.
#[derive(Debug)]
pub(crate) struct Crowd {
    http: Http,
    people: Vec<Nuisance>,
    next: usize,
}

impl Crowd {
    /// So many, of every habit; one in fifty is deaf, which costs the most.
    pub(crate) fn enter(http: &Http, size: usize) -> Self {
        let people = (0..size).map(|number| Nuisance::enter(http, habit(number))).collect();
        Self { http: http.clone(), people, next: 0 }
    }

    /// Has the next so many go on; whoever was sent away comes back.
    pub(crate) fn stir(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.next % self.people.len();
            if !self.people[number].stir() {
                self.people[number] = Nuisance::enter(&self.http, habit(number));
            }
            self.next += 1;
        }
    }

    /// How many are connected still.
    pub(crate) fn connected(&mut self) -> usize {
        self.people.iter_mut().filter_map(|nuisance| nuisance.is_connected().then_some(())).count()
    }
}

const fn habit(number: usize) -> Habit {
    match number % 50 {
        0 => Habit::Deaf,
        1..13 => Habit::Silent,
        13..26 => Habit::Dripping,
        26..38 => Habit::Halfway,
        _ => Habit::Idle,
    }
}
