//! What is noted, counted, lost and written, without a daemon around it.

use std::{
    collections::VecDeque,
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    thread,
};

use airbyte_token_local::audit::{Event, Finding, Log, Process, Record, Who as Named};

use super::{
    ledger::Ledger,
    peers::{Asker, Peers},
    repeats::Repeats,
    *,
};

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(1_000 + seconds), Duration::from_secs(1_900_000_000 + seconds))
}

/// A program of this user.
fn program(uid: u32, name: &str) -> Named {
    let process = Process { program: Some(name.to_owned()), ..Process::default() };
    Named { uid: Some(uid), process, ..Named::default() }
}

/// Repeats, and what was to be written of them.
#[derive(Default)]
struct Scene {
    peers: Peers,
    repeats: Repeats,
    written: Vec<Event>,
}

impl Scene {
    fn note(&mut self, now: Moment, uid: u32, name: &str, pid: i32, note: &Note<'_>) {
        let who = Some(Asker { who: self.peers.one(program(uid, name)), pid: Some(pid) });
        self.repeats.note(now, &Deed { note, who, door: None }, &mut |event| self.written.push(event));
    }

    fn sweep(&mut self, now: Moment) {
        self.repeats.sweep(now, &mut |event| self.written.push(event));
    }

    /// How often each was told, and by which process.
    fn told(&mut self) -> Vec<(u64, Option<i32>)> {
        let told = self.written.drain(..);
        told.map(|event| (event.times, event.who.and_then(|who| who.process.pid))).collect()
    }
}

fn fingerprint(number: u8) -> Fingerprint {
    Fingerprint::from_sha256([number; 32])
}

fn token(number: u8) -> Note<'static> {
    Note::of(Verb::Token).fingerprint(fingerprint(number))
}

#[test]
fn the_first_use_is_told_at_once_and_repeats_once_a_minute() {
    let mut scene = Scene::default();
    scene.note(at(0), 1000, "a", 1, &token(1));
    assert_eq!(scene.told(), [(1, Some(1))]);
    for second in 1..=59 {
        scene.note(at(second), 1000, "a", 1, &token(1));
    }
    scene.sweep(at(59));
    assert_eq!(scene.told(), []);
    assert_eq!(scene.repeats.next_due(), Some(at(60).since_boot()));
    scene.sweep(at(60));
    let event = &scene.written[0];
    assert_eq!((event.times, event.first, event.time), (59, Some(stamp(at(1))), stamp(at(59))));
    assert_eq!(scene.told(), [(59, Some(1))]);
    scene.note(at(61), 1000, "a", 1, &token(1));
    assert_eq!(scene.told(), [], "it goes on, and is counted");
    scene.sweep(at(120));
    assert_eq!(scene.told(), [(1, Some(1))]);
    scene.sweep(at(180));
    assert_eq!((scene.told(), scene.repeats.next_due()), (vec![], None), "a quiet minute ends it");
    scene.note(at(181), 1000, "a", 1, &token(1));
    assert_eq!(scene.told(), [(1, Some(1))]);
}

#[test]
fn what_differs_in_anything_is_told_apart() {
    let mut scene = Scene::default();
    let (one, other) = ("one".parse().unwrap(), "other".parse().unwrap());
    scene.note(at(0), 1000, "a", 1, &token(1));
    scene.note(at(0), 1000, "b", 1, &token(1));
    scene.note(at(0), 1001, "a", 1, &token(1));
    scene.note(at(0), 1000, "a", 1, &token(2));
    scene.note(at(0), 1000, "a", 1, &token(1).profile(&one));
    scene.note(at(0), 1000, "a", 1, &token(1).profile(&other));
    scene.note(at(0), 1000, "a", 1, &token(1).refused(ErrorCode::Busy));
    scene.note(at(0), 1000, "a", 1, &token(1).detail("x"));
    scene.note(at(0), 1000, "a", 1, &Note::of(Verb::Reject).fingerprint(fingerprint(1)));
    assert_eq!(scene.told().len(), 9);
}

#[test]
fn a_script_that_starts_the_client_over_and_over_is_one_asker_of_many_processes() {
    let mut scene = Scene::default();
    for pid in 1..=4 {
        scene.note(at(0), 1000, "a", pid, &token(1));
    }
    scene.sweep(at(60));
    assert_eq!(scene.told(), [(1, Some(1)), (3, None)]);
}

