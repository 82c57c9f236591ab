//! The other side: the process that gives up what it does not need, and becomes yt-dlp.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The process that becomes yt-dlp: gives up what it does not need, then starts Python in its place. `args` is what follows
/// `yt-dlp` on the command line; of no use to people.
pub fn worker(args: impl Iterator<Item = OsString>) -> ExitCode {
    match become_yt_dlp(args) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("yt-dlp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn become_yt_dlp(args: impl Iterator<Item = OsString>) -> Result<std::convert::Infallible, String> {
    use std::os::unix::process::CommandExt;
    let (mut parent, mut port, mut python, mut folder) = (None, None, None, None);
    let mut args = args;
    while let (Some(option), Some(value)) = (args.next(), args.next()) {
        match option.to_str() {
            Some("--parent") => parent = value.to_str().and_then(|text| text.parse::<i32>().ok()),
            Some("--port") => port = value.to_str().and_then(|text| text.parse::<u16>().ok()),
            Some("--python") => python = Some(PathBuf::from(value)),
            Some("--folder") => folder = Some(PathBuf::from(value)),
            _ => return Err("this command is for the server itself".to_owned()),
        }
    }
    let (Some(parent), Some(port), Some(python), Some(folder)) = (parent, port, python, folder) else {
        return Err("this command is for the server itself".to_owned());
    };
    let mut readable = vec![folder.clone()];
    // A Python that is not the system's has its library beside the folder that it is in.
    let prefix = python.canonicalize().ok().and_then(|python| Some(python.parent()?.parent()?.to_owned()));
    readable.extend(prefix.filter(|prefix| prefix.parent().is_some()));
    crate::pipeline::worker::lock_up_program(parent, port, &readable)?;
    let mut command = std::process::Command::new(&python);
    command.args(["-s", "-B", "-m", "yt_dlp"]).args(arguments(port));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("PYTHONPATH", folder);
    Err(format!("{}: {}", python.display(), command.exec()))
}

/// As in docs/sources.md; the address comes by standard input.
fn arguments(port: u16) -> Vec<String> {
    let fixed = "--ignore-config --no-plugin-dirs --no-cache-dir --no-remote-components --no-js-runtimes --color never \
        --default-search error --no-playlist --flat-playlist --playlist-items 1:100 --socket-timeout 8 --retries 1 \
        --extractor-retries 1 --no-warnings -J --batch-file -";
    let mut arguments: Vec<String> = fixed.split_whitespace().map(str::to_owned).collect();
    arguments.extend(["--proxy".to_owned(), format!("http://127.0.0.1:{port}")]);
    arguments
}
