//! SSDP between two network namespaces: what Windows sends, from the other end of a cable.

use crate::program::run;
use crate::samples::{self, server_program, we_are_root};
use crate::server::{folder_for_server, free_address};
use std::time::Duration;

#[test]
fn windows_finds_the_server_and_strangers_do_not() {
    // Root may, and not in every container.
    if !we_are_root() || !run("unshare", &["--net", "true"], Duration::from_secs(20)).status.success() {
        eprintln!("left out: no network namespaces can be made here");
        return;
    }
    let folder = folder_for_server();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/discovery/two-rooms");
    let (folder, port) = (folder.path().to_str().unwrap(), free_address().port().to_string());
    let (program, library) = (server_program(), samples::library());
    let arguments = ["--net", script, program.to_str().unwrap(), library.to_str().unwrap(), folder, &port];
    let done = run("unshare", &arguments, Duration::from_secs(300));
    let (said, complaints) = (String::from_utf8_lossy(&done.stdout), &done.stderr);
    assert!(done.status.success(), "{said}{complaints}");
    assert!(said.contains("it says when it goes"), "{said}");
}
