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
/// How often a wait looks at the clock. The kernel is told once: to tell it before each wait what is left of the time would
/// be two system calls of ten in a decision.
const TICK: Duration = Duration::from_millis(10);

/// A connection, plain or secured.
pub(crate) enum Blocking {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Blocking {
    /// Makes one of a new connection to the server. Where there is no deadline now, there must be none later.
    pub fn new(tcp: tokio::net::TcpStream, tls: Option<&Tls>, deadline: Option<Instant>) -> io::Result<Self> {
        let tcp = tcp.into_std()?;
        tcp.set_nonblocking(false)?;
        if deadline.is_some() {
            tcp.set_read_timeout(Some(TICK))?;
            tcp.set_write_timeout(Some(TICK))?;
        }
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
                socket.in_time(|tcp| Ok(recv(tcp, spare_capacity(answer), RecvFlags::empty())?.1))
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

    /// Whether nothing has come, and the connection has not ended. Does not wait. One without a deadline is taken on trust:
    /// the Lambda Runtime API ends none.
    pub fn is_quiet(&mut self) -> bool {
        if self.socket().deadline.is_none() {
            return true;
        }
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
    /// Does it within the time that is left. Goes on where the kernel has interrupted it: at a tick, or because the process
    /// was stopped and goes on.
    fn in_time(&self, mut act: impl FnMut(&TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(ErrorKind::TimedOut.into());
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
        self.in_time(|mut tcp| tcp.read(into))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time(|mut tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
