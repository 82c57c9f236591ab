//! One connection of a client: RTMP up to the stream that plays or publishes, or HTTP up to the body.

use crate::demux::{Chunks, FlvTags, Garbled, HttpBody, Seen};
use crate::wire::Wire;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use wiidiaserver::amf0::{self, Properties, Value};

/// For something that a server does at once. A loaded one that takes longer does not serve.
const SOON: Duration = Duration::from_secs(5);

/// Read at once, by all clients into the same memory: what 2.5 Mbit/s brings in half a second.
const READ: usize = 256 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// Why a client got no further.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server does not do this.
    Refused(String),
    /// The connection ended or broke.
    Broken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Garbled> for Failure {
    fn from(garbled: Garbled) -> Self {
        match garbled {
            Garbled::Http(_) => Self::Refused(garbled.to_string()),
            Garbled::Unexpected(_) => Self::Broken(garbled.to_string()),
        }
    }
}

/// `rtmp://host:port/app/name`, the same with `rtmps`, or `http://host:port/path`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) rtmp: bool,
    tls: bool,
    pub(crate) address: SocketAddr,
    host: String,
    app: String,
    /// Behind the first slash, or behind the app.
    name: String,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{url}\" is no address that can be loaded; expected rtmp://127.0.0.1:1935/app/name or \
                 http://127.0.0.1:8080/path"
            )
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
        // Numbers only: a name would be looked up, and may lead out of this machine.
        let address = host.parse().map_err(|_| wrong())?;
        let (rtmp, app, name) = match scheme {
            "rtmp" | "rtmps" => {
                path.split_once('/').map(|(app, name)| (true, app, name)).ok_or_else(wrong)?
            }
            "http" => (false, "", path),
            _ => return Err(wrong()),
        };
        let tls = scheme == "rtmps";
        Ok(Self { rtmp, tls, address, host: host.to_owned(), app: app.to_owned(), name: name.to_owned() })
    }
}

/// How bytes become messages.
enum Input {
    Rtmp(Chunks),
    Flv(HttpBody, FlvTags),
    /// Only counted, as one message for each read.
    File(HttpBody),
}

/// A connected client.
pub(crate) struct Client {
    socket: Wire,
    input: Input,
    name: String,
    received: u64,
    acknowledged: u64,
    window: u64,
    transaction: f64,
    /// Control messages that are due; written when the socket takes them.
    replies: Vec<u8>,
}

impl Client {
    async fn open(target: &Target) -> Result<Self, Failure> {
        let socket = Wire::connect(target.address, target.tls).await?;
        Ok(Self {
            socket,
            input: Input::Rtmp(Chunks::new()),
            name: target.name.clone(),
            received: 0,
            acknowledged: 0,
            window: u64::MAX,
            transaction: 0.0,
            replies: Vec::new(),
        })
    }

