//! How a profile's memory is written down. The rules know nothing of files, so the form of the file is settled here.

use std::time::Duration;

use airbyte_token_core::{
    Detail, Failure, Memory, Misdirection, VaultTrouble,
    refresher::{PastExchange, PastTrouble, Standing},
};
use serde::{Deserialize, Serialize};

/// One profile's memory. Times are whole seconds since the Unix epoch.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<TroubleRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_until: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<ExchangeRecord>,
    /// Exchanges that were to prove a login. They count, and whoever serves the profile does not know of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    logins: Vec<ExchangeRecord>,
    /// How many exchanges in a row were sent and their ends not seen, because the daemon ended first.
    #[serde(default, skip_serializing_if = "is_zero")]
    unfinished: u32,
    /// Who may change it: see [`Remembering::file`](super::Remembering::file).
    #[serde(skip)]
    pub(super) keeper: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TroubleRecord {
    failure: FailureRecord,
    standing: StandingRecord,
    /// Earlier releases counted failures here, which then were the rungs.
    #[serde(alias = "failures")]
    rungs: u32,
    suspects: u32,
    retry_at: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeRecord {
    at: u64,
    elective: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FailureRecord {
    Transient {
        retry_after: Option<u64>,
        detail: String,
    },
    Unreached {
        detail: String,
    },
    Untrusted {
        detail: String,
    },
    Throttled {
        retry_after: Option<u64>,
        detail: String,
    },
    Suspect {
        detail: String,
    },
    Rejected {
        detail: String,
    },
    Misdirected {
        /// Files of earlier releases do not say; what they called misdirected was parked like a wrong address.
        #[serde(default)]
        by: MisdirectionRecord,
        detail: String,
    },
    Vault {
        trouble: VaultTroubleRecord,
        detail: String,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MisdirectionRecord {
    #[default]
    Address,
    Interception,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandingRecord {
    Trying,
    Accused,
    Parked(u32),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "VaultTrouble")]
enum VaultTroubleForm {
    Locked,
    Absent,
    Slow,
    Denied,
    Unreadable,
    Empty,
    OtherOrigin,
    Damaged,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct VaultTroubleRecord(#[serde(with = "VaultTroubleForm")] VaultTrouble);

/// How many exchanges that proved nothing are told apart, and for how long: as the budget does.
const MOST_LOGINS: usize = 60;
const AN_HOUR: u64 = 60 * 60;

impl Record {
    /// What the rules of the profile remember, in place of what they remembered before.
    pub(super) fn keep(&mut self, memory: &Memory) {
        self.trouble = memory.trouble.as_ref().map(TroubleRecord::of);
        self.told_until = memory.told_until;
        self.exchanges = memory.exchanges.iter().map(ExchangeRecord::of).collect();
    }

    /// What is remembered of the profile, whoever made its exchanges.
    pub(super) fn memory(&self) -> Memory {
        let mut exchanges: Vec<_> =
            self.exchanges.iter().chain(&self.logins).map(ExchangeRecord::past).collect();
        exchanges.sort_by_key(|past| past.at);
        Memory {
            trouble: self.trouble.as_ref().map(TroubleRecord::trouble),
            told_until: self.told_until,
            exchanges,
        }
    }

    pub(super) fn count_login(&mut self, login: &PastExchange) {
        self.logins.push(ExchangeRecord::of(login));
        self.logins.retain(|past| login.at.saturating_sub(past.at) < AN_HOUR);
        let surplus = self.logins.len().saturating_sub(MOST_LOGINS);
        drop(self.logins.drain(..surplus));
    }

    /// Whoever serves the profile from now on knows of its logins too.
    pub(super) fn adopt_logins(&mut self) {
        let Memory { exchanges, .. } = self.memory();
        self.exchanges = exchanges.iter().map(ExchangeRecord::of).collect();
        self.logins.clear();
    }

    pub(super) fn forgive(&mut self) {
        self.trouble = None;
        self.unfinished = 0;
    }

    pub(super) const fn begin_exchange(&mut self) {
        self.unfinished = self.unfinished.saturating_add(1);
    }

    pub(super) const fn end_exchange(&mut self) {
        self.unfinished = 0;
    }

    pub(super) const fn unfinished(&self) -> u32 {
        self.unfinished
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it asks about by reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl ExchangeRecord {
    const fn of(past: &PastExchange) -> Self {
        Self { at: past.at, elective: past.elective }
    }

    const fn past(&self) -> PastExchange {
        PastExchange { at: self.at, elective: self.elective }
    }
}

impl TroubleRecord {
    fn of(trouble: &PastTrouble) -> Self {
        let PastTrouble { failure, standing, rungs, suspects, retry_at } = trouble;
        Self {
            failure: FailureRecord::of(failure),
            standing: StandingRecord::of(*standing),
            rungs: *rungs,
            suspects: *suspects,
            retry_at: *retry_at,
        }
    }

    fn trouble(&self) -> PastTrouble {
        let Self { failure, standing, rungs, suspects, retry_at } = self;
        PastTrouble {
            failure: failure.failure(),
            standing: standing.standing(),
            rungs: *rungs,
            suspects: *suspects,
            retry_at: *retry_at,
        }
    }
}

impl StandingRecord {
    const fn of(standing: Standing) -> Self {
        match standing {
            Standing::Trying => Self::Trying,
            Standing::Accused => Self::Accused,
            Standing::Parked { probes } => Self::Parked(probes),
        }
    }

    const fn standing(&self) -> Standing {
        match self {
            Self::Trying => Standing::Trying,
            Self::Accused => Standing::Accused,
            Self::Parked(probes) => Standing::Parked { probes: *probes },
        }
    }
}

impl MisdirectionRecord {
    const fn of(by: Misdirection) -> Self {
        match by {
            Misdirection::Address => Self::Address,
            Misdirection::Interception => Self::Interception,
        }
    }

    const fn misdirection(&self) -> Misdirection {
        match self {
            Self::Address => Misdirection::Address,
            Self::Interception => Misdirection::Interception,
        }
    }
}

impl FailureRecord {
    fn of(failure: &Failure) -> Self {
        let seconds = |wait: &Option<Duration>| wait.map(|wait| wait.as_secs());
        let detail = failure.detail().to_string();
        match failure {
            Failure::Transient { retry_after, .. } => {
                Self::Transient { retry_after: seconds(retry_after), detail }
            }
            Failure::Throttled { retry_after, .. } => {
                Self::Throttled { retry_after: seconds(retry_after), detail }
            }
            Failure::Unreached { .. } => Self::Unreached { detail },
            Failure::Untrusted { .. } => Self::Untrusted { detail },
            Failure::Suspect { .. } => Self::Suspect { detail },
            Failure::Rejected { .. } => Self::Rejected { detail },
            Failure::Misdirected { by, .. } => Self::Misdirected { by: MisdirectionRecord::of(*by), detail },
            Failure::Vault { trouble, .. } => Self::Vault { trouble: VaultTroubleRecord(*trouble), detail },
        }
    }

    fn failure(&self) -> Failure {
        let wait = |seconds: &Option<u64>| seconds.map(Duration::from_secs);
        match self {
            Self::Transient { retry_after, detail } => {
                Failure::Transient { retry_after: wait(retry_after), detail: Detail::new(detail) }
            }
            Self::Throttled { retry_after, detail } => {
                Failure::Throttled { retry_after: wait(retry_after), detail: Detail::new(detail) }
            }
            Self::Unreached { detail } => Failure::Unreached { detail: Detail::new(detail) },
            Self::Untrusted { detail } => Failure::Untrusted { detail: Detail::new(detail) },
            Self::Suspect { detail } => Failure::Suspect { detail: Detail::new(detail) },
            Self::Rejected { detail } => Failure::Rejected { detail: Detail::new(detail) },
            Self::Misdirected { by, detail } => {
                Failure::Misdirected { by: by.misdirection(), detail: Detail::new(detail) }
            }
            Self::Vault { trouble, detail } => {
                Failure::Vault { trouble: trouble.0, detail: Detail::new(detail) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_failure() -> Vec<Failure> {
        let detail = || Detail::new("what happened");
        let vault = [
            VaultTrouble::Locked,
            VaultTrouble::Absent,
            VaultTrouble::Slow,
            VaultTrouble::Denied,
            VaultTrouble::Unreadable,
            VaultTrouble::Empty,
            VaultTrouble::OtherOrigin,
            VaultTrouble::Damaged,
        ];
        let mut all = vec![
            Failure::Transient { retry_after: None, detail: detail() },
            Failure::Transient { retry_after: Some(Duration::from_secs(7)), detail: detail() },
            Failure::Throttled { retry_after: Some(Duration::from_secs(9)), detail: detail() },
            Failure::Unreached { detail: detail() },
            Failure::Untrusted { detail: detail() },
            Failure::Suspect { detail: detail() },
            Failure::Rejected { detail: detail() },
            Failure::Misdirected { by: Misdirection::Address, detail: detail() },
            Failure::Misdirected { by: Misdirection::Interception, detail: detail() },
        ];
        all.extend(vault.map(|trouble| Failure::Vault { trouble, detail: detail() }));
        all
    }

    #[test]
    fn an_earlier_release_s_misdirection_is_read_as_a_wrong_address() {
        let text = r#"{"kind":"misdirected","detail":"what happened"}"#;
        let read: FailureRecord = serde_json::from_str(text).unwrap();
        let detail = Detail::new("what happened");
        assert_eq!(read.failure(), Failure::Misdirected { by: Misdirection::Address, detail });
    }

    #[test]
    fn every_memory_reads_back_as_it_was_written() {
        for failure in every_failure() {
            for standing in [Standing::Trying, Standing::Accused, Standing::Parked { probes: 2 }] {
                let trouble =
                    PastTrouble { failure: failure.clone(), standing, rungs: 3, suspects: 1, retry_at: 99 };
                let memory = Memory {
                    trouble: Some(trouble),
                    told_until: Some(5),
                    exchanges: vec![
                        PastExchange { at: 1, elective: true },
                        PastExchange { at: 2, elective: false },
                    ],
                };
                let mut record = Record::default();
                record.keep(&memory);
                let text = serde_json::to_string(&record).unwrap();
                let read: Record = serde_json::from_str(&text).unwrap();
                assert_eq!(read.memory(), memory, "{text}");
            }
        }
    }
    const fn at(at: u64) -> PastExchange {
        PastExchange { at, elective: false }
    }

    fn times(record: &Record) -> Vec<u64> {
        record.memory().exchanges.iter().map(|past| past.at).collect()
    }

    #[test]
    fn logins_count_beside_the_exchanges_of_the_profile_and_outlive_its_next_note() {
        let mut record = Record::default();
        record.keep(&Memory { exchanges: vec![at(100), at(300)], ..Memory::default() });
        record.count_login(&at(200));
        assert_eq!(times(&record), [100, 200, 300]);
        record.keep(&Memory { exchanges: vec![at(300), at(400)], ..Memory::default() });
        assert_eq!(times(&record), [200, 300, 400]);
        record.adopt_logins();
        assert_eq!(times(&record), [200, 300, 400]);
        record.keep(&Memory { exchanges: vec![at(400)], ..Memory::default() });
        assert_eq!(times(&record), [400], "from then on the profile's own");
    }

    #[test]
    fn of_logins_no_more_are_kept_than_the_budget_counts() {
        let mut record = Record::default();
        (0..100).for_each(|second| record.count_login(&at(second)));
        assert_eq!(times(&record), (40..100).collect::<Vec<_>>());
        record.count_login(&at(60 + AN_HOUR));
        assert_eq!(times(&record).first(), Some(&61), "what is an hour old is forgotten");
    }
}
