//! Clocks of one's own: they leap under a running program, and the machine's stay as they are.
//!
//! A small library, preloaded into the program, stands between it and the C library's clocks and timers; it is built
//! from `clocks/shim.c`, which says what it can.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Home, Process};

const SHIM: &str = include_str!("clocks/shim.c");

/// The wall clock and the boot clock of the programs that are started under them. They run like the machine's, and are
/// moved from outside, also while a program runs; one that is started later sees them as they are by then.
#[derive(Debug)]
pub struct Clocks {
    library: PathBuf,
    path: PathBuf,
    file: File,
    shift: Mutex<Shift>,
}

/// How far from the machine's clocks, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    changes: i64,
    wall: i64,
    boot: i64,
}

impl Clocks {
    /// Clocks that show what the machine's show. Their files are in this home.
    ///
    /// # Panics
    /// When there is no C compiler.
    #[must_use]
    pub fn still(home: &Home) -> Self {
        let (library, path) = (home.path().join("clocks.so"), home.path().join("clocks"));
        build(&library);
        home.person().own(&library);
        home.write(&path, &[0; 32]);
        let file = File::options().write(true).open(&path).expect("it was just made");
        Self { library, path, file, shift: Mutex::default() }
    }

    /// What a program's environment needs for it to be under these clocks.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, OsString); 2] {
        [("LD_PRELOAD", self.library.clone().into()), ("AIRBYTE_TEST_CLOCKS", self.path.clone().into())]
    }

    /// The machine has slept this long: both the wall clock and the boot clock show it, and timers on them that came
    /// due meanwhile fire now.
    pub fn suspend(&self, slept: Duration) {
        self.change(|shift| {
            shift.wall += nanoseconds(slept);
            shift.boot += nanoseconds(slept);
        });
    }

    /// The virtual machine was stopped this long, which it can tell from nothing; then somebody set its wall clock.
    pub fn pause(&self, stopped: Duration) {
        self.change(|shift| shift.wall += nanoseconds(stopped));
    }

    /// Somebody sets the wall clock this many seconds forward, or back.
    pub fn set_wall(&self, seconds: i64) {
        self.change(|shift| shift.wall += in_nanoseconds(seconds));
    }

    /// Somebody sets the wall clock to this many seconds after the Unix epoch.
    pub fn set_wall_to(&self, seconds: i64) {
        let true_time = nanoseconds(since_epoch());
        self.change(|shift| shift.wall = in_nanoseconds(seconds) - true_time);
    }

    /// Somebody sets the wall clock to what the machine's shows.
    pub fn correct_wall(&self) {
        self.change(|shift| shift.wall = 0);
    }

    /// A program that reads meanwhile sees all of a change or nothing.
    fn change(&self, by: impl FnOnce(&mut Shift)) {
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        by(&mut shift);
        shift.changes += 1;
        for (number, offset) in [(shift.changes, 0), (shift.wall, 8), (shift.boot, 16), (shift.changes, 24)] {
            self.file.write_all_at(&number.to_ne_bytes(), offset).expect("there is room in /tmp");
        }
    }
}

fn build(library: &Path) {
    let mut compiler = Command::new("cc");
    compiler.args(["-x", "c", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", "-o"]);
    compiler.arg(library).args(["-", "-ldl", "-pthread"]);
    let ended = Process::start(&mut compiler, SHIM.as_bytes()).wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(fs::exists(library).is_ok_and(|exists| exists), "the compiler wrote {}", library.display());
}

#[expect(clippy::disallowed_methods, reason = "the machine's clock is what these clocks are moved against")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the machine's clock is past 1970")
}

fn nanoseconds(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).expect("a leap of less than 292 years")
}

fn in_nanoseconds(seconds: i64) -> i64 {
    seconds.checked_mul(1_000_000_000).expect("a leap of less than 292 years")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `date(1)` takes the time for, in seconds since the Unix epoch.
    fn date(clocks: Option<&Clocks>) -> i64 {
        let mut date = Command::new("date");
        date.arg("+%s").envs(clocks.into_iter().flat_map(Clocks::variables));
        Process::start(&mut date, b"").wait().text().trim().parse().expect("it prints a number")
    }

    fn is_near(seen: i64, expected: i64) -> bool {
        (expected..expected + 60).contains(&seen)
    }

    #[test]
    fn a_program_under_clocks_sees_them_moved_and_others_do_not() {
        let home = Home::new();
        let (clocks, before) = (Clocks::still(&home), date(None));
        assert!(is_near(date(Some(&clocks)), before), "they show what the machine's show");
        clocks.suspend(Duration::from_secs(10_000));
        clocks.pause(Duration::from_secs(1_000));
        clocks.set_wall(-100);
        assert!(is_near(date(Some(&clocks)), before + 10_900));
        clocks.set_wall_to(7);
        assert!(is_near(date(Some(&clocks)), 7));
        clocks.correct_wall();
        assert!(is_near(date(Some(&clocks)), before));
        assert!(is_near(date(None), before));
    }
}
