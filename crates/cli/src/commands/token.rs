//! `print` and `header`.

use airbyte_token_core::AccessToken;
use airbyte_token_local::{span::Span, wire::TokenQuery};

use super::Daemon;
use crate::{args::TokenArgs, failure::Failure, output};

pub(super) fn print(args: TokenArgs, daemon: &Daemon) -> Result<(), Failure> {
    output::token(&bare(args, daemon)?)
}

pub(super) fn header(args: TokenArgs, daemon: &Daemon) -> Result<(), Failure> {
    output::header(&bare(args, daemon)?)
}

pub(super) fn print_json(args: TokenArgs, daemon: &Daemon) -> Result<(), Failure> {
    let (query, wait) = query(args);
    output::json(&daemon.reach_within(wait)?.token(&query)?)
}

fn bare(args: TokenArgs, daemon: &Daemon) -> Result<AccessToken, Failure> {
    let (query, wait) = query(args);
    Ok(daemon.reach_within(wait)?.bare_token(&query)?)
}

fn query(args: TokenArgs) -> (TokenQuery, Option<Span>) {
    let TokenArgs { profile, min_ttl, wait } = args;
    (TokenQuery { profile, min_ttl, wait }, wait)
}
