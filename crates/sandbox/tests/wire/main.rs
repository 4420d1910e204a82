//! What the stand-in does, seen from outside: from the other end of a TCP connection, and of a pipe.

#[cfg(test)]
mod promises;
