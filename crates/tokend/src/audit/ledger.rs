//! The files: opened, looked after, appended to, renamed when they are full.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use airbyte_token_local::audit::{
    CURRENT, Chain, Event, Finding, Hash, LARGEST_FILE, Line, MOST_FILES, Record, Stamp, Verb, Verifier, name,
};
use rustix::fs::{FlockOperation, OFlags, flock};

/// No file of ours is longer, in bytes: more of it is not read.
const LARGEST_READ: u64 = 4 * LARGEST_FILE;

/// The log as the one who writes it sees it.
#[derive(Debug)]
pub(super) struct Ledger {
    directory: PathBuf,
    chain: Option<Chain>,
    current: Option<Current>,
    /// What was found wrong with the file, and is not written yet.
    found: Option<String>,
    damage: Option<String>,
}

/// The file that is written.
#[derive(Debug)]
struct Current {
    file: File,
    /// Its device and its number there.
    id: (u64, u64),
    length: u64,
}

impl Ledger {
    /// The log in this directory; nothing is looked at yet.
    pub(super) const fn new(directory: PathBuf) -> Self {
        Self { directory, chain: None, current: None, found: None, damage: None }
    }

    /// Whether the log says already that the daemon has started.
    pub(super) const fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// What is wrong with the file, if it was not noticed before.
    pub(super) fn take_damage(&mut self) -> Option<String> {
        self.damage.take()
    }

    /// The error, and which file it is about.
    pub(super) fn describe(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path(0).display())
    }

    /// Writes these, and takes away those that are written.
    pub(super) fn write(&mut self, now: Stamp, events: &mut VecDeque<Event>) -> io::Result<()> {
        let mut notices = self.look_after(now)?;
        self.append(now, &mut notices)?;
        self.append(now, events)
    }

    /// Has the disk keep what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.current.as_ref().map_or(Ok(()), |current| current.file.sync_data())
    }

    fn path(&self, age: usize) -> PathBuf {
        self.directory.join(name(age))
    }

    /// Sees that the file is there and as it was left. What there is to tell of that is to be written first.
    fn look_after(&mut self, now: Stamp) -> io::Result<VecDeque<Event>> {
        if let Some(current) = &self.current {
            let Some(damage) = current.damage(&self.path(0))? else { return Ok(VecDeque::new()) };
            self.found = Some(format!("{}: {damage} while the daemon ran", self.path(0).display()));
            // Its lock goes with it, which would be in the way.
            self.current = None;
        }
        let mut notices = self.resume(now)?;
        if let Some(damage) = self.found.take() {
            notices.push_back(damaged(now, &damage));
            self.damage = Some(damage);
        }
        Ok(notices)
    }

    /// Opens the file, makes it if need be, and goes on where it ends. After a start, the chain is the one that the file
    /// ends with; later, the one that this daemon has written.
    fn resume(&mut self, now: Stamp) -> io::Result<VecDeque<Event>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let (mut current, mut notices) = (open(&self.path(0), false)?, VecDeque::new());
        let end = End::of(&mut current.file)?;
        if current.length == 0 {
            notices.push_back(Event::new(now, Verb::Begin));
        }
        if !end.rest.is_empty() {
            // A record that lacks nothing but its line break is closed off by it, too.
            current.append(b"\n")?;
            notices.extend(end.torn(now));
        }
        if self.chain.is_none() {
            let last = if current.length == 0 { End::of_path(&self.path(1))? } else { end };
            self.chain = Some(last.chain.unwrap_or_default());
            notices.extend(last.trouble.as_ref().map(|trouble| damaged(now, trouble)));
            notices.push_back(Event { detail: last.how_it_stopped(), ..Event::new(now, Verb::Start) });
            self.damage = last.trouble;
        }
        self.current = Some(current);
        Ok(notices)
    }

    /// Writes as many at a time as fit into the file.
    fn append(&mut self, now: Stamp, events: &mut VecDeque<Event>) -> io::Result<()> {
        while !events.is_empty() {
            let (Some(current), Some(before)) = (&mut self.current, self.chain) else {
                return Err(io::Error::other("it is not open"));
            };
            let (mut chain, mut text, mut count) = (before, Vec::new(), 0);
            for event in events.iter() {
                let mut next = chain;
                let line = next.seal(event);
                let room = LARGEST_FILE.saturating_sub(current.length + text.len() as u64);
                if line.len() as u64 > room && current.length + text.len() as u64 > 0 {
                    break;
                }
                text.extend_from_slice(&line);
                (chain, count) = (next, count + 1);
            }
            if count == 0 {
                self.rotate(now)?;
                continue;
            }
            if let Err(error) = current.append(&text) {
                self.close_if_torn();
                return Err(error);
            }
            self.chain = Some(chain);
            events.drain(..count);
        }
        Ok(())
    }

    /// What was written of a line is taken back; where the disk refuses even that, it is told when it no longer does.
    fn close_if_torn(&mut self) {
        let Some(current) = &self.current else { return };
        if current.file.set_len(current.length).is_err() {
            self.current = None;
        }
    }

    /// Begins a new file. The oldest makes room for the others.
    fn rotate(&mut self, now: Stamp) -> io::Result<()> {
        self.sync()?;
        for age in (0..MOST_FILES - 1).rev() {
            match fs::rename(self.path(age), self.path(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.current = Some(open(&self.path(0), true)?);
        self.append(now, &mut VecDeque::from([Event::new(now, Verb::Begin)]))
    }
}

impl Current {
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        self.length += text.len() as u64;
        Ok(())
    }

    /// What somebody else did to the file, if so.
    fn damage(&self, path: &Path) -> io::Result<Option<String>> {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some("was taken away".to_owned()));
            }
            found => found?,
        };
        if (found.dev(), found.ino()) != self.id {
            return Ok(Some("was replaced".to_owned()));
        }
        let (length, known) = (found.len(), self.length);
        Ok((length != known).then(|| format!("was {known} bytes long and had {length}")))
    }
}

