//! A load: so many callers, each of whom asks again as soon as it was answered, on one thread that does nothing else.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use rustix::event::epoll;

use crate::{
    clock::Stopwatch,
    samples::Samples,
    trouble::{Trouble, While as _},
};

/// Longer than a server under load leaves anybody waiting.
const PATIENCE: rustix::event::Timespec = rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 };

/// Who is asked what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) socket: &'a Path,
    pub(crate) request: &'a [u8],
    pub(crate) connections: usize,
    pub(crate) length: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answered {
    /// How many requests were answered, and how many of them in a second.
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    /// How long each took, in microseconds.
    pub(crate) latencies: Samples,
}

struct Caller {
    stream: UnixStream,
    asked: Stopwatch,
    reply: Vec<u8>,
}

impl Load<'_> {
    pub(crate) fn run(&self) -> Result<Answered, Trouble> {
        let events = epoll::create(epoll::CreateFlags::CLOEXEC).when("make an epoll")?;
        let mut callers = (0..self.connections).map(|_| self.caller()).collect::<Result<Vec<_>, _>>()?;
        for (index, caller) in callers.iter().enumerate() {
            let index = epoll::EventData::new_u64(index as u64);
            epoll::add(&events, &caller.stream, index, epoll::EventFlags::IN).when("watch a connection")?;
        }
        let begun = Stopwatch::start();
        for caller in &mut callers {
            caller.ask(self.request)?;
        }
        let mut latencies = Samples::default();
        let mut ready = Vec::with_capacity(self.connections);
        let mut requests = 0_u32;
        while begun.elapsed() < self.length {
            epoll::wait(&events, rustix::buffer::spare_capacity(&mut ready), Some(&PATIENCE)).when("wait")?;
            if ready.is_empty() {
                return Err(Trouble::Reply("nothing for ten seconds"));
            }
            for event in ready.drain(..) {
                let caller = usize::try_from(event.data.u64()).ok().and_then(|index| callers.get_mut(index));
                let caller = caller.ok_or(Trouble::Reply("an event of nobody"))?;
                if let Some(latency) = caller.hear()? {
                    latencies.push_micros(latency);
                    requests += 1;
                    caller.ask(self.request)?;
                }
            }
        }
        let requests = f64::from(requests);
        Ok(Answered { requests, per_second: requests / begun.elapsed().as_secs_f64(), latencies })
    }

    fn caller(&self) -> Result<Caller, Trouble> {
        let stream =
            UnixStream::connect(self.socket).when(format!("connect to {}", self.socket.display()))?;
        Ok(Caller { stream, asked: Stopwatch::start(), reply: Vec::with_capacity(16 * 1024) })
    }
}

impl Caller {
    fn ask(&mut self, request: &[u8]) -> Result<(), Trouble> {
        self.reply.clear();
        self.asked = Stopwatch::start();
        self.stream.write_all(request).when("send a request")
    }

    /// Takes in what has come; tells how long the reply took if it is whole.
    fn hear(&mut self) -> Result<Option<Duration>, Trouble> {
        let mut piece = [0; 16 * 1024];
        let count = self.stream.read(&mut piece).when("read a reply")?;
        if count == 0 {
            return Err(Trouble::Reply("an end instead of a reply"));
        }
        self.reply.extend_from_slice(&piece[..count]);
        Ok(is_whole(&self.reply)?.then(|| self.asked.elapsed()))
    }
}

/// Asks once, and waits for the answer.
pub(crate) fn ask_once(socket: &Path, request: &[u8]) -> Result<(), Trouble> {
    let load = Load { socket, request, connections: 1, length: Duration::ZERO };
    let mut caller = load.caller()?;
    caller.ask(request)?;
    while caller.hear()?.is_none() {}
    Ok(())
}

fn is_whole(reply: &[u8]) -> Result<bool, Trouble> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) =
        head.parse(reply).map_err(|_| Trouble::Reply("something that is not HTTP"))?
    else {
        return Ok(false);
    };
    if head.code != Some(200) {
        return Err(Trouble::Reply("a status other than 200"));
    }
    let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let end = start + length.ok_or(Trouble::Reply("a reply without a length"))?;
    if reply.len() > end {
        return Err(Trouble::Reply("more than one reply to one request"));
    }
    Ok(reply.len() == end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn a_reply_is_whole_with_its_last_byte_and_not_before() {
        for end in 0..REPLY.len() {
            assert!(!is_whole(&REPLY[..end]).unwrap(), "{end}");
        }
        assert!(is_whole(REPLY).unwrap());
    }

    #[test]
    fn a_refusal_is_not_counted_as_an_answer() {
        assert!(is_whole(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(is_whole(&[REPLY, b"d"].concat()).is_err());
    }
}
