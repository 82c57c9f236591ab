//! What ffprobe sees in a file or at a URL, packet by packet, and how two such lists compare.

use crate::program::succeed;
use std::time::Duration;

/// One packet.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) video: bool,
    /// Seconds.
    pub(crate) pts: f64,
    pub(crate) dts: f64,
    pub(crate) duration: f64,
    pub(crate) key: bool,
}

/// Reads everything as fast as it comes. RTMP: by asking for an hour of buffer.
#[track_caller]
pub(crate) fn probe(url: &str) -> Vec<Packet> {
    let options: &[&str] = if url.starts_with("rtmp:") { &["-rtmp_buffer", "3600000"] } else { &[] };
    probe_with(options, url)
}

/// With options of ffprobe. Do not seek with a large buffer: the server has then sent the end already, and for
/// ffmpeg a `Play.Stop` that arrives while it waits for `Seek.Notify` is the end.
#[track_caller]
pub(crate) fn probe_with(options: &[&str], url: &str) -> Vec<Packet> {
    let mut arguments = vec!["-v", "error", "-of", "json", "-show_packets"];
    arguments.extend_from_slice(options);
    arguments.push(url);
    let output = succeed("ffprobe", &arguments, Duration::from_secs(90));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packets = json["packets"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!packets.is_empty(), "no packets at {url}: {}", output.stderr);
    packets
        .iter()
        // The third stream of an FLV is its metadata.
        .filter(|packet| packet["codec_type"] != "data" && packet["codec_type"] != "subtitle")
        .map(|packet| {
            let seconds = |key: &str| packet[key].as_str().and_then(|text| text.parse().ok());
            let dts: f64 = seconds("dts_time").or(seconds("pts_time")).unwrap_or(f64::NAN);
            Packet {
                video: packet["codec_type"] == "video",
                dts,
                pts: seconds("pts_time").unwrap_or(dts),
                duration: seconds("duration_time").unwrap_or(0.0),
                key: packet["flags"].as_str().is_some_and(|flags| flags.contains('K')),
            }
        })
        .collect()
}

/// ffmpeg must decode all of it without a word. Options stand before the input.
#[track_caller]
pub(crate) fn decodes(options: &[&str], url: &str) {
    let mut arguments = vec!["-v", "error", "-xerror"];
    arguments.extend_from_slice(options);
    // Two pictures within one tick of the output's clock are no fault of the input.
    arguments.extend(["-i", url, "-fps_mode", "vfr", "-f", "null", "-"]);
    let decoded = succeed("ffmpeg", &arguments, Duration::from_secs(90));
    assert_eq!(decoded.stderr, "", "what ffmpeg says of {url}");
}

/// The video, or the audio packets.
pub(crate) fn lane(packets: &[Packet], video: bool) -> Vec<Packet> {
    packets.iter().filter(|packet| packet.video == video).cloned().collect()
}

/// Seconds from the first presentation to the end of the last.
pub(crate) fn span(packets: &[Packet]) -> f64 {
    let begin = packets.iter().map(|p| p.pts).fold(f64::INFINITY, f64::min);
    let end = packets.iter().map(|p| p.pts + p.duration).fold(f64::NEG_INFINITY, f64::max);
    end - begin
}

/// Two lanes must have the same packets at the same times, but for a constant that is returned (seconds).
#[track_caller]
pub(crate) fn same_times(what: &str, got: &[Packet], wanted: &[Packet], tolerance: f64) -> f64 {
    assert_eq!(got.len(), wanted.len(), "{what}: number of packets");
    let mut shifts: Vec<f64> = got.iter().zip(wanted).map(|(g, w)| g.pts - w.pts).collect();
    shifts.sort_by(f64::total_cmp);
    let shift = shifts[shifts.len() / 2];
    for (n, (g, w)) in got.iter().zip(wanted).enumerate() {
        assert!(
            (g.pts - w.pts - shift).abs() <= tolerance,
            "{what}: packet {n} has PTS {:.3}, {:.3} expected (shift {shift:.3})",
            g.pts,
            w.pts + shift
        );
        assert_eq!(g.key, w.key, "{what}: packet {n} at {:.3} is a keyframe", g.pts);
    }
    never_backwards(what, got);
    shift
}

/// As [`same_times`], for sound. The last packet may be missing: an MP4's length leaves off what the encoder
/// appended to get its last samples out, and GStreamer's demuxer keeps to it.
#[track_caller]
pub(crate) fn same_audio(what: &str, got: &[Packet], wanted: &[Packet]) -> f64 {
    assert!(
        got.len() <= wanted.len() && got.len() + 1 >= wanted.len(),
        "{what}: {} of {}",
        got.len(),
        wanted.len()
    );
    same_times(what, got, &wanted[..got.len()], 0.002)
}

/// Decoding times never step back.
#[track_caller]
pub(crate) fn never_backwards(what: &str, packets: &[Packet]) {
    for pair in packets.windows(2) {
        assert!(
            pair[1].dts >= pair[0].dts,
            "{what}: DTS steps back from {:.3} to {:.3}",
            pair[0].dts,
            pair[1].dts
        );
    }
}

/// Decoding times are `step` seconds apart, each within `tolerance`: none was moved to make room for another.
#[track_caller]
pub(crate) fn steady(what: &str, packets: &[Packet], step: f64, tolerance: f64) {
    for pair in packets.windows(2) {
        let apart = pair[1].dts - pair[0].dts;
        assert!(
            (apart - step).abs() <= tolerance,
            "{what}: {apart:.3} seconds from {:.3} to the next packet, {step:.3} expected",
            pair[0].dts
        );
    }
}
