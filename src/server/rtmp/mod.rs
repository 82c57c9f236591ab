//! RTMP: one task per connection, whose short loop drives a [`Session`] and its players.

mod calls;
mod live;
mod outgoing;
mod player;
mod publish;
mod resolve;
mod starting;

use crate::access::{Denied, Need, Shown};
use crate::amf0::{AmfString, Value};
use crate::limits::{
    MAX_PATH_BYTES, MAX_PENDING_CALLS, MAX_RTMP_CONNECTIONS, MAX_RTMP_CONNECTIONS_PER_ADDRESS, QUEUE_KEPT,
    RTMP_READ, SHUTDOWN_GRACE,
};
use crate::rtmp::{Capabilities, Event, PlayError, Session, SessionError, Start, StreamId};
use crate::server::accept::{Acceptor, Place, Shutdown, must_take};
use crate::server::connections::Ended;
use crate::server::socket::Socket;
use crate::server::{App, Certificates};
use crate::time::MediaTime;
use calls::Calls;
use futures_util::FutureExt;
use live::LiveViewer;
use outgoing::Outgoing;
use player::Player;
use publish::LivePublisher;
use resolve::Asked;
use starting::Starting;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};

/// Serves RTMP until `shutdown`, over TLS when there are `certificates`; players are told.
pub async fn serve(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    app: Arc<App>,
    shutdown: Shutdown,
) {
    let places = (MAX_RTMP_CONNECTIONS, MAX_RTMP_CONNECTIONS_PER_ADDRESS);
    let mut acceptor = Acceptor::new(listener, places, app.connections.rtmp.clone(), shutdown.clone());
    while let Some((socket, peer, place)) = acceptor.accept().await {
        let (app, certificates, shutdown) = (app.clone(), certificates.clone(), shutdown.clone());
        tokio::spawn(async move {
            // Boxed: no connection carries the handshake along.
            let socket = match Box::pin(secured(socket, certificates)).await {
                Ok(socket) => socket,
                Err(error) => {
                    place.ended(Ended::Malformed);
                    tracing::info!(%peer, %error, "rtmps connection refused");
                    return;
                }
            };
            let mut connection = Connection::new(socket, peer, app, place);
            match connection.run(shutdown).await {
                Ok(()) => tracing::debug!(%peer, "rtmp connection ended"),
                Err(End::Session(error)) => {
                    connection.place.ended((&error).into());
                    tracing::info!(%peer, %error, "rtmp connection closed");
                }
                Err(End::Socket(error)) => {
                    let how = Ended::from(&error);
                    connection.place.ended(how);
                    match how {
                        Ended::NotReading => tracing::info!(%peer, %error, "the peer takes nothing any more"),
                        _ => tracing::debug!(%peer, %error, "rtmp connection lost"),
                    }
                }
            }
        });
    }
    acceptor.drained(places.0).await;
}

/// Behind the TLS handshake, if there is to be one.
async fn secured(socket: TcpStream, certificates: Option<Arc<Certificates>>) -> io::Result<Socket> {
    let Some(certificates) = certificates else { return Ok(Socket::Plain(Arc::new(socket))) };
    Socket::accept_tls(socket, certificates.current().await).await
}

/// What ends a connection before its time.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

struct Connection {
    socket: Socket,
    peer: SocketAddr,
    server: Arc<App>,
    session: Session,
    /// The application that the client connected to.
    app: Vec<u8>,
    /// The query of the URL that it connected to.
    query: Vec<u8>,
    /// It is another server of ours.
    is_relay: bool,
    /// What it said of its codecs.
    capabilities: Capabilities,
    players: Vec<Player>,
    viewers: Vec<LiveViewer>,
    starting: Starting,
    publishers: Vec<LivePublisher>,
    calls: Calls,
    outgoing: Outgoing,
    /// Last: everything else is gone when it is free again.
    place: Place,
}

/// Why the loop woke up.
enum Wake {
    Readable,
    Writable,
    /// A player or a call has gone on.
    Step(Result<(), SessionError>),
    /// A live stream that was fetched for a viewer, or what an address means, is there or does not come.
    Fetched(starting::Play, Result<starting::Fetched, String>),
    Deadline,
    Shutdown,
}

