//! Between the daemon and Airbyte: names, routes, certificates.
