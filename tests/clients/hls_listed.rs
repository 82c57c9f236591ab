//! What is in playlists and segments, read by hand.

use crate::http_client::Answer;

/// A playlist of a film as its lines say.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) target: f64,
    pub(crate) first: u64,
    pub(crate) lengths: Vec<f64>,
    pub(crate) uris: Vec<String>,
    pub(crate) maps: Vec<String>,
    pub(crate) discontinuities: usize,
    pub(crate) ended: bool,
}

/// Reads a media playlist by hand, holding it against what RFC 8216 says with "MUST".
#[track_caller]
pub(crate) fn read(playlist: &Answer) -> Listed {
    assert_eq!(playlist.status, 200, "{}", playlist.text());
    assert_eq!(playlist.header("Content-Type"), "application/vnd.apple.mpegurl");
    let text = playlist.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("#EXTM3U"), "4.3.1.1");
    let (mut listed, mut length) = (Listed::default(), None);
    let mut version = 1;
    for line in lines {
        let value = |tag: &str| line.strip_prefix(tag);
        if let Some(value) = value("#EXT-X-TARGETDURATION:") {
            assert_eq!(listed.target, 0.0, "one target duration");
            listed.target = value.parse::<u32>().unwrap().into();
        } else if let Some(value) = value("#EXT-X-VERSION:") {
            version = value.parse().unwrap();
        } else if let Some(value) = value("#EXT-X-MEDIA-SEQUENCE:") {
            assert!(listed.uris.is_empty(), "4.3.3.2: before the first segment");
            listed.first = value.parse().unwrap();
        } else if let Some(value) = value("#EXTINF:") {
            let seconds: f64 = value.trim_end_matches(',').parse().unwrap();
            assert!(seconds.round() <= listed.target, "4.3.3.1: {seconds} of at most {}", listed.target);
            length = Some(seconds);
        } else if let Some(value) = value("#EXT-X-MAP:URI=\"") {
            listed.maps.push(value.trim_end_matches('"').to_owned());
        } else if line == "#EXT-X-DISCONTINUITY" {
            listed.discontinuities += 1;
        } else if line == "#EXT-X-ENDLIST" {
            listed.ended = true;
        } else if !line.starts_with('#') {
            listed.lengths.push(length.take().expect("4.3.2.1: EXTINF before each segment"));
            listed.uris.push(line.to_owned());
            assert!(!listed.maps.is_empty(), "3.3: a media initialization section before fragmented MP4");
        }
    }
    assert!(version >= 6, "4.3.2.5: EXT-X-MAP needs version 6");
    assert!(listed.target >= 1.0);
    listed
}

/// Type and content of the boxes in `bytes`.
pub(crate) fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        found.push((bytes[4..8].try_into().unwrap(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

/// Where each track of a segment begins and ends (ticks), and whether its first picture is a keyframe.
pub(crate) fn lanes(segment: &[u8]) -> (Vec<Option<(u64, u64)>>, Option<bool>) {
    let (mut lanes, mut key) = (vec![None, None], None);
    for (_, moof) in boxes(segment).into_iter().filter(|(kind, _)| kind == b"moof") {
        for (_, traf) in boxes(moof).into_iter().filter(|(kind, _)| kind == b"traf") {
            let parts = boxes(traf);
            let part = |kind: &[u8; 4]| parts.iter().find(|(k, _)| k == kind).unwrap().1;
            let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let track = number(part(b"tfhd"), 4) as usize - 1;
            let start = u64::from_be_bytes(part(b"tfdt")[4..12].try_into().unwrap());
            let run = part(b"trun");
            let (count, size) = (number(run, 4) as usize, if track == 0 { 16 } else { 8 });
            let mut end = start;
            for n in 0..count {
                end += u64::from(number(run, 12 + n * size));
            }
            if track == 0 && key.is_none() {
                key = Some(number(run, 12 + 8) == 0x0200_0000);
            }
            let lane: &mut Option<(u64, u64)> = &mut lanes[track];
            if let Some((_, before)) = lane {
                assert_eq!(*before, start, "fragments of track {track} follow each other");
            }
            *lane = Some((lane.map_or(start, |(first, _)| first), end));
        }
    }
    (lanes, key)
}

/// Addresses in a playlist of subtitles, held against the rules that pictures' are held to.
#[track_caller]
pub(crate) fn read_words(playlist: &Answer) -> Vec<String> {
    assert_eq!(playlist.status, 200, "{}", playlist.text());
    assert_eq!(playlist.header("Content-Type"), "application/vnd.apple.mpegurl");
    let text = playlist.text();
    let number = |tag: &str| text.lines().find_map(|line| line.strip_prefix(tag)?.parse::<f64>().ok());
    let target = number("#EXT-X-TARGETDURATION:").expect("4.3.3.1: a target duration");
    assert!(text.starts_with("#EXTM3U\n") && text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    assert!(
        text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"),
        "6.2.4: otherwise its target would have to be the picture's"
    );
    let lengths =
        text.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.trim_end_matches(',').parse().ok());
    let lengths: Vec<f64> = lengths.collect();
    assert!(lengths.iter().all(|length| length.round() <= target), "4.3.3.1: {text}");
    let uris: Vec<String> = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(lengths.len(), uris.len(), "4.3.2.1: EXTINF before each segment");
    uris
}
