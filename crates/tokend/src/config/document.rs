//! From TOML to a checked [`Config`]: every problem is collected, none stops the reading.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf, str::FromStr, time::Duration};

use airbyte_token_core::ProfileName;
use airbyte_token_local::span::Span;
use toml_edit::{Document, Item, Key, TableLike};

use super::{Config, FileVault, LoopbackAddress, MOST_PROFILES, Position, Problem, Profile, Refresh};
use crate::{
    issuer::{Endpoint, Service},
    vault::{KeySource, StoreKind},
};

const EARLY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3_600));
const IDLE_AFTER: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 86_400));
const DEFAULT_REFRESH: Refresh =
    Refresh { early: Duration::from_secs(300), idle_after: Duration::from_secs(8 * 3_600) };

/// The most problems that are told of one file. Each costs a look at all that stands before it.
pub(super) const MOST_PROBLEMS: usize = 100;

const MARK: char = '\u{feff}';

const ROOT_KEYS: [&str; 6] = ["default_profile", "refresh", "http", "sockets", "vault", "profiles"];
pub(super) const REFRESH_KEYS: [&str; 2] = ["early", "idle_after"];
pub(super) const HTTP_KEYS: [&str; 1] = ["listen"];
pub(super) const FILE_VAULT_KEYS: [&str; 3] = ["path", "key_file", "key_credential"];
pub(super) const PROFILE_KEYS: [&str; 7] =
    ["service", "url", "client_id", "vault", "ca_file", "proxy", "organization_id"];

/// Reads the text, or says everything that is wrong with it.
pub(super) fn read(text: &str) -> Result<Config, Vec<Problem>> {
    // Some editors of Windows put a byte order mark there, and none shows it: columns are counted without.
    let text = text.strip_prefix(MARK).unwrap_or(text);
    if text.starts_with(MARK) {
        return Err(vec![second_mark(text)]);
    }
    let document = Document::parse(text).map_err(|error| vec![syntax_problem(text, &error)])?;
    let mut reader = Reader { text, problems: Vec::new() };
    let config = reader.config(document.as_table());
    if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
}

/// The parser would pass over a second one here, and stumble over it when the file is edited.
fn second_mark(text: &str) -> Problem {
    let words = "a second byte order mark, which no editor shows; write the file anew without it";
    Problem { at: Some(Position::of(text, 0)), text: words.to_owned() }
}

/// TOML that does not parse: the parser's own message, without the piece of the file that it would quote.
fn syntax_problem(text: &str, error: &toml_edit::TomlError) -> Problem {
    let at = error.span().map(|span| Position::of(text, span.start));
    Problem { at, text: format!("not TOML: {}", error.message().lines().collect::<Vec<_>>().join(", ")) }
}

