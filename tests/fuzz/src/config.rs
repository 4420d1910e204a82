//! The configuration: whatever stands in the file.
//!
//! The bytes are the file.

pub mod edits;
mod second_reader;
mod shelf;

use std::path::Path;

use airbyte_tokend::config::{Config, ConfigError, MOST_PROFILES, Problem};

use self::shelf::Shelf;
use crate::broken::{Broken, ensure, insist};

/// The most problems that are told at once: a hundred, and that there are more.
const MOST_PROBLEMS: usize = 101;

/// Reads the bytes as a configuration, edits it where it is one, and looks at what comes of it.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    insist(&verdict(bytes, |text| Config::parse(text, Path::new("config.toml"))));
    insist(&edits::check(bytes));
}

/// What is to be said of a reader that takes this text so.
///
/// # Errors
/// Which promise it breaks:
/// - no panic; a refusal names its problems, each in one tame line of bounded length, with the right line of the file;
/// - an accepted text has only keys that the embedded file lists, in tables that there are;
/// - every profile's secret goes over https or to this machine, and no proxy has a password;
/// - there are at most 256 profiles, the default is one of them, and the rules of renewal accept its times;
/// - an unknown key more, and it is refused.
pub fn verdict(bytes: &[u8], read: impl Fn(&str) -> Result<Config, ConfigError>) -> Result<(), Broken> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if text.starts_with("\u{feff}\u{feff}") {
        ensure!(read(text).is_err(), "a second byte order mark is accepted");
        return Ok(());
    }
    match read(text) {
        Ok(config) => {
            an_accepted_one_can_be_served(&config)?;
            second_reader::has_known_keys_only(text)?;
            if !text.starts_with('\u{feff}') {
                let more = format!("unknown_key = 1\n{text}");
                ensure!(read(&more).is_err(), "an unknown key is accepted");
            }
            Ok(())
        }
        Err(error) => {
            a_refused_one_says_why(text, &error)?;
            lines_are_counted_right(text, &error, read)
        }
    }
}

fn an_accepted_one_can_be_served(config: &Config) -> Result<(), Broken> {
    ensure!(config.profiles.len() <= MOST_PROFILES, "{} profiles", config.profiles.len());
    ensure!(config.refresh.policy().is_ok(), "times that contradict each other: {:?}", config.refresh);
    let default = config.default_profile.as_ref();
    ensure!(
        default.is_none_or(|name| config.profiles.contains_key(name)),
        "a default that is not there: {default:?}"
    );
    for (name, profile) in &config.profiles {
        let url = profile.endpoint.token_url().as_str();
        ensure!(second_reader::is_safe(url), "the secret of {name} would go to {url}");
        let origin = profile.endpoint.origin().to_string();
        ensure!(second_reader::is_safe(&origin), "the secret of {name} is bound to {origin}");
        let proxy = profile.proxy.as_deref().unwrap_or_default();
        ensure!(!proxy.contains('@'), "a password for the proxy of {name}");
    }
    Ok(())
}

/// The same file one line further down has the same problems one line further down. A byte order mark is no line, and can
/// only stand at the very beginning.
fn lines_are_counted_right(
    text: &str,
    error: &ConfigError,
    read: impl Fn(&str) -> Result<Config, ConfigError>,
) -> Result<(), Broken> {
    let lower = format!("#\n{}", text.strip_prefix('\u{feff}').unwrap_or(text));
    let Err(lower) = read(&lower) else { return Err(Broken("one line further down it is right".to_owned())) };
    let place =
        |problem: &Problem, up| (problem.at.map(|at| (at.line - up, at.column)), problem.text.clone());
    let here: Vec<_> = error.problems().iter().map(|problem| place(problem, 0)).collect();
    let there: Vec<_> = lower.problems().iter().map(|problem| place(problem, 1)).collect();
    ensure!(here == there, "{here:?}, and one line further down {there:?}");
    Ok(())
}

fn a_refused_one_says_why(text: &str, error: &ConfigError) -> Result<(), Broken> {
    let problems = error.problems();
    ensure!((1..=MOST_PROBLEMS).contains(&problems.len()), "{} problems", problems.len());
    let lines = 1 + text.matches('\n').count();
    for problem in problems {
        let is_there = problem.at.is_none_or(|at| (1..=lines).contains(&at.line) && at.column > 0);
        ensure!(is_there, "{:?} of {lines} lines: {}", problem.at, problem.text);
        crate::printable::tame(&problem.text)?;
        ensure!(!problem.text.is_empty(), "a problem that says nothing");
    }
    Ok(())
}
