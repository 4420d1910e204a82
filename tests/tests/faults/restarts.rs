//! The daemon killed, started twice, started by its socket, starved, told to stop.

mod footprint;
mod killed;
mod passed;
mod remembered;
mod revoked;
mod rivals;
mod stopped;
mod unit;
