//! nginx-rtmp, as Debian has it: the other server that relays are tested with.

use crate::server::free_address;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx, killed when dropped.
pub(crate) struct Nginx {
    pub(crate) rtmp: SocketAddr,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Nginx {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let mut nginx = Self { rtmp: free_address(), child: None, folder: tempfile::tempdir().unwrap() };
        nginx.start_again();
        nginx
    }

    /// The address of a live stream.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("rtmp://{}/live/{name}", self.rtmp)
    }

    /// Ends at once, as in a power cut.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts where it was.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/nginx-rtmp");
        let found = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        let Some((program, module)) = found.trim().split_once('\n') else {
            panic!("no nginx-rtmp (see above); run scripts/install-deps test");
        };
        let folder = self.folder.path().to_str().unwrap();
        // The example of docs/relay.md, in one process so that it can be killed.
        let docs = include_str!("../../docs/relay.md");
        let example = docs.split_once("```nginx\n").unwrap().1.split_once("```").unwrap().0;
        let example = example.replace("listen 1935;", &format!("listen {}; access_log off;", self.rtmp));
        assert!(example.contains(&self.rtmp.to_string()));
        let configuration = format!(
            "load_module {module};\n\
             daemon off; master_process off;\n\
             pid {folder}/pid; error_log {folder}/error.log info;\n\
             events {{ worker_connections 100; }}\n\
             {example}"
        );
        let file = self.folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program);
        command.args(["-p", folder, "-c", file.to_str().unwrap(), "-e", &format!("{folder}/error.log")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.rtmp).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "nginx does not listen: {ended:?}\n{}",
                std::fs::read_to_string(format!("{folder}/error.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
    }
}