/// Whoever reads one file, and notes what is wrong with it.
pub(super) struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn config(&mut self, root: &dyn TableLike) -> Config {
        self.refuse_unknown(root, "", &ROOT_KEYS);
        let profiles = self.profiles(root);
        let default_profile = self.value::<ProfileName>(root, "", "default_profile");
        if let Some(name) = default_profile.as_ref().filter(|name| !profiles.contains_key(name)) {
            self.blame(
                root,
                "default_profile",
                format!("`default_profile` names `{name}`, and there is no [profiles.{name}]"),
            );
        }
        let refresh = self.refresh(root);
        let http = self.http(root);
        let sockets = self.sockets(root, &profiles);
        let file_vault = self.file_vault(root);
        Config { default_profile, refresh, file_vault, http, sockets, profiles }
    }

    fn refresh(&mut self, root: &dyn TableLike) -> Refresh {
        let Some(table) = self.table(root, "", "refresh", &REFRESH_KEYS) else {
            return DEFAULT_REFRESH;
        };
        Refresh {
            early: self.duration(table, "early", EARLY).unwrap_or(DEFAULT_REFRESH.early),
            idle_after: self.duration(table, "idle_after", IDLE_AFTER).unwrap_or(DEFAULT_REFRESH.idle_after),
        }
    }

    fn http(&mut self, root: &dyn TableLike) -> Vec<LoopbackAddress> {
        let Some(table) = self.table(root, "", "http", &HTTP_KEYS) else { return Vec::new() };
        if table.get("listen").is_none() {
            self.blame(root, "http", "`http.listen` is missing".to_owned());
        }
        let mut endpoints: Vec<LoopbackAddress> = Vec::new();
        for text in self.texts(table, "http.", "listen") {
            match text.parse::<LoopbackAddress>() {
                Err(error) => self.blame(table, "listen", format!("`http.listen`: {error}")),
                Ok(new) if endpoints.iter().any(|old| old.is_of_the_family_of(new)) => {
                    let text = format!("`http.listen` has two addresses of the kind of {new}; leave one");
                    self.blame(table, "listen", text);
                }
                Ok(new) => endpoints.push(new),
            }
        }
        endpoints
    }

    fn file_vault(&mut self, root: &dyn TableLike) -> Option<FileVault> {
        let vault = self.table(root, "", "vault", &["file"])?;
        let table = self.table(vault, "vault.", "file", &FILE_VAULT_KEYS)?;
        let path = self.path(table, "vault.file.", "path");
        let key_file = self.path(table, "vault.file.", "key_file").map(KeySource::File);
        let credential = self.value::<CredentialName>(table, "vault.file.", "key_credential");
        let key = match (key_file, credential) {
            (Some(key), None) => key,
            (None, Some(CredentialName(name))) => KeySource::Credential(name),
            (None, None) | (Some(_), Some(_)) => {
                self.blame(
                    vault,
                    "file",
                    "[vault.file] needs either `key_file` or `key_credential`".to_owned(),
                );
                return None;
            }
        };
        Some(FileVault { path, key })
    }

    fn profiles(&mut self, root: &dyn TableLike) -> BTreeMap<ProfileName, Profile> {
        let Some(table) = self.any_table(root, "", "profiles") else { return BTreeMap::new() };
        if table.len() > MOST_PROFILES {
            let text = format!("there are {} profiles, and one daemon serves {MOST_PROFILES}", table.len());
            self.blame(root, "profiles", text);
        }
        let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
        names
            .iter()
            .filter_map(|name| Some((self.profile_name(table, name)?, self.profile(table, name)?)))
            .collect()
    }

    fn profile_name(&mut self, profiles: &dyn TableLike, name: &str) -> Option<ProfileName> {
        let parsed = name.parse();
        parsed.map_err(|error| self.blame(profiles, name, format!("`{name}`: {error}"))).ok()
    }

    fn profile(&mut self, profiles: &dyn TableLike, name: &str) -> Option<Profile> {
        let table = self.table(profiles, "profiles.", name, &PROFILE_KEYS)?;
        let prefix = format!("profiles.{name}.");
        let service = self.required::<Service>(profiles, table, &prefix, name, "service");
        let client_id = self.required(profiles, table, &prefix, name, "client_id");
        let vault = self.required::<StoreKind>(profiles, table, &prefix, name, "vault");
        let url = self.text(table, &prefix, "url");
        let organization_id = self.value::<OrganizationId>(table, &prefix, "organization_id");
        let ca_file = self.path(table, &prefix, "ca_file");
        let proxy = self.value::<ProxyUrl>(table, &prefix, "proxy");
        let service = service?;
        let key = if url.is_some() { "url" } else { "service" };
        let endpoint = Endpoint::new(service, url.as_deref())
            .map_err(|error| self.blame(table, key, format!("`{prefix}url`: {error}")))
            .ok();
        if organization_id.is_some() && service != Service::Agents {
            self.blame(
                table,
                "organization_id",
                format!("`{prefix}organization_id` is only for service = \"agents\""),
            );
        }
        Some(Profile {
            service,
            url,
            client_id: client_id?,
            vault: vault?,
            ca_file,
            proxy: proxy.map(|ProxyUrl(url)| url),
            organization_id: organization_id.map(|OrganizationId(id)| id),
            endpoint: endpoint?,
        })
    }

    fn required<T: FromStr<Err: Display>>(
        &mut self,
        parent: &dyn TableLike,
        table: &dyn TableLike,
        prefix: &str,
        name: &str,
        key: &str,
    ) -> Option<T> {
        if table.get(key).is_none() {
            self.blame(parent, name, format!("`{prefix}{key}` is missing"));
        }
        self.value(table, prefix, key)
    }

    fn duration(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        (least, most): (Duration, Duration),
    ) -> Option<Duration> {
        let duration = self.value::<Span>(table, "refresh.", key)?.length();
        if !(least..=most).contains(&duration) {
            let range =
                format!("{} to {}", humantime::format_duration(least), humantime::format_duration(most));
            self.blame(table, key, format!("`refresh.{key}` must be from {range}"));
        }
        Some(duration)
    }

    pub(super) fn path(&mut self, table: &dyn TableLike, prefix: &str, key: &str) -> Option<PathBuf> {
        self.value::<AbsolutePath>(table, prefix, key).map(|AbsolutePath(path)| path)
    }

    fn value<T: FromStr<Err: Display>>(
        &mut self,
        table: &dyn TableLike,
        prefix: &str,
        key: &str,
    ) -> Option<T> {
        let text = self.text(table, prefix, key)?;
        text.parse().map_err(|error| self.blame(table, key, format!("`{prefix}{key}`: {error}"))).ok()
    }

    /// One text, or a list of at least one.
    pub(super) fn texts(&mut self, table: &dyn TableLike, prefix: &str, key: &str) -> Vec<String> {
        let Some(list) = table.get(key).and_then(Item::as_array) else {
            return self.text(table, prefix, key).into_iter().collect();
        };
        let texts: Vec<_> = list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        if texts.is_empty() || texts.len() < list.len() {
            self.blame(table, key, format!("`{prefix}{key}` must be text in quotes, or a list of such"));
        }
        texts
    }

    fn text(&mut self, table: &dyn TableLike, prefix: &str, key: &str) -> Option<String> {
        let item = table.get(key)?;
        if item.as_str().is_none() {
            self.blame(table, key, format!("`{prefix}{key}` must be text in quotes, not {}", article(item)));
        }
        item.as_str().map(str::to_owned)
    }

    pub(super) fn table<'t>(
        &mut self,
        parent: &'t dyn TableLike,
        prefix: &str,
        key: &str,
        known: &[&str],
    ) -> Option<&'t dyn TableLike> {
        let table = self.any_table(parent, prefix, key)?;
        self.refuse_unknown(table, &format!("{prefix}{key}."), known);
        Some(table)
    }

    pub(super) fn any_table<'t>(
        &mut self,
        parent: &'t dyn TableLike,
        prefix: &str,
        key: &str,
    ) -> Option<&'t dyn TableLike> {
        let item = parent.get(key)?;
        if item.as_table_like().is_none() {
            self.blame(parent, key, format!("`{prefix}{key}` must be a table, not {}", article(item)));
        }
        item.as_table_like()
    }

    fn refuse_unknown(&mut self, table: &dyn TableLike, prefix: &str, known: &[&str]) {
        let unknown: Vec<&str> =
            table.iter().map(|(key, _)| key).filter(|key| !known.contains(key)).collect();
        for key in unknown {
            let text = format!("unknown key `{prefix}{key}`{}", guess(key, known));
            self.blame(table, key, text);
        }
    }

    /// Notes a problem at the place where `key` stands in `table`, as long as there are not too many.
    pub(super) fn blame(&mut self, table: &dyn TableLike, key: &str, text: String) {
        if self.problems.len() == MOST_PROBLEMS {
            let text = format!("there are more than {MOST_PROBLEMS} mistakes, and not all are told");
            self.problems.push(Problem { at: None, text });
        }
        if self.problems.len() > MOST_PROBLEMS {
            return;
        }
        let offset = table.get_key_value(key).and_then(|(key, item)| start(key, item));
        self.problems.push(Problem { at: offset.map(|offset| Position::of(self.text, offset)), text });
    }
}

