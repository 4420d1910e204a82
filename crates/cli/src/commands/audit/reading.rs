//! The log, and what is wrong with it as it is read.

use std::{io, path::PathBuf, thread, time::Duration};

use airbyte_token_local::{
    ExitStatus,
    audit::{Finding, Log, LogError, Record},
    paths::{self, Env},
};

use crate::{failure::Failure, output};

/// How often a line is read again that may be being written.
const TRIES: u32 = 10;
/// How long to wait before each of those.
const PAUSE: Duration = Duration::from_millis(20);
/// How many troubles are told one by one.
const MOST_TOLD: u64 = 50;

const NAME_IT: &str = "name the daemon's state directory with --state-dir";

/// Where the log is.
pub(in crate::commands) struct Directory(PathBuf);

impl Directory {
    /// The one that was named, else where this user's daemon keeps its own.
    pub(in crate::commands) fn of(named: Option<PathBuf>) -> Result<Self, Failure> {
        let found = named.map_or_else(|| paths::state(&Env::of_this_process()), Ok);
        found.map(Self).map_err(|error| Failure::new(ExitStatus::Config, error.to_string(), NAME_IT))
    }
}

/// Whoever reads the log, tells on standard error what is wrong with it, and goes on.
pub(in crate::commands) struct Reader {
    log: Option<Log>,
    troubles: u64,
}

impl Reader {
    pub(in crate::commands) fn open(directory: &Directory) -> Result<Self, Failure> {
        let log = Log::open(&directory.0).map_err(|error| unreadable(&error))?;
        Ok(Self { log: Some(log), troubles: 0 })
    }

    /// Hands over what was not read yet, as a record and as it stands there.
    pub(in crate::commands) fn read(&mut self, mut take: impl FnMut(Record, String)) -> Result<(), Failure> {
        let Self { log, troubles } = self;
        let Some(log) = log else { return Ok(()) };
        log.read(&mut |found| sort(found, troubles, &mut take)).map_err(|error| unreadable(&error))
    }

    /// The same, to the end: a line is given a moment that may be being written.
    pub(in crate::commands) fn finish(
        &mut self,
        mut take: impl FnMut(Record, String),
    ) -> Result<(), Failure> {
        for _ in 0..TRIES {
            if !self.log.as_ref().is_some_and(Log::is_unfinished) {
                break;
            }
            thread::sleep(PAUSE);
            self.read(&mut take)?;
        }
        if let Some(log) = self.log.take() {
            log.finish(&mut |found| sort(found, &mut self.troubles, &mut take));
        }
        Ok(())
    }

    /// Whether all that was read is as the daemon wrote it.
    pub(in crate::commands) fn verdict(&self) -> Result<(), Failure> {
        let what = match self.troubles {
            0 => return Ok(()),
            1 => "the audit log is not as the daemon wrote it, in 1 place".to_owned(),
            troubles => format!("the audit log is not as the daemon wrote it, in {troubles} places"),
        };
        let hint = "find out who may write these files; the daemon begins anew if they are moved away";
        Err(Failure::new(ExitStatus::Config, what, hint))
    }
}

fn sort(found: Finding, troubles: &mut u64, take: &mut impl FnMut(Record, String)) {
    match found {
        Finding::Record(record, line) => take(*record, line),
        Finding::Trouble(trouble) => {
            *troubles += 1;
            if *troubles <= MOST_TOLD {
                output::warning(&trouble.to_string());
            }
        }
    }
}

fn unreadable(error: &LogError) -> Failure {
    let (status, hint) = match error {
        LogError::Absent(_) => (ExitStatus::Config, NAME_IT),
        LogError::Unreadable { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
            (ExitStatus::Refused, "run this as the user that the daemon runs as, or as root")
        }
        LogError::Unreadable { .. } => (ExitStatus::Config, "see what is in its place"),
    };
    Failure::new(status, error.to_string(), hint)
}
