#![allow(clippy::unwrap_used)]

use super::*;
use std::fs;
use tempfile::TempDir;

/// A folder with `films/`, `music/`, `a file`, and an environment that knows nothing else.
struct House {
    folder: TempDir,
    environment: Environment,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("films")).unwrap();
        fs::create_dir(folder.path().join("music")).unwrap();
        fs::write(folder.path().join("a file"), "x").unwrap();
        let environment = Environment {
            working_dir: folder.path().to_owned(),
            state_home: Some(folder.path().join("state")),
            system_config: folder.path().join("etc"),
            ..Environment::default()
        };
        Self { folder, environment }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn parse(&self, arguments: &[&str]) -> Result<Command, ConfigError> {
        parse(arguments.iter().map(OsString::from), &self.environment)
    }

    #[track_caller]
    fn config(&self, arguments: &[&str]) -> Config {
        match self.parse(arguments) {
            Ok(Command::Serve(config)) => *config,
            other => panic!("{other:?}"),
        }
    }

    fn with_file(self, text: &str) -> Self {
        fs::write(self.path("c.toml"), text).unwrap();
        self
    }

    /// The message of a refusal, with this house's path as HOUSE.
    #[track_caller]
    fn refusal(&self, arguments: &[&str]) -> String {
        let error = self.parse(arguments).expect_err("it is refused");
        error.to_string().replace(self.folder.path().to_str().unwrap(), "HOUSE")
    }
}

#[test]
fn a_library_is_all_that_must_be_given() {
    let house = House::new();
    assert_eq!(
        house.config(&["--library", "films"]),
        Config {
            library: vec![house.path("films")],
            data: house.path("state/wiidiaserver"),
            access: Access { open: false, names: vec![] },
            http: Http::default(),
            https: Https { listen: "0.0.0.0:8443".parse().unwrap(), certificate: None },
            rtmp: Rtmp { listen: "0.0.0.0:1935".parse().unwrap() },
            rtmps: None,
            cache: Cache { limit_mb: 10_000, keep_free_mb: 1_000, keep: Keep::Encoded },
            discovery: Discovery { ssdp: true },
            index: Index { background: true, limit_mb: 1_000 },
            log: Log { level: Level::Info, filter: String::new() },
            playback: Playback {
                encodings: 2,
                seek_patience: Duration::from_millis(1500),
                preferences: Preferences::default()
            },
            live: Live { secret: None, apps: BTreeMap::new(), grace: Duration::from_secs(30) },
            record: Record {
                folder: None,
                streams: vec![],
                split_mb: 3900,
                split: Duration::from_secs(6 * 3600),
                keep_free_mb: 1000,
                limit_mb: None,
            },
            upload: Upload { folders: vec![], largest_mb: 50_000, keep_free_mb: 1_000 },
            relay: Relay::default(),
            sources: vec![],
            web: Web {
                open: true,
                allow: vec![],
                python: "/usr/bin/python3".into(),
                package_index: "https://pypi.org/".parse().unwrap(),
            },
            allow_root: false,
            file: None,
            written: BTreeSet::from(["library".to_owned()]),
        }
    );
}

