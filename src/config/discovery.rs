//! `[discovery]`: whether the server tells the network of itself.

/// What is told, and to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Discovery {
    /// By SSDP, for Windows' network folder. Default true.
    pub ssdp: bool,
}

impl Default for Discovery {
    fn default() -> Self {
        Self { ssdp: true }
    }
}
