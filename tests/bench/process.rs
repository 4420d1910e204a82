//! What the kernel says of a process (proc(5)).

use std::fs;

use crate::trouble::{Trouble, While as _};

/// In KiB. What may not be read is not a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident, pages shared with others included.
    pub(crate) resident: f64,
    /// The most that ever was.
    pub(crate) peak: f64,
    /// Resident, a page shared by n counted as an nth. Of a process that refuses to be dumped, root alone may know.
    pub(crate) proportional: f64,
}

pub(crate) fn memory(process: u32) -> Result<Memory, Trouble> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).when(format!("read {path}"))?;
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    Ok(Memory {
        resident: number_after(&status, "VmRSS:"),
        peak: number_after(&status, "VmHWM:"),
        proportional: number_after(&rollup, "Pss:"),
    })
}

/// How often its threads gave up the processor to wait for something, and so were woken afterwards.
pub(crate) fn waits(process: u32) -> Result<f64, Trouble> {
    sum_over_threads(process, "status", "voluntary_ctxt_switches:")
}

/// What its threads have used of the processors, in microseconds.
pub(crate) fn processor_micros(process: u32) -> Result<f64, Trouble> {
    Ok(sum_over_threads(process, "schedstat", "")? / 1e3)
}

/// The 1-minute load average: how many processes wanted a processor of late.
pub(crate) fn machine_load() -> f64 {
    number_after(&fs::read_to_string("/proc/loadavg").unwrap_or_default(), "")
}

/// The sum over all threads of the number that follows a label. A thread that has just ended counts no more; where no
/// thread says anything, as on kernels without such a file, the sum is not a number.
fn sum_over_threads(process: u32, file: &str, label: &str) -> Result<f64, Trouble> {
    let tasks = format!("/proc/{process}/task");
    let threads = fs::read_dir(&tasks).when(format!("read {tasks}"))?;
    let texts = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join(file)).ok());
    let numbers = texts.map(|text| number_after(&text, label));
    Ok(numbers.reduce(|sum, number| sum + number).unwrap_or(f64::NAN))
}

fn number_after(text: &str, label: &str) -> f64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(label));
    let number = rest.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_has_waited() {
        let me = std::process::id();
        let memory = memory(me).unwrap();
        assert!(memory.resident > 0.0 && memory.peak >= memory.resident && memory.proportional > 0.0);
        assert!(waits(me).unwrap() >= 0.0);
        assert!(processor_micros(me).unwrap() > 0.0);
    }

    #[test]
    fn what_is_not_said_is_no_number() {
        assert!((number_after("a: 1\nb: 2 kB\n", "b:") - 2.0).abs() < 1e-9);
        assert!(number_after("a: 1\n", "b:").is_nan());
    }
}
