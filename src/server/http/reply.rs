//! Answers and refusals, with the headers that every answer has.

use super::body::Body;
use super::route::RouteError;
use crate::device::{NoDevice, NotSet};
use crate::egress::EgressError;
use crate::library::{LibraryError, LibraryPath};
use crate::picture::PictureError;
use crate::provider::{NotForBrowsers, OpenError, WebError};
use crate::source::ChangeRefused;
use crate::upload::UploadError;
use crate::web_media::component::ComponentError;
use crate::web_media::{FetchError, ResolveError};
use bytes::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::time::Duration;

/// An answer.
pub(super) type Reply = Response<Body>;

/// What the page may do: load its own files and nothing else (docs/http-api.md).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; \
    font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A refusal, as RFC 9457 has it. The detail says what to do next.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    /// When it may be possible.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// … and may be asked again after this time.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

// The only places where a kind of error becomes a status.

impl From<RouteError> for Refusal {
    fn from(error: RouteError) -> Self {
        let status = match error {
            RouteError::Unknown => StatusCode::NOT_FOUND,
            RouteError::Path(_)
            | RouteError::Seconds { .. }
            | RouteError::Fit(_)
            | RouteError::Choice(_)
            | RouteError::Page(_)
            | RouteError::Upload(_)
            | RouteError::Playlist(_)
            | RouteError::Viewer(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<LibraryError> for Refusal {
    fn from(error: LibraryError) -> Self {
        let status = match error {
            LibraryError::NotFound(_) | LibraryError::IsFolder(_) | LibraryError::NotFolder(_) => {
                StatusCode::NOT_FOUND
            }
            LibraryError::NotRegular(_) | LibraryError::Forbidden(_) => StatusCode::FORBIDDEN,
            LibraryError::Io { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Library(error) => error.into(),
            OpenError::Cache(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
            OpenError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            OpenError::Quarantined { .. } => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()),
            OpenError::NotPlayable(reason) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason),
            OpenError::NoTrack(_) => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            OpenError::Web(error) => error.into(),
        }
    }
}

impl From<WebError> for Refusal {
    fn from(error: WebError) -> Self {
        let status = match &error {
            WebError::Address(_) => StatusCode::BAD_REQUEST,
            WebError::Closed => StatusCode::FORBIDDEN,
            WebError::Stream(_) => StatusCode::CONFLICT,
            WebError::Resolve(error) => match error {
                ResolveError::Fetch(fetch) => match &**fetch {
                    FetchError::Egress(EgressError::Refused { .. }) => StatusCode::FORBIDDEN,
                    FetchError::Silent { .. } => StatusCode::GATEWAY_TIMEOUT,
                    _ => StatusCode::BAD_GATEWAY,
                },
                ResolveError::Broken { .. } | ResolveError::YtDlp(_) => StatusCode::BAD_GATEWAY,
                ResolveError::Nothing { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ResolveError::TooSlow(_) => StatusCode::GATEWAY_TIMEOUT,
                ResolveError::Busy => StatusCode::SERVICE_UNAVAILABLE,
                ResolveError::Address(_) => StatusCode::BAD_GATEWAY,
            },
        };
        Self::new(status, error.to_string())
    }
}

impl From<ComponentError> for Refusal {
    fn from(error: ComponentError) -> Self {
        let status = match error {
            ComponentError::Version(_) => StatusCode::BAD_REQUEST,
            ComponentError::NoPrevious | ComponentError::NotInstalled => StatusCode::CONFLICT,
            ComponentError::Disk { .. } => StatusCode::INSUFFICIENT_STORAGE,
            ComponentError::Python { .. } | ComponentError::SelfTest { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            ComponentError::Fetch(_)
            | ComponentError::Broken(_)
            | ComponentError::Index { .. }
            | ComponentError::Sum { .. }
            | ComponentError::TooLarge => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.to_string())
    }
}

impl From<(&LibraryPath, PictureError)> for Refusal {
    fn from((path, error): (&LibraryPath, PictureError)) -> Self {
        let status = match error {
            PictureError::NotShown(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            PictureError::Busy | PictureError::NoWorker(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, format!("\"{path}\" {error}"))
    }
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        let status = match error {
            UploadError::Library(error) => return error.into(),
            UploadError::Off | UploadError::Outside(_) | UploadError::NotWritable(_) => StatusCode::FORBIDDEN,
            UploadError::Name(_) | UploadError::IntoItself(_) => StatusCode::BAD_REQUEST,
            UploadError::NoMedia(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            UploadError::NoFolder(_) | UploadError::Nothing(_) => StatusCode::NOT_FOUND,
            UploadError::Exists(_)
            | UploadError::NotEmpty(_)
            | UploadError::OtherDisk(_)
            | UploadError::TooMuch
            | UploadError::Busy
            | UploadError::Offset { .. } => StatusCode::CONFLICT,
            UploadError::Changed(_) => StatusCode::PRECONDITION_FAILED,
            UploadError::TooMany => StatusCode::SERVICE_UNAVAILABLE,
            UploadError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            UploadError::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<NotForBrowsers> for Refusal {
    fn from(error: NotForBrowsers) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<NoDevice> for Refusal {
    fn from(error: NoDevice) -> Self {
        let status = match error {
            NoDevice::Absent(_) | NoDevice::None => StatusCode::NOT_FOUND,
            NoDevice::Unusable(_) => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<NotSet> for Refusal {
    fn from(error: NotSet) -> Self {
        let status = match error {
            NotSet::NotOpened(_) | NotSet::Refused { .. } => StatusCode::CONFLICT,
            NotSet::Input { .. }
            | NotSet::Standard { .. }
            | NotSet::Control { .. }
            | NotSet::Value { .. } => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ChangeRefused> for Refusal {
    fn from(error: ChangeRefused) -> Self {
        let status = match error {
            ChangeRefused::Wrong(_) | ChangeRefused::Renamed { .. } => StatusCode::BAD_REQUEST,
            ChangeRefused::Unknown(_) => StatusCode::NOT_FOUND,
            ChangeRefused::Exists(_) | ChangeRefused::InFile(_) | ChangeRefused::TooMany => {
                StatusCode::CONFLICT
            }
            ChangeRefused::NotKept(_) => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::new(status, error.to_string())
    }
}

/// 200 with a body of this type.
pub(super) fn reply(content_type: &'static str, body: impl Into<Body>) -> Reply {
    let mut reply = Response::new(body.into());
    set(&mut reply, header::CONTENT_TYPE, content_type);
    set(&mut reply, header::CACHE_CONTROL, "no-store");
    reply
}

/// 200 with JSON.
pub(super) fn json(value: &impl Serialize) -> Reply {
    // Serialising our own plain structs cannot fail.
    reply("application/json", Bytes::from(serde_json::to_vec(value).unwrap_or_default()))
}

/// Sets a header to a fixed value.
pub(super) fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The headers that every answer has.
pub(super) fn finish(mut reply: Reply) -> Reply {
    // Pages of other makes bring their own.
    if !reply.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        set(&mut reply, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    }
    set(&mut reply, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, header::REFERRER_POLICY, "no-referrer");
    reply
}
