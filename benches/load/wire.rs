//! What a client reads from and writes to: TCP, or TLS over it.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;

/// A connected socket, used as tokio's.
pub(crate) struct Wire {
    tcp: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr, tls: bool) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let mut wire = Self { tcp, tls: None };
        if tls {
            let name = ServerName::IpAddress(address.ip().into());
            let connection = ClientConnection::new(config()?, name).map_err(io::Error::other)?;
            wire.tls = Some(Box::new(connection));
            wire.shake_hands().await?;
        }
        Ok(wire)
    }

    async fn shake_hands(&mut self) -> io::Result<()> {
        while let Self { tcp, tls: Some(tls) } = self
            && tls.is_handshaking()
        {
            flush(tcp, tls)?;
            if tls.is_handshaking() && take_in(tcp, tls)? == Some(0) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            flush(tcp, tls)?;
            if tls.is_handshaking() {
                tcp.readable().await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.tcp.readable().await
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.tcp.writable().await
    }

    /// `WouldBlock` when nothing is there; 0 at the end.
    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.try_read(buffer) };
        let mut len = 0;
        // All there is: nobody is told of what was decrypted and not taken.
        while len < buffer.len() {
            match tls.reader().read(&mut buffer[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match take_in(&self.tcp, tls)? {
                    Some(0) if len == 0 => return Ok(0),
                    Some(0) | None => break,
                    Some(_) => {}
                },
                Err(error) => return Err(error),
            }
        }
        if len == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(len) }
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.try_write(bytes) };
        let len = tls.writer().write(bytes)?;
        flush(&self.tcp, tls)?;
        Ok(len)
    }
}

/// Bytes that were read; `None` when there were none.
fn take_in(tcp: &TcpStream, tls: &mut ClientConnection) -> io::Result<Option<usize>> {
    match tls.read_tls(&mut Raw(tcp)) {
        Ok(len) => {
            tls.process_new_packets().map_err(io::Error::other)?;
            Ok(Some(len))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn flush(tcp: &TcpStream, tls: &mut ClientConnection) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(&mut Raw(tcp)) {
            Ok(_) => {}
            // A player says little: it goes with what is said next.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Raw<'a>(&'a TcpStream);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn config() -> io::Result<Arc<ClientConfig>> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Anyone(provider.clone()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

/// Believes every certificate: what is loaded is a server of this machine, whose name nobody asks for.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