    /// Connects and asks to play, with a buffer of that length.
    pub(crate) async fn play(
        target: &Target,
        buffer: Duration,
        on: &mut dyn FnMut(Seen<'_>),
    ) -> Result<Self, Failure> {
        if !target.rtmp {
            let mut client = Self::open(target).await?;
            client.input = Input::Flv(HttpBody::default(), FlvTags::default());
            client.get(target).await?;
            return Ok(client);
        }
        let mut client = Self::stream(target).await?;
        let mut length = vec![0, 3, 0, 0, 0, 1];
        length.extend((buffer.as_millis() as u32).to_be_bytes());
        let mut out = message(2, 0, 4, &length);
        let name = client.name.clone();
        out.extend(command(1, "play", 0.0, &[Value::Null, name.as_str().into(), Value::from(-2000.0)]));
        client.write(&out).await?;
        client.started("NetStream.Play.", on).await?;
        Ok(client)
    }

    /// Connects and asks to publish.
    pub(crate) async fn publish(target: &Target) -> Result<Self, Failure> {
        let mut client = Self::stream(target).await?;
        let name = client.name.clone();
        let arguments = [Value::Null, name.as_str().into(), "live".into()];
        client.write(&command(1, "publish", 0.0, &arguments)).await?;
        client.started("NetStream.Publish.", &mut |_| ()).await?;
        Ok(client)
    }

    /// Connects and asks for a file, of which only the bytes are counted.
    pub(crate) async fn fetch(target: &Target) -> Result<Self, Failure> {
        let mut client = Self::open(target).await?;
        client.input = Input::File(HttpBody::default());
        client.get(target).await?;
        Ok(client)
    }

    async fn get(&mut self, target: &Target) -> Result<(), Failure> {
        let (path, host) = (&target.name, &target.host);
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.write(request.as_bytes()).await
    }

    /// Handshake, `connect`, `createStream`.
    async fn stream(target: &Target) -> Result<Self, Failure> {
        let mut client = Self::open(target).await?;
        client.shake_hands().await?;
        let object = Properties::new()
            .with("app", target.app.as_str())
            .with("flashVer", "LNX 9,0,124,2")
            .with("tcUrl", format!("rtmp://{}/{}", target.host, target.app))
            .with("fpad", false)
            .with("capabilities", 15.0)
            .with("audioCodecs", 4071.0)
            .with("videoCodecs", 252.0)
            .with("videoFunction", 1.0);
        client.call("connect", object.into()).await?;
        client.call("createStream", Value::Null).await?;
        Ok(client)
    }

    /// The simple handshake (5.2).
    async fn shake_hands(&mut self) -> Result<(), Failure> {
        let mut c0_c1 = vec![3; 1537];
        c0_c1[1..9].fill(0);
        self.write(&c0_c1).await?;
        let mut answer = vec![0; 1 + 2 * 1536];
        let mut got = 0;
        while got < answer.len() {
            self.readable().await?;
            match self.socket.try_read(&mut answer[got..]) {
                Ok(0) => return Err(Failure::Broken("closed during the handshake".to_owned())),
                Ok(len) => got += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.write(&answer[1..1537]).await
    }

    /// A command on the connection, and its answer.
    async fn call(&mut self, name: &str, object: Value) -> Result<(), Failure> {
        self.transaction += 1.0;
        let transaction = self.transaction;
        self.write(&command(0, name, transaction, &[object])).await?;
        self.wait(name, &mut |_| (), |values| {
            let [answer, id, ..] = values else { return None };
            if id.as_f64() != Some(transaction) {
                return None;
            }
            match answer.as_str().as_deref() {
                Some("_result") => Some(Ok(())),
                Some("_error") => Some(Err(Failure::Refused(format!("{name}: {values:?}")))),
                _ => None,
            }
        })
        .await
    }

    /// The first status of that family which decides.
    async fn started(&mut self, family: &str, on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Failure> {
        self.wait(family, on, |values| {
            let info = values.get(3)?;
            let code = info.get("code")?.as_str()?.into_owned();
            let error = info.get("level").and_then(Value::as_str).as_deref() == Some("error");
            match code.strip_prefix(family) {
                _ if error => Some(Err(Failure::Refused(code))),
                Some("Start") => Some(Ok(())),
                _ => None,
            }
        })
        .await
    }

    /// Reads until a command decides; everything goes to `on` as well.
    async fn wait(
        &mut self,
        what: &str,
        on: &mut dyn FnMut(Seen<'_>),
        decide: impl Fn(&[Value]) -> Option<Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let mut decided = VecDeque::new();
        while decided.is_empty() {
            self.readable().await.map_err(|failure| match failure {
                // A server that hangs up on a command does not know it.
                Failure::Broken(why) => Failure::Refused(format!("{what}: {why}")),
                refused @ Failure::Refused(_) => refused,
            })?;
            let read = self.read_ready(&mut |seen| {
                decided.extend(values(&seen).as_deref().and_then(&decide));
                on(seen);
            });
            read.map_err(|failure| Failure::Refused(format!("{what}: {failure}")))?;
        }
        decided.pop_front().unwrap_or(Ok(()))
    }

    async fn readable(&self) -> Result<(), Failure> {
        match tokio::time::timeout(SOON, self.socket.readable()).await {
            Ok(readable) => Ok(readable?),
            Err(_) => Err(Failure::Broken(format!("no answer in {} s", SOON.as_secs()))),
        }
    }

    /// Waits for bytes, without a limit, and reads what is there. Can be cancelled.
    pub(crate) async fn read(&mut self, on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Failure> {
        self.socket.readable().await?;
        self.read_ready(on)
    }

    fn read_ready(&mut self, on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Failure> {
        let Self { socket, input, received, window, replies, .. } = self;
        SCRATCH.with_borrow_mut(|scratch| -> Result<(), Failure> {
            let len = match socket.try_read(scratch) {
                Ok(0) => return Err(Failure::Broken("closed by the server".to_owned())),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            *received += len as u64;
            let bytes = &scratch[..len];
            match input {
                Input::Rtmp(chunks) => chunks.feed(bytes, &mut |seen| {
                    match (seen.kind, seen.head) {
                        (4, [0, 6, time @ ..]) => {
                            replies.extend(message(2, 0, 4, &[&[0, 7], time].concat()));
                        }
                        (5, &[a, b, c, d, ..]) => *window = u32::from_be_bytes([a, b, c, d]).into(),
                        _ => {}
                    }
                    on(seen);
                })?,
                Input::Flv(http, tags) => http.feed(bytes, &mut |body| tags.feed(body, on))?,
                Input::File(http) => http.feed(bytes, &mut |body| {
                    on(Seen { kind: 0, ms: 0, len: body.len(), head: &[] });
                    Ok(())
                })?,
            }
            Ok(())
        })?;
        if self.received - self.acknowledged >= self.window / 2 {
            self.acknowledged = self.received;
            self.replies.extend(message(2, 0, 3, &(self.received as u32).to_be_bytes()));
        }
        if !self.replies.is_empty() {
            // A few bytes; a socket that has no room for them will have when the next are due.
            if let Ok(written) = self.socket.try_write(&self.replies) {
                self.replies.drain(..written);
            }
        }
        Ok(())
    }

    /// Asks for another time of the recording.
    pub(crate) async fn seek(&mut self, ms: u32) -> Result<(), Failure> {
        self.write(&command(1, "seek", 0.0, &[Value::Null, Value::from(f64::from(ms))])).await
    }

    /// Writes all of it.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.socket.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.socket.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The values of a command or data message.
pub(crate) fn values(seen: &Seen<'_>) -> Option<Vec<Value>> {
    match (seen.kind, seen.head) {
        (17, [_, amf0 @ ..]) | (18 | 20, amf0) => Some(amf0::decode_prefix(amf0).0),
        _ => None,
    }
}

/// The code of an `onStatus`.
pub(crate) fn status(seen: &Seen<'_>) -> Option<String> {
    if seen.kind != 20 {
        return None;
    }
    Some(values(seen)?.get(3)?.get("code")?.as_str()?.into_owned())
}

fn command(stream: u32, name: &str, transaction: f64, arguments: &[Value]) -> Vec<u8> {
    let mut all = vec![Value::from(name), Value::from(transaction)];
    all.extend_from_slice(arguments);
    message(if stream == 0 { 3 } else { 8 }, stream, 20, &amf0::encode_to_bytes(&all))
}

/// A message in chunks of the initial 128 bytes, which these clients never change but to publish.
fn message(csid: u8, stream: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_message(&mut out, csid, stream, kind, 0, 128, body);
    out
}

/// A message with a full header (5.3.1.2.1), cut into chunks.
pub(crate) fn put_message(
    out: &mut Vec<u8>,
    csid: u8,
    stream: u32,
    kind: u8,
    ms: u32,
    chunk_size: usize,
    body: &[u8],
) {
    let extended = (ms >= 0xff_ffff).then(|| ms.to_be_bytes());
    out.push(csid);
    out.extend(&ms.min(0xff_ffff).to_be_bytes()[1..]);
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.push(kind);
    out.extend(stream.to_le_bytes());
    out.extend(extended.iter().flatten());
    for (n, chunk) in body.chunks(chunk_size).enumerate() {
        if n > 0 {
            out.push(0xc0 | csid);
            out.extend(extended.iter().flatten());
        }
        out.extend(chunk);
    }
}
