//! The daemon's reasons, in the words of people who use Airbyte.

use airbyte_token_core::refresher::{Hold, Why};

/// Why Airbyte was asked.
pub(super) const fn reason(why: Why) -> &'static str {
    match why {
        Why::NoToken => "a program asked, and no token was alive",
        Why::Renewal => "renewed ahead of time, before the token dies",
        Why::NearEnd => "a program asked, and the token was about to die",
        Why::MoreLife => "a program wanted a token that lives longer (`--min-ttl`)",
        Why::Reported => "a program reported that Airbyte refused the token",
        Why::Asked => "you asked (`airbyte-token refresh`)",
        Why::Retry => "tried again after the failure",
        Why::Confirmation => "asked once more, to be sure of the refusal",
        Why::Probe => "a slow probe: what was refused is tried again after 5, 15, then every 60 minutes",
        Why::Vault => "looked again whether the secret can be had",
    }
}

/// What will be done.
pub(super) const fn intent(why: Why) -> &'static str {
    match why {
        Why::NoToken => "asks Airbyte for a token, since a program asked and none is alive",
        Why::Renewal => "renews the token ahead of time, before it dies",
        Why::NearEnd => "renews the token, since a program asked and it is about to die",
        Why::MoreLife => "renews the token, since a program wants one that lives longer",
        Why::Reported => "renews the token, since a program reported that Airbyte refused it",
        Why::Asked => "renews the token, since you asked",
        Why::Retry => "tries again after the failure",
        Why::Confirmation => "asks once more, to be sure of the refusal",
        Why::Probe => "a slow probe: what was refused is tried again after 5, 15, then every 60 minutes",
        Why::Vault => "looks again whether the secret can be had",
    }
}

/// Why it is not done sooner.
pub(super) const fn hold(held_by: Hold) -> &'static str {
    match held_by {
        Hold::Issuer => "not sooner, since Airbyte asked to be left alone until then",
        Hold::Budget => "not sooner, so that Airbyte is asked 10 times a minute and 60 times an hour at most",
    }
}

/// How long an exchange took.
pub(super) fn span(millis: u64) -> String {
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000.. => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        for words in [reason, intent] {
            let all: HashSet<_> = Why::ALL.into_iter().map(words).collect();
            assert_eq!(all.len(), Why::ALL.len());
        }
        let holds: HashSet<_> = Hold::ALL.into_iter().map(hold).collect();
        assert_eq!(holds.len(), Hold::ALL.len());
    }

    #[test]
    fn a_span_is_told_as_closely_as_it_matters() {
        assert_eq!([0, 999, 1_000, 10_049].map(span), ["0 ms", "999 ms", "1.0 s", "10.0 s"]);
    }
}
