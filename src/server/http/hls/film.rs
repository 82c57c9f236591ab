//! A film's playlists, made of its reel: what there will be. The segments themselves are in `segment`, its subtitles
//! in `rendition`.

use super::super::reply::{Refusal, Reply};
use super::super::watch::open_started;
use super::address::{FilmAddress, FilmFile};
use super::{immutable, playlist};
use crate::flv::Tag;
use crate::flv::TagKind;
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AAC_HEADER_LEN, AVC_HEADER_LEN};
use crate::fmp4::mime_type;
use crate::fmp4::segment::Configs;
use crate::hls::{Entry, Film, Kind, Rendition, Rule, Timetable, Variant, Version, master};
use crate::limits::{FLV_INDEX_PATIENCE, HLS_PATIENCE, HLS_PLAYLIST_AGE, HLS_RETRY};
use crate::provider::{Client, Providers, Wanted};
use crate::reel::{Codecs, Phase, Reel, Seek, Viewer};
use crate::server::App;
use crate::time::MediaTime;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// A film, opened.
pub(super) struct Show {
    pub(super) viewer: Viewer,
    pub(super) codecs: Codecs,
    pub(super) rule: Rule,
    /// Which file, in which version.
    file: u32,
    /// The same while it was written: a recording's segments are what they were when it has ended, and players go on
    /// asking for those that were listed before.
    as_it_grew: u32,
    /// How long its source's bytes are, for an estimate of what it needs.
    len: u64,
}

pub(super) async fn film(
    app: &App,
    address: &FilmAddress,
    headers: &HeaderMap,
    client: IpAddr,
) -> Result<Reply, Refusal> {
    let wanted = Wanted::new(&address.choice, &app.preferences(), Client::Browser)?;
    let version = address.version.as_deref().map(str::parse::<Version>).transpose();
    let version = version.map_err(|wrong| Refusal::new(StatusCode::BAD_REQUEST, wrong.to_string()))?;
    let show = open(&app.providers, address, &wanted).await?;
    if version.is_some_and(|version| ![show.file, show.as_it_grew].contains(&version.file)) {
        return Err(gone(address, "has changed"));
    }
    let reply = match address.file {
        FilmFile::Index => {
            let (text, kind) = show.index(address).await?;
            let age = if kind == Kind::Vod { HLS_PLAYLIST_AGE.as_secs() } else { 1 };
            playlist(text, &age.to_string())
        }
        FilmFile::Master => {
            let words = show.renditions(&app.providers, address).await;
            playlist(show.master(address, words)?, &HLS_PLAYLIST_AGE.as_secs().to_string())
        }
        FilmFile::Init => show.init(address, version)?,
        FilmFile::Segment(n) => return show.segment(app, address, version, n, headers, client).await,
        // Players fetch all words of a film in advance: that says nothing of where they are.
        FilmFile::Subtitles(track) => return show.words_listed(address, track),
        FilmFile::Words { track, n } => return show.words(&app.providers, address, &wanted, track, n).await,
    };
    show.lingers(&app.hls.linger, client, MediaTime::ZERO);
    Ok(reply)
}

fn gone(address: &FilmAddress, what: &str) -> Refusal {
    let text =
        format!("\"{}\" {what} since this playlist was made; load index.m3u8 anew", address.path.file_name());
    Refusal::new(StatusCode::GONE, text)
}

async fn open(providers: &Arc<Providers>, address: &FilmAddress, wanted: &Wanted) -> Result<Show, Refusal> {
    let (library, path) = (providers.library().clone(), address.path.clone());
    let file = tokio::task::spawn_blocking(move || library.open(&path)).await;
    let file = file.map_err(|error| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))??;
    let (viewer, codecs) = open_started(providers, &address.path, wanted).await?;
    if !codecs.are_avc_and_aac() {
        let text =
            format!("\"{}\" is neither H.264 nor AAC, and HLS knows nothing else", address.path.file_name());
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let rule = match providers.streams(viewer.reel()) {
        None => Rule::Known,
        Some(streams) => match streams.video {
            None => Rule::Sound,
            Some(video) if video.passthrough => Rule::Blind,
            Some(_) => Rule::Grid,
        },
    };
    let identity = file.identity;
    let growing = providers.growing().find(identity.file()).is_some();
    let stamped = |len: u64, modified_ns: i128| {
        let (device, inode) = (identity.file().device(), identity.file().inode());
        hash(format!("{device}.{inode}.{len}.{modified_ns}").as_bytes())
    };
    // What is being written changes its length and time with every frame, and stays what it is.
    let as_it_grew = stamped(0, 0);
    let file_stamp = if growing { as_it_grew } else { stamped(identity.len(), identity.modified_ns()) };
    Ok(Show { viewer, codecs, rule, file: file_stamp, as_it_grew, len: file.len })
}

