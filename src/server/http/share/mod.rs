//! `/share/<path>`: the library as a network folder, by WebDAV (RFC 4918, classes 1 and 2), for the file managers of Windows,
//! macOS, Linux and telephones. Off until the owner switches it on. Any file is taken, so that a copy does not stop at the
//! notes beside a film; the library shows what it has a use for.
//!
//! What it does to files is done by [`Uploads`](crate::upload::Uploads): the same folders, names and bounds as on the page, a
//! file is in its place when all of it is on the disk. Locks are given to whoever wants one, because Windows and macOS only
//! write with one, and hold nobody off: of two who write a file, the last is whole.
//!
//! ```text
//!  guard (owner, by password) ─▶ switched on? ─▶ method ─┬─ PROPFIND … ─▶ xml ─▶ library
//!                                                        └─ PUT, MKCOL, MOVE … ─▶ uploads
//! ```

mod litter;
mod xml;

use super::download;
use super::library::blocking;
use super::reply::{Refusal, Reply, reply, set};
use super::upload::pour;
use crate::library::{FileIdentity, LibraryError, LibraryPath};
use crate::limits::{
    MAX_SHARE_BODY, MAX_SHARE_ENTRIES, MAX_SHARE_LITTER, SHARE_LOCK_SECONDS, UPLOAD_PATIENCE,
};
use crate::server::App;
use crate::upload::{Names, Outcome, Replace, UploadError, Wanted as Coming, list};
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use std::future::poll_fn;
use std::os::unix::ffi::OsStrExt;
use std::pin::Pin;
use xml::{MULTISTATUS, Resource, XmlError};

/// Where it is.
pub(super) const ADDRESS: &str = "/share";

/// Answers a request of the owner's.
pub(super) async fn answer(
    app: &App,
    path: LibraryPath,
    head: &Parts,
    body: Incoming,
) -> Result<Reply, Refusal> {
    if app.settings.value("library", "share") != true {
        let text = "the library is not shared as a network folder; switch it on under Set up, Library";
        return Err(Refusal::new(StatusCode::FORBIDDEN, text));
    }
    let headers = &head.headers;
    if litter::is(&path) {
        return litter::answer(head.method.as_str(), body).await;
    }
    match head.method.as_str() {
        "GET" | "HEAD" => get(app, path, headers).await,
        "PUT" => put(app, path, headers, body).await,
        "DELETE" => {
            let (uploads, gone) = (app.uploads.clone(), path.clone());
            blocking(move || uploads.remove_all(&gone)).await?;
            tracing::info!(%path, "deleted by the network folder");
            Ok(empty(StatusCode::NO_CONTENT))
        }
        "MKCOL" => make(app, path, body).await,
        method @ ("COPY" | "MOVE") => transfer(app, method == "MOVE", path, headers).await,
        "PROPFIND" => find(app, path, headers, body).await,
        "PROPPATCH" => {
            let names = xml::patched(&read(body).await?)?;
            let resource = resource(app, &path).await?;
            Ok(multistatus(xml::patch_answer(&resource.href, &names)))
        }
        "LOCK" => lock(app, path, headers, body).await,
        "UNLOCK" => Ok(empty(StatusCode::NO_CONTENT)),
        // The table of addresses has no others.
        method => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here"))),
    }
}

/// What OPTIONS says besides the methods: that there is WebDAV here.
pub(super) fn announce(reply: &mut Reply) {
    set(reply, HeaderName::from_static("dav"), "1, 2");
    // Windows asks FrontPage otherwise.
    set(reply, HeaderName::from_static("ms-author-via"), "DAV");
}

async fn get(app: &App, path: LibraryPath, headers: &HeaderMap) -> Result<Reply, Refusal> {
    let library = app.providers.library().clone();
    if library.is_folder(&path) {
        let text = "this is a folder of the library; open it with a file manager, by its address";
        return Ok(reply("text/plain; charset=utf-8", Bytes::from_static(text.as_bytes())));
    }
    seen(&path)?;
    let (name, of) = (path.file_name(), path);
    let file = blocking(move || library.open(&of)).await?;
    download::send(file, &name, headers)
}

/// Nothing is looked at that a listing does not show.
fn seen(path: &LibraryPath) -> Result<(), Refusal> {
    match path.names().iter().any(|name| name.as_bytes().starts_with(b".")) {
        true => Err(LibraryError::NotFound(path.clone()).into()),
        false => Ok(()),
    }
}

