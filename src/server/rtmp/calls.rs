//! Calls on the NetConnection whose answers take a while: each is a future beside the connection's
//! loop.

use super::resolve::{self, Asked};
use crate::amf0::{Properties, Value};
use crate::library::{Kind, LibraryPath, Outline};
use crate::provider::Providers;
use crate::rtmp::{Session, SessionError, Transaction};
use crate::server::App;
use crate::time::MediaTime;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a call is answered with; the error is a text for people.
type Answer = Result<Value, String>;

/// The calls of one connection that are being answered.
#[derive(Default)]
pub(super) struct Calls {
    pending: Vec<(Transaction, BoxFuture<'static, Answer>)>,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// `getStreamLength(name)`: seconds, or null when the file does not say.
    pub(super) fn stream_length(&mut self, transaction: Transaction, app: Arc<App>, asked: Asked) {
        let opening = resolve::open(app, asked);
        let answer = async {
            // What cannot be played is said when it is played.
            let duration = opening.await.ok().and_then(|opened| opened.viewer.reel().duration());
            Ok(Value::from(duration.map(MediaTime::as_secs_f64)))
        };
        self.pending.push((transaction, answer.boxed()));
    }

    /// `getDir(path)`: `{aDir: [names], aFile: [names]}`, the object that `/getdir/` answers.
    pub(super) fn list_directory(
        &mut self,
        transaction: Transaction,
        providers: &Arc<Providers>,
        path: &[u8],
    ) {
        let library = providers.library().clone();
        let path = LibraryPath::from_bytes(path);
        let answer = async move {
            let path = path.map_err(|error| error.to_string())?;
            let listing = tokio::task::spawn_blocking(move || library.outline(&path)).await;
            listing.map_err(|e| e.to_string())?.map(as_directory).map_err(|error| error.to_string())
        };
        self.pending.push((transaction, answer.boxed()));
    }

    /// Answers a call that is done.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
    ) -> Poll<Result<(), SessionError>> {
        for at in 0..self.pending.len() {
            if let Poll::Ready(answer) = self.pending[at].1.poll_unpin(cx) {
                let (transaction, _) = self.pending.swap_remove(at);
                return Poll::Ready(match answer {
                    Ok(value) => session.reply(transaction, value),
                    Err(text) => session.reply_error(transaction, &text),
                });
            }
        }
        Poll::Pending
    }
}

fn as_directory(outline: Outline) -> Value {
    let names = |folders: bool| -> Value {
        let wanted = outline.items.iter().filter(|item| (item.kind == Kind::Folder) == folders);
        let mut names: Vec<_> = wanted.map(|item| item.os_name.to_string_lossy()).collect();
        names.sort_unstable();
        Value::StrictArray(names.iter().map(|name| Value::from(name.as_ref())).collect())
    };
    Properties::new().with("aDir", names(true)).with("aFile", names(false)).into_object()
}
