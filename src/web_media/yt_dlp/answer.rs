//! What yt-dlp answers: pure.

use crate::limits::{MAX_LINKS, MAX_TITLE, MAX_WEB_ADDRESS};
use crate::web_media::Direct;
use crate::web_media::resolver::Entry;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// What it told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::web_media) struct Told {
    pub(in crate::web_media) title: Option<String>,
    /// Where the media are, and whether they are a stream.
    pub(in crate::web_media) direct: Option<(Direct, bool)>,
    pub(in crate::web_media) entries: Vec<Entry>,
}

/// Reads an answer. `None`: nothing in it can be played from here.
pub(super) fn read(json: &[u8]) -> serde_json::Result<Option<Told>> {
    serde_json::from_slice::<Info>(json).map(Info::told)
}

/// What `-J` prints, as far as it is of use (yt-dlp's README, "OUTPUT TEMPLATE" and `extractor/common.py`).
#[derive(Deserialize, Default)]
struct Info {
    #[serde(rename = "_type", default)]
    kind: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    is_live: Option<bool>,
    #[serde(default)]
    webpage_url: Option<String>,
    #[serde(flatten)]
    format: Format,
    #[serde(default)]
    formats: Option<Vec<Format>>,
    #[serde(default)]
    entries: Option<Vec<Option<Info>>>,
}

#[derive(Deserialize, Default)]
struct Format {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    manifest_url: Option<String>,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    vcodec: Option<String>,
    #[serde(default)]
    acodec: Option<String>,
    #[serde(default)]
    height: Option<f64>,
    #[serde(default)]
    tbr: Option<f64>,
    #[serde(default)]
    http_headers: Option<BTreeMap<String, String>>,
}

/// Pictures larger than a television are not asked for.
const TALLEST: f64 = 1080.0;

impl Info {
    fn told(self) -> Option<Told> {
        let title = self.title.as_deref().map(short_title);
        if self.kind.as_deref() == Some("playlist") {
            let infos: Vec<Info> = self.entries?.into_iter().flatten().take(MAX_LINKS).collect();
            let entries = infos.iter().filter_map(Info::entry).collect::<Vec<_>>();
            // An entry that was looked at already has its formats with it.
            let direct = infos.iter().find_map(Info::best);
            return (direct.is_some() || !entries.is_empty()).then_some(Told { title, direct, entries });
        }
        Some(Told { title, direct: Some(self.best()?), entries: Vec::new() })
    }

    fn entry(&self) -> Option<Entry> {
        let addresses = [&self.format.url, &self.webpage_url];
        let url = addresses.into_iter().flatten().find_map(|text| web_url(text))?;
        let duration = self.duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Some(Entry { url, title: self.title.as_deref().map(short_title), duration })
    }

    /// The format that suits best, and whether it is a stream.
    fn best(&self) -> Option<(Direct, bool)> {
        let own = self.format.protocol.is_some().then_some(&self.format);
        let all = self.formats.iter().flatten().chain(own);
        let known = all.filter_map(|format| Some((format.rank()?, format)));
        let (_, format) = known
            .max_by(|(one, _), (other, _)| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal))?;
        let is_hls = format.is_hls();
        // Pictures and sound apart are put together by the playlist above them.
        let lacks_half = format.has_no(&format.vcodec) || format.has_no(&format.acodec);
        let text = format.manifest_url.as_ref().filter(|_| is_hls && lacks_half).or(format.url.as_ref())?;
        let headers = format.http_headers.iter().flatten();
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
        let direct = Direct { url: web_url(text)?, headers: headers.into() };
        Some((direct, is_hls || self.is_live == Some(true)))
    }
}

impl Format {
    fn is_hls(&self) -> bool {
        self.protocol.as_deref().is_some_and(|protocol| protocol.starts_with("m3u8"))
    }

    fn has_no(&self, codec: &Option<String>) -> bool {
        codec.as_deref() == Some("none")
    }