impl Connection {
    fn new(socket: Socket, peer: SocketAddr, server: Arc<App>, place: Place) -> Self {
        Self {
            socket,
            peer,
            server,
            session: Session::new(Instant::now()),
            app: Vec::new(),
            query: Vec::new(),
            is_relay: false,
            capabilities: Capabilities::default(),
            players: Vec::new(),
            viewers: Vec::new(),
            starting: Starting::default(),
            publishers: Vec::new(),
            calls: Calls::default(),
            outgoing: Outgoing::default(),
            place,
        }
    }

    /// Drain what is to be done, then await exactly one thing.
    async fn run(&mut self, mut shutdown: Shutdown) -> Result<(), End> {
        loop {
            self.drain()?;
            if self.session.wants_close() {
                return Box::pin(self.flush()).await;
            }
            let handed_over = self.hand_over();
            let wake = match handed_over {
                true => self.wake_handed_over(&mut shutdown).await?,
                // Boxed, so that it takes no place in the many tasks that hardly ever need it.
                false => Box::pin(self.wake(&mut shutdown)).await?,
            };
            match wake {
                Wake::Readable => {
                    if self.read()? == Some(0) {
                        return Ok(());
                    }
                }
                Wake::Writable => match self.outgoing.write(&self.socket) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
                    _ => {}
                },
                Wake::Step(result) => result?,
                Wake::Fetched(play, stream) => self.fetched(play, stream)?,
                Wake::Deadline => {
                    // What was written past the session counts as well.
                    self.take_back();
                    self.session.handle_timeout(Instant::now())?;
                }
                Wake::Shutdown => return Box::pin(self.say_goodbye()).await,
            }
        }
    }

    /// Reads what is there, into memory that all connections of a thread share. `None`: nothing after all.
    fn read(&mut self) -> Result<Option<usize>, End> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; RTMP_READ]);
        }
        BUFFER.with_borrow_mut(|buffer| match self.socket.try_read(buffer) {
            Ok(0) => Ok(Some(0)),
            Ok(len) => self.take_in(&buffer[..len]).map(|()| Some(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    /// A peer that breaks the protocol is told what the session still had to say, then left.
    fn take_in(&mut self, bytes: &[u8]) -> Result<(), End> {
        let result = self.session.handle_input(bytes, Instant::now());
        if result.is_err() {
            self.take_back();
            self.outgoing.gather(&mut self.session);
            let _ = self.outgoing.write(&self.socket);
        }
        Ok(result?)
    }

    /// Lets the stream's writer write for a connection that does nothing but watch one live stream.
    fn hand_over(&mut self) -> bool {
        let Self { socket, server, session, viewers, players, starting, outgoing, .. } = self;
        if let [viewer] = &mut viewers[..]
            && players.is_empty()
            && starting.is_empty()
            && outgoing.is_empty()
        {
            // TLS is written by whoever has its keys: this connection.
            if let Socket::Plain(tcp) = socket
                && viewer.hand_over(session, &server.fanout, tcp)
            {
                outgoing.shrink_to(0);
            }
            return viewer.is_handed_over();
        }
        if outgoing.is_empty() {
            session.shrink_to(QUEUE_KEPT);
            outgoing.shrink_to(QUEUE_KEPT);
        }
        false
    }

    /// Writes for itself again.
    fn take_back(&mut self) {
        for viewer in self.viewers.iter_mut().filter(|viewer| viewer.is_handed_over()) {
            self.outgoing.begin_with(viewer.take_back(&mut self.session));
        }
    }

    fn drain(&mut self) -> Result<(), SessionError> {
        // What the session has to say comes behind what was written past it.
        if !self.session.is_quiet() || self.viewers.iter().any(LiveViewer::is_returned) {
            self.take_back();
        }
        let now = Instant::now();
        while let Some(event) = self.session.poll_event() {
            self.handle(event, now)?;
        }
        for player in &mut self.players {
            player.advance(&mut self.session, now)?;
        }
        for viewer in self.viewers.iter_mut().filter(|viewer| !viewer.is_handed_over()) {
            viewer.advance(&mut self.session, now)?;
        }
        self.outgoing.gather(&mut self.session);
        Ok(())
    }

    async fn wake(&mut self, shutdown: &mut Shutdown) -> io::Result<Wake> {
        let Self { socket, session, players, viewers, starting, calls, outgoing, .. } = self;
        let players_due = players.iter().filter_map(Player::deadline);
        let viewers_due = viewers.iter().filter_map(LiveViewer::deadline);
        let deadline = players_due.chain(viewers_due).chain(session.next_deadline()).min();
        let steps = poll_fn(|cx| {
            for player in players.iter_mut() {
                if let Poll::Ready(result) = player.poll_step(cx, session) {
                    return Poll::Ready(result);
                }
            }
            calls.poll_answer(cx, session)
        });
        tokio::select! {
            readable = socket.readable() => readable.map(|()| Wake::Readable),
            writable = socket.writable(), if !outgoing.is_empty() => writable.map(|()| Wake::Writable),
            result = steps => Ok(Wake::Step(result)),
            (play, stream) = starting.next() => Ok(Wake::Fetched(play, stream)),
            () = live::news(viewers), if outgoing.is_empty() => Ok(Wake::Step(Ok(()))),
            () = sleep_until(deadline), if deadline.is_some() => Ok(Wake::Deadline),
            () = shutdown.wait() => Ok(Wake::Shutdown),
        }
    }

    /// As [`wake`](Self::wake), for a connection that has nothing to do but listen.
    async fn wake_handed_over(&mut self, shutdown: &mut Shutdown) -> io::Result<Wake> {
        let Self { socket, session, viewers, calls, .. } = self;
        let deadline = session.next_deadline();
        let news = poll_fn(|cx| {
            if let Poll::Ready(ready) = socket.tcp().poll_read_ready(cx) {
                return Poll::Ready(ready.map(|()| Wake::Readable));
            }
            if viewers
                .iter_mut()
                .filter_map(LiveViewer::lease)
                .any(|lease| lease.poll_returned(cx).is_ready())
            {
                return Poll::Ready(Ok(Wake::Step(Ok(()))));
            }
            calls.poll_answer(cx, session).map(|result| Ok(Wake::Step(result)))
        });
        tokio::select! {
            wake = news => wake,
            () = sleep_until(deadline), if deadline.is_some() => Ok(Wake::Deadline),
            () = shutdown.wait() => Ok(Wake::Shutdown),
        }
    }

    fn handle(&mut self, event: Event, now: Instant) -> Result<(), SessionError> {
        // A name may carry a secret, and a publisher's tags are too many.
        match &event {
            Event::Connect(_) | Event::Publish { .. } | Event::Published { .. } => {}
            Event::Play { .. } | Event::StreamLength { .. } => tracing::debug!(peer = %self.peer, "play"),
            event => tracing::debug!(peer = %self.peer, ?event, "rtmp"),
        }
        match event {
            Event::Connect(connect) => {
                self.place.connected();
                self.app = connect.app.as_bytes().to_vec();
                self.query = query_of(connect.tc_url.as_ref());
                self.is_relay = connect.is_relay();
                self.capabilities = connect.capabilities;
                self.session.accept_connect(now)
            }
            Event::Play { stream, name, start, reset, .. } => {
                self.stop(stream);
                if let Err(denied) = self.may_watch(name.as_bytes()) {
                    return self.session.play_failed(stream, PlayError::Unavailable, &denied.to_string());
                }
                if let Some(key) = self.server.live_apps().stream(&self.app, name.as_bytes()) {
                    return self.watch(stream, &key, name, reset);
                }
                let at = match start {
                    Start::At(time) => time,
                    Start::Any | Start::Live => MediaTime::ZERO,
                };
                let asked = self.asked(&name);
                if let Some((path, _)) = resolve::web_path(&self.server, &asked) {
                    let play = starting::Play { stream, name, reset, start: at };
                    self.starting.ask_web(self.server.clone(), path, asked, play);
                    return Ok(());
                }
                let opening = resolve::open(self.server.clone(), asked);
                let player = Player::new(stream, name.as_str().into_owned(), at, reset, opening.boxed());
                self.players.push(player);
                Ok(())
            }
            Event::Seek { stream, target } => {
                self.with_player(stream, |player| player.go_to(target, true, now));
                Ok(())
            }
            Event::Pause { stream, .. } => {
                self.with_viewer(stream, LiveViewer::pause);
                must_take(self.socket.tcp(), false);
                Ok(())
            }
            Event::Resume { stream, at } => {
                self.with_viewer(stream, LiveViewer::resume);
                must_take(self.socket.tcp(), !self.viewers.is_empty());
                self.with_player(stream, |player| player.resume(at, now));
                Ok(())
            }
            Event::StopStream { stream } => {
                self.stop(stream);
                Ok(())
            }
            Event::StreamLength { transaction, name } => {
                if self.calls.len() >= MAX_PENDING_CALLS || self.may_watch(name.as_bytes()).is_err() {
                    return self.session.reply(transaction, Value::Null);
                }
                self.calls.stream_length(transaction, self.server.clone(), self.asked(&name));
                Ok(())
            }
            Event::ListDirectory { transaction, path } => {
                if self.calls.len() >= MAX_PENDING_CALLS || self.may_watch(b"").is_err() {
                    return self.session.reply(transaction, Value::Null);
                }
                self.calls.list_directory(transaction, &self.server.providers, path.as_bytes());
                Ok(())
            }
            Event::SeekStatus { transaction } => {
                let status = self.players.iter().find_map(|player| player.seek_status(now));
                self.session.reply(transaction, status.map_or(Value::Null, |status| status.as_value()))
            }
            Event::Publish { stream, name, mode } => self.publish(stream, name.as_bytes(), mode, now),
            Event::Published { stream, tag } => self.published(stream, tag, now),
            Event::Unpublish { stream } => self.unpublish(stream),
            // The session has answered these, and keeps their effect itself.
            Event::LengthReached { .. }
            | Event::BufferLength { .. }
            | Event::ReceiveAudio { .. }
            | Event::ReceiveVideo { .. } => Ok(()),
        }
    }

    /// Whether this client may watch: by where it is, or by `?token=` in any of the places where an address may have it.
    fn may_watch(&self, name: &[u8]) -> Result<(), Denied> {
        let token = [name, &self.app, &self.query].into_iter().find_map(token_in);
        let access = &self.server.access;
        let who = access.who(Shown { link: token.as_deref(), ..Shown::default() }, self.peer.ip());
        access.permit(Need::Watch, &who, self.peer.ip()).inspect_err(|denied| {
            self.server.connections.refusal("rtmp", "play_denied");
            tracing::info!(peer = %self.peer, %denied, "viewer refused");
        })
    }

    fn asked(&self, name: &AmfString) -> Asked {
        Asked {
            app: self.app.clone(),
            tc_url: self.query.clone(),
            name: name.as_bytes().to_vec(),
            takes: resolve::takes(&self.capabilities),
        }
    }

    fn with_player(&mut self, stream: StreamId, act: impl FnOnce(&mut Player)) {
        if let Some(player) = self.players.iter_mut().find(|p| p.stream() == stream) {
            act(player);
        }
    }

    fn stop(&mut self, stream: StreamId) {
        self.players.retain(|player| player.stream() != stream);
        let watched = !self.viewers.is_empty();
        self.viewers.retain(|viewer| viewer.stream() != stream);
        if watched && self.viewers.is_empty() {
            must_take(self.socket.tcp(), false);
        }
        self.starting.stop(stream);
    }

    /// Tells the player that the server ends, for as long as it takes to listen.
    async fn say_goodbye(&mut self) -> Result<(), End> {
        self.take_back();
        self.players.clear();
        self.session.shutdown("the server is being switched off or restarted; try again in a minute")?;
        self.flush().await
    }

    /// Writes what is left, for as long as the peer can be expected to take it.
    async fn flush(&mut self) -> Result<(), End> {
        let saying = async {
            loop {
                self.outgoing.gather(&mut self.session);
                if self.outgoing.is_empty() {
                    return self.socket.finish().await;
                }
                self.socket.writable().await?;
                match self.outgoing.write(&self.socket) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
        };
        match tokio::time::timeout(SHUTDOWN_GRACE, saying).await {
            Ok(result) => Ok(result?),
            Err(_) => Ok(()),
        }
    }
}

/// The `token` parameter behind a question mark.
fn token_in(text: &[u8]) -> Option<String> {
    let query = text.splitn(2, |&byte| byte == b'?').nth(1)?;
    let token =
        query.split(|&byte| byte == b'&' || byte == b'/').find_map(|pair| pair.strip_prefix(b"token="))?;
    Some(String::from_utf8_lossy(token).into_owned())
}

/// From its question mark on, as far as a path may be long.
fn query_of(url: Option<&AmfString>) -> Vec<u8> {
    let url = url.map_or(&[][..], |url| url.as_bytes());
    let at = url.iter().position(|&byte| byte == b'?').unwrap_or(url.len());
    url[at..].iter().copied().take(MAX_PATH_BYTES).collect()
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