fn start(key: &Key, item: &Item) -> Option<usize> {
    key.span().or_else(|| item.span()).map(|span| span.start)
}

fn article(item: &Item) -> String {
    let kind = item.type_name();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

/// What was probably meant, or else what there is.
fn guess(key: &str, known: &[&str]) -> String {
    let likeness = |candidate: &&&str| (strsim::jaro_winkler(key, candidate) * 1000.0) as u32;
    match known.iter().max_by_key(likeness).filter(|candidate| likeness(candidate) > 750) {
        Some(candidate) => format!("; did you mean `{candidate}`?"),
        None => format!(
            "; there are {}",
            known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

struct AbsolutePath(PathBuf);

impl FromStr for AbsolutePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        if path.is_absolute() { Ok(Self(path)) } else { Err("the path must be absolute (begin with /)") }
    }
}

struct CredentialName(String);

impl FromStr for CredentialName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_file_name = !text.is_empty() && !text.contains('/') && !text.starts_with('.');
        if is_file_name {
            Ok(Self(text.to_owned()))
        } else {
            Err("a credential's name is the name of a file, without /")
        }
    }
}

struct OrganizationId(String);

impl FromStr for OrganizationId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err("an organization's id has 1 to 64 letters, digits and hyphens")
        }
    }
}

struct ProxyUrl(String);

impl FromStr for ProxyUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = reqwest::Url::parse(text).map_err(|_| "not a URL; write http://HOST:PORT")?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.scheme() {
            "http" | "https" if plain && url.has_host() => Ok(Self(text.to_owned())),
            "http" | "https" => Err("only http://HOST:PORT; a password does not belong into this file"),
            _ => Err("the scheme must be http or https"),
        }
    }
}
