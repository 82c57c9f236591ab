//! The server's side: one request over the socket, one answer.

use super::{Answer, Verb};
use crate::appliance::{Appliance, SystemError};
use crate::limits::{MAX_PRIVILEGED_MESSAGE, SYSTEM_CALL_TIMEOUT};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

impl Appliance {
    /// Has a verb performed.
    pub(in crate::appliance) async fn ask(&self, verb: &Verb) -> Result<(), SystemError> {
        self.must_be_here()?;
        verb.check().map_err(SystemError::Unfit)?;
        let asking = async {
            let mut socket = UnixStream::connect(&self.places.privileged).await?;
            let mut line = serde_json::to_vec(verb)?;
            line.push(b'\n');
            socket.write_all(&line).await?;
            let mut answer = String::new();
            tokio::io::BufReader::new(socket.take(MAX_PRIVILEGED_MESSAGE)).read_line(&mut answer).await?;
            Ok::<Answer, io::Error>(serde_json::from_str(&answer)?)
        };
        match tokio::time::timeout(SYSTEM_CALL_TIMEOUT, asking).await {
            Ok(Ok(Answer { error: None })) => Ok(()),
            Ok(Ok(Answer { error: Some(error) })) => Err(SystemError::Failed(error)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(SystemError::NotHere("the privileged part is not there".to_owned()))
            }
            Ok(Err(error)) => {
                Err(SystemError::Failed(format!("the privileged part does not answer: {error}")))
            }
            Err(_) => Err(SystemError::Failed("the privileged part does not answer".to_owned())),
        }
    }

    /// Lets these keys log in by SSH.
    ///
    /// # Errors
    /// No box, or one of them is no key.
    pub async fn set_ssh_keys(&self, keys: Vec<String>) -> Result<(), SystemError> {
        self.ask(&Verb::SshKeys { keys }).await
    }

    /// Forgets everything but the library, and starts anew. The system does it while it starts.
    ///
    /// # Errors
    /// No box, or it can't be asked.
    pub async fn forget(&self) -> Result<(), SystemError> {
        self.must_be_here()?;
        let new = self.places.requests.join("factory-reset.new");
        let asking = async {
            tokio::fs::write(&new, "settings").await?;
            tokio::fs::rename(&new, self.places.requests.join("factory-reset")).await
        };
        asking.await.map_err(|error| SystemError::Failed(format!("the system can't be asked: {error}")))
    }
}
