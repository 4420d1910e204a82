//! Whoever calls: too many, too slow, too early gone.
