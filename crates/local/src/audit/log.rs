//! Reading the files, from the oldest line to the newest, and on from there while the daemon writes.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{
    Finding, Flaw, Line, Trouble, Verb, Verifier,
    chain::hashes,
    files::{MOST_FILES, name},
};

/// The longest line that can be a record, in bytes.
const LONGEST_LINE: usize = 64 * 1024;
/// How often the files are looked at again that were just being renamed.
const TRIES: usize = 16;

/// A log that is read.
#[derive(Debug)]
pub struct Log {
    directory: PathBuf,
    verifier: Verifier,
    /// Oldest first; the first is the one that is read.
    files: VecDeque<Reading>,
}

impl Log {
    /// The log in this directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub fn open(directory: &Path) -> Result<Self, LogError> {
        let mut files = all(directory)?;
        for _ in 0..TRIES {
            let again = all(directory)?;
            let is_settled = again.iter().map(|file| file.id).eq(files.iter().map(|file| file.id));
            files = again;
            if is_settled {
                break;
            }
        }
        if files.is_empty() {
            return Err(LogError::Absent(directory.to_owned()));
        }
        Ok(Self { directory: directory.to_owned(), verifier: Verifier::default(), files })
    }

    /// Reads all that was not read yet.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(&mut self, found: &mut impl FnMut(Finding)) -> Result<(), LogError> {
        while let Some(current) = self.files.front_mut() {
            current.read_on(&self.directory, &mut self.verifier, found)?;
            if self.files.len() == 1 {
                let Some(next) = self.next()? else { return Ok(()) };
                self.files.push_back(next);
            }
            // What was written between the last reading and the renaming.
            let mut done = self.files.pop_front();
            if let Some(done) = &mut done {
                done.read_on(&self.directory, &mut self.verifier, found)?;
                done.end(&mut self.verifier, found);
            }
        }
        Ok(())
    }

    /// Whether the newest file ends in the middle of a line: it may be being written.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.files.front().is_some_and(|file| !file.rest.is_empty())
    }

    /// There is nothing more to read.
    pub fn finish(mut self, found: &mut impl FnMut(Finding)) {
        if let Some(mut file) = self.files.pop_front() {
            file.end(&mut self.verifier, found);
        }
        self.verifier.finish(found);
    }

    /// The file after the one that is read, once there is one.
    fn next(&self) -> Result<Option<Reading>, LogError> {
        let Some(current) = self.files.front() else { return Ok(None) };
        let found = all(&self.directory)?;
        let Some(place) = found.iter().position(|file| file.id == current.id) else {
            // Nobody renamed it: it was replaced, or it is gone.
            return Ok(found.into_iter().next_back());
        };
        Ok(found.into_iter().nth(place + 1))
    }
}

/// A file that is read.
#[derive(Debug)]
struct Reading {
    file: File,
    /// Its device and its number there (`inode(7)`): it keeps them when it is renamed.
    id: (u64, u64),
    name: String,
    is_oldest_of_all: bool,
    read: u64,
    lines: u64,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
}

impl Reading {
    fn read_on(
        &mut self,
        directory: &Path,
        verifier: &mut Verifier,
        found: &mut impl FnMut(Finding),
    ) -> Result<(), LogError> {
        let path = directory.join(&self.name);
        self.read_all(verifier, found).map_err(|error| LogError::Unreadable { path, error })
    }

    fn read_all(&mut self, verifier: &mut Verifier, found: &mut impl FnMut(Finding)) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length < self.read {
            found(self.trouble(Flaw::Replaced));
            self.read = self.file.seek(SeekFrom::Start(length))?;
        }
        let mut room = [0; 64 * 1024];
        loop {
            let count = match self.file.read(&mut room) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.read += count as u64;
            self.take(&room[..count], verifier, found);
        }
    }

    fn take(&mut self, bytes: &[u8], verifier: &mut Verifier, found: &mut impl FnMut(Finding)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // Of a line that is too long for a record, its first bytes say as little as all of it.
            let room = LONGEST_LINE.saturating_sub(self.rest.len());
            let (text, is_whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            self.rest.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                let text = std::mem::take(&mut self.rest);
                self.line(&text, verifier, found);
            }
        }
    }

    fn line(&mut self, text: &[u8], verifier: &mut Verifier, found: &mut impl FnMut(Finding)) {
        self.lines += 1;
        let (is_first, knows_none) = (self.lines == 1, verifier.chain().is_none());
        let line = Line { file: self.name.clone(), number: self.lines };
        let (is_oldest_of_all, at) = (self.is_oldest_of_all, line.clone());
        verifier.read(line, text, &mut |finding| {
            if let Finding::Record(record, _) = &finding {
                let flaws = [
                    (is_first && record.event.verb != Verb::Begin).then_some(Flaw::NoBeginning),
                    (knows_none && record.seq > 1 && !is_oldest_of_all).then_some(Flaw::NoFiles),
                ];
                for flaw in flaws.into_iter().flatten() {
                    found(Finding::Trouble(Trouble { line: at.clone(), seq: Some(record.seq), flaw }));
                }
            }
            found(finding);
        });
    }

    /// No more of it will be read. A record that lacks nothing but its line break is one.
    fn end(&mut self, verifier: &mut Verifier, found: &mut impl FnMut(Finding)) {
        let rest = std::mem::take(&mut self.rest);
        if hashes(&rest).is_some() {
            self.line(&rest, verifier, found);
        } else if !rest.is_empty() {
            self.lines += 1;
            found(self.trouble(Flaw::Unfinished));
        }
    }

    fn trouble(&self, flaw: Flaw) -> Finding {
        let line = Line { file: self.name.clone(), number: self.lines };
        Finding::Trouble(Trouble { line, seq: None, flaw })
    }
}

/// Every file that is there, oldest first.
fn all(directory: &Path) -> Result<VecDeque<Reading>, LogError> {
    let mut files = VecDeque::new();
    for age in (0..MOST_FILES).rev() {
        let path = directory.join(name(age));
        let reading = open(&path, age).map_err(|error| LogError::Unreadable { path, error })?;
        files.extend(reading);
    }
    Ok(files)
}

/// Nothing that somebody put in its place makes this wait.
fn open(path: &Path, age: usize) -> io::Result<Option<Reading>> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let (id, is_oldest_of_all) = ((found.dev(), found.ino()), age + 1 == MOST_FILES);
    Ok(Some(Reading { file, id, name: name(age), is_oldest_of_all, read: 0, lines: 0, rest: Vec::new() }))
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is none.
    #[error("there is no audit log in {}", .0.display())]
    Absent(PathBuf),
    /// A file of it cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}
