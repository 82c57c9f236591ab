//! The `wiidiaserver` program: reads the command line, binds the sockets, runs the server.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use wiidiaserver::access::{self, Access, Mode};
use wiidiaserver::appliance::{Appliance, Places, privileged};
use wiidiaserver::choice::Language;
use wiidiaserver::config::{self, Command, ComponentAct, ComponentConfig, Config, Environment, Upload};
use wiidiaserver::device::{Devices, Shown};
use wiidiaserver::index::{self, Index};
use wiidiaserver::library::Library;
use wiidiaserver::limits;
use wiidiaserver::pipeline::Equipment;
use wiidiaserver::positions::Positions;
use wiidiaserver::provider::{Cache, Keep, Providers, Web};
use wiidiaserver::recording::{self, Recordings};
use wiidiaserver::relay::Relays;
use wiidiaserver::rtmp::LiveApps;
use wiidiaserver::server::{Control, Ending};
use wiidiaserver::service::{self, Inherited, Use};
use wiidiaserver::settings::Settings;
use wiidiaserver::source::{Sources, Surroundings, Words};
use wiidiaserver::stream::Streams;
use wiidiaserver::web_media::component::{self as components, Component};
use wiidiaserver::web_media::{self, Resolver};
use wiidiaserver::{card, ctl, picture, pipeline, reset, server, upload};

