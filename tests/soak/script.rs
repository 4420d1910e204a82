//! What happens in a soak and when: a pure function of a seed. What the programs make of it is not.

mod asks;
mod faults;
mod writer;

use std::fmt;

use airbyte_sandbox::Edition;

pub(crate) use asks::{Ask, Asks, Way};
pub(crate) use faults::{is_silent, shortens};

use crate::dice::Dice;

/// A day, in seconds.
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// How large a soak is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) profiles: usize,
    pub(crate) clients: usize,
    pub(crate) acts: usize,
}

/// A profile and its Airbyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// How long its tokens live, in seconds.
    pub(crate) life: u64,
    pub(crate) edition: Edition,
    /// Where its secret is kept.
    pub(crate) vault: &'static str,
}

/// A few seconds, and the leap at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// What happens, in order.
    pub(crate) steps: Vec<Step>,
    /// How long it is, in milliseconds.
    pub(crate) length: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Milliseconds after the act's beginning.
    pub(crate) at: u64,
    pub(crate) event: Event,
}

/// Something that is done to the daemon's world. Profiles go by number, times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// This profile's Airbyte does this wrong from now on, or nothing.
    Upstream(usize, Option<&'static str>),
    /// The same of every Airbyte.
    AllUpstreams(Option<&'static str>),
    /// SIGKILL, and a new start.
    Kill,
    /// SIGTERM, and a new start.
    Stop,
    LockKeyring,
    FreezeKeyring,
    ThawKeyring,
    EndKeyring,
    /// Ends it if it runs; then it runs, unlocked.
    RestartKeyring,
    /// The machine sleeps.
    Suspend(u64),
    /// The virtual machine stands still.
    Pause(u64),
    /// Somebody sets the wall clock forward, or back.
    SetWall(i64),
    /// Somebody sets the wall clock to so long after 1970.
    SetWallTo(i64),
    /// Somebody sets the wall clock right.
    CorrectWall,
    /// Tokens are to be renewed so long before their end; reload.
    RenewEarly(u64),
    /// A mistake in the configuration; reload; the mistake is mended; reload.
    BreakConfig,
    /// The profile changes in a way that means the same; reload.
    Touch(usize),
    /// The profile vanishes from the configuration; reload.
    Remove(usize),
    /// The profile's URL is the next profile's Airbyte; reload.
    Misroute(usize),
    /// The profile is as it was; reload.
    Restore(usize),
    /// Its Airbyte takes another secret from now on.
    Rotate(usize),
    /// The client logs in with the secret that its Airbyte takes now, if the vault has another one.
    LogIn(usize),
}

/// A whole soak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) size: Size,
    pub(crate) cast: Vec<Role>,
    pub(crate) acts: Vec<Act>,
}

/// So many questions of each client count for the digest; they go on for ever.
const ASKS_IN_DIGEST: usize = 100;

impl Script {
    pub(crate) fn of(seed: u64, size: Size) -> Self {
        Self { seed, size, cast: cast(&mut Dice::of(seed, 1), size.profiles), acts: writer::acts(seed, size) }
    }

    /// What a client asks.
    pub(crate) fn asks(&self, client: usize) -> Asks {
        Asks::of(self.seed, client, self.size.profiles)
    }

    /// The same for the same script, and hardly ever for another.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Fnv::default();
        hash.eat(&format!("{self:?}"));
        for client in 0..self.size.clients {
            hash.eat(&format!("{:?}", self.asks(client).take(ASKS_IN_DIGEST).collect::<Vec<_>>()));
        }
        format!("{:016x}", hash.0)
    }
}

/// As people read it: a line for each thing that happens.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, role) in self.cast.iter().enumerate() {
            writeln!(f, "{}: {} s, {:?}, {}", name(number), role.life, role.edition, role.vault)?;
        }
        for (number, act) in self.acts.iter().enumerate() {
            writeln!(f, "act {}, {} ms", number + 1, act.length)?;
            for step in &act.steps {
                writeln!(f, "  {:>5} {:?}", step.at, step.event)?;
            }
        }
        Ok(())
    }
}

/// What a profile is called.
pub(crate) fn name(profile: usize) -> String {
    format!("p{profile:02}")
}

/// Lives of 8 seconds (too short to be renewed ahead) to two minutes; every fourth secret is in the sealed file.
///
/// No edition is among them whose replies say nothing of a token's life: one that is no JWT either could live for any
/// time, and nobody could tell.
fn cast(dice: &mut Dice, profiles: usize) -> Vec<Role> {
    let mut lives: Vec<_> = (0..profiles as u64).map(|number| 8 + number * 112 / profiles as u64).collect();
    dice.shuffle(&mut lives);
    let editions = [Edition::Core, Edition::Keycloak, Edition::Agents, Edition::Cloud];
    let role = |(number, life): (usize, &u64)| Role {
        life: *life,
        edition: editions[number / 2 % editions.len()],
        vault: if number % 4 == 3 { "file" } else { "keyring" },
    };
    lives.iter().enumerate().map(role).collect()
}

