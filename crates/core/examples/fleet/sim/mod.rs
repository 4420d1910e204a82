//! A fleet: many hosts, each with the real rules (`Refresher`), in front of one issuer, through simulated time.
//!
//! Nothing waits: time leaps from each event to the next, and the same seed plays the same scenario again.

mod agenda;
mod chance;
mod host;
mod issuer;
mod tally;

use std::time::Duration;

use airbyte_token_core::token::BadAccessToken;

pub(crate) use issuer::{Down, Outage};
pub(crate) use tally::Tally;

use agenda::{Agenda, What};
use chance::Chance;
use host::Host;
use tally::Recovery;

/// What a fleet goes through.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// How many hosts there are.
    pub(crate) hosts: u32,
    /// Decides all that chance decides.
    pub(crate) seed: u64,
    /// Within how long the hosts come up, each when chance will have it.
    pub(crate) up_within: Duration,
    /// How often the clients of a host ask for a token: at random, once in this long on average.
    pub(crate) asks_every: Duration,
    /// When the issuer is down.
    pub(crate) outage: Option<Outage>,
    /// When it ends.
    pub(crate) lasts: Duration,
}

impl Scenario {
    /// Plays it.
    ///
    /// # Errors
    /// When the made-up tokens are not fit to be tokens.
    pub(crate) fn play(&self) -> Result<Tally, BadAccessToken> {
        Play::new(self).run()
    }
}

/// A scenario under way.
struct Play<'a> {
    scenario: &'a Scenario,
    chance: Chance,
    hosts: Vec<Host>,
    agenda: Agenda,
    exchanges: u64,
    tally: Tally,
}

impl<'a> Play<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut chance = Chance::new(scenario.seed);
        let hosts: Vec<_> = (0..scenario.hosts).map(|_| Host::new(chance.number())).collect();
        let mut agenda = Agenda::until(scenario.lasts);
        for host in 0..hosts.len() {
            let up = chance.between(Duration::ZERO, scenario.up_within);
            agenda.push((up + chance.until_next(scenario.asks_every), host, What::Ask));
        }
        let tally = Tally::new(scenario.hosts, scenario.lasts);
        Self { scenario, chance, hosts, agenda, exchanges: 0, tally }
    }

    fn run(mut self) -> Result<Tally, BadAccessToken> {
        while let Some((at, host, what)) = self.agenda.pop() {
            match what {
                What::Ask => self.ask(at, host),
                What::Land => self.land(at, host),
                What::Wake => self.hosts[host].wake(at),
            }
            self.go_on(at, host)?;
        }
        Ok(self.tally)
    }

    /// A client asks, and the next is drawn. Clients come independently of each other, so those that are served without
    /// the refresher need not be drawn at all.
    fn ask(&mut self, at: Duration, host: usize) {
        let served_until = self.hosts[host].served_until();
        if at >= served_until && self.hosts[host].ask(at) {
            self.tally.note_turned_away(at);
        }
        let next = at.max(served_until) + self.chance.until_next(self.scenario.asks_every);
        self.agenda.push((next, host, What::Ask));
    }

    fn land(&mut self, at: Duration, host: usize) {
        let host = &mut self.hosts[host];
        let (was_failing, lived_until) = (host.is_failing(), host.lives_until());
        host.land(at);
        let healed = self.scenario.outage.map(|outage| outage.healed).filter(|healed| *healed <= at);
        if let Some(healed) = healed.filter(|_| was_failing && !host.is_failing()) {
            self.tally.note_recovery(Recovery { after: at - healed, was_bare: lived_until <= healed });
        }
    }

    /// Does what the refresher says.
    fn go_on(&mut self, at: Duration, number: usize) -> Result<(), BadAccessToken> {
        let host = &mut self.hosts[number];
        if host.begins() {
            self.exchanges += 1;
            let outage = self.scenario.outage.as_ref();
            let reply = issuer::exchange(at, outage, self.exchanges, &mut self.chance)?;
            if reply.noticed {
                self.tally.note_exchange(at);
            }
            self.agenda.push((at + reply.after, number, What::Land));
            host.expect(reply.outcome);
        }
        if let Some(due) = host.set_timer() {
            self.agenda.push((due, number, What::Wake));
        }
        Ok(())
    }
}
