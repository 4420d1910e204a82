//! The daemon killed, started twice, starved, told to stop.
