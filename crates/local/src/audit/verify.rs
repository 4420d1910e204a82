//! Whether each line holds on to the one before it. Pure: lines come in, findings go out.

use super::{
    Hash, Record, Verb,
    chain::{Chain, hashes},
};

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file's name.
    pub file: String,
    /// Its number in the file; the first is 1.
    pub number: u64,
}

/// What was found on reading on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A record, and the line as it stands there.
    Record(Box<Record>, String),
    /// Something is wrong with the log.
    Trouble(Trouble),
}

/// Something that is wrong with the log, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {}{}: {flaw}", line.file, line.number, of_record(*seq))]
pub struct Trouble {
    /// Where it was noticed.
    pub line: Line,
    /// The number of the record there, where it can be read.
    pub seq: Option<u64>,
    /// What it is.
    pub flaw: Flaw,
}

fn of_record(seq: Option<u64>) -> String {
    seq.map_or_else(String::new, |seq| format!(", record {seq}"))
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A line that is none of ours.
    #[error("this line is no record")]
    NoRecord,
    /// A record whose text is not the one that was written.
    #[error("the record was changed after it was written")]
    Altered,
    /// A record that does not name the one before it.
    #[error("the record does not follow the one before it: records were taken out, put in, moved or changed")]
    Unchained,
    /// Records are missing.
    #[error("{0} records before this one are missing")]
    Missing(u64),
    /// A file that does not begin with its first record.
    #[error("the beginning of the file is missing")]
    NoBeginning,
    /// The oldest files are missing.
    #[error("the files before this one are missing")]
    NoFiles,
    /// The file ends in the middle of a line.
    #[error("the file ends in the middle of this record")]
    Unfinished,
    /// What was read is not there any more.
    #[error("the file was replaced or cut while it was read")]
    Replaced,
}

/// Follows a log from line to line.
#[derive(Debug, Default)]
pub struct Verifier {
    /// What the next record may name as the one before it; none at the beginning. Two where the last record's text and
    /// its hash disagree: nobody knows which of them was changed.
    last: Option<(Chain, Hash)>,
    /// A line that is no record, unless the next one says that it was torn.
    torn: Option<(Line, Hash)>,
}

impl Verifier {
    /// The end of the chain, as far as it was read; none where there was no record.
    #[must_use]
    pub fn chain(&self) -> Option<Chain> {
        self.last.map(|(chain, _)| chain)
    }

    /// Whether this has the form of a record, true or not: a line that was never finished has not.
    #[must_use]
    pub fn is_sealed(text: &[u8]) -> bool {
        hashes(text).is_some()
    }

    /// Reads the next line, given without its line break.
    pub fn read(&mut self, line: Line, text: &[u8], found: &mut impl FnMut(Finding)) {
        match record(text) {
            Some((record, hash)) => self.read_record(line, record, hash, text, found),
            None => {
                self.give_up_torn(found);
                self.torn = Some((line, Hash::of(text)));
            }
        }
    }

    /// There is nothing more to read.
    pub fn finish(&mut self, found: &mut impl FnMut(Finding)) {
        self.give_up_torn(found);
    }

    fn read_record(
        &mut self,
        line: Line,
        record: Record,
        hash: Hash,
        text: &[u8],
        found: &mut impl FnMut(Finding),
    ) {
        let torn = self.torn.as_ref().map(|(_, hash)| *hash);
        let tells_of_torn = record.event.verb == Verb::Torn && record.event.torn == torn;
        if tells_of_torn {
            self.torn = None;
        }
        self.give_up_torn(found);
        let flaws = [
            (hash != record.hash).then_some(Flaw::Altered),
            self.broken_before(&record),
            (record.event.torn.is_some() && !tells_of_torn).then_some(Flaw::Unchained),
        ];
        for flaw in flaws.into_iter().flatten() {
            found(Finding::Trouble(Trouble { line: line.clone(), seq: Some(record.seq), flaw }));
        }
        self.last = Some((Chain { seq: record.seq, hash: record.hash }, hash));
        found(Finding::Record(Box::new(record), String::from_utf8_lossy(text).into_owned()));
    }

    fn broken_before(&self, record: &Record) -> Option<Flaw> {
        let Some((last, other)) = self.last else {
            let is_first = record.seq == 1;
            return (is_first && record.prev != Hash::NONE).then_some(Flaw::Unchained);
        };
        let missing = record.seq.checked_sub(last.seq.saturating_add(1));
        match missing {
            Some(0) if record.prev == last.hash || record.prev == other => None,
            Some(0) | None => Some(Flaw::Unchained),
            Some(missing) => Some(Flaw::Missing(missing)),
        }
    }

    fn give_up_torn(&mut self, found: &mut impl FnMut(Finding)) {
        if let Some((line, _)) = self.torn.take() {
            found(Finding::Trouble(Trouble { line, seq: None, flaw: Flaw::NoRecord }));
        }
    }
}

/// The record, and the hash that it has by its text.
fn record(line: &[u8]) -> Option<(Record, Hash)> {
    let (hash, _) = hashes(line)?;
    let record = serde_json::from_slice(line).ok()?;
    Some((record, hash))
}
