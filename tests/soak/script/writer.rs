//! Makes a script up.
//!
//! Every fourth act is a *silence*: all is well, then every Airbyte hangs at once, for so long that some tokens die, so
//! that there is something to compare. Every eighth is a *storm*: every Airbyte fails at once and fast, so that there is
//! something to be patient about. The other acts are *tumults*; the first few hold what no soak may lack.

use super::{Act, DAY, Event, Size, Step, faults};
use crate::dice::Dice;

const HOUR: i64 = 60 * 60;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// A soak's acts.
pub(super) fn acts(seed: u64, size: Size) -> Vec<Act> {
    let mut deck = Deck::of(Dice::of(seed, 2));
    let mut rotated = None;
    let mut acts: Vec<_> = (0..size.acts)
        .map(|number| {
            let dice = Dice::of(seed, 10 + number as u64);
            let mut draft = Draft::new(dice, size, &mut deck);
            match number % 8 {
                1 | 5 => draft.silence(),
                6 => draft.storm(),
                _ => draft.tumult(number, &mut rotated),
            }
            draft.done()
        })
        .collect();
    add_leaps(&mut Dice::of(seed, 3), &mut acts);
    acts
}

/// An act being written.
struct Draft<'a> {
    dice: Dice,
    size: Size,
    deck: &'a mut Deck,
    steps: Vec<Step>,
    length: u64,
}

impl<'a> Draft<'a> {
    fn new(mut dice: Dice, size: Size, deck: &'a mut Deck) -> Self {
        let length = dice.between(4_000, 5_500);
        Self { dice, size, deck, steps: Vec::new(), length }
    }

    fn done(mut self) -> Act {
        self.steps.sort_by_key(|step| step.at);
        Act { steps: self.steps, length: self.length }
    }

    fn add(&mut self, at: u64, event: Event) {
        self.steps.push(Step { at: at.min(self.length), event });
    }

    /// So many thousandths of the act, and where exactly is up to chance.
    fn moment(&mut self, from: u64, to: u64) -> u64 {
        self.dice.between(from, to) * self.length / 1_000
    }

    fn profile(&mut self) -> usize {
        self.dice.index(self.size.profiles)
    }

    fn silence(&mut self) {
        self.length = self.dice.between(10_000, 12_000) + if self.dice.chance(30) { 4_000 } else { 0 };
        self.add(0, Event::AllUpstreams(None));
        self.add(0, Event::CorrectWall);
        let hush = self.dice.between(2_000, 2_500);
        self.add(hush, Event::AllUpstreams(Some(faults::HANG)));
        let age = if self.dice.chance(50) { self.dice.between(3, 12) } else { self.dice.between(12, 80) };
        let later = self.moment(600, 900);
        self.add(later, Event::Suspend(age));
    }

    fn storm(&mut self) {
        self.length = self.dice.between(16_000, 18_000);
        let fault = self.dice.pick(&["reset", "status=500", "status=503", "half-close", "token=empty"]);
        self.add(0, Event::AllUpstreams(None));
        let outbreak = self.dice.between(2_000, 2_500);
        self.add(outbreak, Event::AllUpstreams(Some(fault)));
    }

    fn tumult(&mut self, number: usize, rotated: &mut Option<usize>) {
        for profile in 0..self.size.profiles {
            self.weather(profile);
        }
        self.keyring(number);
        self.restarts(number);
        self.clocks(number);
        self.config(number);
        self.secrets(number, rotated);
    }

    /// One Airbyte's good and bad times.
    fn weather(&mut self, profile: usize) {
        let mut at = 0;
        let mut well = self.dice.chance(60);
        while at < self.length {
            let fault = (!well).then(|| self.deck.deal());
            self.add(at, Event::Upstream(profile, fault));
            at += self.dice.between(1_500, 5_000);
            well = if well { self.dice.chance(40) } else { self.dice.chance(70) };
        }
    }

    /// It is over well before the act is: then people log in.
    fn keyring(&mut self, number: usize) {
        if !(number == 2 || self.dice.chance(40)) {
            return;
        }
        let begins = [Event::LockKeyring, Event::LockKeyring, Event::FreezeKeyring, Event::EndKeyring];
        let begin = if number == 2 { Event::LockKeyring } else { self.dice.pick(&begins) };
        let end = if begin == Event::FreezeKeyring { Event::ThawKeyring } else { Event::RestartKeyring };
        let (from, to) = (self.moment(20, 200), self.moment(450, 650));
        self.add(from, begin);
        self.add(to, end);
    }

    fn restarts(&mut self, number: usize) {
        if number == 0 || self.dice.chance(45) {
            let at = self.moment(0, 900);
            let gently = number != 0 && self.dice.chance(20);
            self.add(at, if gently { Event::Stop } else { Event::Kill });
        }
    }

