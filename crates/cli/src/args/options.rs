//! The options as they were typed, in any order, before it is known what they belong to.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use airbyte_token_core::{AccessToken, ClientId, ClientName, Fingerprint, ProfileName};
use airbyte_token_local::{
    span::Span,
    wire::{ClientMode, Service, StoreKind},
};
use lexopt::{Arg, Parser};

use super::{
    AuditArgs, LONGEST_TIMEOUT, Login, Mistake, NewClient, TokenArgs, TraceArgs, WaitArgs, flag::Flag,
    verb::Verb,
};

/// Where an option is given more than once, the last one counts, so that an alias can be overruled.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) help: bool,
    pub(super) version: bool,
    pub(super) socket: Option<PathBuf>,
    pub(super) profile: Option<ProfileName>,
    pub(super) json: bool,
    pub(super) min_ttl: Option<Span>,
    pub(super) wait: Option<Span>,
    timeout: Option<Span>,
    pub(super) force: bool,
    /// What stands behind `use`.
    pub(super) name: Option<ProfileName>,
    /// What stands behind `client add` and `client rm`.
    pub(super) client: Option<ClientName>,
    mode: Option<ClientMode>,
    read_only: bool,
    /// What stands behind `trace`.
    fingerprint: Option<Fingerprint>,
    since: Option<Span>,
    follow: bool,
    state_dir: Option<PathBuf>,
    service: Option<Service>,
    url: Option<String>,
    agents: bool,
    client_id: Option<ClientId>,
    vault: Option<StoreKind>,
    organization_id: Option<String>,
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    default: bool,
    given: Vec<Flag>,
}

impl Options {
    /// Takes everything in, and the command, if there is one.
    pub(super) fn collect(&mut self, mut parser: Parser, verb: &mut Option<Verb>) -> Result<(), Mistake> {
        while let Some(argument) = parser.next()? {
            let flag = match argument {
                Arg::Value(word) => {
                    self.take_word(verb, &word.to_string_lossy())?;
                    continue;
                }
                Arg::Short(letter) => Flag::short(letter).ok_or(Mistake::UnknownShort(letter))?,
                Arg::Long(name) => Flag::named(name).ok_or_else(|| Mistake::unknown_long(name))?,
            };
            self.take_flag(flag, &mut parser)?;
        }
        Ok(())
    }

    fn take_word(&mut self, verb: &mut Option<Verb>, word: &str) -> Result<(), Mistake> {
        match *verb {
            None if word == "help" && !self.help => self.help = true,
            None => *verb = Some(Verb::named(word).ok_or_else(|| Mistake::UnknownCommand(word.to_owned()))?),
            Some(Verb::Use) if self.name.is_none() => self.name = Some(value("NAME", word)?),
            Some(Verb::Client) => {
                let full = format!("client {word}");
                *verb = Some(Verb::named(&full).ok_or(Mistake::UnknownCommand(full))?);
            }
            Some(Verb::ClientAdd | Verb::ClientRm) if self.client.is_none() => {
                self.client = Some(value("NAME", word)?);
            }
            Some(Verb::Trace) if self.fingerprint.is_none() => self.fingerprint = Some(fingerprint(word)?),
            Some(verb) => return Err(Mistake::ExtraWord(verb)),
        }
        Ok(())
    }

    fn take_flag(&mut self, flag: Flag, parser: &mut Parser) -> Result<(), Mistake> {
        self.given.push(flag);
        match flag {
            Flag::Help => self.help = true,
            Flag::Version => self.version = true,
            Flag::Json => self.json = true,
            Flag::Agents => self.agents = true,
            Flag::Default => self.default = true,
            Flag::Force => self.force = true,
            Flag::ReadOnly => self.read_only = true,
            Flag::Follow => self.follow = true,
            Flag::Since => self.since = Some(parsed(flag, parser)?),
            Flag::StateDir => self.state_dir = Some(path(flag, parser)?),
            Flag::Mode => self.mode = Some(parsed(flag, parser)?),
            Flag::Socket => self.socket = Some(path(flag, parser)?),
            Flag::CaFile => self.ca_file = Some(path(flag, parser)?),
            Flag::Profile => self.profile = Some(parsed(flag, parser)?),
            Flag::MinTtl => self.min_ttl = Some(parsed(flag, parser)?),
            Flag::Wait => self.wait = Some(parsed(flag, parser)?),
            Flag::Timeout => self.timeout = Some(bounded(flag, parsed(flag, parser)?)?),
            Flag::Service => self.service = Some(parsed(flag, parser)?),
            Flag::Url => self.url = Some(text(flag, parser)?),
            Flag::ClientId => self.client_id = Some(parsed(flag, parser)?),
            Flag::Vault => self.vault = Some(parsed(flag, parser)?),
            Flag::OrganizationId => self.organization_id = Some(text(flag, parser)?),
            Flag::Proxy => self.proxy = Some(text(flag, parser)?),
        }
        Ok(())
    }

