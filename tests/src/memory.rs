//! What is in a process's memory, as only root can see it.

use crate::{Canary, Person, Process};

/// A copy of a process's memory.
pub struct Memory(Vec<u8>);

impl Memory {
    /// All that it may write to, read through `/proc/PID/mem` (proc(5)).
    ///
    /// # Panics
    /// When the process is not there or root is not to be had.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self::copy(pid, "rw")
    }

    /// All that it may read: its programs, libraries and constants too, as a core image would have them.
    ///
    /// # Panics
    /// As [`Memory::of`].
    #[must_use]
    pub fn whole(pid: u32) -> Self {
        Self::copy(pid, "r")
    }

    fn copy(pid: u32, access: &str) -> Self {
        let mut shell = Person::root().command("sh");
        shell.args(["-c", COPY, "sh", &pid.to_string(), access]);
        let ended = Process::start(&mut shell, b"").wait();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert!(!ended.stdout.is_empty(), "no memory was read: {}", ended.stderr);
        Self(ended.stdout)
    }

    /// How often this is in it.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0).matches(text).count()
    }

    /// In which disguise the canary is in it, if it is.
    #[must_use]
    pub fn holds(&self, canary: &Canary) -> Option<&'static str> {
        canary.found_in(&self.0)
    }
}

/// Every mapping with this access, one after the other. What vanishes meanwhile is left out.
const COPY: &str = r#"
set -eu
pid=$1 wanted=$2
while read -r range access _; do
  case $access in "$wanted"*) ;; *) continue ;; esac
  start=$(printf %d "0x${range%-*}"); end=$(printf %d "0x${range#*-}")
  dd if="/proc/$pid/mem" bs=64k iflag=skip_bytes,count_bytes skip="$start" count=$((end - start)) status=none || true
done <"/proc/$pid/maps"
"#;