/// FNV-1a (Fowler, Noll and Vo), 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn eat(&mut self, text: &str) {
        self.0 =
            text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Size = Size { profiles: 20, clients: 200, acts: 40 };
    const SHORT: Size = Size { profiles: 8, clients: 40, acts: 4 };

    fn events(script: &Script) -> Vec<Event> {
        script.acts.iter().flat_map(|act| act.steps.iter().map(|step| step.event)).collect()
    }

    #[test]
    fn the_same_seed_replays_the_same_script() {
        let (first, second) = (Script::of(7, FULL), Script::of(7, FULL));
        assert_eq!(first, second);
        assert_eq!(first.digest(), second.digest());
        assert!(first.asks(3).take(1000).eq(second.asks(3).take(1000)));
    }

    #[test]
    fn another_seed_is_another_script() {
        assert_ne!(Script::of(7, FULL).digest(), Script::of(8, FULL).digest());
        assert!(!Script::of(7, FULL).asks(3).take(10).eq(Script::of(8, FULL).asks(3).take(10)));
        assert!(!Script::of(7, FULL).asks(3).take(10).eq(Script::of(7, FULL).asks(4).take(10)));
    }

    #[test]
    fn the_digest_knows_what_clients_ask() {
        let script = Script::of(7, FULL);
        let fewer = Script { size: Size { clients: 199, ..FULL }, ..script.clone() };
        assert_ne!(script.digest(), fewer.digest());
    }

    #[test]
    fn the_machine_sleeps_a_day_in_all() {
        for (seed, size) in [(1, FULL), (2, FULL), (3, SHORT), (4, SHORT)] {
            let slept = |event| if let Event::Suspend(seconds) = event { seconds } else { 0 };
            let slept = events(&Script::of(seed, size)).into_iter().map(slept);
            assert_eq!(slept.sum::<u64>(), DAY, "seed {seed}");
        }
    }

    #[test]
    fn steps_are_in_order_and_within_their_act() {
        for seed in 0..50 {
            for act in Script::of(seed, FULL).acts {
                assert!(act.steps.windows(2).all(|pair| pair[0].at <= pair[1].at));
                assert!(act.steps.iter().all(|step| step.at <= act.length));
            }
        }
    }

    #[test]
    fn a_full_soak_has_every_fault() {
        for seed in 0..20 {
            let events = events(&Script::of(seed, FULL));
            for fault in faults::FAULTS {
                let strikes =
                    |event: &Event| matches!(event, Event::Upstream(_, Some(found)) if found == fault);
                assert!(events.iter().any(strikes), "{fault} with seed {seed}");
            }
        }
    }

    #[test]
    fn even_a_short_soak_has_every_kind_of_blow() {
        for seed in 0..50 {
            let events = events(&Script::of(seed, SHORT));
            let has = |wanted: fn(&Event) -> bool| events.iter().any(wanted);
            assert!(has(|event| matches!(event, Event::Kill)), "seed {seed}");
            assert!(has(|event| matches!(event, Event::LockKeyring)), "seed {seed}");
            assert!(has(|event| matches!(event, Event::RestartKeyring)), "seed {seed}");
            assert!(has(|event| matches!(event, Event::SetWall(_))), "seed {seed}");
            assert!(has(|event| matches!(event, Event::Pause(_))), "seed {seed}");
            assert!(has(|event| matches!(event, Event::RenewEarly(_))), "seed {seed}");
            assert!(has(|event| matches!(event, Event::BreakConfig)), "seed {seed}");
            assert!(has(|event| matches!(event, Event::Misroute(_))), "seed {seed}");
            assert!(has(|event| matches!(event, Event::Rotate(_))), "seed {seed}");
            assert!(has(|event| matches!(event, Event::AllUpstreams(Some(_)))), "seed {seed}");
        }
    }

    #[test]
    fn nobody_logs_in_while_the_keyring_is_in_trouble() {
        for seed in 0..50 {
            let mut sound = true;
            for event in events(&Script::of(seed, FULL)) {
                if matches!(event, Event::LockKeyring | Event::FreezeKeyring | Event::EndKeyring) {
                    sound = false;
                } else if matches!(event, Event::ThawKeyring | Event::RestartKeyring) {
                    sound = true;
                } else if matches!(event, Event::LogIn(_)) {
                    assert!(sound, "seed {seed}");
                }
            }
        }
    }
}
