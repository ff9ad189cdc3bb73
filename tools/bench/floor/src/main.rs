//! The floor: the least that a function which reads one DynamoDB item can do. One thread, blocking sockets, a
//! hand-made Runtime API loop, hand-made SigV4, one GetItem per invocation on one kept-alive connection (rustls/ring
//! when the endpoint is https). No SDK, no async runtime, no JSON parser, no input checks: a yardstick, not a product.
//!
//! It looks up the `id` of the JSON text in the event's `body` and answers 200 when the item's status has the wanted
//! value, else 403. Environment (defaults in brackets; `{id}` stands for that id):
//!   TABLE_NAME   PK_NAME [pk]  PK_VALUE [TAG#{id}]   SK_NAME [sk] (empty: no sort key)  SK_VALUE [TAG]
//!   STATUS_NAME [status]  STATUS_VALUE [active] (a string, or true/false/a number)
//!   ID_CASE=lower   the id in lower case         CONSISTENT_READ=1   strongly consistent
//!   PREWARM=1       connect and shake hands in INIT; 2: also one GetItem in INIT
//!   FLOOR_CA        PEM file of one more trusted root (the compiled-in web roots are always there)
use ring::{digest, hmac};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

fn env(k: &str) -> String {
    std::env::var(k).unwrap_or_default()
}
fn env_or(k: &str, d: &str) -> String {
    std::env::var(k).unwrap_or_else(|_| d.into())
}

// ---------------------------------------------------------------- HTTP

enum Conn {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}
impl Conn {
    fn call(&mut self, out: &[u8], buf: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Conn::Plain(s) => {
                s.write_all(out)?;
                read_resp(s, buf)
            }
            Conn::Tls(s) => {
                s.write_all(out)?;
                s.flush()?;
                read_resp(s, buf)
            }
        }
    }
}
fn find(h: &[u8], n: &[u8]) -> Option<usize> {
    h.windows(n.len()).position(|w| w == n)
}
/// The whole response in `buf`; returns where its body starts. Content-Length only.
fn read_resp(s: &mut impl Read, buf: &mut Vec<u8>) -> io::Result<usize> {
    buf.clear();
    let mut tmp = [0u8; 8192];
    let (mut need, mut start) = (usize::MAX, 0);
    while buf.len() < need {
        let n = s.read(&mut tmp)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf.extend_from_slice(&tmp[..n]);
        if need == usize::MAX {
            if let Some(p) = find(buf, b"\r\n\r\n") {
                let cl = header(&buf[..p], b"content-length")
                    .and_then(|v| std::str::from_utf8(v).ok())
                    .and_then(|v| v.parse::<usize>().ok());
                start = p + 4;
                need = start + cl.unwrap_or(0);
            }
        }
    }
    Ok(start)
}
fn header<'a>(head: &'a [u8], k: &[u8]) -> Option<&'a [u8]> {
    head.split(|c| *c == b'\n').find_map(|l| {
        let p = l.iter().position(|c| *c == b':')?;
        l[..p].eq_ignore_ascii_case(k).then(|| l[p + 1..].trim_ascii())
    })
}

// ---------------------------------------------------------------- SigV4

fn hex(b: &[u8], o: &mut String) {
    for x in b {
        o.push(char::from_digit((x >> 4) as u32, 16).unwrap());
        o.push(char::from_digit((x & 15) as u32, 16).unwrap());
    }
}
/// (year, month, day, hour, minute, second), UTC
fn civil(secs: u64) -> (i64, u64, u64, u64, u64, u64) {
    let d = (secs / 86400) as i64;
    let s = secs % 86400;
    let z = d + 719468;
    let era = z.div_euclid(146097);
    let doe = z.rem_euclid(146097);
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    let y = yoe + era * 400;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let dd = (doy - (153 * mp + 2) / 5 + 1) as u64;
    let m = (if mp < 10 { mp + 3 } else { mp - 9 }) as u64;
    (if m <= 2 { y + 1 } else { y }, m, dd, s / 3600, s % 3600 / 60, s % 60)
}

// ---------------------------------------------------------------- DynamoDB

