//! What the kernel shows of a process. For records only: by the time it is looked at, a process may have ended and
//! another may have its number.

use std::{fs, io::Read as _, os::unix::ffi::OsStrExt as _, path::PathBuf, time::Duration};

use airbyte_token_core::Moment;
use airbyte_token_local::{audit::Process, shown};

/// More than a line of `/proc/PID/stat` has, in bytes.
const LONGEST_STAT: u64 = 4096;

/// A process and the one that started it, if it is one that was there at this moment.
pub(super) fn look(pid: i32, at: Moment) -> (Process, Option<Process>) {
    match seen(pid, at) {
        Some((process, parent)) => (process, seen(parent, at).map(|(parent, _)| parent)),
        // Gone; perhaps another has its number.
        None => (Process { pid: Some(pid), ..Process::default() }, None),
    }
}

/// The process and the number of its parent. The file that it runs is asked for first: if the process has not ended
/// when its beginning is read, it was this one's.
fn seen(pid: i32, at: Moment) -> Option<(Process, i32)> {
    if pid <= 0 {
        return None;
    }
    let place = PathBuf::from(format!("/proc/{pid}"));
    let program = fs::read_link(place.join("exe")).ok();
    let stat = Stat::read(&place)?;
    if stat.began > at.since_boot() {
        return None;
    }
    let named = program.as_ref().and_then(|program| program.file_name());
    // The kernel keeps the first 15 bytes of a name (`prctl(2)`, PR_SET_NAME).
    let is_its_file =
        named.is_some_and(|name| name.as_bytes().starts_with(&stat.comm) && !stat.comm.is_empty());
    let comm = (!is_its_file).then(|| shown(&String::from_utf8_lossy(&stat.comm)));
    let program = program.map(|program| shown(&program.to_string_lossy()));
    Some((Process { pid: Some(pid), program, comm }, stat.parent))
}

/// The parts of `/proc/PID/stat` (proc_pid_stat(5)) that are wanted.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    comm: Vec<u8>,
    parent: i32,
    /// How long after the machine's start it began, in whole ticks.
    began: Duration,
}

impl Stat {
    fn read(place: &std::path::Path) -> Option<Self> {
        let mut text = Vec::new();
        fs::File::open(place.join("stat")).ok()?.take(LONGEST_STAT).read_to_end(&mut text).ok()?;
        Self::parse(&text)
    }

    /// A name may have spaces and parentheses in it: it ends at the last one.
    fn parse(text: &[u8]) -> Option<Self> {
        let begin = text.iter().position(|byte| *byte == b'(')?;
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let comm = text.get(begin + 1..end)?.to_owned();
        let mut rest = str::from_utf8(text.get(end + 1..)?).ok()?.split_ascii_whitespace();
        let parent = rest.nth(1)?.parse().ok()?;
        let ticks: u64 = rest.nth(17)?.parse().ok()?;
        let began =
            Duration::from_millis(ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second());
        Some(Self { comm, parent, began })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_name_cannot_pass_for_the_fields_behind_it() {
        let text = b"42 (a) S 1 (b) S 7 1 1 0 -1 4194560 99 0 0 0 0 0 0 0 20 0 1 0 1234 0 0";
        let stat = Stat::parse(text).unwrap();
        let ticks = rustix::param::clock_ticks_per_second();
        let began = Duration::from_millis(1_234_000 / ticks);
        assert_eq!(stat, Stat { comm: b"a) S 1 (b".to_vec(), parent: 7, began });
    }

    #[test]
    fn what_is_no_such_line_says_nothing() {
        for text in [&b""[..], b"42", b"42 (a", b"42 a) S 1", b"42 (a) S", b"42 (a) S x 1", b")("] {
            assert_eq!(Stat::parse(text), None);
        }
    }

    #[test]
    fn a_process_that_was_there_is_seen_with_its_parent() {
        let me = i32::try_from(std::process::id()).unwrap();
        let (process, parent) = look(me, Clock.now());
        let exe = std::env::current_exe().unwrap();
        assert_eq!((process.pid, process.program), (Some(me), Some(shown(&exe.to_string_lossy()))));
        assert_eq!(parent.unwrap().pid, rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()));
    }

    #[test]
    fn a_process_that_began_later_is_another_and_nothing_is_said_of_it() {
        let me = i32::try_from(std::process::id()).unwrap();
        let before = Moment::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(look(me, before), (Process { pid: Some(me), ..Process::default() }, None));
    }

    #[test]
    fn numbers_that_no_process_has_are_not_looked_at() {
        for pid in [0, -1, i32::MAX] {
            assert_eq!(look(pid, Clock.now()), (Process { pid: Some(pid), ..Process::default() }, None));
        }
    }
}
