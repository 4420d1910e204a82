//! Text that nobody has seen before.

use std::{fs::File, io::Read as _};

/// Random bytes from the kernel.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = File::open("/dev/urandom").expect("/dev/urandom is there");
    source.read_exact(&mut bytes).expect("/dev/urandom does not end");
    bytes
}

/// Random lower-case hex digits, twice `N` of them.
pub(crate) fn hex<const N: usize>() -> String {
    bytes::<N>().iter().map(|byte| format!("{byte:02x}")).collect()
}
