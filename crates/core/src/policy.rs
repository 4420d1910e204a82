//! How early, how often and how patiently tokens are renewed.
//!
//! What people may want to change is a setting, refused when it makes no sense; what nobody needs to change is a
//! named constant, so that there is one place to read it.

use std::time::Duration;

/// A new token is asked for when the old one has this share of its life left (one third), or earlier.
const SOFT_WINDOW_SHARE: u32 = 3;
/// The renewal of each token begins earlier by up to this share of the soft window (a tenth), so that the machines of
/// a fleet do not all ask in the same second.
const JITTER_SHARE: u32 = 10;
/// A token with less than this share of its life left (a fifteenth) is worth waiting for its successor.
const HARD_WINDOW_SHARE: u32 = 15;
/// ... but never less than this.
const HARD_WINDOW_MIN: Duration = Duration::from_secs(5);
/// Tokens that live no longer than this are not renewed ahead: that would be one exchange after another.
const FLEETING: Duration = Duration::from_secs(10);

/// The least time between the beginnings of two exchanges.
const FLOOR: Duration = Duration::from_secs(1);
/// The same for tokens too short to be renewed ahead.
const FLEETING_FLOOR: Duration = Duration::from_secs(5);
/// Exchanges this far apart are always allowed ...
const PACE_MAX: Duration = Duration::from_secs(100);
/// ... and nearer, down to this, if that keeps shorter tokens alive. It leaves less for retries.
const PACE_MIN: Duration = Duration::from_secs(72);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a user may set about renewal. [`RefreshSettings::default`] is what suits Airbyte's 15-minute tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshSettings {
    /// Renewal begins this long before a token dies, or when a third of its life is left if that is later.
    /// 10 s to 1 h, not less than `hard_window_max`; 5 min by default.
    pub soft_window_max: Duration,
    /// A caller waits for the successor of a token that has less than this left, or less than a fifteenth of its
    /// life if that is less. 5 s to 1 h; 1 min by default.
    pub hard_window_max: Duration,
    /// A profile that nobody asked about for this long is no longer renewed until somebody asks again.
    /// 1 min to 30 d; 8 h by default.
    pub idle_after: Duration,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        Self { soft_window_max: 5 * MINUTE, hard_window_max: MINUTE, idle_after: 8 * HOUR }
    }
}

/// Checked settings, and the windows that follow from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshPolicy {
    settings: RefreshSettings,
}

impl RefreshPolicy {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that is out of range or contradicts another, with what to do about it.
    pub fn new(settings: RefreshSettings) -> Result<Self, BadPolicy> {
        let RefreshSettings { soft_window_max, hard_window_max, idle_after } = settings;
        if !(2 * HARD_WINDOW_MIN..=HOUR).contains(&soft_window_max) {
            return Err(BadPolicy::SoftWindow(soft_window_max));
        }
        if !(HARD_WINDOW_MIN..=HOUR).contains(&hard_window_max) {
            return Err(BadPolicy::HardWindow(hard_window_max));
        }
        if hard_window_max > soft_window_max {
            return Err(BadPolicy::HardBeyondSoft { hard: hard_window_max, soft: soft_window_max });
        }
        if !(MINUTE..=30 * 24 * HOUR).contains(&idle_after) {
            return Err(BadPolicy::IdleAfter(idle_after));
        }
        Ok(Self { settings })
    }

    /// The settings it was made from.
    #[must_use]
    pub const fn settings(&self) -> &RefreshSettings {
        &self.settings
    }

    /// How long before the end of a token that lives `life` its renewal begins.
    #[must_use]
    pub fn soft_window(&self, life: Duration) -> Duration {
        self.settings.soft_window_max.min(life / SOFT_WINDOW_SHARE)
    }

    /// How much earlier than the soft window renewal may begin by chance.
    #[must_use]
    pub fn jitter(&self, life: Duration) -> Duration {
        self.soft_window(life) / JITTER_SHARE
    }

    /// How long before the end of a token that lives `life` callers rather wait for the next.
    #[must_use]
    pub fn hard_window(&self, life: Duration) -> Duration {
        (life / HARD_WINDOW_SHARE).clamp(HARD_WINDOW_MIN, self.settings.hard_window_max)
    }

    /// After how long without a caller renewal stops.
    #[must_use]
    pub const fn idle_after(&self) -> Duration {
        self.settings.idle_after
    }

    /// Whether tokens that live `life` are too short to be renewed ahead: then only on demand.
    #[must_use]
    pub fn is_fleeting(life: Duration) -> bool {
        life <= FLEETING
    }

    /// The least time between two exchanges for tokens that live `life`.
    #[must_use]
    pub fn floor(life: Option<Duration>) -> Duration {
        if life.is_some_and(Self::is_fleeting) { FLEETING_FLOOR } else { FLOOR }
    }

    /// The time between exchanges that is always allowed, for tokens that live `life`: if it can be, short enough to
    /// keep one alive. For tokens under a minute nothing within the budget is.
    #[must_use]
    pub fn pace(&self, life: Option<Duration>) -> Duration {
        life.filter(|life| *life >= MINUTE)
            .map_or(PACE_MAX, |life| life.saturating_sub(self.hard_window(life)).clamp(PACE_MIN, PACE_MAX))
    }
}