async fn put(app: &App, path: LibraryPath, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    if headers.contains_key(header::CONTENT_RANGE) {
        // RFC 9110 14.5: part of a file must not be taken for all of it.
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "only whole files are taken here; send all of it"));
    }
    let replace = replace(app, headers, &path).await?;
    let wanted = Coming { offset: 0, size: body.size_hint().exact(), replace, names: Names::Any };
    let (uploads, to) = (app.uploads.clone(), path.clone());
    let upload = blocking(move || uploads.begin(&to, wanted).map_err(of_folder)).await?;
    let status = match pour(upload, body).await? {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Replaced => StatusCode::NO_CONTENT,
        Outcome::Unfinished(received) => {
            let text = format!("the file broke off after {received} bytes; send it again");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        }
    };
    tracing::info!(file = %path, "a file has come by the network folder");
    Ok(empty(status))
}

/// File managers ask people before they replace anything; `If-Match` and `If-None-Match` narrow it down.
async fn replace(app: &App, headers: &HeaderMap, path: &LibraryPath) -> Result<Replace, Refusal> {
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*") {
        return Ok(Replace::No);
    }
    let Some(known) = headers.get(header::IF_MATCH).filter(|value| *value != "*") else {
        return Ok(Replace::Yes);
    };
    let version = super::library::identify(app, path).await.ok();
    match version.filter(|version| download::tag(*version).is_ok_and(|tag| tag == known)) {
        Some(version) => Ok(Replace::Only(version)),
        None => Err(UploadError::Changed(path.clone()).into()),
    }
}

async fn make(app: &App, path: LibraryPath, body: Incoming) -> Result<Reply, Refusal> {
    if !body.is_end_stream() {
        let text = "a folder is made without a body; send none";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let uploads = app.uploads.clone();
    let made = move || {
        uploads.make_folder(&path).map_err(|error| match error {
            // RFC 4918 9.3.1
            UploadError::Exists(_) => Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error.to_string()),
            error => of_folder(error),
        })
    };
    blocking(made).await?;
    Ok(empty(StatusCode::CREATED))
}

/// A folder that is not there is a conflict for what is to come into it (RFC 4918 9.3.1, 9.7.1, 9.8.5).
fn of_folder(error: UploadError) -> Refusal {
    match error {
        UploadError::NoFolder(_) => Refusal::new(StatusCode::CONFLICT, error.to_string()),
        error => error.into(),
    }
}

/// COPY and MOVE, with all that is in a folder.
async fn transfer(app: &App, moves: bool, from: LibraryPath, headers: &HeaderMap) -> Result<Reply, Refusal> {
    let to = destination(headers)?;
    let overwrite = headers.get("overwrite").is_none_or(|value| value != "F");
    if from == to {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this is where it is already; choose another place"));
    }
    let (uploads, source, target) = (app.uploads.clone(), from.clone(), to.clone());
    let library = app.providers.library().clone();
    let there = blocking(move || {
        if !library.is_folder(&source) {
            // Says so before anything that is in the way is deleted.
            library.open(&source)?;
        }
        let there = library.is_folder(&target) || library.open(&target).is_ok();
        if there && !overwrite {
            return Err(UploadError::Changed(target).into());
        }
        if there {
            let within = |outer: &LibraryPath, inner: &LibraryPath| inner.names().starts_with(outer.names());
            if within(&source, &target) || within(&target, &source) {
                return Err(UploadError::IntoItself(target).into());
            }
            uploads.remove_all(&target)?;
        }
        let done = match moves {
            true => uploads.rename(&source, &target, Names::Any),
            false => uploads.copy(&source, &target, Replace::No).map(drop),
        };
        done.map_err(of_folder)?;
        Ok::<bool, Refusal>(there)
    });
    let there = there.await?;
    tracing::info!(%from, %to, moves, "done by the network folder");
    Ok(empty(if there { StatusCode::NO_CONTENT } else { StatusCode::CREATED }))
}

/// `Destination`: an address of this server, whole or from its slash on.
fn destination(headers: &HeaderMap) -> Result<LibraryPath, Refusal> {
    let wrong = |text: &str| Refusal::new(StatusCode::BAD_REQUEST, text);
    let value = headers.get("destination").and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| wrong("the header Destination is missing; say where it is to go"))?;
    let path = match value.split_once("://") {
        Some((_, rest)) => {
            let (authority, _) = rest.split_once('/').ok_or_else(|| wrong("Destination has no path"))?;
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            let name =
                |authority: &str| authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
            if name(authority) != name(host) {
                let text = "Destination is another server; files are moved within this one only";
                return Err(Refusal::new(StatusCode::BAD_GATEWAY, text));
            }
            &rest[authority.len()..]
        }
        None => value,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let below = path.strip_prefix(ADDRESS).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let below = below.ok_or_else(|| wrong("Destination is not below /share; expected /share/…"))?;
    LibraryPath::from_percent_encoded(below).map_err(|error| wrong(&error.to_string()))
}

