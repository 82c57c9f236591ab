//! A publisher in real time: a file's tags for ever, every frame stamped.

use crate::client::{Client, Failure, Target, put_message};
use crate::stamp::{self, Stamp};
use bytes::{Buf, Bytes};
use serde_json::{Map, json};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use wiidiaserver::flv::reader::{first_tag_offset, take_tag};
use wiidiaserver::flv::{Tag, TagKind};

/// What ffmpeg and OBS send with.
const CHUNK: usize = 4096;

/// A file in memory, ready to be repeated.
pub(crate) struct Reel {
    /// `onMetaData` and sequence headers: sent once.
    pub(crate) head: Vec<Tag>,
    pub(crate) tags: Vec<Tag>,
    /// The lowest time of `tags`.
    origin: u32,
    /// From the first tag to where the repetition begins.
    length: u32,
}

impl Reel {
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let read = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut bytes = Bytes::from(read);
        let head = bytes.first_chunk().ok_or("the file is too short for FLV")?;
        let first = first_tag_offset(head).map_err(|error| error.to_string())?;
        // The first tag, behind a `PreviousTagSize0` that the offset includes.
        bytes.advance((first as usize).min(bytes.len()));
        let (mut head, mut tags) = (Vec::new(), Vec::new());
        while let Some(tag) = take_tag(&mut bytes).map_err(|error| error.to_string())? {
            match (tag.kind, &tag.body[..]) {
                (TagKind::Script, _) => head.push(tag),
                // AVC and AAC have their sequence headers in packets of type 0, AVC its end in type 2.
                (_, [first, 0, ..]) if matches!(first & 0x0f, 7) || first >> 4 == 10 => head.push(tag),
                (TagKind::Video, [_, 2, ..]) => {}
                _ => tags.push(tag),
            }
        }
        let frames: Vec<u32> =
            tags.iter().filter(|t| t.kind == TagKind::Video).map(|t| t.timestamp.as_millis()).collect();
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Err(format!("{} has no picture to publish", path.display()));
        };
        // One more frame's time, so that the repetition keeps the pace.
        let length = (last - first) as usize * frames.len() / (frames.len() - 1).max(1);
        let origin = tags.iter().map(|tag| tag.timestamp.as_millis()).min().unwrap_or_default();
        Ok(Self { head, tags, origin, length: length as u32 })
    }

    /// A tag's time in that repetition, counted from the first.
    pub(crate) fn due(&self, tag: &Tag, round: u32) -> u32 {
        tag.timestamp.as_millis() - self.origin + round * self.length
    }
}

/// Publishes for that long, or for ever; says so on standard error once the server has agreed.
pub(crate) async fn run(
    target: &Target,
    file: &Path,
    seconds: Option<f64>,
) -> Result<Map<String, serde_json::Value>, Failure> {
    let reel = Reel::load(file).map_err(Failure::Broken)?;
    let mut client = Client::publish(target).await?;
    eprintln!("wiidia-load: publishing");
    let mut out = Vec::new();
    put_message(&mut out, 2, 0, 1, 0, 128, &(CHUNK as u32).to_be_bytes());
    for tag in &reel.head {
        put_tag(&mut out, tag.kind, 0, &set_data_frame(tag));
    }
    client.write(&out).await?;

    let begin = Instant::now();
    let end = seconds.map(|seconds| begin + Duration::from_secs_f64(seconds));
    let (mut number, mut latest) = (0, Duration::ZERO);
    'all: for round in 0u32.. {
        for tag in &reel.tags {
            let ms = reel.due(tag, round);
            let due = begin + Duration::from_millis(ms.into());
            if end.is_some_and(|end| due > end) {
                break 'all;
            }
            if due > Instant::now() {
                wait(&mut client, due).await?;
            }
            latest = latest.max(due.elapsed());
            out.clear();
            if tag.kind == TagKind::Video {
                let stamp = Stamp { ns: stamp::now(), number };
                number += 1;
                put_tag(&mut out, tag.kind, ms, &stamp.put_into(&tag.body));
            } else {
                put_tag(&mut out, tag.kind, ms, &tag.body);
            }
            client.write(&out).await?;
        }
    }
    let mut metrics = Map::new();
    metrics.insert("frames".into(), json!(number));
    metrics.insert("latest_ms".into(), json!(latest.as_secs_f64() * 1000.0));
    Ok(metrics)
}

/// Sleeps, and reads meanwhile what the server has to say.
async fn wait(client: &mut Client, due: Instant) -> Result<(), Failure> {
    loop {
        match tokio::time::timeout_at(due, client.read(&mut |_| ())).await {
            Ok(read) => read?,
            Err(_) => return Ok(()),
        }
    }
}

fn put_tag(out: &mut Vec<u8>, kind: TagKind, ms: u32, body: &[u8]) {
    let csid = if kind == TagKind::Video { 6 } else { 4 };
    put_message(out, csid, 1, kind.type_id(), ms, CHUNK, body);
}

/// Publishers send a file's `onMetaData` wrapped.
fn set_data_frame(tag: &Tag) -> Vec<u8> {
    match tag.kind {
        TagKind::Script => [b"\x02\0\x0d@setDataFrame", &tag.body[..]].concat(),
        TagKind::Audio | TagKind::Video => tag.body.to_vec(),
    }
}
