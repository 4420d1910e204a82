//! That nobody can change the log without being found out.

use std::{fs, io::Write as _, path::Path, time::Duration};

use proptest::{collection::vec, prelude::*, sample::Index};
use tempfile::TempDir;

use super::*;

fn event(number: u64) -> Event {
    let who = Who {
        uid: Some(1000),
        process: Process { pid: Some(42), program: Some("/usr/bin/airbyte-token".to_owned()), comm: None },
        ..Who::default()
    };
    Event {
        profile: Some(format!("profile-{number}")),
        fingerprint: Some(format!("{number:016x}")),
        who: Some(who),
        ..Event::new(Stamp::new(Duration::from_millis(1_900_000_000_000 + number)), Verb::Token)
    }
}

/// So many lines in each file, oldest first; every file begins as one.
fn files(lengths: &[usize]) -> Vec<Vec<Vec<u8>>> {
    let mut chain = Chain::default();
    let mut lines = |length: &usize| {
        let begin = Event::new(Stamp::new(Duration::ZERO), Verb::Begin);
        let mut lines = vec![chain.seal(&begin)];
        lines.extend((0..*length as u64).map(|number| chain.seal(&event(number))));
        lines
    };
    lengths.iter().map(&mut lines).collect()
}

fn written(files: &[Vec<u8>]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (age, text) in files.iter().rev().enumerate() {
        fs::write(directory.path().join(name(age)), text).unwrap();
    }
    directory
}

fn read(directory: &Path) -> (Vec<Record>, Vec<String>) {
    let (mut records, mut troubles) = (Vec::new(), Vec::new());
    let mut sort = |found| match found {
        Finding::Record(record, _) => records.push(*record),
        Finding::Trouble(trouble) => troubles.push(trouble.to_string()),
    };
    let mut log = Log::open(directory).unwrap();
    log.read(&mut sort).unwrap();
    log.finish(&mut sort);
    (records, troubles)
}

/// What is found wrong with these files.
fn troubles(files: &[Vec<u8>]) -> Vec<String> {
    read(written(files).path()).1
}

fn joined(files: Vec<Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    files.into_iter().map(|lines| lines.concat()).collect()
}

fn text(line: &[u8]) -> &str {
    str::from_utf8(line).unwrap()
}

#[test]
fn a_line_is_a_json_object_that_ends_with_the_hash_of_all_before_it() {
    let mut chain = Chain::default();
    let line = chain.seal(&event(7));
    let expected = "{\"seq\":1,\"time\":\"2030-03-17T17:46:40.007Z\",\"verb\":\"token\",\"outcome\":\"done\",\
        \"profile\":\"profile-7\",\"fingerprint\":\"0000000000000007\",\
        \"who\":{\"uid\":1000,\"pid\":42,\"program\":\"/usr/bin/airbyte-token\"},\"prev\":\"";
    let before_hash = format!("{expected}{}\"", "0".repeat(64));
    let hash = Hash::of(before_hash.as_bytes());
    assert_eq!(text(&line), format!("{before_hash},\"hash\":\"{hash}\"}}\n"));
    assert_eq!((chain.seq, chain.hash), (1, hash));
    assert!(text(&chain.seal(&event(8))).contains("\"seq\":2,"));
}

#[test]
fn a_log_that_nobody_touched_reads_as_it_was_written() {
    let files = files(&[3, 2, 4]);
    let (records, troubles) = read(written(&joined(files)).path());
    assert_eq!(troubles, Vec::<String>::new());
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    let of_third: Vec<_> = records[8..].iter().map(|record| record.event.clone()).collect();
    assert_eq!(of_third, (0..4).map(event).collect::<Vec<_>>());
}

#[test]
fn what_a_newer_daemon_writes_can_still_be_read() {
    let line = b"{\"seq\":1,\"time\":\"2030-01-01T00:00:00Z\",\"verb\":\"teleport\",\"outcome\":\"moon_phase\",\"new\":[1],\"prev\":\"0\"}";
    let line = text(line).replace("\"0\"", &format!("\"{}\"", Hash::NONE));
    let body = line.trim_end_matches('}');
    let line = format!("{body},\"hash\":\"{}\"}}", Hash::of(body.as_bytes()));
    let mut found = Vec::new();
    let place = Line { file: "audit.log".to_owned(), number: 1 };
    Verifier::default().read(place, line.as_bytes(), &mut |finding| found.push(finding));
    assert!(
        matches!(&*found, [Finding::Record(record, _)] if record.event.verb == Verb::Other && record.event.times == 1)
    );
}

#[test]
fn trouble_is_told_with_file_line_and_record() {
    let mut files = files(&[2, 2]);
    files[0][1] = text(&files[0][1]).replace("profile-0", "profile-9").into_bytes();
    drop(files[1].remove(1));
    assert_eq!(
        troubles(&joined(files)),
        [
            "audit.1.log, line 2, record 2: the record was changed after it was written",
            "audit.log, line 2, record 6: 1 records before this one are missing",
        ]
    );
}

