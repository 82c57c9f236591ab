//! The `wiidiaserver` program: reads the command line, binds the sockets, runs the server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use wiidiaserver::config::{self, Command, Config, Environment};
use wiidiaserver::library::Library;
use wiidiaserver::limits;
use wiidiaserver::pipeline::Equipment;
use wiidiaserver::provider::{Cache, Providers};
use wiidiaserver::{pipeline, server};

fn main() -> ExitCode {
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(error) => return refuse(&error),
    };
    match config::parse(std::env::args_os().skip(1), &environment) {
        Ok(Command::Worker(args)) => pipeline::worker::main(args.into_iter()),
        Ok(Command::Help) => say(config::HELP),
        Ok(Command::Version) => say(config::VERSION),
        Ok(Command::CheckConfig(config)) => say(&format!("{config}\nthe configuration is good")),
        Ok(Command::Serve(config)) => match serve(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&*error),
        },
        Err(error) => refuse(&error),
    }
}

fn say(text: &str) -> ExitCode {
    println!("{}", text.trim_end());
    ExitCode::SUCCESS
}

/// Says why not, and ends with the status that service managers take for a wrong configuration
/// (`EX_CONFIG`).
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("wiidiaserver: {error}");
    ExitCode::from(78)
}

type Failure = Box<dyn std::error::Error>;

fn serve(config: &Config) -> Result<(), Failure> {
    config::refuse_root(config.allow_root)?;
    server::log::start(&config.log.directives());
    const MB: u64 = 1_000_000;
    let cache = Cache::new(&config.data, config.cache.limit_mb * MB, config.cache.keep_free_mb * MB)?;
    let library = Arc::new(Library::new(config.library.iter().cloned()));
    find_encoders(config.data.clone())?;
    let providers = Arc::new(Providers::new(library, cache, config.playback.encodings, PROGRAM.into()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let http = bind(config.http.listen, "--http", "web page").await?;
        let rtmp = bind(config.rtmp.listen, "--rtmp", "RTMP").await?;
        // Caught from here on, so that whoever reads the addresses below may send them.
        let stop = stop_signal()?;
        for address in reachable(http.local_addr()?) {
            println!("page:  http://{address}/");
        }
        for address in reachable(rtmp.local_addr()?) {
            println!("rtmp:  rtmp://{address}/vod/<path of a file>");
        }
        let app = server::App::new(providers, config.live.secret.clone());
        server::run(http, rtmp, app, stop).await;
        Ok(())
    })
}

/// The path by which the kernel knows this very program, even when its file was replaced.
const PROGRAM: &str = "/proc/self/exe";

/// Finds out what this machine encodes with, or remembers it, while the server serves already.
fn find_encoders(data: PathBuf) -> std::io::Result<()> {
    let find = move || {
        std::thread::sleep(limits::EQUIP_DELAY);
        match Equipment::remembered(&data, Path::new(PROGRAM)) {
            Ok(equipment) => {
                tracing::info!(encoders = ?equipment.encoders(), "what this machine encodes with");
                equipment.install();
            }
            Err(error) => tracing::warn!(%error, "nobody knows how fast this machine encodes"),
        }
    };
    std::thread::Builder::new().name("find encoders".into()).spawn(find).map(drop)
}

async fn bind(address: SocketAddr, flag: &str, what: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let next = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program uses this port: stop it, or choose another one",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need more rights: choose a higher one",
            _ => "choose an address that this machine has, or 0.0.0.0 for all",
        };
        format!(
            "can't listen on {address} for the {what}: {error}; {next}, for example {flag} {}:{}",
            address.ip(),
            address.port().saturating_add(1000)
        )
        .into()
    })
}

/// Ready when the system or the person at the console asks us to end.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The addresses that others can use for one we listen on.
fn reachable(listening: SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let localhost = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listening.port());
    lan_address().map(|ip| SocketAddr::new(ip, listening.port())).into_iter().chain([localhost]).collect()
}

/// This machine's address in the home's network: the one it would send from. Nothing is sent.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1: an address that is nobody's.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback())
}
