//! Clocks that leap, and time that passed unnoticed.
