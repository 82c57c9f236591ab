//! An RTMP server by hand, which says what a test wants said, whatever it is asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use wiidiaserver::amf0::{self, Properties, Value};

/// S0, S1 and S2, then these messages, then whatever the test does with the socket.
pub(crate) fn serve<T: Send + 'static>(
    messages: Vec<Vec<u8>>,
    then: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut hello = vec![0; 1 + 1536];
        socket.read_exact(&mut hello).unwrap();
        let mut answer = vec![3];
        answer.extend([0; 1536]);
        answer.extend(&hello[1..]);
        socket.write_all(&answer).unwrap();
        socket.read_exact(&mut [0; 1536]).unwrap();
        socket.write_all(&messages.concat()).unwrap();
        then(socket)
    });
    (address, thread)
}

/// A command message with one argument, in chunks of 128 bytes.
pub(crate) fn command(stream: u32, name: &str, transaction: f64, argument: Value) -> Vec<u8> {
    message(stream, &[name.into(), transaction.into(), Value::Null, argument])
}

/// A command message of these values, in chunks of 128 bytes.
pub(crate) fn message(stream: u32, values: &[Value]) -> Vec<u8> {
    let body = amf0::encode_to_bytes(values);
    let mut bytes = vec![3, 0, 0, 0];
    bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
    bytes.push(20);
    bytes.extend(stream.to_le_bytes());
    for (n, chunk) in body.chunks(128).enumerate() {
        if n > 0 {
            bytes.push(0xc3);
        }
        bytes.extend(chunk);
    }
    bytes
}

/// An information object.
pub(crate) fn status(level: &str, code: &str) -> Properties {
    Properties::new().with("level", level).with("code", code)
}