/// FNV-1a: tells versions of one film apart, and need not resist anybody.
pub(super) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// What sequence headers configure.
pub(in crate::server::http) fn configs_of(headers: &[Tag]) -> Result<Configs, String> {
    let config = |kind: TagKind, skip: usize| {
        let header = headers.iter().find(|header| header.kind == kind)?;
        Some(header.body.slice(skip.min(header.body.len())..))
    };
    let video = config(TagKind::Video, AVC_HEADER_LEN).map(|bytes| AvcConfig::parse(&bytes)).transpose();
    let audio = config(TagKind::Audio, AAC_HEADER_LEN).map(|bytes| AacConfig::parse(&bytes)).transpose();
    Ok(Configs {
        video: video.map_err(|error| error.to_string())?,
        audio: audio.map_err(|error| error.to_string())?,
    })
}

impl Show {
    pub(super) fn reel(&self) -> &Arc<Reel> {
        self.viewer.reel()
    }

    /// The configurations that the film has, and from when on: of a film that is converted only the first one,
    /// because others announce themselves in the segments.
    pub(super) fn configurations(&self, address: &FilmAddress) -> Result<Vec<(MediaTime, Configs)>, Refusal> {
        let reel = self.reel();
        let found = match self.rule {
            Rule::Known => reel.configurations(),
            _ => reel
                .first_point()
                .map(|first| (MediaTime::ZERO, reel.headers_at(first)))
                .into_iter()
                .collect(),
        };
        let read = |(time, headers): (MediaTime, Vec<Tag>)| Ok((time, configs_of(&headers)?));
        let found: Result<Vec<_>, String> = found.into_iter().map(read).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            other => {
                let why = other.err().unwrap_or_else(|| "there is nothing to play in it".to_owned());
                let text = format!("\"{}\" can't be played here: {why}", address.path.file_name());
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
            }
        }
    }

    /// The plan as of now, and whether it is that of the whole film.
    pub(super) fn plan(&self, rule: Rule, configurations: &[(MediaTime, Configs)]) -> (Timetable, bool) {
        let reel = self.reel();
        let complete = reel.progress().phase != Phase::Growing;
        let end = reel.duration().unwrap_or_else(|| reel.progress().available);
        match rule {
            Rule::Known => {
                let changes: Vec<MediaTime> = configurations.iter().skip(1).map(|(time, _)| *time).collect();
                let keyframes = reel.points().into_iter().map(|point| point.time);
                (Timetable::known(keyframes, &changes, end), complete)
            }
            _ => (Timetable::planned(rule, end), complete || reel.duration().is_some()),
        }
    }

    fn version(&self, rule: Rule, end: MediaTime, configs: &Configs) -> Version {
        let end = if rule == Rule::Known { MediaTime::ZERO } else { end };
        Version { rule, end, file: self.file, init: hash(&configs.init()) }
    }

    /// `index.m3u8`
    async fn index(&self, address: &FilmAddress) -> Result<(String, Kind), Refusal> {
        let reel = self.reel();
        // An index that is nearly done makes a film of known length of it.
        let mut progress = reel.subscribe();
        if reel.source_metadata().is_some() {
            let indexed = progress.wait_for(|progress| progress.phase != Phase::Growing);
            drop(tokio::time::timeout(FLV_INDEX_PATIENCE, indexed).await);
        }
        let deadline = Instant::now() + HLS_PATIENCE;
        loop {
            progress.mark_unchanged();
            let configurations = self.configurations(address)?;
            let (plan, whole) = self.plan(self.rule, &configurations);
            let count = if whole { plan.count() } else { self.complete_segments(&plan) };
            if count > 0 {
                return Ok(self.listed(address, &plan, count, &configurations, whole));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(left, progress.changed()).await.is_err() {
                let text = format!("\"{}\" has no segment yet; ask again", address.path.file_name());
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(HLS_RETRY));
            }
        }
    }

    /// Segments that a film has whose end nobody knows.
    fn complete_segments(&self, plan: &Timetable) -> u32 {
        let reel = self.reel();
        let late = u32::try_from(plan.rule().late().as_millis()).unwrap_or(u32::MAX);
        let there = |n: &u32| {
            let next = plan.cell(*n).and_then(|cell| cell.next);
            next.is_some_and(|next| {
                let beyond = next.saturating_add_millis(late);
                reel.progress().available > beyond
                    && matches!(reel.seek(beyond, Instant::now()), Seek::Ready(_))
            })
        };
        (0..plan.count()).take_while(there).count() as u32
    }

    fn listed(
        &self,
        address: &FilmAddress,
        plan: &Timetable,
        count: u32,
        configurations: &[(MediaTime, Configs)],
        whole: bool,
    ) -> (String, Kind) {
        let mut current = usize::MAX;
        let mut version = String::new();
        let entries = plan.lengths().take(count as usize).enumerate().map(|(n, ms)| {
            let start = plan.cell(n as u32).map_or(MediaTime::ZERO, |cell| cell.start);
            let at = configurations.partition_point(|(from, _)| *from <= start).saturating_sub(1);
            let chosen = &address.chosen;
            let map = (at != current).then(|| {
                current = at;
                version = self.version(plan.rule(), plan.end(), &configurations[at].1).to_string();
                format!("init.mp4?v={version}{chosen}")
            });
            Entry { ms, uri: format!("segment-{n}.m4s?v={version}{chosen}"), map }
        });
        let kind = if whole { Kind::Vod } else { Kind::Event };
        let film =
            Film { kind, independent: plan.rule().begins_with_keyframes(), entries: entries.collect() };
        (film.render(), kind)
    }

    /// `master.m3u8`
    fn master(&self, address: &FilmAddress, subtitles: Vec<Rendition>) -> Result<String, Refusal> {
        let configurations = self.configurations(address)?;
        let configs = &configurations[0].1;
        let mime = mime_type(configs.video.as_ref(), configs.audio.as_ref());
        let codecs = mime.split('"').nth(1).unwrap_or_default().to_owned();
        let size = configs.video.as_ref().map(|video| (video.width, video.height));
        let chosen = address.query();
        let variant = Variant {
            uri: format!("index.m3u8{chosen}"),
            bandwidth: self.bandwidth(configs),
            codecs,
            size,
            subtitles,
        };
        Ok(master(&[variant]))
    }

    /// Bits a second that a viewer needs at the most. What is not made yet can only be estimated.
    fn bandwidth(&self, configs: &Configs) -> u64 {
        let reel = self.reel();
        let progress = reel.progress();
        let seconds = |time: MediaTime| u64::from(time.as_millis().max(1000)) / 1000;
        let average = match self.rule {
            // As large as it was.
            Rule::Blind | Rule::Known => {
                self.len * 8 / seconds(reel.duration().unwrap_or(progress.available))
            }
            _ if progress.phase == Phase::Complete => progress.bytes * 8 / seconds(progress.available),
            Rule::Sound => 192_000,
            // A tenth of a bit for each pixel, thirty times a second.
            Rule::Grid => {
                configs.video.as_ref().map_or(0, |v| u64::from(v.width) * u64::from(v.height) * 3) + 192_000
            }
        };
        average + average / 2
    }

    /// `init.mp4`
    fn init(&self, address: &FilmAddress, version: Option<Version>) -> Result<Reply, Refusal> {
        let configurations = self.configurations(address)?;
        let inits = configurations.iter().map(|(_, configs)| configs.init());
        let mut inits = inits.filter(|init| version.is_none_or(|version| version.init == hash(init)));
        let Some(init) = inits.next() else { return Err(gone(address, "is converted in another way")) };
        let mut reply = super::super::reply::reply(self.content_type(), init);
        if version.is_some() {
            immutable(&mut reply);
        }
        Ok(reply)
    }

    pub(super) fn content_type(&self) -> &'static str {
        if self.codecs.video.is_some() { "video/mp4" } else { "audio/mp4" }
    }
}
