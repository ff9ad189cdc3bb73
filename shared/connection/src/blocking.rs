//! Connections that keep their thread while they wait.

use std::{
    io::{self, BufRead as _, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    net::{RecvFlags, recv},
};
use rustls::{ClientConnection, StreamOwned};
use tokio::time::Instant;

use crate::endpoint::Tls;

/// What a plain answer is read in pieces of.
const PIECE: usize = 4 << 10;

/// A connection, plain or secured.
pub(crate) enum Blocking {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Blocking {
    /// Makes one of a new connection to the server.
    pub fn new(tcp: tokio::net::TcpStream, tls: Option<&Tls>, deadline: Option<Instant>) -> io::Result<Self> {
        let tcp = tcp.into_std()?;
        tcp.set_nonblocking(false)?;
        let mut socket = Socket { tcp, deadline, looks_only: false };
        let Some(Tls { connector, name }) = tls else { return Ok(Self::Plain(socket)) };
        let session = ClientConnection::new(connector.config().clone(), name.clone());
        let mut session = session.map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(session, socket))))
    }

    /// Sends all of it. Also sets the time for what comes back.
    pub fn send(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<()> {
        self.socket().deadline = deadline;
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Waits for more of an answer. 0: the connection has ended.
    pub fn receive(&mut self, answer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => {
                if answer.capacity() == answer.len() {
                    answer.reserve(PIECE);
                }
                socket.whole(TcpStream::set_read_timeout, |tcp| {
                    Ok(recv(tcp, spare_capacity(answer), RecvFlags::empty())?.1)
                })
            }
            Self::Tls(stream) => {
                let piece = stream.fill_buf()?;
                answer.extend_from_slice(piece);
                let length = piece.len();
                stream.consume(length);
                Ok(length)
            }
        }
    }

    /// Whether nothing has come, and the connection has not ended. Does not wait.
    pub fn is_quiet(&mut self) -> bool {
        self.socket().looks_only = true;
        let come = match self {
            Self::Plain(socket) => socket.read(&mut [0]),
            Self::Tls(stream) => stream.fill_buf().map(<[u8]>::len),
        };
        self.socket().looks_only = false;
        come.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &mut stream.sock,
        }
    }
}

/// A TCP connection that gives up when its time is up, with [`ErrorKind::TimedOut`].
pub(crate) struct Socket {
    tcp: TcpStream,
    deadline: Option<Instant>,
    /// Reads do not wait, but fail with [`ErrorKind::WouldBlock`].
    looks_only: bool,
}

impl Socket {
    /// Does it within the time that is left, which the kernel keeps. Tries again what the kernel has interrupted: because
    /// the process was stopped and goes on, or because the time is up, which the next try finds out.
    fn whole(
        &self,
        limit: fn(&TcpStream, Option<Duration>) -> io::Result<()>,
        mut act: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            if let Some(deadline) = self.deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(ErrorKind::TimedOut.into());
                }
                limit(&self.tcp, Some(left))?;
            }
            match act(&self.tcp) {
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                done => return done,
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.looks_only {
            return Ok(recv(&self.tcp, into, RecvFlags::DONTWAIT)?.1);
        }
        self.whole(TcpStream::set_read_timeout, |mut tcp| tcp.read(into))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.whole(TcpStream::set_write_timeout, |mut tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