#[test]
fn nobody_fills_the_log_by_starting_ever_new_programs() {
    let mut scene = Scene::default();
    let count = 10 * MOST_OF_ONE_USER;
    for number in 0..count {
        scene.note(at(0), 1000, &format!("program-{number}"), 1, &token(1));
        scene.note(
            at(0),
            1000,
            &format!("program-{number}"),
            1,
            &Note::of(Verb::Reject).fingerprint(fingerprint(number as u8)),
        );
    }
    scene.note(at(0), 1001, "other", 1, &token(1));
    assert_eq!(
        scene.written.len(),
        MOST_OF_ONE_USER + 3,
        "two for the crowd, and another user has room of its own"
    );
    scene.sweep(at(60));
    let told: u64 = scene.written.iter().map(|event| event.times).sum();
    assert_eq!(told, 2 * count as u64 + 1, "every one is counted");
    let crowd = scene.written.last().unwrap();
    assert_eq!(crowd.who, Some(Named { uid: Some(1000), ..Named::default() }));
    assert!(crowd.detail.is_some() && crowd.fingerprint.is_none(), "{crowd:?}");
}

#[test]
fn no_more_is_counted_at_once_than_there_is_room_for_and_nothing_is_forgotten() {
    let mut scene = Scene::default();
    let users = 2 * u32::try_from(MOST_OPEN).unwrap();
    for round in 0..3 {
        for uid in 0..users {
            scene.note(at(round), uid, "a", 1, &token(1));
        }
    }
    scene.repeats.flush(&mut |event| scene.written.push(event));
    let told: u64 = scene.written.iter().map(|event| event.times).sum();
    assert_eq!(told, 3 * u64::from(users));
    assert_eq!(scene.repeats.next_due(), None);
}

#[test]
fn what_there_is_no_room_for_is_counted_and_told_after_what_waits() {
    let mut desk = Desk::default();
    let most = u32::try_from(MOST_QUEUED).unwrap();
    for uid in 0..most + 5 {
        let who = Some(Asker { who: desk.peers.one(program(uid, "a")), pid: None });
        let is_news = desk.note(at(u64::from(uid)), &Deed { note: &token(1), who, door: None });
        assert_eq!(is_news, uid < most);
    }
    assert_eq!(desk.lost_in_all(), 5);
    let events = desk.take();
    let lost = events.back().unwrap();
    assert_eq!((events.len(), lost.verb, lost.times), (MOST_QUEUED + 1, Verb::Lost, 5));
    assert_eq!((lost.first(), lost.time), (stamp(at(u64::from(most))), stamp(at(u64::from(most) + 4))));
    assert!(desk.take().is_empty(), "it is told once");
    assert_eq!(desk.lost_in_all(), 5);
}

#[test]
fn trouble_is_seen_while_it_lasts_and_damage_until_the_end() {
    let mut desk = Desk::default();
    assert_eq!(desk.problem(at(0)), None);
    desk.begin(at(0), 3);
    assert_eq!(desk.problem(at(2)), None, "it may take a moment");
    let told = desk.problem(at(3)).unwrap();
    assert_eq!(told, "the disk has not taken the audit log for 3 s (3 events wait, 0 are lost)");
    desk.end(Some("audit.log: full".to_owned()), None, 3);
    let told = desk.problem(at(4)).unwrap();
    assert_eq!(told, "the audit log cannot be written: audit.log: full (3 events wait, 0 are lost)");
    desk.end(None, Some("audit.log: was replaced".to_owned()), 0);
    desk.end(None, None, 0);
    assert_eq!(desk.problem(at(5)).as_deref(), Some("audit.log: was replaced"));
}

/// Every record that is there, from a log that is in order.
fn read(directory: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    let mut sort = |found| match found {
        Finding::Record(record, _) => records.push(*record),
        Finding::Trouble(trouble) => panic!("{trouble}"),
    };
    let mut log = Log::open(directory).unwrap();
    log.read(&mut sort).unwrap();
    log.finish(&mut sort);
    records
}

fn verbs(directory: &Path) -> Vec<Verb> {
    read(directory).into_iter().map(|record| record.event.verb).collect()
}

fn write(ledger: &mut Ledger, verbs: &[Verb]) {
    let mut events: VecDeque<_> = verbs.iter().map(|verb| Event::new(stamp(at(0)), *verb)).collect();
    ledger.write(stamp(at(0)), &mut events).unwrap();
    assert!(events.is_empty());
}

