//! Message streams that wait: for a live stream which is fetched for them, or for what an address of the web means.

use super::resolve::{self, Asked};
use crate::amf0::AmfString;
use crate::library::LibraryPath;
use crate::rtmp::StreamId;
use crate::server::App;
use crate::stream::Stream;
use crate::time::MediaTime;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// The waiting of one connection: at most one for each message stream.
#[derive(Default)]
pub(super) struct Starting(Vec<Waiting>);

struct Waiting {
    play: Play,
    stream: BoxFuture<'static, Result<Fetched, String>>,
}

/// What was waited for.
pub(super) enum Fetched {
    Live(Arc<Stream>),
    /// A film of the web, to be opened.
    Film(Asked),
}

/// What was asked for.
pub(super) struct Play {
    pub(super) stream: StreamId,
    pub(super) name: AmfString,
    pub(super) reset: bool,
    /// Where a film is to begin.
    pub(super) start: MediaTime,
}

impl Starting {
    /// Nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks for the stream of that key.
    pub(super) fn ask(&mut self, app: Arc<App>, key: String, play: Play) {
        self.stop(play.stream);
        let stream = async move { app.live_stream(&key).await.map(Fetched::Live) }.boxed();
        self.0.push(Waiting { play, stream });
    }

    /// Asks what an address of the web means.
    pub(super) fn ask_web(&mut self, app: Arc<App>, path: LibraryPath, asked: Asked, play: Play) {
        self.stop(play.stream);
        let found = async move {
            Ok(match resolve::web_stream(&app, &path).await? {
                Some(stream) => Fetched::Live(stream),
                None => Fetched::Film(asked),
            })
        };
        self.0.push(Waiting { play, stream: found.boxed() });
    }

    /// The viewer does not wait any more.
    pub(super) fn stop(&mut self, stream: StreamId) {
        self.0.retain(|waiting| waiting.play.stream != stream);
    }

    /// The next one that has its stream, or will not get it. Cancel safe.
    pub(super) async fn next(&mut self) -> (Play, Result<Fetched, String>) {
        poll_fn(|cx| {
            for at in 0..self.0.len() {
                if let Poll::Ready(result) = self.0[at].stream.poll_unpin(cx) {
                    return Poll::Ready((self.0.swap_remove(at).play, result));
                }
            }
            Poll::Pending
        })
        .await
    }
}
