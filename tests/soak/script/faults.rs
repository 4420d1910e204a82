//! Everything that the stand-in Airbyte can do wrong, as its own words for it.

/// All kinds. `airbyte-sandbox --help` explains the words.
pub(crate) const FAULTS: &[&str] = &[
    "hang",
    "delay=700ms",
    "delay=5s",
    "reset-on-accept",
    "reset",
    "reset-mid-body",
    "half-close",
    "torn-body",
    "drip=1ms",
    "drip=200ms",
    "endless-headers",
    "endless-body",
    "status=500",
    "status=500,probability=0.5",
    "status=502",
    "status=503",
    "status=503,retry-after=7",
    "status=503,retry-after=date+20",
    "status=503,retry-after=-5",
    "status=503,retry-after=soon",
    "status=504",
    "status=429",
    "status=429,retry-after=3",
    "status=429,retry-after=1000000000",
    "status=404",
    "status=405",
    "status=418",
    "redirect=301,to=http://127.0.0.1:9/collect",
    "redirect=302,to=/login",
    "redirect=303,to=http://127.0.0.1:9/collect",
    "redirect=307,to=http://127.0.0.1:9/collect",
    "redirect=308,to=http://127.0.0.1:9/collect",
    "expires-in=missing",
    "expires-in=\"900\"",
    "expires-in=900",
    "expires-in=0",
    "expires-in=-1",
    "expires-in=1e400",
    "expires-in=8",
    "expires-in=15",
    "expires-in=null",
    "token=missing",
    "token=empty",
    "token=null",
    "token=number",
    "token=crlf",
    "token=esc",
    "token=nul",
    "token=bidi",
    "token=huge",
    "token=opaque",
    "token-type=mac",
    "duplicate-keys",
    "gzip-bomb",
    "deep-json",
    "answer=bad-credentials-400",
    "answer=error-id-400",
    "answer=error-id-401",
    "answer=error-id-422",
    "answer=error-id-500",
    "answer=exception-500",
    "answer=unauthorized-401",
    "answer=invalid-api-key-401",
    "answer=forbidden-403",
    "answer=problem-404",
    "answer=undefined-404",
    "answer=timeout-408",
    "answer=rate-limited-429",
    "answer=nginx-502",
    "answer=unavailable-503",
    "answer=basic-auth-401",
    "answer=web-ui-200",
    "answer=empty-200",
    "answer=no-token-200",
    "answer=no-content-204",
    "answer=agents-400",
    "answer=agents-403",
    "answer=agents-422",
    "answer=agents-500",
];

/// What a caller would wait for, if callers waited for Airbyte.
pub(crate) const HANG: &str = "hang";

/// Whether nothing comes for longer than anybody should notice.
pub(crate) fn is_silent(fault: &str) -> bool {
    ["hang", "delay=5s", "drip=200ms"].contains(&fault)
}

/// Whether a token comes that is said to live shorter than it does.
pub(crate) fn shortens(fault: &str) -> bool {
    fault.starts_with("expires-in=")
}

#[cfg(test)]
mod tests {
    use airbyte_sandbox::{Canned, Fault};

    use super::*;

    #[test]
    fn every_fault_is_one_that_the_stand_in_knows() {
        for fault in FAULTS {
            assert!(fault.parse::<Fault>().is_ok(), "{fault}");
        }
    }

    #[test]
    fn every_answer_seen_in_the_wild_is_among_them() {
        for canned in Canned::ALL {
            assert!(FAULTS.contains(&format!("answer={}", canned.name()).as_str()), "{canned:?}");
        }
    }

    #[test]
    fn what_is_silent_or_shortens_is_among_them() {
        assert_eq!(FAULTS.iter().filter(|fault| is_silent(fault)).count(), 3);
        assert!(FAULTS.iter().any(|fault| shortens(fault)));
        assert!(FAULTS.contains(&HANG));
    }
}
