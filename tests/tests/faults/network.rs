//! The way to Airbyte: certificates, names, and the network itself.

mod certificates;
mod front;
mod names;
mod secure;
