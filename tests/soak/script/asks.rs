//! What each client asks, for ever.

use crate::dice::Dice;

/// One question of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// How long it does nothing before, in milliseconds.
    pub(crate) pause: u64,
    /// Whose token, by number.
    pub(crate) profile: usize,
    /// How long the token must still live, in seconds.
    pub(crate) min_ttl: Option<u64>,
    /// How long it will wait, in seconds; as long as the daemon likes where it does not say.
    pub(crate) wait: Option<u64>,
    pub(crate) way: Way,
}

/// How it asks, or what else it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A token, as JSON.
    Json,
    /// A token, as bare text.
    Text,
    /// A token, but it hangs up after so many milliseconds.
    HangUp(u64),
    /// It says that Airbyte refused the last token that it got.
    Report,
    /// A new token.
    Refresh,
    /// `GET /v1/status`.
    Status,
    /// `GET /v1/timeline`.
    Timeline,
    /// `airbyte-token print`.
    Print,
    /// `airbyte-token header`.
    Header,
    /// `airbyte-token status`.
    ShowStatus,
}

/// The questions of one client, a function of the seed and its number.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    dice: Dice,
    profiles: usize,
}

/// What the dice of clients are numbered from.
const PART: u64 = 1_000;

impl Asks {
    pub(crate) fn of(seed: u64, client: usize, profiles: usize) -> Self {
        Self { dice: Dice::of(seed, PART + client as u64), profiles }
    }

    fn min_ttl(&mut self) -> Option<u64> {
        let dice = &mut self.dice;
        dice.chance(30).then(|| dice.between(1, 60))
    }

    fn wait(&mut self) -> Option<u64> {
        let dice = &mut self.dice;
        dice.chance(60).then(|| dice.between(0, 6))
    }

    fn way(&mut self) -> Way {
        match self.dice.between(0, 999) {
            0..=779 => Way::Json,
            780..=859 => Way::Text,
            860..=929 => Way::HangUp(self.dice.between(0, 400)),
            930..=934 => Way::Report,
            935..=937 => Way::Refresh,
            938..=952 => Way::Status,
            953..=979 => Way::Timeline,
            980..=987 => Way::Print,
            988..=994 => Way::Header,
            _ => Way::ShowStatus,
        }
    }
}

impl Iterator for Asks {
    type Item = Ask;

    fn next(&mut self) -> Option<Ask> {
        Some(Ask {
            pause: self.dice.between(20, 1_000),
            profile: self.dice.index(self.profiles),
            min_ttl: self.min_ttl(),
            wait: self.wait(),
            way: self.way(),
        })
    }
}
