//! The `wiidiaserver` program: reads the command line, binds the sockets, runs the server.

use std::process::ExitCode;
use wiidiaserver::pipeline;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == "worker") {
        return pipeline::worker::main(args);
    }
    ExitCode::SUCCESS
}
