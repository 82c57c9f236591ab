//! `GET /device.xml`: what SSDP leads to, for Windows' network folder and UPnP programs.

use super::super::{App, discovery};
use super::reply::{Refusal, Reply, reply};
use crate::discovery::description;
use bytes::Bytes;
use hyper::StatusCode;

pub(super) fn answer(app: &App) -> Result<Reply, Refusal> {
    if !app.settings.config().discovery.ssdp {
        let detail = "this server is not announced; [discovery] ssdp = true does that";
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = format!("Wiidiaserver ({})", name.trim());
    // The port is not part of what it says.
    let text = description(&discovery::identity(0).uuid, &name);
    Ok(reply("text/xml; charset=utf-8", Bytes::from(text)))
}
