//! One HTTP request over a Unix socket.

use crate::limits::{MAX_BACKUP_BODY, SYSTEM_CALL_TIMEOUT};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A request.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) body: Option<&'a Value>,
    /// `If-Match`
    pub(super) tag: Option<&'a str>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Sends it and waits for the answer, which the server ends the connection behind.
pub(super) fn call(socket: &Path, call: &Call<'_>) -> Result<Answer, String> {
    if !call.path.starts_with('/') || call.path.contains(|c: char| c.is_ascii_control() || c == ' ') {
        return Err(format!("\"{}\" is no address; expected for example /api/v1/streams", call.path));
    }
    let mut stream = UnixStream::connect(socket).map_err(|error| {
        let next = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "run this as the server's user or as root",
            _ => "is the server running? say where its data is with --data DIR",
        };
        format!("there is no server at {} ({error}); {next}", socket.display())
    })?;
    let failed = |error: std::io::Error| format!("the server did not answer: {error}");
    // Twice as long as the slowest thing that it does for us.
    stream.set_read_timeout(Some(2 * SYSTEM_CALL_TIMEOUT)).map_err(failed)?;
    let body = call.body.map(Value::to_string).unwrap_or_default();
    let tag = call.tag.map(|tag| format!("If-Match: {tag}\r\n")).unwrap_or_default();
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{tag}Content-Length: {}\r\n\r\n",
        call.method,
        call.path,
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(failed)?;
    let mut received = Vec::new();
    stream.take(MAX_BACKUP_BODY as u64).read_to_end(&mut received).map_err(failed)?;
    parse(&received)
        .ok_or_else(|| "the server's answer can't be read; is it a wiidiaserver of this version?".to_owned())
}

/// Answers of ours are whole: they have a length.
fn parse(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = &received[end..];
    (length.is_none_or(|length| length == body.len())).then(|| Answer { status, body: body.to_vec() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whole_answers_are_read_and_cut_ones_are_not() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 5\r\n\r\nhello";
        let answer = parse(text).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]));
        for cut in 0..text.len() {
            assert!(parse(&text[..cut]).is_none(), "{cut}");
        }
    }
}