/// Why settings are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// The soft window is out of range.
    #[error("the soft window is {0:?}; choose 10 s to 1 h")]
    SoftWindow(Duration),
    /// The hard window is out of range.
    #[error("the hard window is {0:?}; choose 5 s to 1 h")]
    HardWindow(Duration),
    /// Callers would wait for a renewal that has not begun.
    #[error(
        "the hard window ({hard:?}) is longer than the soft window ({soft:?}); shorten it or lengthen the other"
    )]
    HardBeyondSoft {
        /// The hard window.
        hard: Duration,
        /// The soft window.
        soft: Duration,
    },
    /// The time until a profile goes quiet is out of range.
    #[error("the time until an unused profile goes quiet is {0:?}; choose 1 min to 30 d")]
    IdleAfter(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn with(change: impl FnOnce(&mut RefreshSettings)) -> Result<RefreshPolicy, BadPolicy> {
        let mut settings = RefreshSettings::default();
        change(&mut settings);
        RefreshPolicy::new(settings)
    }

    #[test]
    fn the_defaults_are_consistent() {
        assert_eq!(RefreshPolicy::new(RefreshSettings::default()), Ok(RefreshPolicy::default()));
        let settings = *RefreshPolicy::default().settings();
        assert_eq!(settings.soft_window_max, secs(300));
        assert_eq!(settings.hard_window_max, secs(60));
        assert_eq!(settings.idle_after, secs(8 * 3600));
    }

    #[test]
    fn a_soft_window_of_a_minute_to_an_hour_is_taken() {
        for (soft, taken) in [(secs(59), false), (secs(60), true), (secs(3600), true), (secs(3601), false)] {
            assert_eq!(with(|settings| settings.soft_window_max = soft).is_ok(), taken, "{soft:?}");
        }
        let short = |soft| {
            with(|settings| {
                settings.soft_window_max = soft;
                settings.hard_window_max = secs(5);
            })
        };
        assert!(short(secs(10)).is_ok());
        assert_eq!(short(secs(9)), Err(BadPolicy::SoftWindow(secs(9))));
        assert_eq!(short(secs(3601)), Err(BadPolicy::SoftWindow(secs(3601))));
    }

    #[test]
    fn a_hard_window_from_five_seconds_to_the_soft_window_is_taken() {
        let hard = |hard| with(|settings| settings.hard_window_max = hard);
        assert_eq!(hard(secs(4)), Err(BadPolicy::HardWindow(secs(4))));
        assert!(hard(secs(5)).is_ok());
        assert!(hard(secs(300)).is_ok());
        assert_eq!(hard(secs(301)), Err(BadPolicy::HardBeyondSoft { hard: secs(301), soft: secs(300) }));
        assert_eq!(hard(secs(3601)), Err(BadPolicy::HardWindow(secs(3601))));
    }

    #[test]
    fn going_quiet_after_a_minute_to_thirty_days_is_taken() {
        let month = secs(30 * 24 * 3600);
        for (idle, taken) in [(secs(59), false), (secs(60), true), (month, true), (month + secs(1), false)] {
            let expected = if taken { Ok(idle) } else { Err(BadPolicy::IdleAfter(idle)) };
            let policy = with(|settings| settings.idle_after = idle);
            assert_eq!(policy.map(|policy| policy.idle_after()), expected);
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_to_choose() {
        let refusal = with(|settings| settings.hard_window_max = secs(400)).unwrap_err().to_string();
        let said =
            "the hard window (400s) is longer than the soft window (300s); shorten it or lengthen the other";
        assert_eq!(refusal, said);
    }

    #[test]
    fn the_windows_follow_the_life() {
        let policy = RefreshPolicy::default();
        for (life, soft, jitter, hard) in [
            (900, secs(300), secs(30), 60),
            (180, secs(60), secs(6), 12),
            (86_400, secs(300), secs(30), 60),
            (60, secs(20), secs(2), 5),
            (0, secs(0), secs(0), 5),
        ] {
            let life = secs(life);
            let windows = (policy.soft_window(life), policy.jitter(life), policy.hard_window(life));
            assert_eq!(windows, (soft, jitter, secs(hard)), "{life:?}");
        }
    }

    #[test]
    fn the_pace_keeps_a_token_alive_where_the_budget_can() {
        let policy = RefreshPolicy::default();
        let pace = |life| policy.pace(Some(secs(life)));
        assert_eq!(policy.pace(None), secs(100));
        assert_eq!([pace(900), pace(120), pace(108)], [secs(100); 3]);
        assert_eq!(pace(90), secs(84));
        assert_eq!([pace(77), pace(60)], [secs(72); 2]);
        assert_eq!([pace(59), pace(10)], [secs(100); 2]);
    }

    #[test]
    fn tokens_of_ten_seconds_or_less_are_fleeting_and_five_seconds_apart() {
        assert!(RefreshPolicy::is_fleeting(secs(10)) && !RefreshPolicy::is_fleeting(secs(11)));
        let floor = |life: Option<u64>| RefreshPolicy::floor(life.map(secs));
        assert_eq!([floor(Some(10)), floor(Some(11)), floor(None)], [secs(5), secs(1), secs(1)]);
    }
}
