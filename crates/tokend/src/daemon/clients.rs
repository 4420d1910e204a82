//! Local clients, made and removed while it runs: in turn with all other changes, so that no client is made for a
//! profile that is just being forgotten.

use airbyte_token_core::{ClientName, ProfileName, Secret};

use super::{
    ChangeError, State,
    change::{Edit, blocking},
    state::Ready,
};
use crate::clients::{Client, Clients, ClientsError, NewClient, Removed};

impl State {
    /// Makes a local client of a profile that there is, and brings its secret.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn add_client(&self, new: NewClient) -> Result<(Client, Secret), ChangeError> {
        let state = self.clone();
        self.see_through(async move {
            if !state.config().profiles.contains_key(&new.profile) {
                return Err(ChangeError::NoSuchProfile);
            }
            let name = new.name.clone();
            let added = state.on_disk(move |clients| clients.add(new)).await?;
            tracing::info!("local client {name} added, for profile {}", added.0.profile);
            Ok(added)
        })
        .await
    }

    /// Refuses a local client from now on.
    ///
    /// # Errors
    /// Where the disk does not take it, the client is refused all the same until the daemon stops.
    pub async fn remove_client(&self, name: &ClientName) -> Result<(), ChangeError> {
        let (state, name) = (self.clone(), name.clone());
        self.see_through(async move {
            let named = name.clone();
            state.on_disk(move |clients| clients.remove(&named)).await?;
            tracing::info!("local client {name} removed");
            Ok(())
        })
        .await
    }

    /// Edits the file that says which profiles there are, and refuses the local clients of one that is taken out: they
    /// are not to come alive with another profile of its name. If a step fails, they are as before.
    pub(super) async fn edit_without_clients(
        &self,
        profile: &ProfileName,
        edit: impl Edit,
    ) -> Result<Ready, ChangeError> {
        let removed = self.remove_clients_of(profile).await?;
        let outcome = self.edit(edit, None).await;
        match &outcome {
            Ok(_) if removed.count() > 0 => {
                tracing::info!("{} local clients of profile {profile} removed with it", removed.count());
            }
            Ok(_) => {}
            Err(_) => {
                if let Err(error) = self.on_disk(move |clients| clients.put_back(removed)).await {
                    tracing::error!("a change failed, and the local clients of {profile} are gone: {error}");
                }
            }
        }
        outcome
    }

    /// A register that is damaged lets nobody in, and must not keep a profile from being forgotten.
    async fn remove_clients_of(&self, profile: &ProfileName) -> Result<Removed, ChangeError> {
        let profile = profile.clone();
        match self.on_disk(move |clients| clients.remove_of(&profile)).await {
            Err(ChangeError::Clients(ClientsError::Damaged { .. })) => Ok(Removed::default()),
            outcome => outcome,
        }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Clients) -> Result<T, ClientsError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let clients = self.clients().clone();
        Ok(blocking(move || work(&clients)).await??)
    }
}