fn main() -> ExitCode {
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(error) => return refuse(&error),
    };
    match config::parse(std::env::args_os().skip(1), &environment) {
        Ok(Command::Worker(args)) => match args.split_first() {
            Some((first, rest)) if first == "picture" => picture::worker::main(rest.iter().cloned()),
            Some((first, rest)) if first == "yt-dlp" => web_media::yt_dlp_worker(rest.iter().cloned()),
            _ => pipeline::worker::main(args.into_iter()),
        },
        Ok(Command::Help) => say(config::HELP),
        Ok(Command::Privileged) => {
            let done = privileged::serve(std::io::stdin(), std::io::stdout(), &privileged::Places::default());
            if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(Command::Card(words)) => match of_card(&words, &environment) {
            Ok(text) => say(&text),
            Err(error) => {
                eprintln!("wiidiaserver: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Control { data, words }) => match ctl::run(&data.join(server::CONTROL_SOCKET), &words) {
            Ok(text) => say(&text),
            Err(error) => {
                eprintln!("wiidiaserver: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Version) => say(config::VERSION),
        Ok(Command::Component(config, act)) => match component(&config, &act) {
            Ok(text) => say(&text),
            Err(error) => {
                eprintln!("wiidiaserver: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Devices) => say(&Shown(&Devices::default().list()).to_string()),
        Ok(Command::CheckConfig(config)) => match check(&config) {
            Ok(()) => say(&format!("{config}\nthe configuration is good")),
            Err(error) => refuse(&*error),
        },
        Ok(Command::Serve(config)) => match serve(*config) {
            Ok(Ending::Stopped) => ExitCode::SUCCESS,
            Ok(Ending::Restart) => begin_anew(),
            Err(error) => refuse(&*error),
        },
        Err(error) => refuse(&error),
    }
}

/// `card wired`, `card wifi`, `card restore`: a file of the box's card on standard input. The passphrase of a backup is in
/// the environment, which nobody else can read, as its arguments can be.
fn of_card(words: &[std::ffi::OsString], environment: &Environment) -> Result<String, Failure> {
    let input = std::io::stdin().lock();
    match words {
        [word] if word == "wired" => Ok(card::wired(input)?),
        [word] if word == "wifi" => Ok(card::wifi(input)?),
        [word] if word == "restore" => {
            config::refuse_root(false)?;
            let Command::Serve(config) = config::parse(std::iter::empty(), environment)? else {
                return Err("without arguments the server is not served".into());
            };
            let passphrase = std::env::var("WIIDIA_PASSPHRASE").unwrap_or_default();
            Ok(card::restore(input, &passphrase, *config)?)
        }
        _ => Err("expected card wired, card wifi or card restore, with the file on standard input".into()),
    }
}

fn say(text: &str) -> ExitCode {
    write_line(text.trim_end());
    ExitCode::SUCCESS
}

/// To whoever reads it; `wiidiaserver --help | head` has seen enough, and `println!` would panic then.
fn write_line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says why not, and ends with the status that service managers take for a wrong configuration
/// (`EX_CONFIG`).
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("wiidiaserver: {error}");
    ExitCode::from(78)
}

/// As people count their disks.
const MB: u64 = 1_000_000;

type Failure = Box<dyn std::error::Error>;

fn serve(base: Config) -> Result<Ending, Failure> {
    config::refuse_root(base.allow_root)?;
    server::log::start(&base.log.directives());
    if let Some(what) = reset::perform(&base.data)? {
        tracing::warn!(?what, "what was set is forgotten, as somebody has asked for");
    }
    let settings = Settings::open(base);
    let config = &settings.config();
    server::ask_for_descriptors();
    let mut inherited = Inherited::from_environment()?;
    let certificates = certificates(config)?;
    let limit = config.cache.limit_mb.saturating_mul(MB);
    let cache = Cache::new(&config.data, limit, config.cache.keep_free_mb.saturating_mul(MB))?;
    let cache = cache.keeping(match config.cache.keep {
        config::Keep::Encoded => Keep::Encoded,
        config::Keep::All => Keep::All,
        config::Keep::Nothing => Keep::Nothing,
    });
    let library = Arc::new(Library::new(config.library.iter().cloned()));
    find_encoders(config.data.clone())?;
    let providers = Providers::new(library, cache, config.playback.encodings, PROGRAM.into());
    let providers = Arc::new(providers.with_seek_patience(config.playback.seek_patience));
    let index = index(config, &providers);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let http = listen(&mut inherited, Use::Http, config.http.listen, "--http", "web page").await?;
        let rtmp = listen(&mut inherited, Use::Rtmp, config.rtmp.listen, "--rtmp", "RTMP").await?;
        let rtmps = match certificates {
            Some((address, certificates)) => {
                let rtmps = listen(&mut inherited, Use::Rtmps, address, "[rtmps] listen =", "RTMPS").await?;
                Some((rtmps, certificates))
            }
            None => None,
        };
        let https = https(config).await;
        // Caught from here on, so that whoever reads the addresses below may send them.
        let stop = stop_signal()?;
        for address in reachable(http.local_addr()?) {
            write_line(format_args!("page:  http://{address}/"));
        }
        for address in https.iter().filter_map(|https| https.listener.local_addr().ok()).flat_map(reachable) {
            write_line(format_args!("page:  https://{address}/"));
        }
        for address in reachable(rtmp.local_addr()?) {
            write_line(format_args!("rtmp:  rtmp://{address}/vod/<path of a file>"));
        }
        for address in rtmps.iter().filter_map(|(listener, _)| listener.local_addr().ok()).flat_map(reachable)
        {
            write_line(format_args!("rtmps: rtmps://{address}/vod/<path of a file>"));
        }
        let streams = Arc::new(Streams::new(config.live.grace));
        let own_ports = [Some(&rtmp), rtmps.as_ref().map(|(listener, _)| listener)];
        let own_ports = own_ports.into_iter().flatten().filter_map(|own| own.local_addr().ok());
        let own_ports = own_ports.map(|address| address.port()).collect();
        let relays = Relays::new(&config.relay, streams.clone(), own_ports)?;
        let mode = if config.access.open { Mode::Open } else { Mode::Owner };
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let own = access::own_names(&text("/proc/sys/kernel/hostname"), &text("/etc/resolv.conf"));
        let names = config.access.names.iter().cloned().chain(own).collect();
        let access = Access::open(mode, names, &config.data);
        if reset::wants_new_password(&config.data) {
            access.forget_owner()?;
            reset::granted(&config.data)?;
            tracing::warn!("the password is forgotten, as a file on the card has asked for; choose a new one on the page");
        }
        // Only a box's own unit says this: no page of ours restarts somebody's computer. Tests name a folder.
        let appliance = match std::env::var_os("WIIDIA_APPLIANCE") {
            Some(place) if place != "1" => Appliance::with_places(&config.data, Places::below(Path::new(&place))),
            Some(_) => Appliance::of_box(&config.data),
            None => Appliance::none(),
        };
        let control = Control::bind(&config.data)
            .inspect_err(|error| tracing::warn!(%error, "there is no control socket, so `wiidiaserver ctl` finds no server"))
            .ok();
        let recordings = Arc::new(recordings(config, &providers)?);
        let app = server::App::new(providers, streams, recordings, LiveApps::default()).with_relays(relays);
        let app = app.with_access(access).with_appliance(appliance).with_settings(settings);
        let app = app.with_http(config.http.www.clone(), config.http.hls_origins.clone());
        let (streams, relays) = (app.streams.clone(), app.relays.clone());
        let devices = Devices::default();
        devices.watch();
        let resolver = Arc::new(resolver(config));
        let around = Surroundings {
            program: PROGRAM.into(),
            streams,
            relays,
            devices: devices.clone(),
            resolver: Some(resolver.clone()),
            words: Words::first_of(languages(config)),
        };
        let sources = Sources::new(&config.sources, &config.data, around);
        let sources = Arc::new(sources);
        let named = sources.clone();
        let named = Box::new(move |name: &str| named.web_address(name));
        app.providers.allow_web(Web::new(resolver.clone(), config.web.open, named));
        let yt_dlp = Component::of(&resolver, config.web.package_index.clone(), PROGRAM.into());
        let app = app.with_sources(sources).with_devices(devices).with_component(yt_dlp).with_index(index.clone());
        let app = app.with_positions(Positions::open(&config.data)).with_uploads(uploads(config));
        let (watched, live) = (app.providers.clone(), app.streams.clone());
        index.start(move || has_better_things_to_do(&watched, &live))?;
        Ok(server::run(server::Listeners { http, https, rtmp, rtmps, control }, app, stop).await)
    })
}

/// The languages of the house, then that of the machine.
fn languages(config: &Config) -> Vec<Language> {
    let house = config.playback.preferences.audio_languages.iter().cloned();
    let machine = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    let machine = machine.filter_map(|locale| Language::parse(locale.split('.').next()?).ok());
    house.chain(machine).collect()
}

/// Starts this very program again in this process's place. A service manager does that better: it keeps the sockets.
fn begin_anew() -> ExitCode {
    if service::is_managed() {
        return ExitCode::SUCCESS;
    }
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(PROGRAM);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).exec();
    eprintln!("wiidiaserver: it could not be started again: {error}; start it by hand");
    ExitCode::FAILURE
}

/// The path by which the kernel knows this very program, even when its file was replaced.
const PROGRAM: &str = "/proc/self/exe";

/// Finds out what addresses of the web mean.
fn resolver(config: &Config) -> Resolver {
    Resolver::new(web_media::Settings {
        allow: config.web.allow.clone(),
        components: components::in_data(&config.data),
        python: config.web.python.clone(),
        program: PROGRAM.into(),
    })
}

/// Does something with yt-dlp. Returns what to tell the person at the console.
fn component(config: &ComponentConfig, act: &ComponentAct) -> Result<String, Failure> {
    config::refuse_root(config.allow_root)?;
    let folder = components::in_data(&config.data);
    let index = config.web.package_index.clone();
    let component = Component::new(&folder, index, config.web.python.clone(), PROGRAM.into());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        Ok(match act {
            ComponentAct::Install(version) => {
                write_line(components::NOTICE);
                let version = component.install(version.as_deref()).await?;
                format!("yt-dlp {version} is installed, and was tried; a server that runs uses it at once")
            }
            ComponentAct::Rollback => format!("yt-dlp {} is used again", component.roll_back().await?),
            ComponentAct::Remove => {
                component.remove().await?;
                "yt-dlp is removed".to_owned()
            }
            ComponentAct::Status => match component.status() {
                status if status.version.is_none() => components::ComponentError::NotInstalled.to_string(),
                status => format!(
                    "yt-dlp {}{}",
                    status.version.unwrap_or_default(),
                    status.previous.map(|previous| format!(", before that {previous}")).unwrap_or_default()
                ),
            },
        })
    })
}

/// Finds out what this machine encodes with, or remembers it, while the server serves already.
fn find_encoders(data: PathBuf) -> std::io::Result<()> {
    let find = move || {
        if let Some(known) = Equipment::recall(&data) {
            return known.install(&data);
        }
        std::thread::sleep(limits::EQUIP_DELAY);
        match Equipment::remembered(&data, Path::new(PROGRAM)) {
            Ok(equipment) => {
                tracing::info!(encoders = ?equipment.encoders(), "what this machine encodes with");
                equipment.install(&data);
            }
            Err(error) => tracing::warn!(%error, "nobody knows how fast this machine encodes"),
        }
    };
    std::thread::Builder::new().name("find encoders".into()).spawn(find).map(drop)
}

/// What only those who use it can check: files with certificates.
fn check(config: &Config) -> Result<(), Failure> {
    certificates(config)?;
    Relays::new(&config.relay, Arc::default(), Vec::new())?;
    Ok(())
}

/// HTTP over TLS, where there is a certificate. What is wrong with one that was made on the page is said, and costs HTTPS alone: the
/// page has to be there to mend it.
async fn https(config: &Config) -> Option<server::Https> {
    let (certificate, key) = match &config.https.certificate {
        Some((certificate, key)) => (certificate.clone(), key.clone()),
        None => Some(server::https_files(&config.data)).filter(|(certificate, _)| certificate.exists())?,
    };
    let refuse = |error: &dyn std::fmt::Display| tracing::error!(%error, "there is no HTTPS");
    let certificates =
        server::Certificates::load(&certificate, &key).inspect_err(|error| refuse(error)).ok()?;
    let listening = bind(config.https.listen, "[https] listen =", "page over TLS").await;
    let listener = listening.inspect_err(|error| refuse(error)).ok()?;
    Some(server::Https { listener, certificates })
}

/// Where RTMP over TLS is wanted, and by which certificate.
fn certificates(
    config: &Config,
) -> Result<Option<(SocketAddr, server::Certificates)>, server::CertificateError> {
    let Some(rtmps) = &config.rtmps else { return Ok(None) };
    Ok(Some((rtmps.listen, server::Certificates::load(&rtmps.certificate, &rtmps.key)?)))
}

/// What is known of the library's files, as far as earlier runs found it out.
fn index(config: &Config, providers: &Providers) -> Index {
    let settings = index::Settings {
        background: config.index.background,
        limit: config.index.limit_mb.saturating_mul(MB),
        keep_free: config.cache.keep_free_mb.saturating_mul(MB),
    };
    Index::open(providers.library().clone(), PROGRAM.into(), &config.data.join("index"), settings)
}

/// Films are converted, or somebody watches and the machine has no processor to spare: the index can wait.
fn has_better_things_to_do(providers: &Providers, streams: &Streams) -> bool {
    if providers.conversions() > 0 {
        return true;
    }
    let now = std::time::Instant::now();
    let live = || streams.figures(now).iter().any(|stream| stream.viewers > 0);
    index::machine_is_loaded() && (providers.viewers() > 0 || live())
}

fn uploads(config: &Config) -> upload::Settings {
    let Upload { folders, largest_mb, keep_free_mb } = config.upload.clone();
    let (largest, keep_free) = (largest_mb.saturating_mul(MB), keep_free_mb.saturating_mul(MB));
    upload::Settings { folders, largest, keep_free }
}

fn recordings(config: &Config, providers: &Providers) -> Result<Recordings, Failure> {
    let record = &config.record;
    let Some(folder) = record.folder.clone() else { return Ok(Recordings::off()) };
    let settings = recording::Settings {
        folder,
        streams: record.streams.clone(),
        split_bytes: record.split_mb * MB,
        split: record.split,
        keep_free: record.keep_free_mb.saturating_mul(MB),
        limit: record.limit_mb.map(|limit| limit.saturating_mul(MB)),
    };
    Ok(Recordings::new(settings, providers.library(), providers.growing().clone())?)
}

/// The socket that the service manager gives for this use, else one of our own.
async fn listen(
    inherited: &mut Inherited,
    what: Use,
    address: SocketAddr,
    flag: &str,
    for_people: &str,
) -> Result<TcpListener, Failure> {
    let Some(given) = inherited.take(what) else { return bind(address, flag, for_people).await };
    Ok(TcpListener::from_std(given)?)
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
