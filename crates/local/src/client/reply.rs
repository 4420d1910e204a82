//! One reply, within bounds, from a server that may be anybody.

mod head;

use std::{
    io::{self, Read},
    ops::Range,
};

use zeroize::Zeroizing;

use head::Head;

/// The most bytes that a reply's status line and headers may have.
pub const HEAD_LIMIT: usize = 16 * 1024;
/// The most bytes that a reply's body may have.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Enough for a reply with a token, so that one read and one page or two do.
const FIRST_ROOM: usize = 4 * 1024;
/// A server that sends byte after byte just before each timeout ends must end some time.
const READS_LIMIT: usize = 4 * 1024;

/// One whole reply. Wiped when it is dropped: it may hold a token.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    media: Media,
    bytes: Bytes,
    body: Range<usize>,
}

/// What the body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Text,
    Other,
}

/// Why what came back is no reply of ours. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum BadReply {
    /// Nothing came within the stream's timeout.
    #[error("nothing came in time")]
    Silent,
    /// The connection ended in the middle, or before anything came.
    #[error("the connection ended too early")]
    HungUp,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    /// It is not HTTP/1.
    #[error("it is not HTTP")]
    NotHttp,
    /// The head is longer than [`HEAD_LIMIT`].
    #[error("its headers are longer than {HEAD_LIMIT} bytes")]
    HeadTooLong,
    /// The body is longer than [`BODY_LIMIT`].
    #[error("its body is longer than {BODY_LIMIT} bytes")]
    BodyTooLong,
    /// It does not say, once and plainly, how long its body is. Such a body may be cut short without a trace, and a cut
    /// token looks like a token.
    #[error("it does not say how long it is")]
    NoLength,
    /// More came than it said.
    #[error("it is longer than it says")]
    Overlong,
    /// It came in more pieces than a local socket would cut it into.
    #[error("it came in too many pieces")]
    Dripping,
    /// The body is of another kind than was asked for.
    #[error("it is of another kind than was asked for")]
    WrongMedia,
    /// A status of failure, and no error of ours with it.
    #[error("status {0} without an explanation")]
    UnexplainedStatus(u16),
}

/// Reads one reply and nothing after it.
pub(super) fn read(stream: &mut impl Read) -> Result<Reply, BadReply> {
    let mut bytes = Bytes::new();
    let head = loop {
        bytes.read_more(stream)?;
        if let Some(head) = Head::parse(bytes.filled())? {
            break head;
        }
        if bytes.filled().len() >= HEAD_LIMIT {
            return Err(BadReply::HeadTooLong);
        }
        if bytes.is_full() {
            bytes.make_room(HEAD_LIMIT);
        }
    };
    let body = head.length..head.length + head.body_length;
    bytes.make_room(body.end);
    while bytes.filled().len() < body.end {
        bytes.read_more(stream)?;
    }
    if bytes.filled().len() > body.end {
        return Err(BadReply::Overlong);
    }
    Ok(Reply { status: head.status, media: head.media, bytes, body })
}

impl Reply {
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    pub(super) const fn is_success(&self) -> bool {
        matches!(self.status, 200 | 201 | 204)
    }

    pub(super) const fn media(&self) -> Media {
        self.media
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.bytes.filled()[self.body.clone()]
    }

    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.body()).ok()
    }
}

/// What has come so far. Moves by hand when it grows, so that what it leaves behind is wiped.
struct Bytes {
    room: Zeroizing<Vec<u8>>,
    filled: usize,
    reads: usize,
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.filled)
    }
}

impl Bytes {
    fn new() -> Self {
        Self { room: Zeroizing::new(vec![0; FIRST_ROOM]), filled: 0, reads: 0 }
    }

    fn filled(&self) -> &[u8] {
        &self.room[..self.filled]
    }

    fn is_full(&self) -> bool {
        self.filled == self.room.len()
    }

    fn make_room(&mut self, wanted: usize) {
        if wanted > self.room.len() {
            let mut larger = Zeroizing::new(vec![0; wanted]);
            larger[..self.filled].copy_from_slice(self.filled());
            self.room = larger;
        }
    }

    fn read_more(&mut self, stream: &mut impl Read) -> Result<(), BadReply> {
        self.reads += 1;
        if self.reads > READS_LIMIT {
            return Err(BadReply::Dripping);
        }
        match stream.read(&mut self.room[self.filled..]) {
            Ok(0) => Err(BadReply::HungUp),
            Ok(count) => {
                self.filled = self.room.len().min(self.filled + count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if is_timeout(&error) => Err(BadReply::Silent),
            Err(error) => Err(BadReply::Broken(error)),
        }
    }
}

/// A socket whose `SO_RCVTIMEO` ran out says `EAGAIN` (socket(7)).
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests;