struct Ddb {
    host: String,
    port: u16,
    tls: Option<(Arc<rustls::ClientConfig>, String)>,
    host_header: String,
    region: String,
    access: String,
    secret: String,
    token: String,
    body: Vec<String>, // the request body around the places of `{id}`
    lower: bool,
    status: String, // "name"
    want: [String; 2],
    conn: Option<Conn>,
    key: Option<(String, hmac::Key)>,
}
impl Ddb {
    fn connect(&mut self) -> io::Result<()> {
        let a = (self.host.as_str(), self.port)
            .to_socket_addrs()?
            .find(|a| a.is_ipv4())
            .ok_or(io::ErrorKind::NotFound)?;
        let mut t = TcpStream::connect(a)?;
        t.set_nodelay(true)?;
        self.conn = Some(match &self.tls {
            None => Conn::Plain(t),
            Some((c, n)) => {
                let mut cc = rustls::ClientConnection::new(c.clone(), n.clone().try_into().unwrap())
                    .map_err(io::Error::other)?;
                while cc.is_handshaking() {
                    cc.complete_io(&mut t)?;
                }
                Conn::Tls(Box::new(rustls::StreamOwned::new(cc, t)))
            }
        });
        Ok(())
    }
    fn get(&mut self, id: &str, buf: &mut Vec<u8>) -> io::Result<bool> {
        let body = if self.lower {
            self.body.join(&id.to_ascii_lowercase())
        } else {
            self.body.join(id)
        };
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let (y, mo, d, h, mi, s) = civil(now);
        let date = format!("{y:04}{mo:02}{d:02}");
        let ts = format!("{date}T{h:02}{mi:02}{s:02}Z");
        let mut canon = format!(
            "POST\n/\n\nhost:{}\nx-amz-date:{ts}\nx-amz-security-token:{}\nx-amz-target:DynamoDB_20120810.GetItem\n\nhost;x-amz-date;x-amz-security-token;x-amz-target\n",
            self.host_header, self.token
        );
        hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref(), &mut canon);
        let mut sts = format!("AWS4-HMAC-SHA256\n{ts}\n{date}/{}/dynamodb/aws4_request\n", self.region);
        hex(digest::digest(&digest::SHA256, canon.as_bytes()).as_ref(), &mut sts);
        if self.key.as_ref().map(|k| k.0 != date).unwrap_or(true) {
            let m = |k: &[u8], v: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, k), v);
            let k = m(format!("AWS4{}", self.secret).as_bytes(), date.as_bytes());
            let k = m(k.as_ref(), self.region.as_bytes());
            let k = m(k.as_ref(), b"dynamodb");
            let k = m(k.as_ref(), b"aws4_request");
            self.key = Some((date.clone(), hmac::Key::new(hmac::HMAC_SHA256, k.as_ref())));
        }
        let mut sig = String::new();
        hex(
            hmac::sign(&self.key.as_ref().unwrap().1, sts.as_bytes()).as_ref(),
            &mut sig,
        );
        let req = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\nX-Amz-Date: {ts}\r\nX-Amz-Security-Token: {}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={}/{date}/{}/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Signature={sig}\r\nContent-Length: {}\r\n\r\n{body}",
            self.host_header, self.token, self.access, self.region, body.len()
        );
        let reused = self.conn.is_some();
        if !reused {
            self.connect()?;
        }
        let start = match self.conn.as_mut().unwrap().call(req.as_bytes(), buf) {
            Ok(p) => p,
            Err(e) => {
                self.conn = None;
                if !reused {
                    return Err(e);
                }
                self.connect()?;
                self.conn.as_mut().unwrap().call(req.as_bytes(), buf)?
            }
        };
        // "status":{"S":"active"}
        let v = &buf[start..];
        let Some(p) = find(v, self.status.as_bytes()) else {
            return Ok(false);
        };
        let v = &v[p..];
        let v = &v[..v.iter().position(|c| *c == b'}').unwrap_or(v.len())];
        Ok(self.want.iter().any(|w| v.ends_with(w.as_bytes())))
    }
}
fn ddb_from_env() -> Ddb {
    let region = env("AWS_REGION");
    let url = env_or(
        "AWS_ENDPOINT_URL_DYNAMODB",
        &format!("https://dynamodb.{region}.amazonaws.com"),
    );
    let (https, hp) = match url.strip_prefix("https://") {
        Some(h) => (true, h),
        None => (false, url.trim_start_matches("http://")),
    };
    let hp = hp.trim_end_matches('/');
    let (host, port) = hp
        .split_once(':')
        .map(|(h, p)| (h.to_string(), p.parse().unwrap()))
        .unwrap_or((hp.to_string(), if https { 443 } else { 80 }));
    let tls = https.then(|| {
        use rustls::pki_types::{pem::PemObject, CertificateDer};
        // compiled in: nothing to parse
        let mut roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Ok(f) = std::env::var("FLOOR_CA") {
            for c in CertificateDer::pem_file_iter(f).unwrap().flatten() {
                roots.add(c).unwrap();
            }
        }
        let c = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        (Arc::new(c), host.clone())
    });
    let mut key = format!(
        "\"{}\":{{\"S\":\"{}\"}}",
        env_or("PK_NAME", "pk"),
        env_or("PK_VALUE", "TAG#{id}")
    );
    let sk = env_or("SK_NAME", "sk");
    if !sk.is_empty() {
        key.push_str(&format!(",\"{sk}\":{{\"S\":\"{}\"}}", env_or("SK_VALUE", "TAG")));
    }
    let status = env_or("STATUS_NAME", "status");
    let value = env_or("STATUS_VALUE", "active");
    let body = format!(
        "{{\"TableName\":\"{}\",\"Key\":{{{key}}},{}\"ProjectionExpression\":\"#s\",\"ExpressionAttributeNames\":{{\"#s\":\"{status}\"}}}}",
        env("TABLE_NAME"),
        if env("CONSISTENT_READ") == "1" { "\"ConsistentRead\":true," } else { "" }
    );
    Ddb {
        host_header: hp.to_string(),
        host,
        port,
        tls,
        region,
        access: env("AWS_ACCESS_KEY_ID"),
        secret: env("AWS_SECRET_ACCESS_KEY"),
        token: env("AWS_SESSION_TOKEN"),
        body: body.split("{id}").map(String::from).collect(),
        lower: env("ID_CASE") == "lower",
        status: format!("\"{status}\""),
        want: [format!("\"{value}\""), format!(":{value}")],
        conn: None,
        key: None,
    }
}

