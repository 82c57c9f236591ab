//! The matrix: containers and codecs by every way in (RTMP, HTTP-FLV, the browser's fragmented MP4, HLS), as ffmpeg decodes
//! what comes. Each plays from the beginning and from the middle, before anything is there of it: the pictures are those
//! that belong there, sound and picture are as far apart as in the file, times never step back, and the length is right.

use crate::flashes::{FPS, Seen, TOGETHER, make, watch};
use crate::http_client::get;
use crate::packets::{lane, never_backwards, probe, span};
use crate::program::succeed;
use crate::server::{Server, encoded, folder_for_server};
use std::io::Write;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempDir};

/// Films that are repacked are longer than a conversion runs ahead (`REMUX_LEAD`), so that a seek to their end is one.
const LONG: u32 = 400;
/// Encoding is slower.
const SHORT: u32 = 60;

/// What a seek waits for must be there by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(90);

/// Seconds between keyframes of the films, and of what is encoded.
const GOP: u32 = 2;

/// Others are waited for only if they are there at once, so that seeks ahead start conversions.
const IMPATIENT: &str = "[playback]\nseek_patience_ms = 0\n";

/// H.264 as films have it.
const X264: &str =
    "-c:v libx264 -preset ultrafast -bf 2 -g 50 -pix_fmt yuv420p -x264-params b-adapt=0:scenecut=0";

fn films() -> &'static TempDir {
    static FILMS: OnceLock<TempDir> = OnceLock::new();
    FILMS.get_or_init(|| {
        let folder = folder_for_server();
        make(folder.path(), "base.mp4", LONG, &format!("F {X264} -c:a aac -b:a 96k"));
        folder
    })
}

/// How a film is watched.
#[derive(Debug, Clone, Copy)]
enum Way {
    Rtmp,
    Flv,
    Fmp4,
    Hls,
}

/// The last first: what a seek makes goes on to the end, and each has to be one to where nothing is.
const WAYS: [Way; 4] = [Way::Hls, Way::Fmp4, Way::Flv, Way::Rtmp];

impl Way {
    fn url(self, server: &Server, film: &str, start: Option<u32>) -> String {
        let query = start.map(|start| format!("?start={start}")).unwrap_or_default();
        match self {
            Self::Rtmp => server.rtmp_url(film),
            Self::Flv => server.http_url("flv", film) + &query,
            Self::Fmp4 => server.http_url("fmp4", film) + &query,
            Self::Hls => format!("http://{}/hls/{}/index.m3u8", server.http, encoded(film)),
        }
    }

    /// Some seconds of it from the beginning, or from `start` on.
    #[track_caller]
    fn watch(self, server: &Server, film: &str, start: Option<u32>, seconds: u32) -> Seen {
        if let (Self::Hls, Some(start)) = (self, start) {
            return watch(&[], segments_from(server, film, start).path().to_str().unwrap(), seconds);
        }
        let (url, begin) = (self.url(server, film, start), start.unwrap_or(0).to_string());
        let mut options = Vec::new();
        if matches!(self, Self::Rtmp) {
            options.extend(["-rtmp_buffer", "100"]);
        }
        // The others have it in their address.
        if matches!(self, Self::Rtmp) && start.is_some() {
            options.extend(["-noaccurate_seek", "-ss", &begin]);
        }
        watch(&options, &url, seconds)
    }
}

/// The segments of a film from the one with `start` in it on, as a player fetches them that seeks there. ffmpeg 5.1 cannot be
/// that player: it shows nothing after a seek in any HLS of fragmented MP4, its own among them.
#[track_caller]
fn segments_from(server: &Server, film: &str, start: u32) -> NamedTempFile {
    let folder = format!("/hls/{}/", encoded(film));
    let playlist = get(server.http, &format!("{folder}index.m3u8")).text();
    let init = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")).unwrap();
    let mut wanted = vec![init.trim_end_matches('"')];
    let (mut end, mut lines) = (0.0, playlist.lines());
    while let Some(line) = lines.next() {
        let Some(length) = line.strip_prefix("#EXTINF:") else { continue };
        end += length.trim_end_matches(',').parse::<f64>().unwrap();
        let uri = lines.next().unwrap();
        if end > f64::from(start) {
            wanted.push(uri);
        }
    }
    let mut file = NamedTempFile::new().unwrap();
    for uri in wanted {
        let mut answer = get(server.http, &format!("{folder}{uri}"));
        let until = Instant::now() + LIMIT;
        while answer.status == 503 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            answer = get(server.http, &format!("{folder}{uri}"));
        }
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        file.write_all(&answer.body).unwrap();
    }
    file
}

/// The length that ffprobe finds in the file itself.
#[track_caller]
fn length_of(path: &str) -> f64 {
    let arguments = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path];
    let said = succeed("ffprobe", &arguments, Duration::from_secs(60)).stdout;
    String::from_utf8_lossy(&said).trim().parse().unwrap()
}

