//! Television of a provider, which comes to whoever has joined its group.

use crate::apart::run_apart;
use crate::http_client::{get, get_beginning};
use crate::program::{Running, command, start, wait_until};
use crate::samples::{self, H264_MP4, path_of};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_group_is_joined_while_somebody_watches_and_left_after() {
    run_apart("multicast/group", &[], &["multicast::groups"], Duration::from_secs(400));
}

fn send(format: &str, to: &str) -> Running {
    let film = path_of(H264_MP4);
    let arguments =
        ["-v", "error", "-re", "-stream_loop", "-1", "-i", &film, "-c", "copy", "-bsf:v", "h264_mp4toannexb"];
    start(command("ffmpeg", &[&arguments[..], &["-f", format, to]].concat()))
}

/// The groups that this machine has joined, as the kernel writes them: the bytes the other way round.
fn is_joined(group: [u8; 4]) -> bool {
    let written = format!("{:08X}", u32::from_le_bytes(group));
    std::fs::read_to_string("/proc/net/igmp").unwrap().contains(&written)
}

#[test]
#[ignore = "in a namespace of its own: a_group_is_joined_while_somebody_watches_and_left_after runs it"]
fn groups() {
    let text = "[[source]]\nname = \"tv\"\nurl = \"udp://239.1.1.1:5000\"\nstop_delay_seconds = 0\n\
                [[source]]\nname = \"rtp\"\nurl = \"rtp://@239.1.1.2:5002?iface=lo\"\nstop_delay_seconds = 0\n";
    let mut server = Server::configured(samples::library(), text);
    for (name, group, format, to) in [
        ("tv", [239, 1, 1, 1], "mpegts", "udp://239.1.1.1:5000?pkt_size=1316&ttl=1"),
        ("rtp", [239, 1, 1, 2], "rtp_mpegts", "rtp://239.1.1.2:5002?ttl=1"),
    ] {
        assert!(!is_joined(group), "{name}: nobody watches");
        let mut sender = Some(send(format, to));
        let address = format!("/live/{name}.flv");
        std::thread::scope(|scope| {
            let http = server.http;
            let viewer = scope.spawn(move || get_beginning(http, &address, 600_000));
            wait_until("the group is joined", LIMIT, || is_joined(group));
            let bytes = || get(server.http, &format!("/api/v1/sources/{name}")).json()["bytes"].as_u64();
            wait_until("it is on air", LIMIT, || bytes() > Some(100_000));
            sender.take();
            sender = Some(send(format, to));
            let seen = viewer.join().unwrap();
            // Of the bytes that were waited for the answer's head takes some.
            assert!(
                seen.body.starts_with(b"FLV") && seen.body.len() >= 590_000,
                "{name}: {} bytes",
                seen.body.len()
            );
        });
        wait_until("the group is left", LIMIT, || !is_joined(group));
        drop(sender);
    }
    server.must_be_well();
}