#[test]
fn the_file_wins_over_defaults_and_flags_win_over_the_file() {
    let house = House::new().with_file(
        r#"library = ["films", "./music"]
           data = "kept"
           http.listen = "127.0.0.1:81"
           [access]
           mode = "open"
           names = ["Media.example.org."]
           [rtmp]
           listen = "[::1]:0"
           [rtmps]
           listen = "127.0.0.1:443"
           certificate = "tls/fullchain.pem"
           key = "/etc/key.pem"
           [cache]
           limit_mb = 5
           keep = "all"
           [discovery]
           ssdp = false
           [index]
           background = false
           limit_mb = 7
           [log]
           level = "Debug"
           filter = "wiidiaserver::rtmp=trace"
           [playback]
           encodings = 1
           seek_patience_ms = 0
           profile = "small"
           audio_languages = ["ger", "en-GB"]
           subtitle_languages = ["fr"]
           [live]
           secret = "open sesame"
           apps = { studio = "another sesame", open = "" }
           grace_seconds = 0
           [upload]
           folders = ["films"]
           largest_mb = 5
           [record]
           folder = "films/Recorded"
           streams = ["cam*"]
           split_minutes = 60
           limit_mb = 100"#,
    );
    let config = house.config(&["--config", "c.toml"]);
    assert_eq!(config.library, [house.path("films"), house.path("music")]);
    assert_eq!(config.data, house.path("kept"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:81");
    assert_eq!(config.rtmp.listen.to_string(), "[::1]:0");
    assert_eq!(config.access, Access { open: true, names: vec!["media.example.org".into()] });
    assert!(config.written.contains("playback.profile") && !config.written.contains("cache.keep_free_mb"));
    let rtmps = config.rtmps.clone().unwrap();
    assert_eq!(rtmps.listen.to_string(), "127.0.0.1:443");
    assert_eq!((rtmps.certificate, rtmps.key), (house.path("tls/fullchain.pem"), "/etc/key.pem".into()));
    assert_eq!(config.cache, Cache { limit_mb: 5, keep_free_mb: 1000, keep: Keep::All });
    assert_eq!(config.discovery, Discovery { ssdp: false });
    assert_eq!(config.index, Index { background: false, limit_mb: 7 });
    assert_eq!(config.log.directives(), "debug,wiidiaserver::rtmp=trace");
    assert_eq!((config.playback.encodings, config.playback.seek_patience), (1, Duration::ZERO));
    let languages = |codes: &[&str]| codes.iter().map(|code| Language::parse(code).unwrap()).collect();
    let preferences = Preferences {
        profile: crate::choice::Profile::Small,
        audio_languages: languages(&["de", "en"]),
        subtitle_languages: languages(&["fr"]),
    };
    assert_eq!(config.playback.preferences, preferences);
    assert_eq!(config.live.secret.as_deref(), Some("open sesame"));
    let apps = [("open".to_owned(), None), ("studio".to_owned(), Some("another sesame".to_owned()))];
    assert_eq!(config.live.apps, BTreeMap::from(apps));
    assert_eq!(config.live.grace, Duration::ZERO);
    assert!(!format!("{config:?}{config}").contains("sesame"), "the secret stays out of logs");
    let films = vec![house.path("films")];
    assert_eq!(config.upload, Upload { folders: films, largest_mb: 5, keep_free_mb: 1_000 });
    assert_eq!(config.record.folder, Some(house.path("films/Recorded")));
    assert_eq!((&config.record.streams[..], config.record.limit_mb), (&["cam*".to_owned()][..], Some(100)));
    assert_eq!(config.record.split, Duration::from_secs(3600));
    assert_eq!(config.file, Some(house.path("c.toml")));

    let config = house.config(&[
        "--config=c.toml",
        "--library=films",
        "--data",
        "/elsewhere",
        "--http",
        "0.0.0.0:1",
        "--http",
        "0.0.0.0:2",
        "--rtmp",
        "0.0.0.0:3",
        "--allow-root",
    ]);
    assert_eq!(config.library, [house.path("films")]);
    assert_eq!(config.data, Path::new("/elsewhere"));
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:2");
    assert_eq!(config.rtmp.listen.to_string(), "0.0.0.0:3");
    assert!(config.allow_root);
}

#[test]
fn paths_in_the_file_are_relative_to_its_folder() {
    let house = House::new();
    fs::create_dir_all(house.path("etc/wiidiaserver/here")).unwrap();
    let file = house.path("etc/wiidiaserver/config.toml");
    fs::write(&file, r#"library = ["here"]"#).unwrap();
    let config = house.config(&[]);
    assert_eq!(config.library, [house.path("etc/wiidiaserver/here")]);
    assert_eq!(config.file, Some(file));
}

#[test]
fn the_users_own_file_comes_before_the_systems() {
    let mut house = House::new();
    house.environment.config_home = Some(house.path("own"));
    for (folder, library) in [("etc", "films"), ("own", "music")] {
        fs::create_dir_all(house.path(folder).join("wiidiaserver")).unwrap();
        let text = format!("library = [\"../../{library}\"]");
        fs::write(house.path(folder).join("wiidiaserver/config.toml"), text).unwrap();
    }
    let own = house.path("own/wiidiaserver/config.toml");
    assert_eq!(house.config(&[]).file, Some(own.clone()));
    fs::remove_file(own).unwrap();
    assert_eq!(house.config(&[]).file, Some(house.path("etc/wiidiaserver/config.toml")));
}

#[test]
fn a_tilde_is_the_home_folder() {
    let mut house = House::new().with_file(r#"library = ["~/films"]"#);
    house.environment.home = Some(house.path(""));
    house.environment.working_dir = PathBuf::from("/");
    let file = house.path("c.toml");
    let config = house.config(&["--config", file.to_str().unwrap(), "--data=~/kept"]);
    assert_eq!((config.library, config.data), (vec![house.path("films")], house.path("kept")));
}

#[test]
fn commands_are_recognised() {
    let house = House::new();
    for (arguments, command) in [
        (&["--help"][..], Command::Help),
        (&["-h", "--nonsense"], Command::Help),
        (&["--version"], Command::Version),
        (&["check-config", "-V"], Command::Version),
        (&["worker", "--version", "x"], Command::Worker(vec!["--version".into(), "x".into()])),
        (&["worker"], Command::Worker(vec![])),
    ] {
        assert_eq!(house.parse(arguments).unwrap(), command, "{arguments:?}");
    }
    let checked = house.parse(&["--library", "films", "check-config"]).unwrap();
    assert_eq!(checked, Command::CheckConfig(Box::new(house.config(&["--library", "films"]))));
}

#[test]
fn a_wrong_command_line_is_told_with_the_next_step() {
    let house = House::new();
    for (arguments, message) in [
        (
            &[][..],
            "there is no library yet; say where the films, music and pictures are with --library DIR, or with \
             library = [\"DIR\"] in the configuration file",
        ),
        (
            &["--libary", "films"],
            "there is no flag --libary (did you mean \"--library\"?); wiidiaserver --help lists them",
        ),
        (&["-x"], "there is no flag -x; wiidiaserver --help lists them"),
        (&["--http"], "--http needs a value, such as --http 0.0.0.0:8080"),
        (&["--allow-root=yes"], "--allow-root takes no value, \"yes\" was given; write --allow-root alone"),
        (
            &["films"],
            "\"films\" is no command (did you mean \"--library films\"?); for a folder of the library write \
             --library DIR, and wiidiaserver --help lists the rest",
        ),
        (
            &["chek-config"],
            "\"chek-config\" is no command (did you mean \"check-config\"?); for a folder of the library write \
             --library DIR, and wiidiaserver --help lists the rest",
        ),
        (
            &["--library", "filns"],
            "--library: the library folder HOUSE/filns does not exist; correct the path, or connect and mount \
             its disk",
        ),
        (
            &["--library", "a file"],
            "--library: the library folder HOUSE/a file is a file, expected a folder; name the folder it is in",
        ),
        (
            &["--library", "a file/below"],
            "--library: the library folder HOUSE/a file/below cannot be read (Not a directory (os error 20)); \
             let the user who runs the server read it",
        ),
        (
            &["--library", "films", "--library", "./films/"],
            "--library: the library folder HOUSE/films is named twice; remove one of them",
        ),
        (
            &["--library", "films", "--data", "a file/data"],
            "--data: the data folder HOUSE/a file/data cannot be made because HOUSE/a file is a file; name \
             another folder",
        ),
        (
            &["--library", "films", "--http", "0.0.0.0:1935"],
            "--http: HTTP and RTMP both listen on port 1935; give one of them another port, such as --rtmp \
             0.0.0.0:1935",
        ),
        (
            &["--config", "missing.toml"],
            "the configuration file HOUSE/missing.toml cannot be read (No such file or directory (os error 2)); \
             correct the path, or let this user read it",
        ),
    ] {
        assert_eq!(house.refusal(arguments), message, "{arguments:?}");
    }
}

#[test]
fn what_people_write_for_an_address_is_understood_and_suggested() {
    let house = House::new();
    for (value, meant) in [
        ("8081", Some("0.0.0.0:8081")),
        (":8081", Some("0.0.0.0:8081")),
        ("*:8081", Some("0.0.0.0:8081")),
        ("localhost", Some("127.0.0.1:8080")),
        ("localhost:81", Some("127.0.0.1:81")),
        ("192.168.1.5", Some("192.168.1.5:8080")),
        ("::", Some("[::]:8080")),
        ("fe80::1", Some("[fe80::1]:8080")),
        ("tv.lan:80", None),
        ("0.0.0.0:99999", None),
        ("", None),
        ("--rtmp", None),
    ] {
        let message = house.refusal(&["--library", "films", "--http", value]);
        let suggested =
            message.split_once("(did you mean \"").map(|(_, rest)| rest.split('"').next().unwrap());
        assert_eq!(suggested, meant, "{message}");
        assert!(message.starts_with(&format!("--http: \"{value}\" is no address with a port")), "{message}");
    }
}

#[test]
fn a_wrong_file_is_told_with_its_line_and_the_next_step() {
    for (text, message) in [
        (
            "library = [\"films\"]\n\n[htpp]\nlisten = \"0.0.0.0:1\"",
            "HOUSE/c.toml:3: unknown key \"htpp\" (did you mean \"http\"?); the keys here are library, data, \
             access, http, https, rtmp, rtmps, cache, discovery, index, log, playback, live, record, upload, relay, web, source",
        ),
        (
            "[cache]\nlimit = 5",
            "HOUSE/c.toml:2: unknown key \"limit\" (did you mean \"limit_mb\"?); the keys here are \
             limit_mb, keep_free_mb, keep",
        ),
        (
            "library = \"films\"",
            "HOUSE/c.toml:1: library does not fit: invalid type: string \"films\", expected a sequence; write a \
             list of folders in quotes, such as [\"/srv/media\"]",
        ),
        (
            "# comment = 1\nlibrary = [\n  \"films\",\n  5,\n]",
            "HOUSE/c.toml:4: library does not fit: invalid type: integer `5`, expected a string; write a list \
             of folders in quotes, such as [\"/srv/media\"]",
        ),
        (
            "[http]\nlisten = 8080",
            "HOUSE/c.toml:2: http.listen does not fit: invalid type: integer `8080`, expected a string; write an \
             address and a port in quotes, such as \"0.0.0.0:8080\"",
        ),
        (
            "[cache]\nlimit_mb = -1",
            "HOUSE/c.toml:2: cache.limit_mb does not fit: invalid value: integer `-1`, expected u64; write a \
             number of megabytes without quotes, such as 10000",
        ),
        (
            "[cache]\nkeep = \"encode\"",
            "HOUSE/c.toml:2: keep = \"encode\" is not known (did you mean \"encoded\"?); write \"encoded\", \"all\" or \"nothing\"",
        ),
        (
            "[http]\n\nlisten = \"8080\"",
            "HOUSE/c.toml:3: \"8080\" is no address with a port (did you mean \"0.0.0.0:8080\"?); 0.0.0.0:8080 is \
             reached from the whole network, 127.0.0.1:8080 only from this computer",
        ),
        (
            "[rtmp]\nlisten = \"127.0.0.1:8080\"",
            "HOUSE/c.toml:2: HTTP and RTMP both listen on port 8080; give one of them another port, such as \
             --rtmp 0.0.0.0:1935",
        ),
        (
            "library = [\"films\"]\n[rtmps]\ncertificate = \"c.pem\"",
            "HOUSE/c.toml:3: [rtmps] has no key; TLS needs both: certificate = \
             \"/etc/wiidiaserver/fullchain.pem\" and key = \"/etc/wiidiaserver/privkey.pem\"",
        ),
        (
            "library = [\"films\"]\n[rtmps]\nlisten = \"0.0.0.0:443\"",
            "HOUSE/c.toml:3: [rtmps] has no certificate; TLS needs both: certificate = \
             \"/etc/wiidiaserver/fullchain.pem\" and key = \"/etc/wiidiaserver/privkey.pem\"",
        ),
        (
            "library = [\"films\"]\n[rtmps]\nlisten = \"[::]:1935\"\ncertificate = \"c\"\nkey = \"k\"",
            "HOUSE/c.toml:3: port 1935 is taken by HTTP or RTMP already; give [rtmps] another one, such as \
             listen = \"0.0.0.0:1936\"",
        ),
        (
            "library = [\"films\"]\n\n[[source]]\nname = \"door\"",
            "HOUSE/c.toml:3: this source has no url; write url = \"rtsp://192.168.1.30/stream1\", or device = \"auto\" \
             for a capture stick",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a b\"\nurl = \"http://h/\"",
            "HOUSE/c.toml:3: \"a b\" can't be the name of a source; choose one of letters, digits, -, _, . and / \
             within",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a\"\nurl = \"rtmp://h/sesame\"",
            "HOUSE/c.toml:4: the address lacks the stream's name; write rtmp://<server>/<application>/<name>",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a\"\nurl = \"udp://239.1.1.1\"",
            "HOUSE/c.toml:4: the address lacks a port; write for example udp://239.1.1.1:5000 or \
             srt://192.168.1.30:9000",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a\"\nurl = \"http://h/\"\nmode = \"on demand\"",
            "HOUSE/c.toml:5: \"on demand\" is no mode (did you mean \"on_demand\"?); write \"on_demand\" (while \
             somebody watches) or \"always\"",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a\"\nurl = \"http://h/\"\nstart_timeout_seconds = 0",
            "HOUSE/c.toml:5: start_timeout_seconds = 0 is not possible, expected 1 to 120; 15 suit most cameras",
        ),
        (
            "library = [\"films\"]\n[[source]]\nname = \"a\"\nurl = \"http://h/\"\n\
             [[relay.pull]]\nname = \"a\"\nurl = \"rtmp://h/live/x\"",
            "HOUSE/c.toml:2: there are two sources of the stream \"a\"; give each a name of its own",
        ),
        (
            "library = [\"films\"]\n\n[[relay.pull]]\nname = \"door\"",
            "HOUSE/c.toml:3: this relay has no url; write url = \"rtmp://192.168.1.30/live/door\"",
        ),
        (
            "library = [\"films\"]\n[[relay.pull]]\nname = \"door\"\nurl = \"rtmp://b/sesame\"",
            "HOUSE/c.toml:4: the address lacks the stream's name; write rtmp://<server>/<application>/<name>",
        ),
        (
            "library = [\"films\"]\n[[relay.pull]]\nname = \"../door\"\nurl = \"rtmp://b/live/c\"",
            "HOUSE/c.toml:3: \"../door\" can't be the name of a stream; choose one of letters, digits, -, _, . \
             and / within",
        ),
        (
            "library = [\"films\"]\n[[relay.pull]]\nname = \"d\"\nurl = \"rtmp://b/live/c\"\nmode = \"allways\"",
            "HOUSE/c.toml:5: \"allways\" is no mode (did you mean \"always\"?); write \"on_demand\" (while \
             somebody watches) or \"always\"",
        ),
        (
            "library = [\"films\"]\n[[relay.pull]]\nname = \"d\"\nurl = \"rtmp://b/live/c\"\n\
             [[relay.pull]]\nname = \"d\"\nurl = \"rtmp://b/live/e\"",
            "HOUSE/c.toml:5: the stream \"d\" is pulled twice; give each pull a name of its own",
        ),
        (
            "library = [\"films\"]\n[[relay.push]]\nstream = \"*\"\nurl = \"rtmp://b/live/sesame\"",
            "HOUSE/c.toml:4: \"*\" may fit several streams, which can't all go to one address; write {stream} in \
             the address where the stream's name belongs",
        ),
        (
            "library = [\"films\"]\n[[relay.push]]\nstreams = \"*\"",
            "HOUSE/c.toml:3: unknown key \"streams\" (did you mean \"stream\"?); the keys here are stream, url, \
             any_codec",
        ),
        (
            "library = [\"films\"]\n[[relay.push]]\nstream = 5",
            "HOUSE/c.toml:3: relay.push.stream does not fit: invalid type: integer `5`, expected a string; write a \
             stream's name in quotes, such as \"cam\", or \"*\" for all",
        ),
        (
            "library = [\n  \"films\",\n  \"gone\",\n]",
            "HOUSE/c.toml:3: the library folder HOUSE/gone does not exist; correct the path, or connect and mount \
             its disk",
        ),
        (
            "\nlibrary = []",
            "HOUSE/c.toml:2: there is no library yet; say where the films, music and pictures are with \
             --library DIR, or with library = [\"DIR\"] in the configuration file",
        ),
        (
            "library = [\"films\"]\ndata = \"a file\"",
            "HOUSE/c.toml:2: the data folder HOUSE/a file cannot be made because HOUSE/a file is a file; name \
             another folder",
        ),
        (
            "library = [\"films\"]\n[log]\nlevel = \"inof\"",
            "HOUSE/c.toml:3: \"inof\" is no log level (did you mean \"info\"?); the levels are error, warn, info, \
             debug and trace",
        ),
        (
            "library = [\"films\"]\n[log]\nfilter = \"rtmp=loud\"",
            "HOUSE/c.toml:3: the log filter \"rtmp=loud\" cannot be read (error parsing level filter: expected one of \
             \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5); write parts and levels \
             such as \"wiidiaserver::rtmp=debug\", separated by commas",
        ),
        (
            "library = [\"films\"]\n[playback]\nencodings = 9",
            "HOUSE/c.toml:3: 9 encodings at once are not possible, expected 1 to 8; 2 suit a small box",
        ),
        (
            "library = [\"films\"]\n[playback]\nprofile = \"smal\"",
            "HOUSE/c.toml:3: there is no profile \"smal\" (did you mean \"small\"?); write tv, small, flash or audio",
        ),
        (
            "library = [\"films\"]\n[playback]\naudio_languages = [\"de\", \"German\"]",
            "HOUSE/c.toml:3: \"German\" is no language; write its code of two or three letters, such as en, de or fra",
        ),
        (
            "library = [\"films\"]\n[playback]\nsubtitle_languages = [\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]",
            "HOUSE/c.toml:3: 9 languages are too many, expected at most 8; name the best ones",
        ),
        (
            "library = [\"films\"]\n[live]\ngrace_seconds = 3601",
            "HOUSE/c.toml:3: 3601 seconds of grace are not possible, expected 0 to 3600; 30 suit an encoder that \
             reconnects",
        ),
        (
            "library = [\"films\"]\n[live]\napps = { \"a/b\" = \"\" }",
            "HOUSE/c.toml:3: \"a/b\" can't be an application for live streams; choose a name of letters, digits, \
             -, _ and . other than live (its secret is [live] secret) and vod",
        ),
        (
            "library = [\"films\"]\n[record]\nfolder = \"music\"",
            "HOUSE/c.toml:3: the folder for recordings HOUSE/music is not in the library, so they could not be \
             played; choose one below a folder of the library, such as HOUSE/films/Recordings",
        ),
        (
            "library = [\"films\"]\n[record]\nfolder = \"films/../music\"",
            "HOUSE/c.toml:3: the folder for recordings HOUSE/films/../music is not in the library, so they could \
             not be played; choose one below a folder of the library, such as HOUSE/films/Recordings",
        ),
        (
            "library = [\"films\"]\n[record]\nstreams = [\"*\"]",
            "HOUSE/c.toml:3: there is no folder for these recordings; say where they go with folder = \"DIR\" in \
             [record]",
        ),
        (
            &format!(
                "library = [\"films\"]\n[record]\nfolder = \"films\"\nstreams = [{}]",
                "\"a\", ".repeat(257)
            ),
            "HOUSE/c.toml:4: 257 names of streams are too many, expected at most 256; use * for any letters",
        ),
        (
            "library = [\"films\"]\n[record]\nsplit_mb = 9",
            "HOUSE/c.toml:3: recordings can't be split every 9 MB, expected 10 to 1000000; 3900 suits every disk",
        ),
        (
            "library = [\"films\"]\n[record]\nsplit_minutes = 0",
            "HOUSE/c.toml:3: recordings can't be split every 0 minutes, expected 1 to 1440; 360 are four files a \
             day",
        ),
        (
            "library = [\"films\"]\n[playback]\nseek_patience_ms = 600001",
            "HOUSE/c.toml:3: a patience of 600001 ms is not possible, expected 0 to 600000; 1500 suit most",
        ),
        (
            "library = [\"films\"]\ndata = here",
            "HOUSE/c.toml:2: the line cannot be read: string values must be quoted, expected literal string; \
             check its quotes, brackets and equals sign",
        ),
    ] {
        let house = House::new().with_file(text);
        assert_eq!(house.refusal(&["check-config", "--config", "c.toml"]), message, "{text}");
    }
}

#[test]
fn sources_are_read_and_their_passwords_kept_out_of_sight() {
    let house = House::new().with_file(
        r#"library = ["films"]
           [[source]]
           name = "garden/cam"
           url = "rtsp://admin:sesame@192.168.1.31/stream1?key=sesame"
           [[source]]
           name = "radio"
           url = "http://radio.example/live"
           mode = "always"
           start_timeout_seconds = 30
           stop_delay_seconds = 0"#,
    );
    let config = house.config(&["--config", "c.toml"]);
    let [cam, radio] = &config.sources[..] else { panic!("{:?}", config.sources) };
    assert_eq!((cam.on_demand, cam.start_timeout.as_secs(), cam.stop_delay.as_secs()), (true, 15, 10));
    assert_eq!((radio.on_demand, radio.start_timeout.as_secs(), radio.stop_delay.as_secs()), (false, 30, 0));
    let shown = format!("{config:?}{config}");
    assert!(shown.contains("rtsp://192.168.1.31/stream1?…") && !shown.contains("sesame"), "{shown}");
}

#[test]
fn relays_are_read_and_their_keys_kept_out_of_sight() {
    let house = House::new().with_file(
        r#"library = ["films"]
           [relay]
           ca = "ca.pem"
           [[relay.pull]]
           name = "door"
           url = "rtmp://192.168.1.30/live/sesame"
           [[relay.pull]]
           name = "garden/cam"
           url = "rtmps://[::1]:81/live/cam?key=sesame"
           mode = "always"
           [[relay.push]]
           stream = "cam*"
           url = "rtmp://cluster/live/{stream}?key=sesame"
           [[relay.push]]
           stream = "door"
           url = "rtmp://platform/live/door"
           any_codec = true"#,
    );
    let config = house.config(&["--config", "c.toml"]);
    let relay = &config.relay;
    assert_eq!(relay.ca, Some(house.path("ca.pem")));
    assert_eq!((relay.pulls[0].name.as_str(), relay.pulls[0].on_demand), ("door", true));
    assert_eq!((relay.pulls[1].url.name.as_str(), relay.pulls[1].on_demand), ("cam?key=sesame", false));
    assert_eq!(relay.pushes[0].url_for("cam 1").name, "cam%201?key=sesame");
    assert_eq!(relay.pushes.iter().map(|push| push.any_codec).collect::<Vec<_>>(), [false, true]);
    let shown = format!("{config:?}{config}");
    assert!(shown.contains("rtmp://cluster/live/…") && !shown.contains("sesame"), "{shown}");
}

#[test]
fn a_film_given_as_configuration_is_not_read() {
    let house = House::new().with_file("");
    let film = fs::File::create(house.path("c.toml")).unwrap();
    film.set_len(crate::limits::MAX_CONFIG_FILE + 1).unwrap();
    assert_eq!(
        house.refusal(&["--config", "c.toml"]),
        "the configuration file HOUSE/c.toml has 1048577 bytes, expected at most 1048576; is it the right file?"
    );
}

#[test]
fn without_a_home_data_needs_a_flag() {
    let mut house = House::new();
    house.environment.state_home = None;
    assert_eq!(
        house.refusal(&["--library", "films"]),
        "there is no place for data because $HOME and $STATE_DIRECTORY are not set; name one with --data DIR"
    );
}

#[test]
fn the_environment_ignores_what_the_xdg_specification_ignores() {
    let read = |variables: &'static [(&str, &str)]| {
        Environment::from_variables(PathBuf::from("/here"), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    };
    let home = read(&[("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "relative"), ("XDG_STATE_HOME", "")]);
    assert_eq!(home.config_home.as_deref(), Some(Path::new("/home/ada/.config")));
    assert_eq!(home.default_data().as_deref(), Some(Path::new("/home/ada/.local/state/wiidiaserver")));
    let unit = read(&[("STATE_DIRECTORY", "/var/lib/wiidiaserver:/var/lib/more"), ("XDG_STATE_HOME", "/s")]);
    assert_eq!(unit.default_data().as_deref(), Some(Path::new("/var/lib/wiidiaserver")));
    assert_eq!(read(&[]).default_data(), None);
}

#[test]
fn root_is_refused_unless_it_insists() {
    assert!(refuse_root_as(false, false).is_ok());
    assert!(refuse_root_as(true, true).is_ok());
    let message = refuse_root_as(true, false).unwrap_err().to_string();
    assert_eq!(
        message,
        "wiidiaserver does not run as root: it opens files from the internet, and a mistake in one of its \
         decoders would own the whole machine; run it as an ordinary user who can read the library, or insist \
         with --allow-root"
    );
}

#[test]
fn the_help_names_every_flag_and_fits_a_terminal() {
    for flag in ["--library", "--config", "--http", "--rtmp", "--data", "--allow-root", "--help", "--version"]
    {
        assert!(HELP.contains(&format!("{flag} ")) || HELP.contains(&format!("{flag}\n")), "{flag}");
    }
    assert!(HELP.lines().all(|line| line.chars().count() <= 90));
}

/// The example with the # taken away from its settings; its prose has a space behind the #.
fn example() -> String {
    let text = include_str!("../../examples/wiidiaserver.toml");
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_equals_the_defaults() {
    let mut house = House::new().with_file(&example());
    house.environment.state_directory = Some("/var/lib/wiidiaserver".into());
    let mut documented = house.config(&["--config", "c.toml", "--library", "films"]);
    assert_eq!(documented.file.take(), Some(house.path("c.toml")));
    // Who writes defaults down has decided, and the page cannot change them.
    assert!(documented.written.contains("playback.profile"));
    documented.written = BTreeSet::from(["library".to_owned()]);
    assert_eq!(documented, house.config(&["--library", "films"]));
}

#[test]
fn the_example_as_it_is_changes_nothing() {
    let house = House::new().with_file(include_str!("../../examples/wiidiaserver.toml"));
    let mut config = house.config(&["--config", "c.toml", "--library", "films"]);
    config.file = None;
    assert_eq!(config, house.config(&["--library", "films"]));
}

#[test]
fn the_example_has_every_key_and_every_key_is_explained() {
    let table: toml::Table = example().parse().unwrap();
    let mut documented = Vec::new();
    for (key, value) in &table {
        match value {
            toml::Value::Table(section) => {
                documented.extend(section.keys().map(|below| format!("{key}.{below}")))
            }
            _ => documented.push(key.clone()),
        }
    }
    // Lists have no default that could be written out: their keys stand in the prose.
    let is_of_list = |key: &str| key.starts_with("source.") || key.matches('.').count() == 2;
    let prose = include_str!("../../examples/wiidiaserver.toml");
    let (lists, keys): (Vec<&str>, Vec<&str>) =
        file::KEYS.iter().map(|(key, _)| *key).partition(|key| is_of_list(key));
    for (list, key) in lists.iter().filter_map(|key| key.rsplit_once('.')) {
        let (_, section) = prose.split_once(&format!("# [[{list}]]")).expect(list);
        assert!(section.contains(&format!("\n# {key} = ")), "{list}.{key}");
    }
    let mut known: Vec<_> = keys.into_iter().map(str::to_owned).collect();
    known.sort();
    documented.sort();
    assert_eq!(documented, known);
    // And no struct has a key that the list lacks: serde names them all when one is unknown.
    for section in [
        "",
        "access.",
        "http.",
        "https.",
        "rtmp.",
        "rtmps.",
        "cache.",
        "index.",
        "log.",
        "playback.",
        "live.",
        "record.",
        "relay.",
        "web.",
    ] {
        let text = format!("{section}zzz = 1");
        let error = file::File::parse(PathBuf::from("/f"), text).unwrap_err();
        let Problem::UnknownKey { known: fields, .. } = error.problem else { panic!("{error}") };
        for field in fields {
            let key = format!("{section}{field}");
            assert!(file::KEYS.iter().any(|(k, _)| *k == key || k.starts_with(&format!("{key}."))), "{key}");
        }
    }
}

#[test]
fn addresses_of_the_web_are_configured_or_refused_with_an_example() {
    let house = House::new().with_file(
        r#"library = ["films"]
           [web]
           open = false
           allow = ["127.0.0.1:8932", "192.168.1.0/24"]
           python = "/opt/python/bin/python3"
           package_index = "http://mirror.example/simple""#,
    );
    let web = house.config(&["--config", "c.toml"]).web;
    let shown: Vec<String> = web.allow.iter().map(ToString::to_string).collect();
    assert_eq!((web.open, shown), (false, vec!["127.0.0.1:8932".to_owned(), "192.168.1.0/24".to_owned()]));
    assert_eq!(web.package_index.as_str(), "http://mirror.example/simple");
    for (text, expected) in [
        ("[web]\nallow = [\"nas\"]", "HOUSE/c.toml:2: \"nas\" is no address; write for example"),
        ("[web]\npackage_index = \"pypi\"", "HOUSE/c.toml:2: \"pypi\" is no package index"),
        ("[web]\nopen = 1", "write true or false without quotes"),
        ("[web]\nopened = true", "did you mean"),
    ] {
        let refusal = House::new().with_file(text).refusal(&["--config", "c.toml", "--library", "films"]);
        assert!(refusal.contains(expected), "{text}: {refusal}");
    }
}

#[test]
fn a_component_needs_no_library_and_an_order_that_is_known() {
    let house = House::new();
    match house.parse(&["component", "install", "yt-dlp", "2026.10.26", "--data", "kept"]) {
        Ok(Command::Component(config, act)) => {
            assert_eq!(act, ComponentAct::Install(Some("2026.10.26".into())));
            assert_eq!(config.data, house.path("kept"));
        }
        other => panic!("{other:?}"),
    }
    for words in [&["component"][..], &["component", "install"], &["component", "install", "deno"]] {
        assert!(house.refusal(words).contains("`component install yt-dlp`"), "{words:?}");
    }
}
