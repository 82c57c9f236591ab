//! A page of this machine with a film in it, on which a version is tried before it is used.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A page with a film, for a program to be tried on. It ends when it is dropped.
pub(super) struct Page {
    pub(super) address: SocketAddr,
    task: tokio::task::AbortHandle,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Page {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serve = async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let answer = async {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < 16 << 10 {
                        if socket.read_buf(&mut head).await? == 0 {
                            break;
                        }
                    }
                    let (kind, body) = match head.windows(6).any(|part| part == b"/page ") {
                        true => (
                            "text/html",
                            "<title>A film</title><video><source src=\"film.mp4\" type=\"video/mp4\"></video>",
                        ),
                        false => ("video/mp4", "no more than its name"),
                    };
                    let len = body.len();
                    let text = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
                    );
                    socket.write_all(text.as_bytes()).await?;
                    socket.shutdown().await
                };
                // Who hangs up does without.
                let _: io::Result<()> = answer.await;
            }
        };
        Ok(Self { address, task: tokio::spawn(serve).abort_handle() })
    }
}
