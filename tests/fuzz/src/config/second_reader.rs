//! What a configuration may hold, as its embedded example and the URL standard have it: a second opinion.

use std::{collections::BTreeSet, net::Ipv4Addr, sync::LazyLock};

use airbyte_tokend::config::EMBEDDED;
use toml_edit::{Document, TableLike};

use crate::broken::{Broken, ensure};

/// Every key that the embedded file shows, commented out or not.
static KEYS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let key = |line: &'static str| line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key);
    let is_key = |key: &&str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    EMBEDDED.lines().filter_map(key).filter(is_key).collect()
});

/// Whether each table is where one may be, and each key is one that the embedded file shows.
pub(super) fn has_known_keys_only(text: &str) -> Result<(), Broken> {
    let document = Document::parse(text);
    let document = document.map_err(|_| Broken("what is no TOML is accepted".to_owned()))?;
    has_known_keys(document.as_table(), &mut Vec::new())
}

fn has_known_keys(table: &dyn TableLike, path: &mut Vec<String>) -> Result<(), Broken> {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        match item.as_table_like() {
            Some(inner) => {
                ensure!(may_be_a_table(path), "a table at {path:?}");
                has_known_keys(inner, path)?;
            }
            None => {
                let is_right = item.is_str() || (path[..] == ["http", "listen"] && item.is_array());
                ensure!(KEYS.contains(key) && is_right, "a key at {path:?}");
            }
        }
        path.pop();
    }
    Ok(())
}

fn may_be_a_table(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path[..], ["refresh" | "http" | "vault" | "profiles"] | ["vault", "file"] | ["profiles", _])
}

/// Whether a secret that is sent to this URL stays unread on its way, and goes where one reads that it goes.
pub(super) fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_plain = authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    let no_extras = is_plain && !authority.is_empty() && !rest.contains(['?', '#', '\\']);
    no_extras && (scheme == "https" || (scheme == "http" && is_this_machine(authority)))
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => return rest.starts_with("::1]"),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|ip: Ipv4Addr| ip.octets()[0] == 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_in_the_embedded_file() {
        for key in ["default_profile", "early", "key_credential", "client_id", "organization_id"] {
            assert!(KEYS.contains(key), "{key}");
        }
        assert!(!KEYS.contains("the"));
    }

    #[test]
    fn only_https_and_this_machine_are_safe() {
        for url in ["https://a.example/x", "http://localhost:8000/x", "http://127.0.0.1", "http://[::1]:80/"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://a.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "https://user@a.example",
            "https://a.example?q",
            "ftp://localhost",
            "http://[::2]",
            "https://",
            "localhost",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
