//! The issuer over real sockets: what it sends, to whom, and how it stands what comes back.

#[cfg(test)]
mod support;

#[cfg(test)]
mod environment;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod redirect;
#[cfg(test)]
mod request;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unreachable;
