//! Answers that begin before what is in them is there.
//!
//! Players give up on an answer that has not begun after some ten seconds, and ffmpeg and VLC leave a segment out that is
//! refused, whatever `Retry-After` says. All of them read on in one that has begun. So whoever has waited for a while gets
//! the head of the answer, and the bytes when they are there; its length is not known then.

use super::super::body::Body;
use super::super::reply::{Refusal, Reply, reply};
use crate::limits::{HLS_LATE, HLS_PATIENCE};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use std::io;
use std::pin::Pin;
use std::time::Duration;

/// Work that goes on.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the work gives, or the work itself when it takes longer than a player waits for an answer to begin.
pub(super) async fn soon<T>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Work<T>> {
    within(HLS_PATIENCE, work).await
}

async fn within<T>(patience: Duration, work: impl Future<Output = T> + Send + 'static) -> Result<T, Work<T>> {
    let mut work: Work<T> = Box::pin(work);
    tokio::time::timeout(patience, &mut work).await.map_err(|_| work)
}

/// An answer that has begun. What fails now can only break it off: players ask again.
pub(super) fn late<S>(
    content_type: &'static str,
    work: impl Future<Output = Result<S, Refusal>> + Send + 'static,
) -> Reply
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    reply(content_type, Body::pieces(bytes(HLS_LATE, work)))
}

fn bytes<S>(
    limit: Duration,
    work: impl Future<Output = Result<S, Refusal>> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    let body = async move {
        match tokio::time::timeout(limit, work).await {
            Ok(made) => made.map_err(|refusal| io::Error::other(refusal.detail)),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it is not converted up to there yet")),
        }
    };
    stream::once(body).try_flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    const LONG: Duration = Duration::from_secs(600);

    type Pieces = stream::Iter<std::vec::IntoIter<io::Result<Bytes>>>;

    async fn slowly() -> Result<Pieces, Refusal> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(stream::iter(vec![Ok(Bytes::from_static(b"seg")), Ok(Bytes::from_static(b"ment"))]))
    }

    #[tokio::test]
    async fn what_is_there_in_time_is_given_and_what_is_not_goes_on() {
        assert!(within(LONG, slowly()).await.is_ok());
        let work = within(Duration::ZERO, slowly()).await.map(drop).unwrap_err();
        let got: Vec<Bytes> = bytes(LONG, work).try_collect().await.unwrap();
        assert_eq!(got.concat(), b"segment");
    }

    #[tokio::test]
    async fn what_never_comes_breaks_the_answer_off() {
        let gone = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the disk has gone");
        let refused = bytes(LONG, async move { Err::<Pieces, _>(gone()) }).try_collect::<Vec<_>>().await;
        assert_eq!(refused.unwrap_err().to_string(), "the disk has gone");
        let never = bytes(Duration::ZERO, std::future::pending::<Result<Pieces, Refusal>>());
        assert_eq!(never.try_collect::<Vec<_>>().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
