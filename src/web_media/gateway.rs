//! What a stream of the web is to its worker: a server on this machine's loopback, which fetches for it.
//!
//! ```text
//!  worker ─▶ http://127.0.0.1:PORT/KEY/<address in base64url>/<name> ─▶ Gateway ─▶ Client ─▶ Door ─▶ the internet
//! ```
//!
//! The worker is sealed so that it can connect to nothing but this port (where the kernel has Landlock's rules for TCP,
//! Linux 6.7). Playlists of HLS are rewritten on the way, so that what they name comes by here as well; redirects are
//! followed here. So the worker needs neither TLS nor names, and each address, whoever named it, passes the door.
//!
//! A gateway ends with the run of its source.

use super::Direct;
use super::client::{Answer, Client};
use crate::egress::{EgressError, Reach};
use crate::limits::{MAX_EGRESS_CONNECTIONS, MAX_HLS_PLAYLIST};
use crate::web_media::FetchError;
use crate::web_page::rewrite_hls;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use url::Url;

/// A gateway, until it is dropped.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    port: u16,
    failure: Arc<Mutex<Option<FetchError>>>,
    task: AbortHandle,
}

struct Means {
    client: Client,
    reach: Reach,
    /// The headers that the site wants.
    headers: Arc<[(String, String)]>,
    /// Nobody else on this machine guesses it.
    key: String,
    /// Why what was asked for last did not come.
    failure: Arc<Mutex<Option<FetchError>>>,
}

/// Headers of the worker's request that matter to the server.
const PASSED_ON: [HeaderName; 2] = [header::RANGE, HeaderName::from_static("icy-metadata")];

/// Headers of the answer that matter to the worker.
const PASSED_BACK: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_RANGE,
    header::ACCEPT_RANGES,
    header::LAST_MODIFIED,
    HeaderName::from_static("icy-metaint"),
    HeaderName::from_static("icy-name"),
    HeaderName::from_static("icy-genre"),
];

impl Gateway {
    /// Opens a gateway to `direct`, and to what that leads to within `reach`.
    ///
    /// # Errors
    /// When there is no port for it, or no randomness.
    pub async fn open(client: Client, direct: &Direct, reach: Reach) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut key = [0; 12];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut key)
            .map_err(|_| io::Error::other("the system has no random numbers"))?;
        let key = BASE64URL_NOPAD.encode(&key);
        let failure = Arc::default();
        let means =
            Means { client, reach, headers: direct.headers.clone(), key, failure: Arc::clone(&failure) };
        let means = Arc::new(means);
        // GStreamer's sources know an address by its host and port alone.
        let url = format!("http://127.0.0.1:{port}{}", means.path_of(&direct.url));
        let task = tokio::spawn(async move { serve(&listener, &means).await }).abort_handle();
        Ok(Self { url, port, failure, task })
    }

    /// The address that stands for the stream's.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Why what was asked for last did not come, if that is so. The worker was told a status of HTTP, which says less.
    pub fn take_failure(&self) -> Option<FetchError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The one port that a worker needs.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Means {
    /// The name at the end is for those who look at it to guess what it is.
    fn path_of(&self, url: &Url) -> String {
        let name = url.path().rsplit('/').next().unwrap_or_default();
        let name: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
        let name = &name[name.len().saturating_sub(40)..];
        format!("/{}/{}/{name}", self.key, BASE64URL_NOPAD.encode(url.as_str().as_bytes()))
    }

    fn url_of(&self, path: &str) -> Option<Url> {
        let mut parts = path.strip_prefix('/')?.split('/');
        if parts.next()? != self.key {
            return None;
        }
        let url = BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
        Url::parse(std::str::from_utf8(&url).ok()?)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
    }
}

async fn serve(listener: &TcpListener, means: &Arc<Means>) {
    let places = Arc::new(Semaphore::new(MAX_EGRESS_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let means = means.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let means = means.clone();
                async move { Ok::<_, Infallible>(answer(&means, &request).await) }
            });
            // The worker sees the end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answer)
                .await;
            drop(place);
        });
    }
}

async fn answer(means: &Means, request: &Request<Incoming>) -> Response<Body> {
    let Some(url) = means.url_of(request.uri().path()).filter(|_| request.method() == Method::GET) else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let direct = Direct { url, headers: means.headers.clone() };
    let passed = PASSED_ON.into_iter().filter_map(|name| {
        let value = request.headers().get(&name)?.clone();
        Some((name, value))
    });
    let passed: Vec<_> = passed.collect();
    let answer = match means.client.get(&direct, &passed, means.reach).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(url = %direct.url.path(), %error, "a part of a stream does not come");
            let status = match error {
                FetchError::Status { status, .. } => status,
                FetchError::Egress(EgressError::Refused { .. }) => StatusCode::FORBIDDEN,
                _ => StatusCode::BAD_GATEWAY,
            };
            *means.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return refusal(status);
        }
    };
    *means.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
    pass_back(means, answer).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a part of a stream broke off");
        refusal(StatusCode::BAD_GATEWAY)
    })
}

async fn pass_back(means: &Means, mut answer: Answer) -> io::Result<Response<Body>> {
    let first = answer.piece().await?.unwrap_or_default();
    let kind = answer.header(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    // A radio's type may be audio/mpegurl as well, and then it is a list all the same.
    let is_list = first.starts_with(b"#EXTM3U")
        || first.starts_with(b"\xef\xbb\xbf#EXTM3U")
        || kind.contains("mpegurl");
    if is_list {
        let mut text = first.to_vec();
        answer.up_to(&mut text, MAX_HLS_PLAYLIST).await?;
        let text = String::from_utf8_lossy(&text);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let list = rewrite_hls(&answer.url, text, |url| means.path_of(url));
        let mut response = Response::new(Body::Whole(list.into()));
        let kind = HeaderValue::from_static("application/vnd.apple.mpegurl");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        return Ok(response);
    }
    let length = answer.length();
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = answer.status;
    for name in PASSED_BACK {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(length) = length.map(|left| left + first.len() as u64) {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = Body::Passing { first, answer: Box::new(answer) };
    Ok(response)
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

enum Body {
    Whole(Bytes),
    /// As it comes.
    Passing {
        first: Bytes,
        answer: Box<Answer>,
    },
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let first = match self.get_mut() {
            Self::Whole(bytes) => bytes,
            Self::Passing { first, answer } if first.is_empty() => return answer.poll_piece(cx),
            Self::Passing { first, .. } => first,
        };
        match std::mem::take(first) {
            empty if empty.is_empty() => Poll::Ready(None),
            bytes => Poll::Ready(Some(Ok(Frame::data(bytes)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Passing { first, answer } => match answer.length() {
                Some(left) => SizeHint::with_exact(left + first.len() as u64),
                None => SizeHint::default(),
            },
        }
    }
}
