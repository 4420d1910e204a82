//! What the same asker does over and over, counted: a program that asks a thousand times a second must not push
//! everything else out of the log.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use airbyte_token_core::{Fingerprint, Moment, ProfileName};
use airbyte_token_local::{
    ErrorCode,
    audit::{DONE, Event, Stamp, Verb, Who},
};

use super::{Note, peers::Asker, stamp};

/// For how long repeats are counted before they are told.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Of how many different deeds repeats are counted at once.
pub const MOST_OPEN: usize = 1024;

/// Of how many deeds of one user, or one local client. From then on it is told how often, and no longer by which of
/// its programs: nobody can push others' records out of the log by starting ever new ones.
pub const MOST_OF_ONE_USER: usize = 128;

/// What somebody did.
#[derive(Clone, Debug)]
pub(super) struct Deed<'a> {
    pub(super) note: &'a Note<'a>,
    pub(super) who: Option<Asker>,
    pub(super) door: Option<&'a str>,
}

/// What was done within the last [`WINDOW`].
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    open: HashMap<u64, Open>,
    /// In the order in which they are due.
    order: VecDeque<u64>,
    of_user: HashMap<User, Crowd>,
}

/// Whose deeds are bounded together.
type User = (Option<u32>, Option<String>);

/// How many deeds of a user are counted one by one, and who that user is without its programs.
#[derive(Debug)]
struct Crowd {
    deeds: usize,
    who: Arc<Who>,
}

/// A deed, and how often it was repeated since that was last told.
#[derive(Debug)]
struct Open {
    verb: Verb,
    code: Option<ErrorCode>,
    profile: Option<ProfileName>,
    fingerprint: Option<Fingerprint>,
    issued: Option<Stamp>,
    detail: Option<String>,
    who: Option<Asker>,
    door: Option<String>,
    due: Duration,
    first: Stamp,
    last: Stamp,
    times: u64,
}

impl Repeats {
    /// Counts the deed if it is a repeat; else it is to be written now, and others that have to make room for it.
    pub(super) fn note(&mut self, now: Moment, deed: &Deed<'_>, write: &mut impl FnMut(Event)) {
        let Some(key) = self.count(now, deed) else { return };
        let Some(who) = self.crowd_of(deed) else { return self.add(key, now, deed, write) };
        let note = in_the_crowd(deed.note);
        let deed = Deed { note: &note, who: Some(Asker { who, pid: None }), door: deed.door };
        if let Some(key) = self.count(now, &deed) {
            self.add(key, now, &deed, write);
        }
    }

    /// Tells the repeats whose time has come, and goes on counting those that there were any of.
    pub(super) fn sweep(&mut self, now: Moment, write: &mut impl FnMut(Event)) {
        while self.next_due().is_some_and(|due| due <= now.since_boot()) {
            let Some(key) = self.order.pop_front() else { return };
            let Some(open) = self.open.get_mut(&key) else { continue };
            match open.told() {
                Some(event) => {
                    write(event);
                    open.due = now.after(WINDOW).since_boot();
                    self.order.push_back(key);
                }
                None => self.remove(key),
            }
        }
    }

    /// Tells all repeats, and forgets everything.
    pub(super) fn flush(&mut self, write: &mut impl FnMut(Event)) {
        for key in std::mem::take(&mut self.order) {
            if let Some(event) = self.open.get_mut(&key).and_then(Open::told) {
                write(event);
            }
        }
        self.open.clear();
        self.of_user.clear();
    }

