//! A port that stays while the servers behind it come and go.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Passes every connection on to whoever is behind it by then, byte by byte.
pub(super) struct Front {
    address: SocketAddr,
    behind: Arc<Mutex<SocketAddr>>,
}

impl Front {
    /// In front of this server.
    pub(super) fn of(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let behind = Arc::new(Mutex::new(server));
        let next = Arc::clone(&behind);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = *next.lock().unwrap_or_else(PoisonError::into_inner);
                thread::spawn(move || join(&client, server));
            }
        });
        Self { address, behind }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next connection on this server is behind it.
    pub(super) fn put_behind(&self, server: SocketAddr) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }
}

/// Until both sides have said all they had to say.
fn join(client: &TcpStream, server: SocketAddr) {
    let Ok(server) = TcpStream::connect(server) else { return };
    thread::scope(|scope| {
        scope.spawn(|| pass(client, &server));
        pass(&server, client);
    });
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    // Whoever breaks off has said all that will come.
    drop(io::copy(&mut from, &mut to));
    to.shutdown(Shutdown::Write).unwrap_or(());
}
