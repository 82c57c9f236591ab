//! Files that are right: what comes out of them.

use super::House;
use crate::choice::Language;
use crate::config::*;
use std::fs;
use std::path::Path;

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
