//! An HTTP client for media and pages: one request a connection, through the [`Door`], with bounds on everything.

use super::Direct;
use crate::egress::{Door, EgressError, Reach};
use crate::limits::{MAX_WEB_REDIRECTS, WEB_READ_TIMEOUT};
use bytes::Bytes;
use data_encoding::BASE64;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::task::AbortHandle;
use url::Url;

/// Fetches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    door: Arc<Door>,
}

/// Why nothing came. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// A connection, and no HTTP on it.
    #[error("\"{host}\" does not speak HTTP as expected: {reason}")]
    Http {
        /// Which server.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// Nothing within [`WEB_READ_TIMEOUT`].
    #[error("\"{host}\" does not answer within {seconds} s", seconds = WEB_READ_TIMEOUT.as_secs())]
    Silent {
        /// Which server.
        host: String,
    },
    /// The server says no.
    #[error("\"{host}\" answers {status}{hint}")]
    Status {
        /// Which server.
        host: String,
        /// What it says.
        status: StatusCode,
        /// What that means for people.
        hint: &'static str,
    },
    /// It is sent on and on.
    #[error(
        "\"{host}\" sends on to other addresses, more than {MAX_WEB_REDIRECTS} times; open the address in a browser, and take the one it ends at"
    )]
    Redirects {
        /// Which server.
        host: String,
    },
    /// An address that is none, or of another kind.
    #[error("\"{host}\" sends on to something that is no address of the web")]
    BadRedirect {
        /// Which server.
        host: String,
    },
}

impl FetchError {
    /// Another address of the same media may do: this one has expired, or moved.
    pub(super) fn is_about_the_address(&self) -> bool {
        matches!(self, Self::Status { status, .. } if status.is_client_error())
    }

    /// Trying again may do.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Egress(EgressError::Refused { .. } | EgressError::NoAuthorities(_)) => false,
            Self::Egress(_) | Self::Http { .. } | Self::Silent { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Redirects { .. } | Self::BadRedirect { .. } => false,
        }
    }
}

/// An answer whose body is on its way. Dropped, the connection is closed.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Incoming,
    _connection: Connection,
}

#[derive(Debug)]
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    /// A client whose connections are made by `door`.
    pub fn new(door: Arc<Door>) -> Self {
        Self { door }
    }

    /// How far what is at the owner's address may lead.
    pub async fn reach_of_owners(&self, url: &Url) -> Reach {
        let port = url.port_or_known_default().unwrap_or(80);
        self.door.reach_of_owners(url.host_str().unwrap_or_default(), port).await
    }

    /// The door.
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }

    /// GET, with `more` headers, following where servers send on to. Any status below 400 is an answer.
    pub(super) async fn get(
        &self,
        direct: &Direct,
        more: &[(HeaderName, HeaderValue)],
        reach: Reach,
    ) -> Result<Answer, FetchError> {
        let mut url = direct.url.clone();
        for _ in 0..=MAX_WEB_REDIRECTS {
            let same_host = url.host() == direct.url.host();
            let answer = self.get_once(&url, direct, same_host, more, reach).await?;
            let Some(location) = answer.headers.get(header::LOCATION).filter(|_| is_redirect(answer.status))
            else {
                return Ok(answer);
            };
            let host = || host_of(&url);
            // Servers send bytes that are no ASCII, and mean UTF-8.
            let next = url.join(&String::from_utf8_lossy(location.as_bytes()));
            let mut next = next.map_err(|_| FetchError::BadRedirect { host: host() })?;
            if !matches!(next.scheme(), "http" | "https") {
                return Err(FetchError::BadRedirect { host: host() });
            }
            next.set_fragment(None);
            url = next;
        }
        Err(FetchError::Redirects { host: host_of(&direct.url) })
    }

    async fn get_once(
        &self,
        url: &Url,
        direct: &Direct,
        same_host: bool,
        more: &[(HeaderName, HeaderValue)],
        reach: Reach,
    ) -> Result<Answer, FetchError> {
        let host = host_of(url);
        let http = |reason: String| FetchError::Http { host: host.clone(), reason };
        let request = request(url, direct, same_host, more).map_err(|error| http(error.to_string()))?;
        let port = url.port_or_known_default().unwrap_or(80);
        // A server that takes the connection and then nothing must not keep us.
        let asking = async {
            if url.scheme() == "https" {
                let stream = self.door.connect_tls(&host, port, reach).await?;
                ask(TokioIo::new(stream), request).await.map_err(|error| http(error.to_string()))
            } else {
                let stream = self.door.connect(&host, port, reach).await?;
                ask(TokioIo::new(stream), request).await.map_err(|error| http(error.to_string()))
            }
        };
        let (response, connection) = match tokio::time::timeout(2 * WEB_READ_TIMEOUT, asking).await {
            Ok(asked) => asked?,
            Err(_) => return Err(FetchError::Silent { host }),
        };
        let (head, body) = response.into_parts();
        if head.status.is_client_error() || head.status.is_server_error() {
            return Err(FetchError::Status { host, status: head.status, hint: hint(head.status) });
        }
        Ok(Answer {
            url: url.clone(),
            status: head.status,
            headers: head.headers,
            body,
            _connection: connection,
        })
    }
}

