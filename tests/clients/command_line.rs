//! The program's command line: what it says, and how it ends.

use crate::program::{Finished, command, start, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, JAPANESE_MP4, LONG_AVI, library, server_program, we_are_root};
use crate::server::{Server, folder_for_server, free_address, server_command};
use std::net::TcpListener;
use std::time::Duration;

/// Nothing that only looks at its arguments may take longer, debug build or not.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Runs the program to its end.
#[track_caller]
fn says(arguments: &[&str]) -> Finished {
    let mut command = server_command(server_program());
    command.args(arguments);
    start(command).finish(AT_ONCE)
}

/// It must fail and say all of that.
#[track_caller]
fn refuses(arguments: &[&str], words: &[&str]) {
    let finished = says(arguments);
    assert!(!finished.status.success(), "{arguments:?} was accepted: {}", finished.stderr);
    for word in words {
        assert!(finished.stderr.contains(word), "{arguments:?}: no {word:?} in:\n{}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{arguments:?}:\n{}", finished.stderr);
}

#[test]
fn version_and_help_are_told() {
    let version = says(&["--version"]);
    assert!(version.status.success());
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
    let help = says(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for option in ["--config", "--library", "--http", "--rtmp", "--data", "--allow-root", "check-config"] {
        assert!(help.contains(option), "no {option} in:\n{help}");
    }
}

#[test]
fn who_has_seen_enough_of_the_help_may_stop_reading() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut help = server_command(server_program());
    let ended = help.arg("--help").stdout(writer).status().unwrap();
    assert!(ended.success(), "{ended}");
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    refuses(&["--nonsense"], &["--nonsense"]);
    refuses(&["--http"], &["--http"]);
    refuses(&["--library", ".", "--http", "nowhere"], &["nowhere", "--http"]);
    refuses(&["--library", ".", "--rtmp", "127.0.0.1:99999"], &["99999"]);
    refuses(&[], &["--library"]);
}

#[test]
fn a_missing_library_folder_is_refused_by_name() {
    refuses(&["--library", "/there/is/no/such/folder"], &["/there/is/no/such/folder"]);
    refuses(&["--library", library().join("Music/Ein Lied.mp3").to_str().unwrap()], &["Ein Lied.mp3"]);
    refuses(&["check-config", "--library", "/there/is/no/such/folder"], &["/there/is/no/such/folder"]);
}

#[test]
fn check_config_accepts_what_is_right_and_names_what_is_wrong() {
    let folder = folder_for_server();
    let file = folder.path().join("wiidiaserver.toml");
    let path = file.to_str().unwrap();
    let write = |text: &str| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    };
    let library = library().to_str().unwrap();

    write("");
    let fine = says(&["check-config", "--config", path, "--library", library]);
    assert!(fine.status.success(), "{}", fine.stderr);

    write("\n\nnonsense = 1\n");
    refuses(
        &["check-config", "--config", path, "--library", library],
        &["nonsense", "3", "wiidiaserver.toml"],
    );
    refuses(&["--config", path, "--library", library], &["nonsense"]);
    write("[[[");
    refuses(&["check-config", "--config", path, "--library", library], &["wiidiaserver.toml", "1"]);
    refuses(&["check-config", "--config", "/no/such/file.toml"], &["/no/such/file.toml"]);
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let folder = folder_for_server();
    let taken = TcpListener::bind(free_address()).unwrap();
    let (taken, free) = (taken.local_addr().unwrap().to_string(), free_address().to_string());
    let common = ["--library", library().to_str().unwrap(), "--data", folder.path().to_str().unwrap()];
    refuses(&[&common[..], &["--http", &taken, "--rtmp", &free]].concat(), &[&taken, "--http"]);
    refuses(&[&common[..], &["--rtmp", &taken, "--http", &free]].concat(), &[&taken, "--rtmp"]);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let (http, rtmp) = (free_address().to_string(), free_address().to_string());
    let library = library().to_str().unwrap();
    refuses(
        &["--library", library, "--http", &http, "--rtmp", &rtmp, "--data", "/proc/no-place"],
        &["/proc/no-place", "--data"],
    );
}

#[test]
fn root_is_refused_unless_told_to() {
    if !we_are_root() {
        return;
    }
    let program = server_program().to_str().unwrap();
    let mut as_root = command(program, &["--library", library().to_str().unwrap()]);
    as_root.args(["--http", &free_address().to_string(), "--rtmp", &free_address().to_string()]);
    let finished = start(as_root).finish(AT_ONCE);
    assert!(!finished.status.success());
    assert!(
        finished.stderr.contains("root") && finished.stderr.contains("--allow-root"),
        "{}",
        finished.stderr
    );
}

#[test]
fn where_to_find_it_is_said_at_the_start() {
    let server = Server::start();
    let log = server.log();
    for address in [format!("http://{}", server.http), format!("rtmp://{}", server.rtmp)] {
        assert!(log.contains(&address), "no {address} in:\n{log}");
    }
}

#[test]
fn sigterm_ends_the_server_soon_and_every_client_with_it() {
    let mut server = Server::start();
    let url = server.rtmp_url(JAPANESE_MP4);
    let rtmp_player = start(command("ffmpeg", &["-v", "error", "-i", &url, "-f", "null", "-"]));
    let url = server.http_url("flv", LONG_AVI);
    let http_player = start(command("ffmpeg", &["-v", "error", "-i", &url, "-f", "null", "-"]));
    let mut watching = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    watching.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    let mut idle = RtmpClient::connect(server.rtmp, "vod");
    wait_until("something is converted", SOON, || !server.workers().is_empty());
    let workers = server.workers();
    server.terminate();
    let status = server.ended(Duration::from_secs(5));
    assert!(status.success(), "ended with {status}");
    assert!(watching.is_closed_within(Duration::from_secs(2)));
    assert!(idle.is_closed_within(Duration::from_secs(2)));
    rtmp_player.finish(Duration::from_secs(10));
    http_player.finish(Duration::from_secs(10));
    for worker in workers {
        let alive = std::path::PathBuf::from(format!("/proc/{worker}"));
        wait_until("the workers have ended too", Duration::from_secs(2), || !alive.exists());
    }
}
