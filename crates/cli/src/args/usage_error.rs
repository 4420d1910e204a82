//! Why a command line cannot be understood. Values are never quoted: somebody may have typed a secret.

use airbyte_token_core::names::BadProfileName;

use super::{flag::Flag, verb::Verb};

/// What is wrong, and the command that was typed, as far as that was understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{mistake}")]
pub(crate) struct UsageError {
    pub(super) mistake: Mistake,
    pub(super) verb: Option<Verb>,
}

impl UsageError {
    /// One thing to do about it.
    pub(crate) fn hint(&self) -> String {
        self.mistake.hint(self.verb)
    }
}

/// What is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    #[error("no command given")]
    NoCommand,
    #[error("there is no command `{0}`")]
    UnknownCommand(String),
    #[error("there is no option --{name}")]
    UnknownLong { name: String },
    #[error("there is no option -{0}")]
    UnknownShort(char),
    #[error("--{0} does not exist: command lines are seen by every user of this machine and kept by shells")]
    SecretInArgument(&'static str),
    #[error("--{flag} does not belong to `{verb}`", verb = verb.name())]
    StrayFlag { flag: &'static str, verb: Verb },
    #[error("`{verb}` was given a word too many", verb = .0.name())]
    ExtraWord(Verb),
    #[error("`use` needs the name of a profile")]
    NoName,
    #[error("`client` needs to be told what to do")]
    NoAction,
    #[error("`{verb}` needs the name of a local client", verb = .0.name())]
    NoClientName(Verb),
    #[error("--read-only needs --mode proxy: a token cannot be made read-only")]
    ReadOnlyToken,
    #[error(
        "a token was given as an argument: command lines are seen by every user of this machine and kept by shells"
    )]
    TokenInArgument,
    #[error("a self-managed Airbyte needs its address")]
    NoUrl,
    #[error("--agents and --service name two different services")]
    TwoServices,
    #[error("the value of {dashed} cannot be used: {reason}", dashed = dashed(of))]
    BadValue { of: &'static str, reason: String },
    #[error("{variable} cannot be used: {reason}")]
    BadVariable { variable: &'static str, reason: BadProfileName },
    #[error("--{0} was given an empty value")]
    EmptyValue(&'static str),
    #[error("the value of --{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{0} needs a value")]
    NoValue(String),
    #[error("{0} takes no value")]
    UnwantedValue(String),
}

/// What people call it where they try to hand a secret over.
const SECRETS: [&str; 5] = ["client-secret", "secret", "password", "token", "access-token"];

impl Mistake {
    pub(super) fn unknown_long(name: &str) -> Self {
        match SECRETS.into_iter().find(|secret| *secret == name) {
            Some(secret) => Self::SecretInArgument(secret),
            None => Self::UnknownLong { name: name.to_owned() },
        }
    }

    fn hint(&self, verb: Option<Verb>) -> String {
        let help = verb.map_or_else(
            || "`airbyte-token --help`".to_owned(),
            |verb| format!("`airbyte-token {} --help`", verb.name()),
        );
        match self {
            Self::UnknownCommand(word) => guess(word, Verb::ALL.map(Verb::name)).map_or_else(
                || format!("{help} lists the commands"),
                |name| format!("did you mean `{name}`?"),
            ),
            Self::UnknownLong { name } => guess(name, Flag::ALL.map(Flag::name)).map_or_else(
                || format!("{help} lists the options"),
                |name| format!("did you mean --{name}?"),
            ),
            Self::SecretInArgument(_) => {
                "leave it out and type the secret at the prompt, or pipe it in: `airbyte-token login ... < FILE`".to_owned()
            }
            Self::ExtraWord(Verb::Login) => {
                "name the profile with -p; the secret is typed at the prompt or piped in".to_owned()
            }
            Self::ExtraWord(verb) if verb.flags().contains(&Flag::Profile) => {
                format!("name a profile with -p; see {help}")
            }
            Self::NoName => "`airbyte-token profiles` lists them".to_owned(),
            Self::TokenInArgument => {
                "pipe it in: `airbyte-token trace < FILE`, or name its fingerprint; this one is to be replaced now: `airbyte-token refresh`".to_owned()
            }
            Self::NoUrl => "add --url https://airbyte.example.com".to_owned(),
            Self::NoAction => format!("add, list or rm; see {help}"),
            Self::NoClientName(Verb::ClientRm) => "`airbyte-token client list` lists them".to_owned(),
            Self::ReadOnlyToken => "leave one of them out".to_owned(),
            Self::TwoServices => "give one of them".to_owned(),
            Self::BadVariable { variable, .. } => format!("correct {variable}, unset it, or name a profile with -p"),
            Self::NoCommand
            | Self::ExtraWord(_)
            | Self::NoClientName(_)
            | Self::StrayFlag { .. }
            | Self::UnknownShort(_)
            | Self::BadValue { .. }
            | Self::EmptyValue(_)
            | Self::NotUtf8(_)
            | Self::NoValue(_)
            | Self::UnwantedValue(_) => format!("see {help}"),
        }
    }
}

impl From<lexopt::Error> for Mistake {
    /// Lexopt's own words quote values.
    fn from(error: lexopt::Error) -> Self {
        match error {
            lexopt::Error::MissingValue { option } => Self::NoValue(option.unwrap_or_default()),
            lexopt::Error::UnexpectedOption(option) => Self::UnknownLong { name: option },
            lexopt::Error::UnexpectedValue { option, .. } => Self::UnwantedValue(option),
            lexopt::Error::UnexpectedArgument(_)
            | lexopt::Error::NonUnicodeValue(_)
            | lexopt::Error::ParsingFailed { .. }
            | lexopt::Error::Custom(_) => Self::NoCommand,
        }
    }
}

fn dashed(of: &str) -> String {
    if of.starts_with(char::is_uppercase) { of.to_owned() } else { format!("--{of}") }
}

/// The nearest of these names, if it is near enough to have been meant.
fn guess<const N: usize>(typed: &str, names: [&'static str; N]) -> Option<&'static str> {
    let near = names.into_iter().map(|name| (distance(typed, name), name)).min()?;
    (near.0 <= 2 && near.0 < typed.len()).then_some(near.1)
}

/// How many letters must be put in, taken out or changed to make one word the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.bytes().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_letters() {
        for (from, to, expected) in
            [("", "", 0), ("", "abc", 3), ("print", "pint", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn near_misses_are_guessed_and_others_are_not() {
        let names = Verb::ALL.map(Verb::name);
        assert_eq!(guess("pritn", names), Some("print"));
        assert_eq!(guess("log-in", names), Some("login"));
        assert_eq!(guess("get", names), None);
        assert_eq!(guess("x", names), None);
    }
}
