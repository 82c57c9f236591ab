//! Tests in network namespaces of their own: they run in this program, started anew in there.

use crate::program::run;
use crate::samples::{self, we_are_root};
use std::time::Duration;

/// Runs tests of this program that are `#[ignore]`d, by a script of tests/ that prepares the namespaces and gets `arguments` before the program.
/// False: none can be made here; root may, and not in every container.
#[track_caller]
pub(crate) fn run_apart(script: &str, arguments: &[&str], tests: &[&str], limit: Duration) -> bool {
    let apart = ["--net", "--mount"];
    if !we_are_root()
        || !run("unshare", &[&apart[..], &["true"]].concat(), Duration::from_secs(60)).status.success()
    {
        eprintln!("left out: no network namespaces can be made here");
        return false;
    }
    // Made before: nothing of it can be fetched in there.
    samples::library();
    let this = std::env::current_exe().unwrap();
    let script = format!("{}/tests/{script}", env!("CARGO_MANIFEST_DIR"));
    let program = [this.to_str().unwrap(), "--ignored", "--exact", "--nocapture", "--test-threads", "1"];
    let words = [&apart[..], &[script.as_str()], arguments, &program[..], tests].concat();
    let done = run("unshare", &words, limit);
    let said = format!("{}\n{}", String::from_utf8_lossy(&done.stdout), done.stderr);
    assert!(done.status.success() && said.contains(&format!("{} passed", tests.len())), "{said}");
    true
}
