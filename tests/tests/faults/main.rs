//! What goes wrong, fault by fault, and what users get all the same. `tests/FAULTS.md` is the table.

mod callers;
mod clocks;
mod files;
mod keyring;
mod network;
mod restarts;
mod table;
mod upstream;
