//! Local clients: listed, made, removed. The secret of one goes out here, once, to whoever made it.

use airbyte_token_core::{ClientName, Detail, names::BadClientName};
use airbyte_token_local::{
    ErrorCode,
    wire::{ClientReply, ClientRequest, ClientsReply, NewClientReply, from_json},
};
use axum::{
    extract::{FromRequestParts, Path, State as Shared},
    http::{StatusCode, request::Parts},
};

use super::{
    Caller,
    body::Body,
    find, profiles,
    reply::{Json, Refusal, rfc3339},
};
use crate::{
    audit::{Note, Verb},
    clients::{Client, ClientsError, NewClient},
    daemon::State,
};

pub(super) async fn list(Shared(state): Shared<State>, caller: Caller) -> Json<ClientsReply> {
    let all = state.clients().all();
    let held = all.into_iter().filter(|client| caller.scope().holds(&client.profile));
    let clients = held.map(|client| describe(&state, client)).collect();
    Json(ClientsReply {
        clients,
        problem: state.clients().problem().filter(|_| caller.scope().is_everything()),
    })
}

pub(super) async fn add(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(body): Body,
) -> Result<(StatusCode, Json<NewClientReply>), Refusal> {
    let ClientRequest { name, profile, mode, read_only } = from_json(&body)?;
    let (profile, _) = find(&state, &caller, profile)?;
    let called = name.to_string();
    let outcome = state.add_client(NewClient { name, profile: profile.clone(), mode, read_only }).await;
    let outcome =
        outcome.map_err(|error| caller.spare_details(profiles::refusal(&profile, &error, state.now())));
    let note = Note::of(Verb::ClientAdd).profile(&profile).detail(&called);
    state.audit().note(&caller, &note.told(&outcome));
    let (client, secret) = outcome?;
    let Client { name, id, profile, mode, read_only } = client;
    let reply = NewClientReply { name, id, secret, profile, mode, read_only };
    Ok((StatusCode::CREATED, Json(reply)))
}

pub(super) async fn remove(
    Shared(state): Shared<State>,
    caller: Caller,
    Name(name): Name,
) -> Result<StatusCode, Refusal> {
    // A client of a profile that is not to be had here is none here.
    let known = state.clients().known(&name).filter(|client| caller.scope().holds(&client.profile));
    let client = known.ok_or_else(|| no_such(&state, &name))?;
    let outcome = state.remove_client(&name).await;
    let outcome = outcome.map_err(|error| profiles::refusal(&client.profile, &error, state.now()));
    let note = Note::of(Verb::ClientRm).profile(&client.profile).detail(name.as_str());
    state.audit().note(&caller, &note.told(&outcome));
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// Why a change to the local clients was not made.
pub(super) fn refusal(error: &ClientsError) -> Refusal {
    let code = match error {
        ClientsError::Taken(_) => ErrorCode::ClientExists,
        ClientsError::NoSuchClient(_) => ErrorCode::NoSuchClient,
        ClientsError::TooMany => ErrorCode::ConfigInvalid,
        ClientsError::ReadOnlyToken => ErrorCode::BadRequest,
        ClientsError::Damaged { .. } | ClientsError::Unwritten { .. } | ClientsError::StillWritten { .. } => {
            ErrorCode::ClientsFile
        }
        ClientsError::NoRandom => ErrorCode::Busy,
    };
    let refusal = Refusal::new(code, error.to_string());
    match error {
        ClientsError::Unwritten { .. } => {
            refusal.hint("nothing was changed; see that the directory can be written and that there is room")
        }
        ClientsError::StillWritten { name, .. } => {
            refusal.hint(format!("make room, then run `airbyte-token client rm {name}` again"))
        }
        ClientsError::TooMany => refusal.hint("`airbyte-token client list` shows which were never used"),
        ClientsError::Taken(name) => {
            refusal.hint(format!("choose another name, or `airbyte-token client rm {name}` first"))
        }
        ClientsError::Damaged { .. } => refusal.hint(MEND),
        ClientsError::NoSuchClient(_) | ClientsError::ReadOnlyToken | ClientsError::NoRandom => refusal,
    }
}

const MEND: &str = "nothing was changed; put the file in order, or move it away and add the clients anew";

/// Where nothing is known of any client, that is what is said.
fn no_such(state: &State, name: &ClientName) -> Refusal {
    match state.clients().problem() {
        Some(problem) => Refusal::new(ErrorCode::ClientsFile, problem).hint(MEND),
        None => refusal(&ClientsError::NoSuchClient(name.clone())),
    }
}

/// The client's name that stands in the path.
pub(super) struct Name(ClientName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let refused = |text: String| Refusal::new(ErrorCode::BadRequest, Detail::new(&text).as_str());
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|error| refused(error.body_text()))?;
        name.parse().map(Self).map_err(|error: BadClientName| refused(error.to_string()))
    }
}

fn describe(state: &State, client: Client) -> ClientReply {
    let last_use = state.clients().last_use(&client);
    let Client { name, id, profile, mode, read_only } = client;
    let ago = |last| state.now().since_epoch().saturating_sub(last).as_secs();
    ClientReply {
        name,
        id,
        profile,
        mode,
        read_only,
        last_used: last_use.and_then(rfc3339),
        last_used_ago: last_use.map(ago),
    }
}