/// Nobody else may write it or read it, and no other daemon may be writing it.
fn open(path: &Path, must_be_new: bool) -> io::Result<Current> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(flags);
    let file = options.create(!must_be_new).create_new(must_be_new).open(path)?;
    let found = file.metadata()?;
    let owner = rustix::process::geteuid().as_raw();
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if found.uid() != owner {
        return Err(io::Error::other(format!("it belongs to uid {}, not to uid {owner}", found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::other("another daemon writes it; give each a state directory of its own"))?;
    Ok(Current { id: (found.dev(), found.ino()), length: found.len(), file })
}

/// How a file ends, and what is wrong with it.
#[derive(Debug, Default)]
struct End {
    chain: Option<Chain>,
    last: Option<Verb>,
    /// What stands behind the last line break.
    rest: Vec<u8>,
    trouble: Option<String>,
}

impl End {
    fn of_path(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(mut file) => Self::of(&mut file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn of(file: &mut File) -> io::Result<Self> {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(LARGEST_READ).read_to_end(&mut text)?;
        let (mut end, mut verifier) = (Self::default(), Verifier::default());
        let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        end.rest = lines.pop().unwrap_or_default().to_owned();
        for (number, line) in (1..).zip(&lines) {
            verifier.read(Line { file: CURRENT.to_owned(), number }, line, &mut |found| end.hear(found));
        }
        if Verifier::is_sealed(&end.rest) {
            let line = Line { file: CURRENT.to_owned(), number: lines.len() as u64 + 1 };
            verifier.read(line, &end.rest.clone(), &mut |found| end.hear(found));
        }
        verifier.finish(&mut |found| end.hear(found));
        end.chain = verifier.chain();
        Ok(end)
    }

    /// What was told of damage already is not told again.
    fn hear(&mut self, found: Finding) {
        match found {
            Finding::Record(record, _) => self.hear_record(&record),
            Finding::Trouble(trouble) => self.trouble = self.trouble.take().or(Some(trouble.to_string())),
        }
    }

    fn hear_record(&mut self, record: &Record) {
        self.last = Some(record.event.verb);
        if record.event.verb == Verb::Damaged {
            self.trouble = None;
        }
    }

    fn torn(&self, now: Stamp) -> Option<Event> {
        if Verifier::is_sealed(&self.rest) {
            return None;
        }
        let detail = Some(format!("{} bytes of a record that was never finished", self.rest.len()));
        Some(Event { detail, torn: Some(Hash::of(&self.rest)), ..Event::new(now, Verb::Torn) })
    }

    fn how_it_stopped(&self) -> Option<String> {
        let is_well = matches!(self.last, None | Some(Verb::Stop));
        let text = "the daemon did not stop by itself before: the last events may be missing";
        (!is_well).then(|| text.to_owned())
    }
}

fn damaged(now: Stamp, what: &str) -> Event {
    Event { detail: Some(airbyte_token_local::shown(what)), ..Event::new(now, Verb::Damaged) }
}
