//! Memory that is kept out of swap, where the limit of locked memory allows for that.
//!
//! Secrets and tokens pass through buffers of HTTP and TLS libraries, so single pages are not enough: all is locked, or
//! nothing. Under `MCL_FUTURE` whatever is mapped later counts too, and once the limit is reached the system maps no
//! more (`mlockall(2)`): below what the daemon may ever map, a lock would sooner or later be its end.

use rustix::{
    io,
    mm::{self, MlockAllFlags},
    process::{self, Resource, Rlimit},
};

const MIB: u64 = 1024 * 1024;
/// The runtime starts no more threads than this for work that blocks (`tokio::runtime::Builder::max_blocking_threads`).
const MOST_THREADS: u64 = 512;
/// Addresses of a thread: its stack, and an arena of glibc's, which takes twice its 64 MiB until it is aligned.
const EACH_THREAD: u64 = 2 * MIB + 128 * MIB;
/// Addresses of all else: programs and libraries, and a heap that systemd's unit limits to 256 MiB.
const REST: u64 = 1024 * MIB;
/// No limit above this is ever reached.
const ENOUGH: u64 = MOST_THREADS * EACH_THREAD + REST;

/// Locks all memory, of now and later, where `RLIMIT_MEMLOCK` is at least 66 GiB (`infinity`, as a rule; it counts
/// addresses, and threads reserve many that they never use) or does not bind the process (`CAP_IPC_LOCK`). A page is
/// locked when it is first used and none is brought in for it, so neither the start nor the resident size grows.
/// Elsewhere nothing is locked, and what keeps the daemon out of swap is `MemorySwapMax=0` of its unit. The log says
/// which it is (debug).
pub fn keep_out_of_swap() {
    let limits = process::getrlimit(Resource::Memlock);
    let locked = if is_enough(limits.maximum) { lock_within(limits) } else { lock_beyond(limits) };
    match locked {
        Ok(()) => tracing::debug!("all memory is locked and stays out of swap"),
        Err(error) => {
            tracing::debug!(%error, limit = limits.maximum, "memory is not locked: the unit keeps it out of swap");
        }
    }
}

/// No limit is the highest.
const fn is_enough(limit: Option<u64>) -> bool {
    match limit {
        Some(limit) => limit >= ENOUGH,
        None => true,
    }
}

fn lock_within(limits: Rlimit) -> io::Result<()> {
    if !is_enough(limits.current) {
        process::setrlimit(Resource::Memlock, Rlimit { current: limits.maximum, ..limits })?;
    }
    lock()
}

/// Whoever is allowed nothing and can lock all the same is above the limit. A look at the capabilities would not tell:
/// those of a user namespace do not count here.
fn lock_beyond(limits: Rlimit) -> io::Result<()> {
    process::setrlimit(Resource::Memlock, Rlimit { current: Some(0), ..limits })?;
    let locked = lock();
    process::setrlimit(Resource::Memlock, limits)?;
    locked
}

fn lock() -> io::Result<()> {
    mm::mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_limits_are_too_low_and_none_is_enough() {
        for limit in [0, 64 * 1024, 8 * MIB, 4096 * MIB] {
            assert!(!is_enough(Some(limit)), "{limit}");
        }
        for limit in [Some(66 * 1024 * MIB), Some(u64::MAX - 1), None] {
            assert!(is_enough(limit), "{limit:?}");
        }
    }
}