async fn find(app: &App, path: LibraryPath, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    let with_content = match headers.get("depth").map(HeaderValue::as_bytes) {
        Some(b"0") => false,
        Some(b"1") => true,
        // All that is below at once, which nobody needs (RFC 4918 9.1).
        None | Some(b"infinity") => {
            let error = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>\n";
            let mut answer = multistatus(error.to_owned());
            *answer.status_mut() = StatusCode::FORBIDDEN;
            return Ok(answer);
        }
        Some(_) => return Err(Refusal::new(StatusCode::BAD_REQUEST, "expected Depth: 0 or Depth: 1")),
    };
    let wanted = xml::wanted(&read(body).await?)?;
    let own = resource(app, &path).await?;
    let mut answer = MULTISTATUS.0.to_owned();
    own.write(&wanted, &mut answer);
    if with_content && own.len.is_none() {
        for entry in content(app, path).await? {
            entry.write(&wanted, &mut answer);
        }
    }
    answer.push_str(MULTISTATUS.1);
    Ok(multistatus(answer))
}

/// What a listing says of this file or folder itself.
async fn resource(app: &App, path: &LibraryPath) -> Result<Resource, Refusal> {
    seen(path)?;
    let (library, of) = (app.providers.library().clone(), path.clone());
    blocking(move || {
        let names = || of.names().iter().map(|name| name.as_bytes());
        if library.is_folder(&of) {
            // The top of several folders is on no disk.
            let folder = library.open_folder(&of).ok();
            let stat = folder.as_ref().and_then(|folder| rustix::fs::fstat(folder).ok());
            let room = folder.as_ref().and_then(|folder| rustix::fs::fstatvfs(folder).ok()).map(|disk| {
                let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
                (bytes(disk.f_blocks.saturating_sub(disk.f_bfree)), bytes(disk.f_bavail))
            });
            let modified = stat.map_or(0, |stat| stat.st_mtime);
            let (href, name) = (xml::href(names(), true), of.file_name());
            return Ok(Resource { href, name, modified, room, ..Resource::default() });
        }
        let file = library.open(&of)?;
        Ok::<_, LibraryError>(of_file(xml::href(names(), false), of.file_name(), file.identity))
    })
    .await
}

fn of_file(href: String, name: String, file: FileIdentity) -> Resource {
    let tag = download::tag(file).ok().and_then(|tag| tag.to_str().map(str::to_owned).ok());
    Resource {
        href,
        content_type: Some(download::content_type(&name)),
        name,
        len: Some(file.len()),
        modified: i64::try_from(file.modified_ns() / 1_000_000_000).unwrap_or(0),
        tag,
        room: None,
    }
}

async fn content(app: &App, path: LibraryPath) -> Result<Vec<Resource>, Refusal> {
    let library = app.providers.library().clone();
    blocking(move || {
        let below =
            |names: &LibraryPath, folder| xml::href(names.names().iter().map(|name| name.as_bytes()), folder);
        // The top of several folders.
        let tops = library.tops();
        if path.is_top() && tops.iter().all(|top| !top.is_top()) {
            let top = |top: LibraryPath| Resource {
                href: below(&top, true),
                name: top.file_name(),
                ..Resource::default()
            };
            return Ok(tops.into_iter().map(top).collect());
        }
        let folder = library.open_folder(&path)?;
        let failed = |error: rustix::io::Errno| LibraryError::Io { path: path.clone(), error: error.into() };
        let listed = list(&folder, MAX_SHARE_ENTRIES).map_err(failed)?.ok_or(UploadError::TooMuch)?;
        let resource = |entry: crate::upload::Listed| {
            let of = path.join(&entry.name);
            Resource {
                href: below(&of, entry.len.is_none()),
                content_type: entry.len.map(|_| download::content_type(&of.file_name())),
                name: of.file_name(),
                len: entry.len,
                modified: entry.modified,
                tag: entry
                    .version
                    .and_then(|version| download::tag(version).ok())
                    .and_then(|tag| tag.to_str().map(str::to_owned).ok()),
                room: None,
            }
        };
        Ok::<_, UploadError>(listed.into_iter().map(resource).collect())
    })
    .await
}

