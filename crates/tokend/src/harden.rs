//! What the process does to itself so that little leaks from it: no core dumps, no tracing by others, freed memory
//! wiped, and no page swapped out where the limits allow. The allocator is the only module of the project with unsafe
//! code.

mod swap;
mod wiping_allocator;

pub use swap::keep_out_of_swap;
pub use wiping_allocator::WipingAllocator;

use rustix::process::{self, DumpableBehavior, Resource, Rlimit};

/// Refuses core dumps and other processes' eyes: `PR_SET_DUMPABLE` 0 closes `/proc/PID/mem`, `environ`, `maps` and
/// `ptrace` to the same user (`prctl(2)`); a core limit of zero covers core patterns that are files.
///
/// Called first in `main`, before any secret can be in memory.
///
/// # Errors
/// When the kernel refuses either, which it does to nobody.
pub fn harden() -> std::io::Result<()> {
    process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

/// Replaces the panic report by one that names the place only: a panic's text may quote what it failed on.
pub fn report_panics_without_their_text() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal fault; please report the place");
    }));
}