/// Makes a film of `arguments` (of ffmpeg; `@base.mp4` is H.264 and AAC) and holds every way in to what is said above.
/// `rounding`: seconds by which its container keeps the times of pictures wrong.
#[track_caller]
fn plays_right(name: &str, arguments: &str, seconds: u32, rounding: f64) {
    let folder = films().path();
    make(folder, name, seconds, arguments);
    let path = folder.join(name);
    let source = watch(&[], path.to_str().unwrap(), 9);
    let (source_apart, _) = source.sound_after_picture(name);
    let server = Server::configured(folder, IMPATIENT);
    // From the middle, before anything is there.
    let mut sought = Vec::new();
    for (n, way) in WAYS.into_iter().enumerate() {
        let target = seconds - 10 - n as u32 * seconds / 20;
        let seen = way.watch(&server, name, Some(target), 7);
        let first = i64::from(seen.pictures[0].1);
        let wanted = i64::from(target * FPS);
        let gop = i64::from(GOP * FPS);
        // A whole segment comes.
        let before = if matches!(way, Way::Hls) { gop + 10 * i64::from(FPS) } else { gop };
        // Cut clips and late sound move a film's times by less than a second against the numbers of its pictures.
        assert!(
            (wanted - before - 20..=wanted + gop).contains(&first),
            "{name} over {way:?}: picture {first} for a seek to {target} s, which is {wanted}"
        );
        sought.push(seen);
    }
    let length =
        get(server.http, &format!("/api/v1/media/{}", encoded(name))).json()["duration"].as_f64().unwrap();
    let came = probe(&Way::Flv.url(&server, name, None));
    let expected = came.iter().map(|packet| packet.pts + packet.duration).fold(0.0, f64::max);
    assert!((length - expected).abs() < 0.15, "{name} is told to be {length} s long, and ends at {expected}");
    // What an edit list hides is there for who decodes, and shown.
    let of_the_file = length_of(path.to_str().unwrap());
    assert!((-0.15..1.0).contains(&(length - of_the_file)), "{name} is {length} s long, not {of_the_file}");
    let packets_of_source = probe(path.to_str().unwrap());
    for (way, sought) in WAYS.into_iter().zip(sought) {
        let who = format!("{name} over {way:?}");
        let seen = way.watch(&server, name, None, 9);
        let (clock, unsteady) = seen.clock(&who);
        assert!(unsteady <= 0.002 + rounding, "{who}: pictures are up to {unsteady:.3} s early or late");
        let (after_seek, unsteady) = sought.clock(&format!("{who}, sought"));
        assert!(
            (after_seek - clock).abs() <= 0.002 + rounding && unsteady <= 0.002 + rounding,
            "{who}: after a seek pictures come {:.3} s later than without, up to {unsteady:.3} s apart",
            after_seek - clock
        );
        for (seen, how) in [(&seen, "from the beginning"), (&sought, "after a seek")] {
            let (apart, furthest) = seen.sound_after_picture(&who);
            eprintln!(
                "{who} {how}: sound {:+.1} ms, ±{:.1}",
                (apart - source_apart) * 1000.0,
                furthest * 1000.0
            );
            assert!(
                (apart - source_apart).abs() + furthest <= TOGETHER + rounding,
                "{who} {how}: sound comes {:.3} s later than in the file, ±{furthest:.3}",
                apart - source_apart
            );
        }
        // All of it, without decoding.
        let packets = probe(&way.url(&server, name, None));
        for video in [true, false] {
            let (came, wanted) = (lane(&packets, video), lane(&packets_of_source, video));
            never_backwards(&who, &came);
            let (came, wanted) = (span(&came), span(&wanted));
            // What an edit list hides does not sound, and HLS fills the silence before and behind with frames of it.
            let (least, most) = if video { (wanted, wanted) } else { (wanted - 0.7, wanted + 0.4) };
            assert!(
                (least - 0.15..most + 0.15).contains(&came),
                "{who}: {came:.3} s of {wanted:.3}, video: {video}"
            );
        }
    }
}

#[test]
fn mp4_plays_right_by_every_way() {
    plays_right("a.mp4", "-i @base.mp4 -c copy -movflags faststart", LONG, 0.0);
    plays_right("fragments.mp4", "-i @base.mp4 -c copy -movflags frag_keyframe+empty_moov", LONG, 0.0);
}

#[test]
fn a_clip_with_an_edit_list_plays_right_by_every_way() {
    plays_right("cut.mp4", "-ss 0.7 -i @base.mp4 -c copy", LONG, 0.0);
}

#[test]
#[ignore = "by name: many of these at once take the processors from tests beside them"]
fn matroska_plays_right_by_every_way() {
    // Its times are whole milliseconds.
    plays_right("a.mkv", "-i @base.mp4 -c copy", LONG, 0.001);
    plays_right(
        "late sound.mkv",
        "-i @base.mp4 -itsoffset 0.4 -i @base.mp4 -map 0:v -map 1:a -c copy",
        LONG,
        0.001,
    );
}

#[test]
fn transport_streams_play_right_by_every_way() {
    plays_right("a.ts", "-i @base.mp4 -c copy", LONG, 0.0);
    plays_right("five hours.ts", "-i @base.mp4 -c copy -output_ts_offset 18000", LONG, 0.0);
}

#[test]
fn flv_as_it_is_plays_right_by_every_way() {
    plays_right("a.flv", "-i @base.mp4 -c copy", LONG, 0.001);
}

#[test]
fn encoded_sound_beside_a_picture_that_passes_plays_right_by_every_way() {
    plays_right("ac3.mkv", "-i @base.mp4 -c:v copy -c:a ac3", LONG, 0.001);
}

#[test]
#[ignore = "by name: many of these at once take the processors from tests beside them"]
fn an_encoded_picture_plays_right_by_every_way() {
    // Its first picture may be a frame early.
    plays_right("mpeg4.avi", "F -c:v mpeg4 -q:v 3 -g 50 -c:a libmp3lame", SHORT, 0.041);
}

#[test]
#[ignore = "by name: many of these at once take the processors from tests beside them"]
fn webm_plays_right_by_every_way() {
    plays_right("vp8.webm", "F -c:v libvpx -deadline realtime -b:v 1M -g 50 -c:a libvorbis", SHORT, 0.001);
}

#[test]
#[ignore = "by name: many of these at once take the processors from tests beside them"]
fn dvds_play_right_by_every_way() {
    plays_right("dvd.mpg", "F -c:v mpeg2video -q:v 3 -g 50 -bf 2 -c:a ac3 -f vob", SHORT, 0.001);
}