    /// Whether every option that was given belongs to this command.
    pub(super) fn check_against(&self, verb: Verb) -> Result<(), Mistake> {
        let belongs = |flag: &Flag| *flag == Flag::Socket || verb.flags().contains(flag);
        match self.given.iter().find(|flag| !belongs(flag)) {
            Some(stray) => Err(Mistake::StrayFlag { flag: stray.name(), verb }),
            None => Ok(()),
        }
    }

    pub(super) fn token(self, profile: Option<ProfileName>) -> TokenArgs {
        TokenArgs { profile, min_ttl: self.min_ttl, wait: self.wait }
    }

    pub(super) fn audit(self, profile: Option<ProfileName>) -> AuditArgs {
        let Self { since, json, follow, state_dir, .. } = self;
        AuditArgs { profile, since, json, follow, state_dir }
    }

    pub(super) fn trace(self) -> TraceArgs {
        let Self { fingerprint, json, state_dir, .. } = self;
        TraceArgs { fingerprint, json, state_dir }
    }

    pub(super) fn waiting(self, profile: Option<ProfileName>) -> WaitArgs {
        WaitArgs { profile, min_ttl: self.min_ttl, timeout: self.timeout }
    }

    pub(super) fn new_client(self, profile: Option<ProfileName>) -> Result<NewClient, Mistake> {
        let name = self.client.ok_or(Mistake::NoClientName(Verb::ClientAdd))?;
        let (mode, read_only) = (self.mode.unwrap_or_default(), self.read_only);
        if read_only && mode == ClientMode::Token {
            return Err(Mistake::ReadOnlyToken);
        }
        Ok(NewClient { name, profile, mode, read_only })
    }

    pub(super) fn login(self, profile: Option<ProfileName>) -> Result<Login, Mistake> {
        let service = self.chosen_service()?;
        if service == Some(Service::SelfManaged) && self.url.is_none() {
            return Err(Mistake::NoUrl);
        }
        Ok(Login {
            profile,
            service,
            url: self.url,
            client_id: self.client_id,
            organization_id: self.organization_id,
            vault: self.vault,
            ca_file: self.ca_file,
            proxy: self.proxy,
            default: self.default,
        })
    }

    /// A URL alone means an Airbyte of one's own; nothing at all means the one that the profile is for already, or
    /// Airbyte Cloud.
    fn chosen_service(&self) -> Result<Option<Service>, Mistake> {
        match (self.service, self.agents) {
            (Some(Service::Agents) | None, true) => Ok(Some(Service::Agents)),
            (Some(Service::Cloud | Service::SelfManaged), true) => Err(Mistake::TwoServices),
            (Some(service), false) => Ok(Some(service)),
            (None, false) => Ok(self.url.is_some().then_some(Service::SelfManaged)),
        }
    }
}

/// A token that was typed here was seen by others already; it is not repeated.
fn fingerprint(word: &str) -> Result<Fingerprint, Mistake> {
    match word.parse::<Fingerprint>() {
        Err(_) if word.len() >= AccessToken::SHORTEST => Err(Mistake::TokenInArgument),
        Err(_) | Ok(_) => value("FINGERPRINT", word),
    }
}

fn path(flag: Flag, parser: &mut Parser) -> Result<PathBuf, Mistake> {
    let path = PathBuf::from(parser.value()?);
    if path.as_os_str().is_empty() { Err(Mistake::EmptyValue(flag.name())) } else { Ok(path) }
}

fn text(flag: Flag, parser: &mut Parser) -> Result<String, Mistake> {
    let text = parser.value()?.into_string().map_err(|_| Mistake::NotUtf8(flag.name()))?;
    if text.is_empty() { Err(Mistake::EmptyValue(flag.name())) } else { Ok(text) }
}

fn parsed<T: FromStr<Err: Display>>(flag: Flag, parser: &mut Parser) -> Result<T, Mistake> {
    value(flag.name(), &text(flag, parser)?)
}

/// Whoever waits longer has mistaken the unit.
fn bounded(flag: Flag, span: Span) -> Result<Span, Mistake> {
    if span.length() <= LONGEST_TIMEOUT {
        return Ok(span);
    }
    Err(Mistake::BadValue { of: flag.name(), reason: "longer than an hour".to_owned() })
}

fn value<T: FromStr<Err: Display>>(of: &'static str, text: &str) -> Result<T, Mistake> {
    text.parse().map_err(|reason: T::Err| Mistake::BadValue { of, reason: reason.to_string() })
}
