//! Files that are wrong: each mistake with its line and the next step.

use super::House;
use std::fs;

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
fn a_film_given_as_configuration_is_not_read() {
    let house = House::new().with_file("");
    let film = fs::File::create(house.path("c.toml")).unwrap();
    film.set_len(crate::limits::MAX_CONFIG_FILE + 1).unwrap();
    assert_eq!(
        house.refusal(&["--config", "c.toml"]),
        "the configuration file HOUSE/c.toml has 1048577 bytes, expected at most 1048576; is it the right file?"
    );
}