    fn clocks(&mut self, number: usize) {
        if !(number == 2 || number == 3 || self.dice.chance(45)) {
            return;
        }
        let at = self.moment(100, 800);
        let leap = match number {
            2 => Event::SetWall(HOUR),
            3 => Event::Pause(600),
            _ => self.leap(),
        };
        self.add(at, leap);
        if self.dice.chance(70) {
            let later = at + self.dice.between(500, 2_000);
            self.add(later, Event::CorrectWall);
        }
    }

    fn leap(&mut self) -> Event {
        match self.dice.between(0, 9) {
            0 | 1 => Event::SetWall(HOUR),
            2 | 3 => Event::SetWall(-HOUR),
            4 | 5 => Event::Pause(self.dice.between(10, 7_200)),
            6 => Event::SetWallTo(0),
            7 => Event::SetWall(TEN_YEARS),
            _ => Event::Suspend(self.dice.between(5, 120)),
        }
    }

    fn config(&mut self, number: usize) {
        if number == 0 {
            let at = self.moment(100, 300);
            self.add(at, Event::RenewEarly(60));
            self.add(at + 300, Event::BreakConfig);
        }
        let profile = self.profile();
        if number == 3 {
            self.estrange(profile, Event::Misroute(profile));
        } else if self.dice.chance(60) {
            self.edit(profile);
        }
    }

    fn edit(&mut self, profile: usize) {
        let at = self.moment(50, 900);
        match self.dice.between(0, 4) {
            0 => {
                let early = self.dice.pick(&[10, 20, 60, 300]);
                self.add(at, Event::RenewEarly(early));
            }
            1 => self.add(at, Event::BreakConfig),
            2 => self.add(at, Event::Touch(profile)),
            3 => self.estrange(profile, Event::Remove(profile)),
            _ => self.estrange(profile, Event::Misroute(profile)),
        }
    }

    /// The profile is not what it was for a while.
    fn estrange(&mut self, profile: usize, how: Event) {
        let (from, to) = (self.moment(50, 300), self.moment(500, 750));
        self.add(from, how);
        self.add(to, Event::Restore(profile));
    }

    /// Somebody changes a secret in Airbyte, and somebody logs in with it, as soon as that works.
    fn secrets(&mut self, number: usize, rotated: &mut Option<usize>) {
        if rotated.is_none() && (number == 3 || self.dice.chance(30)) {
            let (profile, at) = (self.profile(), self.moment(50, 300));
            self.add(at, Event::Rotate(profile));
            *rotated = Some(profile);
            if self.dice.chance(50) {
                return;
            }
        }
        if let Some(profile) = *rotated {
            let at = self.length * 4 / 5;
            self.steps.retain(|step| {
                step.at < at || !matches!(step.event, Event::Upstream(one, _) if one == profile)
            });
            self.add(at, Event::Upstream(profile, None));
            self.add(at + 1, Event::LogIn(profile));
            if self.dice.chance(60) {
                *rotated = None;
            }
        }
    }
}

/// All faults in turn, in an order of chance, over and over.
struct Deck {
    dice: Dice,
    left: Vec<&'static str>,
}

impl Deck {
    fn of(dice: Dice) -> Self {
        Self { dice, left: Vec::new() }
    }

    fn deal(&mut self) -> &'static str {
        loop {
            if let Some(fault) = self.left.pop() {
                return fault;
            }
            self.left = faults::FAULTS.to_vec();
            self.dice.shuffle(&mut self.left);
        }
    }
}

/// Lets the machine sleep at the end of acts: not at all, briefly, or for what is left of the day.
fn add_leaps(dice: &mut Dice, acts: &mut [Act]) {
    let asleep = |step: &Step| if let Event::Suspend(seconds) = step.event { seconds } else { 0 };
    let mut left = DAY - acts.iter().flat_map(|act| &act.steps).map(asleep).sum::<u64>();
    let mut long: Vec<_> = Vec::new();
    for (number, act) in acts.iter_mut().enumerate() {
        match dice.between(0, 9) {
            0 | 1 => {}
            2..=4 => {
                let brief = dice.between(2, 90);
                left -= brief;
                act.sleep(brief);
            }
            _ => long.push((number, dice.between(1, 10))),
        }
    }
    if long.is_empty() {
        long.push((acts.len() - 1, 1));
    }
    let weights: u64 = long.iter().map(|(_, weight)| weight).sum();
    let shares: Vec<_> = long.iter().map(|(_, weight)| left * weight / weights).collect();
    let rest = left - shares.iter().sum::<u64>();
    for (nth, ((number, _), share)) in long.iter().zip(shares).enumerate() {
        acts[*number].sleep(share + if nth == 0 { rest } else { 0 });
    }
}

impl Act {
    fn sleep(&mut self, seconds: u64) {
        self.steps.push(Step { at: self.length, event: Event::Suspend(seconds) });
    }
}