    /// The higher, the better; `None`: it cannot be played from here.
    fn rank(&self) -> Option<(u8, bool, f64, bool, f64)> {
        web_url(self.url.as_deref()?)?;
        let is_plain = matches!(self.protocol.as_deref(), Some("http" | "https"));
        let both = !self.has_no(&self.vcodec) && !self.has_no(&self.acodec);
        let class = match (is_plain, self.is_hls(), both) {
            // It can be sought in.
            (true, _, true) => 4,
            (_, true, true) => 3,
            (_, true, false) if self.manifest_url.is_some() && !self.has_no(&self.vcodec) => 2,
            (true, _, false) if !self.has_no(&self.acodec) => 1,
            (true, _, false) if !self.has_no(&self.vcodec) => 0,
            _ => return None,
        };
        let height = self.height.unwrap_or(0.0);
        // Passed on without encoding.
        let passes = self.vcodec.as_deref().is_none_or(|codec| codec.starts_with("avc"));
        let fits = height <= TALLEST;
        Some((class, fits, if fits { height } else { -height }, passes, self.tbr.unwrap_or(0.0)))
    }
}

fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.as_str().len() <= 2 * MAX_WEB_ADDRESS && url.host().is_some()).then_some(url)
}

fn short_title(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TITLE).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(json: &str) -> Option<Told> {
        read(json.as_bytes()).unwrap()
    }

    fn url(told: Option<Told>) -> Option<(String, bool)> {
        told?.direct.map(|(direct, stream)| (direct.url.to_string(), stream))
    }

    #[test]
    fn the_format_that_can_be_sought_in_and_passed_on_is_taken() {
        let json = r#"{"title":"Film","formats":[
            {"url":"https://s/story","protocol":"mhtml","vcodec":"none","acodec":"none"},
            {"url":"https://s/audio","protocol":"https","vcodec":"none","acodec":"mp4a","tbr":128},
            {"url":"https://s/2160","protocol":"https","vcodec":"vp9","acodec":"opus","height":2160},
            {"url":"https://s/720vp9","protocol":"https","vcodec":"vp9","acodec":"opus","height":720},
            {"url":"https://s/720","protocol":"https","vcodec":"avc1.64","acodec":"mp4a","height":720,
             "http_headers":{"Referer":"https://page/"}},
            {"url":"https://s/1080","protocol":"https","vcodec":"avc1.64","acodec":"none","height":1080},
            {"url":"https://s/m.m3u8","protocol":"m3u8_native","vcodec":"avc1","acodec":"mp4a","height":1080}]}"#;
        let found = told(json).unwrap();
        assert_eq!(found.title.as_deref(), Some("Film"));
        let (direct, stream) = found.direct.unwrap();
        assert_eq!((direct.url.as_str(), stream), ("https://s/720", false));
        assert_eq!(*direct.headers, [("Referer".to_owned(), "https://page/".to_owned())]);
        for (json, expected) in [
            (r#"{"url":"http://h/a.mp4","protocol":"http"}"#, Some(("http://h/a.mp4", false))),
            (
                r#"{"url":"http://h/a.m3u8","protocol":"m3u8_native","is_live":true}"#,
                Some(("http://h/a.m3u8", true)),
            ),
            (
                r#"{"formats":[{"url":"https://h/v","manifest_url":"https://h/all","protocol":"m3u8","vcodec":"avc1","acodec":"none"}]}"#,
                Some(("https://h/all", true)),
            ),
            (r#"{"url":"file:///etc/passwd","protocol":"file"}"#, None),
            (r#"{"url":"rtmp://h/a","protocol":"rtmp"}"#, None),
            ("{}", None),
        ] {
            assert_eq!(url(told(json)), expected.map(|(url, stream)| (url.to_owned(), stream)), "{json}");
        }
    }

    #[test]
    fn a_playlist_is_its_entries() {
        let json = r#"{"_type":"playlist","title":"List","entries":[null,
            {"_type":"url","url":"https://s/watch?v=1","title":"One\u0007","duration":61.5},
            {"_type":"url","url":"ytsearch:x","webpage_url":"https://s/2"},{"url":"x"}]}"#;
        let found = told(json).unwrap();
        let entries: Vec<_> =
            found.entries.iter().map(|entry| (entry.url.as_str(), entry.title.as_deref())).collect();
        assert_eq!(entries, [("https://s/watch?v=1", Some("One ")), ("https://s/2", None)]);
        assert_eq!(told(r#"{"_type":"playlist","entries":[]}"#), None);
    }

    #[test]
    fn an_answer_cut_anywhere_is_no_answer() {
        let json = r#"{"title":"Film","formats":[{"url":"http://h/a.mp4","protocol":"http"}]}"#;
        for cut in 0..json.len() {
            assert!(read(&json.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }
}
