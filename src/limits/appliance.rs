//! The box: its system's services, and what root does for the server.

use std::time::Duration;

/// Until a service of the system that did not take a restored name or time zone is told again: it may still be starting.
pub const SYSTEM_TOLD_AGAIN: Duration = Duration::from_secs(10);

/// For a service of the system to answer: it may have to be started, on a busy card.
pub const SYSTEM_CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A new address of the network is on trial this long, then the one before comes back.
pub const NETWORK_TRIAL: Duration = Duration::from_secs(60);

/// Bytes of one request to the privileged part, and of its answer.
pub const MAX_PRIVILEGED_MESSAGE: u64 = 16 << 10;

/// Name servers of one socket.
pub const MAX_NAME_SERVERS: usize = 3;

/// Public keys for SSH.
pub const MAX_SSH_KEYS: usize = 16;

/// Bytes of a backup as it is sent: four times what settings, sources and access are at their longest.
pub const MAX_BACKUP_BODY: usize = 6 << 20;

/// Bytes of the list of an image's parts: a thousand of them have 400 KB.
pub const MAX_SBOM: u64 = 4 << 20;

/// Bytes of the text of a licence; Debian's longest are some hundred KB.
pub const MAX_LICENCE_TEXT: u64 = 1 << 20;

/// How long a Wi-Fi may take to let the box in: a search of all channels, an address, and a slow access point.
pub const WIFI_JOIN: Duration = Duration::from_secs(30);

/// How often is looked meanwhile.
pub const WIFI_LOOK: Duration = Duration::from_millis(400);

/// Access points that are asked about; houses with more are told of these.
pub const MAX_SEEN_NETWORKS: usize = 100;

/// Bytes of what the box says about its card.
pub const MAX_TROUBLE_FILE: u64 = 4 << 10;

/// Bytes of the file that keeps a network's trial.
pub const MAX_TRIAL_FILE: u64 = 4 << 10;

/// Local programs that are served at a time by the control socket.
pub const MAX_CONTROL_CONNECTIONS: usize = 8;

/// Disks and partitions that are listed: the ports of a box and a hub, four partitions each.
pub const MAX_PLUGGED_DISKS: usize = 64;

/// Folders of a NAS.
pub const MAX_NETWORK_FOLDERS: usize = 16;

/// Bytes of what the system says of a disk, or of a folder's unit.
pub const MAX_DISK_STATE: u64 = 8 << 10;

/// Bytes of the longest update that is taken as a file: two systems' worth.
pub const MAX_BUNDLE: u64 = 2 << 30;

/// Bytes of the disk that stay free beside it.
pub const BUNDLE_KEEP_FREE: u64 = 64 << 20;