    /// When the next repeats are to be told: time since boot.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.order.front().and_then(|key| self.open.get(key)).map(|open| open.due)
    }

    /// Counts the deed if it is a repeat; else the key that it would be counted under.
    fn count(&mut self, now: Moment, deed: &Deed<'_>) -> Option<u64> {
        let key = self.key(deed);
        match self.open.get_mut(&key).filter(|open| open.is(deed)) {
            Some(open) => {
                open.repeat(now, deed);
                None
            }
            None => Some(key),
        }
    }

    fn add(&mut self, key: u64, now: Moment, deed: &Deed<'_>, write: &mut impl FnMut(Event)) {
        let open = Open::new(now, deed);
        write(open.event(1, open.last, None));
        if self.open.contains_key(&key) {
            return; // another deed has this key: this one is not counted but told each time
        }
        if self.open.len() >= MOST_OPEN {
            self.end_oldest(write);
        }
        if let Some(asker) = &open.who {
            self.of_user.entry(user(asker)).or_insert_with(|| Crowd::of(asker)).deeds += 1;
        }
        self.open.insert(key, open);
        self.order.push_back(key);
    }

    fn end_oldest(&mut self, write: &mut impl FnMut(Event)) {
        let Some(key) = self.order.pop_front() else { return };
        if let Some(event) = self.open.get_mut(&key).and_then(Open::told) {
            write(event);
        }
        self.remove(key);
    }

    fn remove(&mut self, key: u64) {
        let Some(user) = self.open.remove(&key).and_then(|open| open.who).as_ref().map(user) else { return };
        if let Some(crowd) = self.of_user.get_mut(&user) {
            crowd.deeds -= 1;
            if crowd.deeds == 0 {
                self.of_user.remove(&user);
            }
        }
    }

    /// The user alone, if there are too many different deeds of it already.
    fn crowd_of(&self, deed: &Deed<'_>) -> Option<Arc<Who>> {
        let crowd = self.of_user.get(&user(deed.who.as_ref()?))?;
        (crowd.deeds >= MOST_OF_ONE_USER).then(|| Arc::clone(&crowd.who))
    }

    fn key(&self, deed: &Deed<'_>) -> u64 {
        let Deed { note, who, door } = deed;
        let profile = note.profile.map(ProfileName::as_str);
        let who = who.as_ref().map(|asker| Arc::as_ptr(&asker.who).addr());
        self.hasher.hash_one((note.verb, note.code, profile, note.fingerprint, &note.detail, who, door))
    }
}

impl Open {
    fn new(now: Moment, deed: &Deed<'_>) -> Self {
        let Deed { note, who, door } = deed;
        Self {
            verb: note.verb,
            code: note.code,
            profile: note.profile.cloned(),
            fingerprint: note.fingerprint,
            issued: note.issued,
            detail: note.detail.clone(),
            who: who.clone(),
            door: door.map(str::to_owned),
            due: now.after(WINDOW).since_boot(),
            first: stamp(now),
            last: stamp(now),
            times: 0,
        }
    }

    fn is(&self, deed: &Deed<'_>) -> bool {
        let Deed { note, who, door } = deed;
        let is_same_asker = match (&self.who, who) {
            (Some(one), Some(other)) => Arc::ptr_eq(&one.who, &other.who),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is_same_asker
            && (self.verb, self.code, self.fingerprint) == (note.verb, note.code, note.fingerprint)
            && self.profile.as_ref() == note.profile
            && self.door.as_deref() == *door
            && self.detail == note.detail
    }

    fn repeat(&mut self, now: Moment, deed: &Deed<'_>) {
        self.last = stamp(now);
        if self.times == 0 {
            self.first = self.last;
        }
        self.times += 1;
        if let (Some(asker), Some(other)) = (&mut self.who, &deed.who)
            && asker.pid != other.pid
        {
            asker.pid = if self.times == 1 { other.pid } else { None };
        }
    }

    /// The repeats as one event, if there were any; from now on they are told.
    fn told(&mut self) -> Option<Event> {
        let times = std::mem::take(&mut self.times);
        let first = (times > 1).then_some(self.first);
        (times > 0).then(|| self.event(times, self.last, first))
    }

    fn event(&self, times: u64, time: Stamp, first: Option<Stamp>) -> Event {
        Event {
            first,
            times,
            outcome: self.code.map_or(Cow::Borrowed(DONE), |code| Cow::Borrowed(code.name())),
            profile: self.profile.as_ref().map(ToString::to_string),
            fingerprint: self.fingerprint.as_ref().map(ToString::to_string),
            issued: self.issued,
            who: self.who.as_ref().map(Asker::whole),
            door: self.door.clone(),
            detail: self.detail.clone(),
            ..Event::new(time, self.verb)
        }
    }
}

impl Crowd {
    fn of(asker: &Asker) -> Self {
        let who = Who { client: asker.who.client.clone(), uid: asker.who.uid, ..Who::default() };
        Self { deeds: 0, who: Arc::new(who) }
    }
}

fn user(asker: &Asker) -> User {
    (asker.who.uid, asker.who.client.clone())
}

/// The same as one of many deeds of that user. Of tokens that were handed out it is still told which: in all else,
/// profiles and fingerprints are whatever somebody chose to name.
fn in_the_crowd<'a>(note: &Note<'a>) -> Note<'a> {
    let is_token = note.verb == Verb::Token;
    Note {
        profile: note.profile.filter(|_| is_token),
        fingerprint: note.fingerprint.filter(|_| is_token),
        detail: Some("some of many programs of this user".to_owned()),
        ..note.clone()
    }
}
