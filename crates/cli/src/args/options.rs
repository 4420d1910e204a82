//! The options as they were typed, in any order, before it is known what they belong to.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use airbyte_token_core::{ClientId, ProfileName};
use airbyte_token_local::{
    span::Span,
    wire::{Service, StoreKind},
};
use lexopt::{Arg, Parser};

use super::{Login, TokenArgs, UsageError, flag::Flag, verb::Verb};

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
    /// What stands behind `use`.
    pub(super) name: Option<ProfileName>,
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
    /// Takes everything in. Gives back the command, if there was one.
    pub(super) fn collect(&mut self, mut parser: Parser) -> Result<Option<Verb>, UsageError> {
        let mut verb = None;
        while let Some(argument) = parser.next()? {
            let flag = match argument {
                Arg::Value(word) => {
                    self.take_word(&mut verb, &word.to_string_lossy())?;
                    continue;
                }
                Arg::Short(letter) => Flag::short(letter).ok_or(UsageError::UnknownShort(letter))?,
                Arg::Long(name) => Flag::named(name).ok_or_else(|| UsageError::unknown_long(name))?,
            };
            self.take_flag(flag, &mut parser)?;
        }
        Ok(verb)
    }

    fn take_word(&mut self, verb: &mut Option<Verb>, word: &str) -> Result<(), UsageError> {
        match *verb {
            None if word == "help" && !self.help => self.help = true,
            None => {
                *verb = Some(Verb::named(word).ok_or_else(|| UsageError::UnknownCommand(word.to_owned()))?)
            }
            Some(Verb::Use) if self.name.is_none() => self.name = Some(value("NAME", word)?),
            Some(verb) => return Err(UsageError::ExtraWord(verb)),
        }
        Ok(())
    }

    fn take_flag(&mut self, flag: Flag, parser: &mut Parser) -> Result<(), UsageError> {
        self.given.push(flag);
        match flag {
            Flag::Help => self.help = true,
            Flag::Version => self.version = true,
            Flag::Json => self.json = true,
            Flag::Agents => self.agents = true,
            Flag::Default => self.default = true,
            Flag::Socket => self.socket = Some(path(flag, parser)?),
            Flag::CaFile => self.ca_file = Some(path(flag, parser)?),
            Flag::Profile => self.profile = Some(parsed(flag, parser)?),
            Flag::MinTtl => self.min_ttl = Some(parsed(flag, parser)?),
            Flag::Wait => self.wait = Some(parsed(flag, parser)?),
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
    pub(super) fn check_against(&self, verb: Verb) -> Result<(), UsageError> {
        let belongs = |flag: &Flag| *flag == Flag::Socket || verb.flags().contains(flag);
        match self.given.iter().find(|flag| !belongs(flag)) {
            Some(stray) => Err(UsageError::StrayFlag { flag: stray.name(), verb }),
            None => Ok(()),
        }
    }

    pub(super) fn token(self, profile: Option<ProfileName>) -> TokenArgs {
        TokenArgs { profile, min_ttl: self.min_ttl, wait: self.wait }
    }

    pub(super) fn login(self, profile: Option<ProfileName>) -> Result<Login, UsageError> {
        let service = self.chosen_service()?;
        if service == Some(Service::SelfManaged) && self.url.is_none() {
            return Err(UsageError::NoUrl);
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
    fn chosen_service(&self) -> Result<Option<Service>, UsageError> {
        match (self.service, self.agents) {
            (Some(Service::Agents) | None, true) => Ok(Some(Service::Agents)),
            (Some(Service::Cloud | Service::SelfManaged), true) => Err(UsageError::TwoServices),
            (Some(service), false) => Ok(Some(service)),
            (None, false) => Ok(self.url.is_some().then_some(Service::SelfManaged)),
        }
    }
}

fn path(flag: Flag, parser: &mut Parser) -> Result<PathBuf, UsageError> {
    let path = PathBuf::from(parser.value()?);
    if path.as_os_str().is_empty() { Err(UsageError::EmptyValue(flag.name())) } else { Ok(path) }
}

fn text(flag: Flag, parser: &mut Parser) -> Result<String, UsageError> {
    let text = parser.value()?.into_string().map_err(|_| UsageError::NotUtf8(flag.name()))?;
    if text.is_empty() { Err(UsageError::EmptyValue(flag.name())) } else { Ok(text) }
}

fn parsed<T: FromStr<Err: Display>>(flag: Flag, parser: &mut Parser) -> Result<T, UsageError> {
    value(flag.name(), &text(flag, parser)?)
}

fn value<T: FromStr<Err: Display>>(of: &'static str, text: &str) -> Result<T, UsageError> {
    text.parse().map_err(|reason: T::Err| UsageError::BadValue { of, reason: reason.to_string() })
}
