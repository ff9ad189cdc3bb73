//! Connections that keep their thread while they wait, behind the traits of those that do not: no future over one is ever
//! pending, but for a look at what has come.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustix::net::{RecvFlags, recv};
use rustls::{ClientConnection, StreamOwned};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{connection::Stream, endpoint::Tls};

/// A TCP connection that gives up when its time is up.
pub(crate) struct Socket {
    tcp: TcpStream,
    /// When reads and writes fail with [`ErrorKind::TimedOut`].
    pub deadline: Option<Instant>,
    /// Reads do not wait, but fail with [`ErrorKind::WouldBlock`].
    pub looks_only: bool,
}

impl Socket {
    pub fn new(tcp: tokio::net::TcpStream, deadline: Option<Instant>) -> io::Result<Self> {
        let tcp = tcp.into_std()?;
        tcp.set_nonblocking(false)?;
        Ok(Self { tcp, deadline, looks_only: false })
    }

    /// The time that is left is the kernel's to keep.
    fn limit(&self, set: fn(&TcpStream, Option<Duration>) -> io::Result<()>) -> io::Result<()> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { set(&self.tcp, Some(left)) }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.looks_only {
            return Ok(recv(&self.tcp, into, RecvFlags::DONTWAIT)?.0);
        }
        whole(|| {
            self.limit(TcpStream::set_read_timeout)?;
            (&self.tcp).read(into)
        })
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        whole(|| {
            self.limit(TcpStream::set_write_timeout)?;
            (&self.tcp).write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tries again what the kernel has interrupted: because the process was stopped and goes on, or because its time is up,
/// which the next try finds out.
fn whole(mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            done => return done,
        }
    }
}

/// A [`Socket`], or TLS over one.
pub(crate) struct Blocking<S>(S);

/// The way to the server over this socket.
pub(crate) fn secured(mut socket: Socket, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
    let Some(Tls { connector, name }) = tls else { return Ok(Box::new(Blocking(socket))) };
    let mut session =
        ClientConnection::new(connector.config().clone(), name.clone()).map_err(|error| io::Error::other(error))?;
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(Box::new(Blocking(StreamOwned::new(session, socket))))
}

impl Stream for Blocking<Socket> {
    fn socket(&mut self) -> Option<&mut Socket> {
        Some(&mut self.0)
    }
}

impl Stream for Blocking<StreamOwned<ClientConnection, Socket>> {
    fn socket(&mut self) -> Option<&mut Socket> {
        Some(&mut self.0.sock)
    }
}

fn ready<T>(done: io::Result<T>) -> Poll<io::Result<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl<S: Read + Unpin> AsyncRead for Blocking<S> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready(self.0.read(into.initialize_unfilled()).map(|length| into.advance(length)))
    }
}

impl<S: Write + Unpin> AsyncWrite for Blocking<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
