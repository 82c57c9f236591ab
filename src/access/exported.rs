//! What a backup holds of who may do what.

use super::Access;
use super::state::State;
use serde_json::Value;

impl Access {
    /// Whether [`import`](Self::import) would take this; nothing is changed.
    ///
    /// # Errors
    /// It is nothing that was exported, or it has no owner.
    pub fn check(&self, exported: &Value) -> Result<(), String> {
        let state: State = serde_json::from_value(exported.clone()).map_err(|error| error.to_string())?;
        if state.owner.is_none() { Err("there is no owner in it".to_owned()) } else { Ok(()) }
    }
}