#[test]
fn a_record_that_was_written_anew_with_a_hash_of_its_own_does_not_fit_in() {
    let mut files = files(&[4]);
    let mut chain = Chain::default();
    for line in 0..2 {
        drop(chain.seal(&event(line)));
    }
    let mut forged = Chain { seq: 2, hash: record(&files[0][1]).hash };
    files[0][2] = forged.seal(&event(99));
    let troubles = troubles(&joined(files));
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(
        troubles[0].starts_with("audit.log, line 4, record 4: the record does not follow"),
        "{troubles:?}"
    );
}

fn record(line: &[u8]) -> Record {
    serde_json::from_slice(line).unwrap()
}

#[test]
fn a_torn_line_that_is_told_is_no_trouble_and_one_that_is_not_is() {
    let mut chain = Chain::default();
    let begin = chain.seal(&Event::new(Stamp::new(Duration::ZERO), Verb::Begin));
    let torn = b"{\"seq\":2,\"ti";
    let told = Event { torn: Some(Hash::of(torn)), ..Event::new(Stamp::new(Duration::ZERO), Verb::Torn) };
    let told = chain.seal(&told);
    let next = chain.seal(&event(1));
    let log = |lines: &[&[u8]]| troubles(&[lines.concat()]);
    assert_eq!(log(&[&begin, torn, b"\n", &told, &next]), Vec::<String>::new());
    assert_eq!(log(&[&begin, b"{\"seq\":2,\"xi", b"\n", &told, &next]).len(), 2, "another line was torn");
    assert_eq!(log(&[&begin, &told, &next]).len(), 1, "the torn line was taken out");
    assert_eq!(log(&[&begin, torn]), ["audit.log, line 2: the file ends in the middle of this record"]);
}

#[test]
fn the_beginning_of_a_file_and_the_oldest_files_cannot_be_taken_away() {
    let whole = files(&[2, 2]);
    let mut beheaded = whole.clone();
    drop(beheaded[0].drain(..2));
    let headless = troubles(&joined(beheaded));
    assert!(
        headless.iter().any(|trouble| trouble.ends_with("the beginning of the file is missing")),
        "{headless:?}"
    );
    let alone = troubles(&joined(whole[1..].to_vec()));
    assert_eq!(alone, ["audit.log, line 1, record 4: the files before this one are missing"]);
    let five = joined(files(&[1, 1, 1, 1, 1]));
    assert_eq!(troubles(&five[1..]), Vec::<String>::new(), "that is what the daemon does itself");
}

#[test]
fn a_log_is_followed_over_the_making_of_a_new_file() {
    let files = joined(files(&[2, 2]));
    let directory = written(&files[..1]);
    let mut log = Log::open(directory.path()).unwrap();
    let mut seqs = Vec::new();
    let mut take = |log: &mut Log| {
        log.read(&mut |found| match found {
            Finding::Record(record, _) => seqs.push(record.seq),
            Finding::Trouble(trouble) => panic!("{trouble}"),
        })
        .unwrap();
        seqs.clone()
    };
    assert_eq!(take(&mut log), [1, 2, 3]);
    fs::rename(directory.path().join(name(0)), directory.path().join(name(1))).unwrap();
    assert_eq!(take(&mut log), [1, 2, 3], "the new file is not there yet");
    let (half, rest) = files[1].split_at(100);
    let mut file = fs::File::create_new(directory.path().join(name(0))).unwrap();
    file.write_all(half).unwrap();
    assert_eq!(take(&mut log), [1, 2, 3], "half a line is none");
    assert!(log.is_unfinished());
    file.write_all(rest).unwrap();
    assert_eq!(take(&mut log), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn what_is_cut_or_replaced_while_it_is_read_is_told() {
    let files = joined(files(&[2]));
    let directory = written(&files);
    let path = directory.path().join(CURRENT);
    let mut log = Log::open(directory.path()).unwrap();
    log.read(&mut |_| {}).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
    let mut told = Vec::new();
    log.read(&mut |found| told.push(found)).unwrap();
    assert!(matches!(&*told, [Finding::Trouble(Trouble { flaw: Flaw::Replaced, .. })]), "{told:?}");
}

#[test]
fn nothing_that_stands_in_its_place_makes_a_reader_wait() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Log::open(directory.path()), Err(LogError::Absent(_))));
    fs::create_dir(directory.path().join(CURRENT)).unwrap();
    assert!(matches!(Log::open(directory.path()), Err(LogError::Unreadable { .. })));
    fs::remove_dir(directory.path().join(CURRENT)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", directory.path().join(CURRENT)).unwrap();
    assert!(matches!(Log::open(directory.path()), Err(LogError::Unreadable { .. })));
}

