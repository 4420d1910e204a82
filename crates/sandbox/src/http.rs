//! As much HTTP/1.1 as a stand-in needs, over bytes that it writes itself, so that a fault is a fault on the
//! wire.

mod request;
mod response;

pub(crate) use self::{
    request::{Received, Request, read_request},
    response::Response,
};