async fn ask<S>(stream: S, request: Request<String>) -> hyper::Result<(hyper::Response<Incoming>, Connection)>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new().max_headers(200).handshake(stream).await?;
    // Its end is seen in the body.
    let connection = Connection(tokio::spawn(async move { drop(connection.await) }).abort_handle());
    Ok((sender.send_request(request).await?, connection))
}

fn request(
    url: &Url,
    direct: &Direct,
    same_host: bool,
    more: &[(HeaderName, HeaderValue)],
) -> Result<Request<String>, hyper::http::Error> {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", host_of(url)),
        None => host_of(url),
    };
    let mut request = Request::builder().uri(target).header(header::HOST, authority);
    if let Some(headers) = request.headers_mut() {
        for (name, value) in direct.headers.iter() {
            let name = HeaderName::try_from(name.as_str());
            let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) else { continue };
            // Who has moved elsewhere need not know what is for the first one alone.
            let private = [header::AUTHORIZATION, header::COOKIE].contains(&name);
            let ours = [
                header::HOST,
                header::CONNECTION,
                header::TRANSFER_ENCODING,
                header::CONTENT_LENGTH,
                header::RANGE,
            ];
            if !ours.contains(&name) && (same_host || !private) {
                headers.insert(name, value);
            }
        }
        let agent = HeaderValue::from_static(concat!("wiidiaserver/", env!("CARGO_PKG_VERSION")));
        headers.entry(header::USER_AGENT).or_insert(agent);
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if let Some(basic) = basic(url) {
            headers.entry(header::AUTHORIZATION).or_insert(basic);
        }
        headers.extend(more.iter().cloned());
    }
    request.body(String::new())
}

/// User and password of the address (RFC 7617).
fn basic(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let both = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(&both))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 407 => "; it wants a user name and a password, as in https://user:password@host/…",
        403 => "; it does not want to give that to this machine",
        404 | 410 => "; there is nothing at that address",
        416 => "; what it has is shorter than it was",
        429 | 503 => "; it has too much to do, try again later",
        _ => "",
    }
}

impl Answer {
    /// A header's text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Bytes of the body, if the server says how many.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// Bytes of the whole, by `Content-Range: bytes 0-9/LENGTH`, and the first byte of this part.
    pub(super) fn range(&self) -> Option<(u64, u64)> {
        let range = self.header(header::CONTENT_RANGE)?.trim().strip_prefix("bytes ")?;
        let (part, whole) = range.split_once('/')?;
        Some((part.split_once('-')?.0.trim().parse().ok()?, whole.trim().parse().ok()?))
    }

    /// The next piece of the body, for another body that passes it on. Whoever reads that has a time-out.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<io::Result<hyper::body::Frame<Bytes>>>> {
        Pin::new(&mut self.body)
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(io::Error::other)))
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        let next = async {
            loop {
                match poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(io::Error::other(error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) if !data.is_empty() => return Ok(Some(data)),
                        // Trailers and empty chunks.
                        _ => {}
                    },
                }
            }
        };
        match tokio::time::timeout(WEB_READ_TIMEOUT, next).await {
            Ok(piece) => piece,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the server sends nothing more")),
        }
    }

    /// The first `most` bytes, or all when there are fewer.
    pub(super) async fn beginning(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.up_to(&mut bytes, most).await?;
        Ok(bytes)
    }

    /// Reads on until `bytes` has `most`, or the body ends.
    pub(super) async fn up_to(&mut self, bytes: &mut Vec<u8>, most: usize) -> io::Result<()> {
        while bytes.len() < most {
            let Some(piece) = self.piece().await? else { break };
            bytes.extend_from_slice(&piece[..piece.len().min(most - bytes.len())]);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_carry_what_the_site_wants_and_no_more_than_that() {
        let direct = |url: &str| Direct {
            url: url.parse().unwrap(),
            headers: Arc::new([
                ("Referer".into(), "https://page/".into()),
                ("Cookie".into(), "a=b".into()),
                ("User-Agent".into(), "Browser".into()),
                ("Host".into(), "elsewhere".into()),
                ("bad\r\nname".into(), "x".into()),
                ("X-Bad".into(), "a\r\nb".into()),
            ]),
        };
        let first = direct("http://us%40er:p%3Aw@h:81/a%20b?c");
        let request = super::request(&first.url, &first, true, &[]).unwrap();
        assert_eq!(request.uri(), "/a%20b?c");
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("host"), Some("h:81"));
        assert_eq!(header("referer"), Some("https://page/"));
        assert_eq!(header("user-agent"), Some("Browser"));
        assert_eq!(header("authorization"), Some("Basic dXNAZXI6cDp3"));
        assert_eq!(header("cookie"), Some("a=b"));
        assert_eq!(header("x-bad"), None);
        let elsewhere: Url = "https://other/".parse().unwrap();
        let request = super::request(&elsewhere, &first, false, &[]).unwrap();
        assert!(
            !request.headers().contains_key("cookie") && !request.headers().contains_key("authorization")
        );
        assert_eq!(request.uri(), "/");
    }
}
