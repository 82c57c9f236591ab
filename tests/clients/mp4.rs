//! Films as one MP4, for players that know nothing else.

use crate::http_client::{get, get_with};
use crate::packets::{decodes, lane, probe, same_audio, same_times};
use crate::program::{succeed, wait_until};
use crate::samples::{H264_FLV, H264_MP4, MPEG2, path_of};
use crate::server::{Server, encoded};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_film_is_one_mp4_in_fragments_while_it_is_converted_and_finished_when_it_is() {
    let server = Server::start();
    let wait = |sample: &str| {
        wait_until("it is complete", LIMIT, || {
            get(server.http, &format!("/api/v1/media/{}", encoded(sample))).json()["complete"] == true
        });
    };
    for sample in [H264_MP4, MPEG2, H264_FLV, "Music/Ein Lied.mp3"] {
        let address = format!("/mp4/{}", encoded(sample));
        let url = server.http_url("mp4", sample);
        // As it comes.
        decodes(&[], &url);
        wait(sample);
        let whole = get(server.http, &address);
        assert_eq!(&whole.body[4..8], b"ftyp", "{sample}");
        assert_eq!(whole.header("Content-Length"), whole.body.len().to_string(), "{sample}: it is finished");
        let part = get_with(server.http, &address, "Range: bytes=1000-200000\r\n");
        assert_eq!(part.status, 206);
        assert!(part.body == whole.body[1000..=200_000.min(whole.body.len() - 1)], "{sample}");
        decodes(&[], &url);
        decodes(&["-ss", "7"], &url);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("whole.mp4").to_str().unwrap().to_owned();
        std::fs::write(&file, &whole.body).unwrap();
        if sample == H264_MP4 {
            let (wanted, got) = (probe(&path_of(sample)), probe(&file));
            let video = same_times(sample, &lane(&got, true), &lane(&wanted, true), 0.002);
            let audio = same_audio(sample, &lane(&got, false), &lane(&wanted, false));
            assert!((video - audio).abs() < 0.025, "sound against picture: {audio:.3} and {video:.3}");
        }
        let location = format!("location={file}");
        succeed("gst-launch-1.0", &["-q", "filesrc", &location, "!", "qtdemux", "!", "fakesink"], LIMIT);
    }
}
