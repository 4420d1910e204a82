//! Which of Airbyte's services a profile belongs to: the same word on the wire, in the configuration and here.

pub use airbyte_token_local::wire::Service;
