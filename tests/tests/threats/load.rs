//! Whoever wants the daemon to be of no use: to others by keeping it busy, or to its own user by having it annoy Airbyte.

mod crowd;
mod quota;
