//! The player for the Wii and other devices with Flash: its page, its SWF, and what that asks for.
//!
//! Files of the same names in the owner's `www` folder come before ours: an original of 2007 takes its old place.

use super::reply::{Refusal, Reply, reply, set};
use super::watch::open_started;
use super::{host_of, www};
use crate::choice::{Choice, Profile};
use crate::library::LibraryPath;
use crate::provider::{Client, Takes, Wanted};
use crate::reel::{Phase, Seek};
use crate::server::App;
use crate::time::MediaTime;
use bytes::Bytes;
use hyper::header::{self, HeaderMap};
use std::time::Instant;

/// Made by `scripts/build-swf` of the sources beside it, which a test holds it to.
static SWF: &[u8] = include_bytes!("../../../web/swf/wiidiaplayer.swf");

/// Where `scripts/fetch-ruffle` puts what shows a SWF in browsers without Flash.
const RUFFLE: &str = "/ruffle/ruffle.js";

/// `GET /wiidiaplayer.swf`
pub(super) async fn swf(app: &App, headers: &HeaderMap) -> Result<Reply, Refusal> {
    if let Some(own) = www::file(app, "/wiidiaplayer.swf", headers).await {
        return own;
    }
    let mut reply = reply("application/x-shockwave-flash", Bytes::from_static(SWF));
    set(&mut reply, header::CACHE_CONTROL, "no-cache");
    Ok(reply)
}

/// `GET /wiidiaplayer.html`: without any script of ours, for the Wii's Opera.
pub(super) async fn page(app: &App, via: Option<&str>, headers: &HeaderMap) -> Result<Reply, Refusal> {
    if let Some(own) = www::file(app, "/wiidiaplayer.html", headers).await {
        return own;
    }
    let (host, port) = host_of(headers).unwrap_or(("localhost", None));
    let port = port.unwrap_or(80);
    let via = via.map(|via| format!("&amp;VIA={via}")).unwrap_or_default();
    let variables = format!("SERVER={host}&amp;PORT={port}&amp;RTMPPORT={}{via}", app.rtmp_port);
    let ruffle = match www::has(app, RUFFLE).await {
        true => "<script src=\"/ruffle/config.js\"></script><script src=\"/ruffle/ruffle.js\"></script>",
        false => "",
    };
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Wiidiaplayer</title>\
         <meta name=\"viewport\" content=\"width=800\">\
         <style>html,body{{margin:0;background:#000;color:#ddd;font-family:sans-serif;text-align:center}}</style>\
         {ruffle}</head>\n<body><main>\
         <object type=\"application/x-shockwave-flash\" data=\"/wiidiaplayer.swf\" width=\"800\" height=\"448\" \
         id=\"player\" title=\"Wiidiaplayer\">\
         <param name=\"movie\" value=\"/wiidiaplayer.swf\"><param name=\"FlashVars\" value=\"{variables}\">\
         <param name=\"bgcolor\" value=\"#000000\"><param name=\"allowScriptAccess\" value=\"never\">\
         <p>This player needs Flash, or Ruffle in the server's www folder.</p>\
         <p><a href=\"/\" style=\"color:#fff\">The page for today's browsers</a></p></object></main></body></html>\n"
    );
    let mut reply = reply("text/html; charset=utf-8", Bytes::from(page));
    set(&mut reply, header::CONTENT_SECURITY_POLICY, www::CONTENT_SECURITY_POLICY);
    Ok(reply)
}

/// `GET /getinfo/<path>[?target=<seconds>]`, as ActionScript's `LoadVars` reads it: how long a film is, how much of it
/// there is by now, and how long it takes to the target. What RTMP tells without being asked.
pub(super) async fn info(app: &App, path: &LibraryPath, target: Option<MediaTime>) -> Result<Reply, Refusal> {
    let choice = Choice { profile: Some(Profile::Flash), ..Choice::default() };
    let wanted = Wanted::new(&choice, &app.preferences(), Client::Flv(Takes::default()))?;
    let (viewer, _) = open_started(&app.providers, path, &wanted).await?;
    viewer.looks_on();
    let reel = viewer.reel();
    let total = reel.duration().map_or(0.0, MediaTime::as_secs_f64);
    let available = reel.playable(target.unwrap_or_default()).as_secs_f64();
    let complete = u8::from(reel.progress().phase == Phase::Complete);
    let eta = match target.map(|target| reel.seek(target, Instant::now())) {
        Some(Seek::Pending { eta: Some(eta), .. }) => format!("{:.1}", eta.as_secs_f64()),
        _ => String::new(),
    };
    let text = format!("totallength={total:.3}&availablelength={available:.3}&complete={complete}&eta={eta}");
    Ok(reply("application/x-www-form-urlencoded", Bytes::from(text)))
}
