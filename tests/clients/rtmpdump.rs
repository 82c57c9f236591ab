//! rtmpdump, and with it librtmp: what mplayer, curl, old VLCs and set-top boxes speak RTMP with.

use crate::packets::{decodes, lane, probe, same_times, span};
use crate::program::{Finished, run};
use crate::samples::{BROKEN, H264_FLV, H264_MP4, MPEG2, path_of};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Downloads; `options` say what.
fn dump(server: &Server, options: &[&str]) -> (Finished, tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dumped.flv").to_str().unwrap().to_owned();
    let base = format!("rtmp://{}/vod/", server.rtmp);
    let mut arguments = vec!["-o", &file];
    if !options.contains(&"-r") {
        arguments.extend(["-r", &base]);
    }
    arguments.extend_from_slice(options);
    let finished = run("rtmpdump", &arguments, LIMIT);
    (finished, folder, file)
}

#[test]
fn rtmpdump_gets_a_whole_flv() {
    let server = Server::start();
    let (finished, _folder, file) = dump(&server, &["-y", H264_FLV]);
    assert!(finished.status.success(), "{}", finished.stderr);
    let (wanted, got) = (probe(&path_of(H264_FLV)), probe(&file));
    same_times("video", &lane(&got, true), &lane(&wanted, true), 0.002);
    same_times("audio", &lane(&got, false), &lane(&wanted, false), 0.002);
}

#[test]
fn rtmpdump_gets_a_whole_mp4_by_its_prefix() {
    let server = Server::start();
    let name = format!("mp4:{H264_MP4}");
    let (finished, _folder, file) = dump(&server, &["-y", &name]);
    assert!(finished.status.success(), "{}", finished.stderr);
    let (wanted, got) = (probe(&path_of(H264_MP4)), probe(&file));
    same_times("video", &lane(&got, true), &lane(&wanted, true), 0.002);
}

#[test]
fn rtmpdump_gets_a_converted_film_by_its_url() {
    let server = Server::start();
    let (finished, _folder, file) = dump(&server, &["-r", &server.rtmp_url(MPEG2)]);
    assert!(finished.status.success(), "{}", finished.stderr);
    let seconds = span(&lane(&probe(&file), true));
    assert!((seconds - 12.0).abs() < 0.2, "{seconds:.3} of 12 seconds");
}

#[test]
fn start_and_stop_cut_from_the_keyframe_before() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        let (finished, _folder, file) = dump(&server, &["-y", sample, "--start", "7", "--stop", "9"]);
        // 2 is "incomplete": it compares what it has with the whole film's length.
        assert!(matches!(finished.status.code(), Some(0 | 2)), "{}: {}", finished.status, finished.stderr);
        // librtmp adds the 7 seconds to the times it gets: only how long it is can be checked.
        let video = lane(&probe(&file), true);
        assert!(video[0].key, "{sample}: begins without a keyframe");
        let seconds = span(&video);
        assert!((1.8..=4.3).contains(&seconds), "{sample}: {seconds:.3} seconds where 7 to 9 was asked for");
        decodes(&[], &file);
    }
}

#[test]
fn what_cannot_be_played_ends_rtmpdump_at_once() {
    let mut server = Server::start();
    for name in ["nothing", "Films/nothing"].iter().chain(BROKEN) {
        let (finished, ..) = dump(&server, &["-y", name]);
        assert!(!finished.status.success(), "{name} was played");
        assert!(finished.took < Duration::from_secs(20), "{name} took {:?}", finished.took);
    }
    server.must_be_well();
}