// ---------------------------------------------------------------- Runtime API

/// The value of a string field of JSON that is itself escaped inside a JSON string: \"id\":\"x\"
fn field<'a>(b: &'a [u8], k: &str) -> Option<&'a str> {
    let b = &b[find(b, k.as_bytes())? + k.len()..];
    let st = b.iter().position(|c| !matches!(c, b'\\' | b'"' | b':' | b' '))?;
    let en = st + b[st..].iter().position(|c| matches!(c, b'\\' | b'"'))?;
    std::str::from_utf8(&b[st..en]).ok()
}
fn main() {
    let mut d = ddb_from_env();
    let mut dbuf = Vec::with_capacity(4096);
    match env("PREWARM").as_str() {
        "1" => drop(d.connect()),
        "2" => drop(d.get("prewarm", &mut dbuf)),
        _ => {}
    }
    let api = env("AWS_LAMBDA_RUNTIME_API");
    let mut rt = TcpStream::connect(&api).unwrap();
    rt.set_nodelay(true).unwrap();
    let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {api}\r\n\r\n");
    let mut buf = Vec::with_capacity(8192);
    let mut ack = Vec::new();
    loop {
        rt.write_all(next.as_bytes()).unwrap();
        let p = read_resp(&mut rt, &mut buf).unwrap();
        let id = String::from_utf8_lossy(header(&buf[..p], b"lambda-runtime-aws-request-id").unwrap()).into_owned();
        let body = &buf[p..];
        let ev = find(body, b"\"body\"").map(|q| &body[q..]).unwrap_or(body);
        let ok = match (field(ev, "\"id\\\""), field(ev, "\"type\\\"")) {
            (Some(tag), Some("authorize" | "start")) => d.get(tag, &mut dbuf).unwrap_or(false),
            _ => false,
        };
        let out = if ok {
            "{\"statusCode\":200}"
        } else {
            "{\"statusCode\":403}"
        };
        rt.write_all(
            format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\nContent-Length: {}\r\n\r\n{out}", out.len()).as_bytes(),
        )
        .unwrap();
        read_resp(&mut rt, &mut ack).unwrap();
    }
}
