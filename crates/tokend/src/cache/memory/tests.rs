use std::{fs, path::Path};

use airbyte_token_core::Detail;
use airbyte_token_core::refresher::Standing;

use super::*;

fn profile(number: usize) -> ProfileName {
    format!("p{number}").parse().unwrap()
}

const fn at(at: u64) -> PastExchange {
    PastExchange { at, elective: false }
}

/// As much as a profile can remember: sixty exchanges, and what went wrong in as many words as there may be.
fn a_full_memory() -> Memory {
    Memory { exchanges: vec![at(u64::MAX); 60], trouble: Some(refused()), ..Memory::default() }
}

fn refused() -> PastTrouble {
    PastTrouble {
        failure: Failure::Rejected { detail: Detail::new(&"no".repeat(500)) },
        standing: Standing::Parked { probes: 1 },
        rungs: u32::MAX,
        suspects: u32::MAX,
        retry_at: u64::MAX,
    }
}

fn records(path: &Path) -> usize {
    disk::read(path).unwrap().len()
}

#[test]
fn invented_names_are_counted_up_to_a_bound_and_the_file_stays_one_that_is_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("memory.json");
    let remembering = Remembering::load(path.clone());
    let all = 0..MOST_FAILED_LOGINS + MOST_PROFILES;
    all.clone().for_each(|number| (0..70).for_each(|_| remembering.count(&profile(number), &at(u64::MAX))));
    assert_eq!(remembering.kept().records.len(), MOST_FAILED_LOGINS);
    all.for_each(|number| {
        remembering.file(&profile(number)).keep(a_full_memory());
        (0..70).for_each(|_| remembering.count(&profile(number), &at(u64::MAX)));
    });
    remembering.write().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < disk::LARGEST_FILE);
    assert_eq!(records(&path), MOST_FAILED_LOGINS + MOST_PROFILES);
}

#[test]
fn what_was_counted_under_other_names_than_a_profiles_is_forgotten_with_the_next_change() {
    let remembering = Remembering::load("/nonexistent/memory.json".into());
    (0..3).for_each(|number| remembering.count(&profile(number), &at(7)));
    remembering.retain(|name| name == "p1");
    assert_eq!(remembering.of(&profile(1)).exchanges, [at(7)]);
    assert_eq!(remembering.of(&profile(2)), Memory::default());
}

#[test]
fn whoever_writes_at_once_with_others_fails_nobody_and_tears_nothing() {
    let home = tempfile::tempdir().unwrap();
    let remembering = Remembering::load(home.path().join("memory.json"));
    (0..200).for_each(|number| remembering.forgive(&profile(number)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| remembering.write().unwrap()));
        }
    });
    assert_eq!(records(&home.path().join("memory.json")), 200);
}

#[test]
fn whoever_served_a_profile_before_is_not_heard_any_more() {
    let remembering = Remembering::load("/nonexistent/memory.json".into());
    let mut before = remembering.file(&profile(1));
    let mut after = remembering.file(&profile(1));
    before.keep(a_full_memory());
    assert_eq!(remembering.of(&profile(1)), Memory::default());
    after.keep(a_full_memory());
    assert_eq!(remembering.of(&profile(1)), a_full_memory());
    remembering.forget(&profile(1));
    after.keep(Memory::default());
    assert!(remembering.kept().records.is_empty(), "what is forgotten stays so");
}

#[test]
fn a_new_secret_is_a_new_beginning_whatever_did_not_end() {
    let remembering = Remembering::load("/nonexistent/memory.json".into());
    let mut file = remembering.file(&profile(1));
    file.keep(Memory { exchanges: vec![at(7)], ..Memory::default() });
    (0..2).for_each(|_| remembering.change(&profile(1), file.diary.keeper, Record::begin_exchange));
    assert!(remembering.of(&profile(1)).trouble.is_some());
    remembering.forgive(&profile(1));
    let memory = remembering.of(&profile(1));
    assert_eq!((memory.trouble, memory.exchanges), (None, vec![at(7)]));
}

#[tokio::test]
async fn what_is_about_to_be_sent_is_in_the_file_by_then() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("memory.json");
    let remembering = Remembering::load(path.clone());
    let keeper = tokio::spawn(remembering.clone().keep());
    let mut file = remembering.file(&profile(1));
    for unfinished in 1..=2 {
        file.keep(Memory { exchanges: vec![at(unfinished)], ..Memory::default() });
        file.diary().begin().await;
        let read = Remembering::load(path.clone()).of(&profile(1));
        assert_eq!(read.exchanges, [at(unfinished)]);
        assert_eq!(read.trouble.is_some(), unfinished == 2, "two in a row did not end");
    }
    file.diary().succeed().await;
    assert_eq!(Remembering::load(path).of(&profile(1)).trouble, None);
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_delays_an_exchange_by_half_a_second() {
    let remembering = Remembering::load("/nonexistent/memory.json".into());
    let diary = remembering.file(&profile(1)).diary();
    let nobody_writes = |patience| time::timeout(patience, diary.begin());
    assert!(nobody_writes(WRITE_AHEAD - Duration::from_millis(10)).await.is_err());
    assert!(nobody_writes(WRITE_AHEAD + Duration::from_millis(10)).await.is_ok());
}

#[tokio::test]
async fn a_disk_that_refuses_delays_nothing_and_gets_it_when_it_takes_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("memory.json");
    fs::create_dir(&path).unwrap();
    let remembering = Remembering::load(path.clone());
    let keeper = tokio::spawn(remembering.clone().keep());
    remembering.count(&profile(1), &at(7));
    remembering.settle().await;
    fs::remove_dir(&path).unwrap();
    time::pause();
    while !path.exists() {
        time::sleep(TRY_AGAIN / 10).await;
    }
    keeper.abort();
    assert_eq!(records(&path), 1);
}

#[test]
fn an_exchange_that_failed_has_ended_no_sooner_than_its_failure_is_known() {
    let remembering = Remembering::load("/nonexistent/memory.json".into());
    let mut file = remembering.file(&profile(1));
    let unfinished = || remembering.kept().records["p1"].unfinished();
    file.diary.note(Record::begin_exchange);
    file.answered();
    assert_eq!(unfinished(), 1);
    file.keep(a_full_memory());
    assert_eq!(unfinished(), 0);
    file.diary.note(Record::begin_exchange);
    file.answered();
    file.keep(a_full_memory());
    assert_eq!(unfinished(), 0, "also where the failure is the same as before");
}
