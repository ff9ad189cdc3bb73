//! HTTP/1.1 as SDK clients and the engine speak it: a head and a body of a given length. Kept as bytes, so that what is
//! passed on is what came, and the connection stays in hand to be cut.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No head is longer; a signed request has about 1 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// A request or a response.
pub(crate) struct Message {
    /// Up to and with the empty line.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The headers, names in lower case.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (String, String)> {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let headers = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers().find(|header| header.0 == name).map(|header| header.1)
    }

    /// A response's status.
    pub(crate) fn status(&self) -> Option<u16> {
        String::from_utf8_lossy(&self.head).split(' ').nth(1)?.parse().ok()
    }

    /// Gives it another body.
    pub(crate) fn replace_body(&mut self, body: Vec<u8>) {
        self.replace_header("content-length", &body.len().to_string());
        self.body = body;
    }

    /// Gives a header that is there another value.
    pub(crate) fn replace_header(&mut self, wanted: &str, value: &str) {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let lines = head.split("\r\n").map(|line| match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case(wanted) => format!("{name}: {value}"),
            _ => line.to_owned(),
        });
        self.head = lines.collect::<Vec<_>>().join("\r\n").into_bytes();
    }

    pub(crate) async fn write(&self, stream: &mut TcpStream) -> Result<()> {
        stream.write_all(&[self.head.as_slice(), self.body.as_slice()].concat()).await
    }
}

/// Reads one message; none if the connection ends before it begins.
pub(crate) async fn read(stream: &mut TcpStream) -> Result<Option<Message>> {
    let mut head = Vec::with_capacity(2048);
    let end = loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() > MAX_HEAD {
            return Err(Error::new(ErrorKind::InvalidData, "the head has no end"));
        }
        match stream.read_buf(&mut head).await? {
            0 if head.is_empty() => return Ok(None),
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    };
    let mut message = Message { body: head.split_off(end), head };
    let length = match message.header("content-length") {
        Some(length) => length.parse::<usize>().map_err(|_| Error::new(ErrorKind::InvalidData, "bad length"))?,
        None if message.header("transfer-encoding").is_some() => {
            return Err(Error::new(ErrorKind::Unsupported, "chunked bodies are not passed on"));
        }
        None => 0,
    };
    let missing = length.checked_sub(message.body.len());
    let missing = missing.ok_or_else(|| Error::new(ErrorKind::Unsupported, "pipelining"))?;
    if missing > 0 {
        let more = stream.take(missing as u64).read_to_end(&mut message.body).await?;
        if more < missing {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(message))
}
