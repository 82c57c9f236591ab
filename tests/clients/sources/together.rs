//! Sound and picture of what arrives in real time stay as far apart as they were sent, whatever happens to the sender.

use super::{LIMIT, Watching, port};
use crate::flashes;
use crate::program::{Running, command, start, wait_until};
use crate::samples;
use crate::server::Server;
use std::path::Path;
use std::time::Duration;

/// Something happens to the sender after so much undisturbed time: three flashes.
const UNDISTURBED: Duration = Duration::from_secs(6);

fn send(film: &str, to: &str) -> Running {
    start(command(
        "ffmpeg",
        &["-v", "error", "-re", "-stream_loop", "-1", "-i", film, "-c", "copy", "-f", "mpegts", to],
    ))
}

/// As far apart as each beep is from its flash, in seconds. What is cut off at either end of an outage has none.
fn apart(file: &Path) -> Vec<f64> {
    let seen = flashes::watch(&[], file.to_str().unwrap(), 300);
    let nearest = |flash: &f64| {
        let all = seen.beeps.iter().map(|beep| beep - flash);
        all.min_by(|a, b| a.abs().total_cmp(&b.abs())).filter(|apart| apart.abs() < 0.9)
    };
    seen.flashes.iter().filter_map(nearest).collect()
}

/// GStreamer's tsdemux bends the clock of what arrives in real time to ours, and did so with sound and picture at different moments: half
/// a second apart after a stutter, and for good when it came at a bad moment.
#[test]
fn a_sender_that_stutters_and_one_that_starts_again_leave_sound_with_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    // Keyframes between the flashes: who begins with one misses none of the next.
    flashes::make(
        folder.path(),
        "film.ts",
        20,
        "F -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 250 -force_key_frames expr:gte(t,n_forced+0.5) \
         -c:a aac -b:a 96k -shortest",
    );
    let film = folder.path().join("film.ts").to_str().unwrap().to_owned();
    let (udp, srt) = (port(), port());
    // Where from, and where to.
    let ways = [
        ("udp", format!("udp://{udp}"), format!("udp://{udp}?pkt_size=1316")),
        ("srt", format!("srt://{srt}?mode=caller"), format!("srt://{srt}?mode=listener")),
    ];
    let text: String = ways
        .iter()
        .map(|(name, from, _)| {
            format!("[[source]]\nname = \"{name}\"\nurl = \"{from}\"\nstart_timeout_seconds = 60\n")
        })
        .collect();
    let mut server = Server::configured(samples::library(), &text);
    let start_all = || ways.iter().map(|(_, _, to)| send(&film, to)).collect::<Vec<_>>();
    let mut senders = start_all();
    let viewers = ways.each_ref().map(|(name, ..)| {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        Watching::new(format!("http://{}/live/{name}.flv", server.http), &place)
    });
    let all_go_on = |what: &str| {
        let before = viewers.each_ref().map(Watching::bytes);
        wait_until(what, LIMIT, || (0..2).all(|n| viewers[n].bytes() > before[n] + 20_000));
        std::thread::sleep(UNDISTURBED);
    };
    all_go_on("both are seen");

    senders.iter().for_each(Running::pause);
    std::thread::sleep(Duration::from_secs(3));
    senders.iter().for_each(Running::go_on);
    all_go_on("both go on after a stutter");

    drop(senders);
    std::thread::sleep(Duration::from_secs(2));
    senders = start_all();
    all_go_on("both go on with a sender that begins anew");

    server.kill_workers();
    // ffmpeg's SRT serves one, and ends with it.
    drop(senders.pop());
    senders.push(send(&film, &ways[1].2));
    all_go_on("both go on with another worker");

    for viewer in viewers {
        let Watching { url, file, viewer } = viewer;
        drop(viewer);
        let apart = apart(&file);
        assert!(apart.len() >= 8, "{url}: {apart:?}");
        let mut sorted = apart.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        println!("{url}: {} flashes, beeps {:.0} ms later: {apart:.3?}", apart.len(), median * 1000.0);
        assert!(median.abs() < flashes::TOGETHER, "{url}: {apart:.3?}");
        assert!(apart.iter().all(|apart| (apart - median).abs() < flashes::TOGETHER), "{url}: {apart:.3?}");
    }
    drop(senders);
    server.must_be_well();
}