#[test]
fn a_log_goes_on_where_the_last_daemon_left_it() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("state/airbyte-tokend");
    write(&mut Ledger::new(directory.clone()), &[Verb::Login, Verb::Stop]);
    write(&mut Ledger::new(directory.clone()), &[Verb::Token]);
    let mut third = Ledger::new(directory.clone());
    write(&mut third, &[Verb::Stop]);
    assert_eq!(
        verbs(&directory),
        [
            Verb::Begin,
            Verb::Start,
            Verb::Login,
            Verb::Stop,
            Verb::Start,
            Verb::Token,
            Verb::Start,
            Verb::Stop
        ]
    );
    let details: Vec<_> = read(&directory).into_iter().filter_map(|record| record.event.detail).collect();
    assert_eq!(details.len(), 1, "one of them had not stopped: {details:?}");
    assert_eq!(third.take_damage(), None);
}

#[test]
fn a_log_whose_newest_file_is_not_there_yet_goes_on_from_the_one_before() {
    let home = tempfile::tempdir().unwrap();
    write(&mut Ledger::new(home.path().to_owned()), &[Verb::Stop]);
    fs::rename(home.path().join("audit.log"), home.path().join("audit.1.log")).unwrap();
    write(&mut Ledger::new(home.path().to_owned()), &[Verb::Stop]);
    let seqs: Vec<_> = read(home.path()).into_iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_record_that_lacks_only_its_line_break_is_kept() {
    let home = tempfile::tempdir().unwrap();
    write(&mut Ledger::new(home.path().to_owned()), &[Verb::Stop]);
    let path = home.path().join("audit.log");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 1]).unwrap();
    write(&mut Ledger::new(home.path().to_owned()), &[Verb::Stop]);
    assert_eq!(verbs(home.path()), [Verb::Begin, Verb::Start, Verb::Stop, Verb::Start, Verb::Stop]);
}

#[test]
fn a_second_daemon_does_not_write_into_the_first_one_s_log() {
    let home = tempfile::tempdir().unwrap();
    let mut first = Ledger::new(home.path().to_owned());
    write(&mut first, &[Verb::Login]);
    let mut second = Ledger::new(home.path().to_owned());
    let error = second.write(stamp(at(0)), &mut VecDeque::new()).unwrap_err();
    assert!(second.describe(&error).contains("another daemon writes it"), "{error}");
    write(&mut first, &[Verb::Stop]);
    assert_eq!(verbs(home.path()), [Verb::Begin, Verb::Start, Verb::Login, Verb::Stop]);
}

#[test]
fn a_log_is_never_written_through_a_link_or_into_what_is_no_file() {
    let home = tempfile::tempdir().unwrap();
    let (path, victim) = (home.path().join("audit.log"), home.path().join("victim"));
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    Ledger::new(home.path().to_owned()).write(stamp(at(0)), &mut VecDeque::new()).unwrap_err();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    Ledger::new(home.path().to_owned()).write(stamp(at(0)), &mut VecDeque::new()).unwrap_err();
}

#[test]
fn whoever_notes_never_waits_and_the_end_is_written() {
    let home = tempfile::tempdir().unwrap();
    let (audit, done) = (Audit::default(), Arc::new(AtomicBool::new(false)));
    audit.note(&Caller::owner(), &token(1));
    audit.begin(home.path());
    let noting = thread::spawn({
        let (audit, done) = (audit.clone(), Arc::clone(&done));
        move || {
            let caller = Caller::owner();
            let mut count = 0_u64;
            while !done.load(Ordering::Relaxed) || count < 1_000 {
                audit.note(&caller, &token(1));
                count += 1;
            }
            count
        }
    });
    while !home.path().join("audit.log").exists() {
        thread::yield_now();
    }
    done.store(true, Ordering::Relaxed);
    let count = noting.join().unwrap();
    audit.close(Duration::from_secs(60));
    assert_eq!((audit.problem(), audit.lost()), (None, 0));
    let records = read(home.path());
    let of_tokens = records.iter().filter(|record| record.event.verb == Verb::Token);
    assert_eq!(of_tokens.map(|record| record.event.times).sum::<u64>(), count + 1);
    assert_eq!(records.last().map(|record| record.event.verb), Some(Verb::Stop));
    let me = records.iter().find_map(|record| record.event.who.clone()).unwrap();
    let exe = std::env::current_exe().unwrap();
    assert_eq!(me.process.program, Some(shown(&exe.to_string_lossy())));
}
