//! What comes before every use of the keyring: is it there, is it unlocked, and if not, may somebody be asked?
//!
//! Everything here has the caller's deadline, the prompt included, which is why it speaks to the bus itself.

use std::{collections::HashMap, future::poll_fn, pin::Pin, time::Duration};

use airbyte_token_core::ProfileName;
use serde::de::DeserializeOwned;
use tokio::{runtime, time::timeout};
use zbus::{
    Connection, MatchRule, Message, MessageStream,
    export::futures_core::Stream as _,
    message,
    zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Type},
};

use super::{super::BACKGROUND, SERVICE, fault::Fault};

const KEYRING: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const PROMPT_INTERFACE: &str = "org.freedesktop.Secret.Prompt";

/// Returns when the profile's item can be used or made without a prompt, or says why it cannot. With a patience of at most
/// [`BACKGROUND`] nobody is asked.
///
/// A keyring that is locked right after this makes the store prompt all the same; a caller's deadline then holds.
pub(super) fn pass(profile: &ProfileName, patience: Duration) -> Result<(), Fault> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|_| Fault::Strange("no file descriptors are left".into()))?;
    runtime.block_on(async {
        let unlocked = unlocked(profile, patience > BACKGROUND);
        // Giving up closes the connection; GNOME Keyring then withdraws the prompt that it asked for.
        timeout(patience, unlocked).await.unwrap_or(Err(Fault::Slow))
    })
}

async fn unlocked(profile: &ProfileName, attended: bool) -> Result<(), Fault> {
    let bus = Bus(Connection::session().await.map_err(|error| Fault::connecting(&error))?);
    let locked = bus.locked(profile).await?;
    if locked.is_empty() {
        return Ok(());
    }
    if !attended {
        return Err(Fault::Locked);
    }
    bus.unlock(locked).await
}

/// A connection to the session bus, of which only the keyring is of interest.
struct Bus(Connection);

impl Bus {
    /// What must be unlocked before the profile's item can be read or made.
    async fn locked(&self, profile: &ProfileName) -> Result<Vec<OwnedObjectPath>, Fault> {
        let attributes = HashMap::from([("service", SERVICE), ("username", profile.as_str())]);
        let found = self.call(SERVICE_PATH, SERVICE_INTERFACE, "SearchItems", &(attributes,)).await?;
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found;
        if !unlocked.is_empty() || !locked.is_empty() {
            return Ok(locked);
        }
        // It may be that there is none, or that a locked keyring does not show it. A new one would be made here.
        let default: OwnedObjectPath =
            self.call(SERVICE_PATH, SERVICE_INTERFACE, "ReadAlias", &("default",)).await?;
        if !is_object(&default) {
            return Err(Fault::NoCollection);
        }
        Ok(if self.is_locked(&default).await? { vec![default] } else { Vec::new() })
    }

    async fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, Fault> {
        let property = ("org.freedesktop.Secret.Collection", "Locked");
        let value: OwnedValue =
            self.call(collection.as_str(), "org.freedesktop.DBus.Properties", "Get", &property).await?;
        bool::try_from(value).map_err(|_| Fault::Strange("it does not say whether it is locked".into()))
    }

    async fn unlock(&self, objects: Vec<OwnedObjectPath>) -> Result<(), Fault> {
        let (_unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.call(SERVICE_PATH, SERVICE_INTERFACE, "Unlock", &(objects,)).await?;
        if is_object(&prompt) { self.ask(&prompt).await } else { Ok(()) }
    }

    /// Shows the prompt and waits for the answer, or for the end of the keyring that should have given it.
    async fn ask(&self, prompt: &OwnedObjectPath) -> Result<(), Fault> {
        let answers = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(PROMPT_INTERFACE)?
            .member("Completed")?
            .path(prompt.as_str())?
            .build();
        let owners = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, KEYRING)?
            .build();
        let mut answer = MessageStream::for_match_rule(answers, &self.0, None).await?;
        let mut owner = MessageStream::for_match_rule(owners, &self.0, None).await?;
        // No window of ours to stand before.
        let _shown: () = self.call(prompt.as_str(), PROMPT_INTERFACE, "Prompt", &("",)).await?;
        tokio::select! {
            message = next(&mut answer) => judge(&message?),
            message = next(&mut owner) => message.and(Err(Fault::Lost)),
        }
    }

    async fn call<T: DeserializeOwned + Type>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + DynamicType),
    ) -> Result<T, Fault> {
        let reply = self.0.call_method(Some(KEYRING), path, Some(interface), method, arguments).await?;
        Ok(reply.body().deserialize()?)
    }
}

/// The Secret Service says `/` for "none".
fn is_object(path: &OwnedObjectPath) -> bool {
    path.as_str() != "/"
}

async fn next(stream: &mut MessageStream) -> Result<Message, Fault> {
    let message = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
    Ok(message.ok_or(Fault::Lost)??)
}

fn judge(completed: &Message) -> Result<(), Fault> {
    let (dismissed, _result): (bool, OwnedValue) = completed.body().deserialize()?;
    if dismissed { Err(Fault::Dismissed) } else { Ok(()) }
}
