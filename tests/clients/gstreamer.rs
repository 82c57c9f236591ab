//! GStreamer's two RTMP sources: rtmp2src (its own) and rtmpsrc (librtmp).

use crate::packets::{lane, probe, same_times, span};
use crate::program::{run, succeed};
use crate::samples::{BROKEN, H264_FLV, H264_MP4, MPEG2, path_of};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn rtmp2src_gets_a_whole_film_to_its_end() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    for (sample, video_apart) in [(H264_FLV, 0.002), (H264_MP4, 0.002)] {
        let location = format!("location={}", server.rtmp_url(sample));
        let sink = format!("location={file}");
        succeed("gst-launch-1.0", &["-q", "rtmp2src", &location, "!", "filesink", &sink], LIMIT);
        let (wanted, got) = (probe(&path_of(sample)), probe(&file));
        same_times(sample, &lane(&got, true), &lane(&wanted, true), video_apart);
    }
}

#[test]
fn rtmp2src_plays_through_a_demuxer_to_the_end() {
    let server = Server::start();
    let location = format!("location={}", server.rtmp_url(H264_MP4));
    let pipeline = format!(
        "rtmp2src {location} ! flvdemux name=d \
         d.video ! queue ! h264parse ! avdec_h264 ! fakesink sync=false \
         d.audio ! queue ! aacparse ! avdec_aac ! fakesink sync=false"
    );
    let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
    succeed("gst-launch-1.0", &arguments, LIMIT);
}

#[test]
fn rtmpsrc_gets_a_whole_converted_film() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    let (location, sink) = (format!("location={}", server.rtmp_url(MPEG2)), format!("location={file}"));
    // One buffer, large enough for all that comes. Of more buffers there is no end: librtmp closes the connection
    // at Play.Stop, and GStreamer 1.22's rtmpsrc connects again and plays from the start, with any server.
    let one = ["blocksize=60000000", "num-buffers=1"];
    succeed("gst-launch-1.0", &["-q", "rtmpsrc", &location, one[0], one[1], "!", "filesink", &sink], LIMIT);
    let seconds = span(&lane(&probe(&file), true));
    assert!((seconds - 12.0).abs() < 0.2, "{seconds:.3} of 12 seconds");
}

#[test]
fn what_cannot_be_played_ends_both_at_once() {
    let mut server = Server::start();
    for source in ["rtmp2src", "rtmpsrc"] {
        for name in ["nothing", "nothing.mp4"].iter().chain(BROKEN) {
            let location = format!("location={}", server.rtmp_url(name));
            // rtmpsrc may call an empty stream a success; what matters is that it ends.
            run("gst-launch-1.0", &["-q", source, &location, "!", "fakesink"], Duration::from_secs(20));
        }
    }
    server.must_be_well();
}
