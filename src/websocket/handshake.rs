//! The opening handshake's key (RFC 6455 4.2.2): proof that the server speaks WebSocket.

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

/// The version there is (RFC 6455 4.1).
pub const VERSION: &str = "13";

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `Sec-WebSocket-Key` is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Sec-WebSocket-Key is no base64 of 16 bytes; let a WebSocket client make the request")]
pub struct BadKey;

/// The value of `Sec-WebSocket-Accept` for one of `Sec-WebSocket-Key`.
///
/// # Errors
/// When the key is not what RFC 6455 4.1 says.
pub fn accept(key: &str) -> Result<String, BadKey> {
    let key = key.trim();
    let nonce = BASE64.decode(key.as_bytes()).map_err(|_| BadKey)?;
    if nonce.len() != 16 {
        return Err(BadKey);
    }
    Ok(BASE64.encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n"] {
            assert_eq!(accept(bad), Err(BadKey), "{bad}");
        }
    }
}
