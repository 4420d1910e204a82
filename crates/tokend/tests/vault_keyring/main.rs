//! The vault against a real GNOME Keyring on a session bus of its own, and against a keyring that misbehaves.
//!
//! The bus is found through the environment, which belongs to a whole process. So each test runs this program again,
//! for itself alone, in an environment and a home directory that nobody else has: see [`session`].

#[cfg(test)]
mod bus;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod monitor;
#[cfg(test)]
mod real;
#[cfg(test)]
mod session;