#[test]
fn a_trace_tells_each_asker_once_with_first_last_and_how_often() {
    let mut chain = Chain::default();
    let asked = |millis: u64, pid: i32, times: u64, program: &str| {
        let time = Stamp::new(Duration::from_millis(millis));
        let process = Process { pid: Some(pid), program: Some(program.to_owned()), comm: None };
        let who = Some(Who { uid: Some(1000), process, ..Who::default() });
        let fingerprint = Some("00000000000000aa".to_owned());
        Event {
            who,
            fingerprint,
            times,
            issued: Some(Stamp::new(Duration::ZERO)),
            ..Event::new(time, Verb::Token)
        }
    };
    let mut trace = Trace::of("00000000000000aa".to_owned());
    for event in
        [event(1), asked(10, 1, 1, "/a"), asked(20, 2, 1, "/b"), asked(30, 1, 7, "/a"), asked(40, 3, 1, "/b")]
    {
        trace.read(&record(&chain.seal(&event)));
    }
    assert!(trace.was_given());
    let told: Vec<_> = trace
        .given
        .iter()
        .map(|given| {
            let process = given.who.clone().unwrap().process;
            (
                process.program.unwrap(),
                process.pid,
                given.first.since_epoch().as_millis(),
                given.last.since_epoch().as_millis(),
                given.times,
            )
        })
        .collect();
    assert_eq!(told, [("/a".to_owned(), Some(1), 10, 30, 8), ("/b".to_owned(), None, 20, 40, 2)]);
    assert_eq!((trace.issued, trace.log_begins), (Some(Stamp::new(Duration::ZERO)), Some(event(1).time)));
}

/// What somebody may do to the files.
#[derive(Clone, Debug)]
enum Attack {
    /// One byte becomes another.
    Edit(Index, Index, u8),
    /// A line is taken out; never the last of all, which nothing holds on to yet.
    Remove(Index),
    /// Two lines change places.
    Swap(Index, Index),
    /// A line is put in a second time, elsewhere.
    Copy(Index, Index),
    /// A file loses its end.
    Cut(Index, Index),
}

fn attacks() -> impl Strategy<Value = Attack> {
    let index = any::<Index>;
    prop_oneof![
        (index(), index(), any::<u8>()).prop_map(|(line, byte, to)| Attack::Edit(line, byte, to)),
        index().prop_map(Attack::Remove),
        (index(), index()).prop_map(|(one, other)| Attack::Swap(one, other)),
        (index(), index()).prop_map(|(from, to)| Attack::Copy(from, to)),
        (index(), index()).prop_map(|(file, byte)| Attack::Cut(file, byte)),
    ]
}

impl Attack {
    /// The files after it.
    fn on(&self, files: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
        let mut files = files.to_vec();
        let places: Vec<_> = files
            .iter()
            .enumerate()
            .flat_map(|(file, lines)| (0..lines.len()).map(move |line| (file, line)))
            .collect();
        match self {
            Self::Edit(line, byte, to) => {
                let (file, line) = *line.get(&places);
                let line = &mut files[file][line];
                let byte = byte.index(line.len());
                line[byte] = *to;
            }
            Self::Remove(line) => {
                let (file, line) = *line.get(&places[..places.len() - 1]);
                drop(files[file].remove(line));
            }
            Self::Swap(one, other) => {
                let ((file, line), (other_file, other_line)) = (*one.get(&places), *other.get(&places));
                let moved = files[file][line].clone();
                files[file][line] = std::mem::replace(&mut files[other_file][other_line], moved);
            }
            Self::Copy(from, to) => {
                let ((file, line), (other_file, other_line)) = (*from.get(&places), *to.get(&places));
                let copied = files[file][line].clone();
                files[other_file].insert(other_line, copied);
            }
            Self::Cut(file, byte) => {
                let last = files.len() - 1;
                let (file, mut text) = (file.index(files.len()), files[file.index(files.len())].concat());
                text.truncate(byte.index(text.len()));
                // The end of the newest file may go at a line's end: see the module's documentation. A record that lacks
                // nothing but its line break is one.
                let ends = files[file].iter().scan(0, |end, line| {
                    *end += line.len();
                    Some(*end)
                });
                let is_at_end =
                    text.is_empty() || ends.into_iter().any(|end| (end - 1..=end).contains(&text.len()));
                let is_seen = file != last || !is_at_end;
                if is_seen {
                    files[file] = vec![text];
                }
            }
        }
        joined(files)
    }
}

proptest! {
    #[test]
    fn whoever_changes_anything_is_found_out(lengths in vec(1_usize..4, 1..4), attack in attacks()) {
        let files = files(&lengths);
        let (before, after) = (joined(files.clone()), attack.on(&files));
        // A record that lacks nothing but its line break is one.
        let whole = |file: &Vec<u8>| file.strip_suffix(b"\n").unwrap_or(file).to_owned();
        let is_same = before.iter().map(whole).eq(after.iter().map(whole));
        prop_assert_eq!(troubles(&after).is_empty(), is_same, "{:?}", attack);
    }

    #[test]
    fn whatever_stands_in_the_files_is_read_without_a_panic(files in vec(vec(any::<u8>(), 0..300), 1..4)) {
        let (records, troubles) = read(written(&files).path());
        prop_assert!(records.is_empty());
        prop_assert!(troubles.iter().all(|trouble| !trouble.is_empty()));
    }
}
