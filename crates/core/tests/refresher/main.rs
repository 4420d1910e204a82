//! The refresher driven through simulated years: table tests for each rule, and properties over random histories
//! against an oracle that knows the truth.

mod continuity;
mod event;
mod fixture;
mod oracle;
mod promises;
mod rules;
mod world;
