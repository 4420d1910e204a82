//! A promise that was not kept.

/// Which promise a parser broke, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub(crate) String);

/// Breaks off with [`Broken`] and the words given, unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {{
        let holds: bool = $holds;
        if !holds {
            return Err($crate::Broken(format!($($words)+)));
        }
    }};
}
pub(crate) use ensure;

/// What a fuzzer and a test take for a finding.
#[track_caller]
pub(crate) fn insist(verdict: &Result<(), Broken>) {
    assert!(verdict.is_ok(), "{verdict:?}");
}
