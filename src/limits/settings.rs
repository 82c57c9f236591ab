//! What can be changed on the page.

/// Bytes of the settings' file: many times what every field at its longest takes.
pub const MAX_SETTINGS_FILE: u64 = 1 << 20;

/// Body of a request that changes settings.
pub const MAX_SETTINGS_BODY: usize = 64 << 10;

/// Characters of a text among the settings.
pub const MAX_SETTING_TEXT: usize = 300;

/// Entries of a list among the settings.
pub const MAX_SETTING_LIST: usize = 32;
