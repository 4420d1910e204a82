//! One request over the daemon's socket, by somebody who does not mind that there is no daemon.

use std::{
    io::{self, Read as _, Write as _},
    thread,
    time::Duration,
};

use airbyte_tokend_tests::{Call, Http, Reply};

/// How long past its own deadline an answer is waited for, before it counts as none.
const LONGER: Duration = Duration::from_secs(30);

/// What came back, if anything did. `patience` is how long the daemon may take.
pub(crate) fn ask(http: &Http, call: &Call, patience: Duration) -> io::Result<Reply> {
    let mut stream = http.connect()?;
    stream.set_read_timeout(Some(patience + LONGER))?;
    stream.write_all(&call.bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Reply::parse(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Asks, and hangs up before it has heard anything, or in the middle of it.
pub(crate) fn ask_and_leave(http: &Http, call: &Call, after: Duration) -> io::Result<()> {
    let mut stream = http.connect()?;
    stream.write_all(&call.bytes())?;
    thread::sleep(after);
    Ok(())
}