async fn lock(app: &App, path: LibraryPath, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    // What is locked may be locked again: the body of a renewal is empty.
    read(body).await?;
    let renewed = headers.get("if").and_then(|value| value.to_str().ok()).and_then(token_in);
    let token = match renewed {
        Some(token) => token.to_owned(),
        None => {
            let random = crate::access::Secret::random()
                .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
            format!("opaquelocktoken:{}", random.reveal())
        }
    };
    let names = || path.names().iter().map(|name| name.as_bytes());
    let library = app.providers.library().clone();
    let href = xml::href(names(), library.is_folder(&path));
    let mut answer = multistatus(xml::lock_answer(&href, &token, SHARE_LOCK_SECONDS));
    *answer.status_mut() = StatusCode::OK;
    if let Ok(value) = HeaderValue::try_from(format!("<{token}>")) {
        answer.headers_mut().insert("lock-token", value);
    }
    Ok(answer)
}

/// The lock's token of an `If` header, such as `(<opaquelocktoken:…>)`.
fn token_in(value: &str) -> Option<&str> {
    let token = &value[value.find("<opaquelocktoken:")? + 1..];
    let token = &token[..token.find('>')?];
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_:".contains(&b);
    (token.len() <= 100 && token.bytes().all(plain)).then_some(token)
}

/// A body of XML, which is short.
async fn read(mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    let mut read = Vec::new();
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match tokio::time::timeout(UPLOAD_PATIENCE, frame).await {
            Err(_) => {
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not come"));
            }
            Ok(None) => return Ok(read),
            Ok(Some(Err(error))) => return Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string())),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if read.len() + data.len() > MAX_SHARE_BODY {
                    let text = format!("the request's body is longer than {MAX_SHARE_BODY} bytes");
                    return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text));
                }
                read.extend_from_slice(&data);
            }
        }
    }
}

/// A body that nobody keeps: what macOS says of a file beside its content.
async fn read_away(mut body: Incoming) -> Result<(), Refusal> {
    let mut left = MAX_SHARE_LITTER;
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match tokio::time::timeout(UPLOAD_PATIENCE, frame).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => {
                let len = frame.data_ref().map_or(0, Bytes::len);
                left = left.checked_sub(len).ok_or_else(|| {
                    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "this is no file that is kept, and too long")
                })?;
            }
            _ => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not come")),
        }
    }
}

fn multistatus(xml: String) -> Reply {
    let mut answer = reply("application/xml; charset=utf-8", Bytes::from(xml));
    *answer.status_mut() = StatusCode::MULTI_STATUS;
    answer
}

fn empty(status: StatusCode) -> Reply {
    let mut answer = Response::new(Bytes::new().into());
    *answer.status_mut() = status;
    answer
}

impl From<XmlError> for Refusal {
    fn from(error: XmlError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to(value: &str) -> Result<String, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "box:8080".parse().unwrap());
        headers.insert("destination", value.parse().unwrap());
        destination(&headers).map(|path| path.percent_encoded()).map_err(|refusal| refusal.status)
    }

    #[test]
    fn destinations_are_of_this_server() {
        assert_eq!(to("http://box:8080/share/films/a%20b.avi"), Ok("films/a%20b.avi".to_owned()));
        assert_eq!(to("http://ada@BOX:8080/share/films/"), Ok("films".to_owned()));
        assert_eq!(to("/share/x?y#z"), Ok("x".to_owned()));
        assert_eq!(to("/share/a%2Fb"), Ok("a/b".to_owned()));
        for (value, status) in [
            ("http://evil.example/share/x", StatusCode::BAD_GATEWAY),
            ("http://box:8080", StatusCode::BAD_REQUEST),
            ("/shared/x", StatusCode::BAD_REQUEST),
            ("/share/../x", StatusCode::BAD_REQUEST),
            ("/share/%00", StatusCode::BAD_REQUEST),
            ("", StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(to(value), Err(status), "{value}");
        }
        assert_eq!(destination(&HeaderMap::new()).unwrap_err().status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_lock_is_renewed_by_its_token() {
        assert_eq!(token_in("(<opaquelocktoken:a-B_9>)"), Some("opaquelocktoken:a-B_9"));
        for value in ["", "(<urn:x>)", "(<opaquelocktoken:a", "(<opaquelocktoken:\"&>)"] {
            assert_eq!(token_in(value), None, "{value}");
        }
    }
}
