#![allow(clippy::unwrap_used)]

use super::*;
use crate::web_address::WebAddress;

/// The names of an enum's variants, as its source has them.
fn variants(source: &str, of: &str) -> Vec<String> {
    let body = source.split_once(&format!("enum {of} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn there_is_an_example_of_every_route() {
    let decoded = Route::EXAMPLES.iter().map(|target| {
        let (path, query) = target.split_once('?').map_or((*target, None), |(path, q)| (path, Some(q)));
        format!("{:?}", Route::decode(path, query).unwrap())
    });
    let decoded: Vec<String> = decoded.collect();
    for (source, of, before) in
        [(include_str!("mod.rs"), "Route", ""), (include_str!("../manage/mod.rs"), "Manage", "Manage(")]
    {
        for name in variants(source, of) {
            let found = decoded.iter().any(|debug| {
                let rest = debug.strip_prefix(before).and_then(|debug| debug.strip_prefix(&name));
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
            });
            assert!(
                found,
                "Route::EXAMPLES lacks {of}::{name}: what holds for all routes is not tested with it"
            );
        }
    }
}

fn path(p: &str) -> LibraryPath {
    LibraryPath::from_bytes(p.as_bytes()).unwrap()
}

fn web(address: &str) -> LibraryPath {
    LibraryPath::of_web(&WebAddress::parse(address).unwrap())
}

#[test]
fn addresses_lead_where_they_say() {
    let ms = |n| MediaTime::from_millis(n);
    let films = || path("films/a b.avi");
    let none = Choice::default;
    let all = PageQuery::default;
    let list = playlist::Wanted::default;
    let joerg = || ViewerName::try_from("Jörg".to_owned()).unwrap();
    let small = || Choice::from_query("profile=small&audio=de").unwrap();
    for (address, query, expected) in [
        ("/", None, Route::Page),
        ("/assets/x-1.js", None, Route::Asset("x-1.js".into())),
        ("/api/v1/library", None, Route::Library { path: path(""), page: all() }),
        ("/api/v1/library/", None, Route::Library { path: path(""), page: all() }),
        (
            "/api/v1/library/films/",
            Some("offset=10&limit=5"),
            Route::Library { path: path("films"), page: PageQuery { offset: 10, limit: Some(5), ..all() } },
        ),
        ("/api/v1/neighbours/films/a%20b.avi", None, Route::Neighbours { path: films(), page: all() }),
        (
            "/api/v1/search",
            Some("q=A+b"),
            Route::Search(PageQuery { words: vec!["a".into(), "b".into()], ..all() }),
        ),
        ("/api/v1/index", None, Route::Index),
        ("/api/v1/cache", None, Route::Cache),
        ("/api/v1/quarantine", None, Route::Quarantine(path(""))),
        ("/api/v1/quarantine/films/a%20b.avi", None, Route::Quarantine(films())),
        ("/api/v1/info/films/a%20b.avi", None, Route::Info(films())),
        ("/api/v1/poster/films/a%20b.avi", None, Route::Poster { path: films(), version: None }),
        ("/api/v1/bar/films/a%20b.avi", Some("v=x"), Route::Bar { path: films(), version: Some("x".into()) }),
        ("/api/v1/media/films/a%20b.avi", None, Route::Media { path: films(), choice: none() }),
        (
            "/flv/films/a%20b.avi",
            Some("start=1.5"),
            Route::Flv { path: films(), start: Some(ms(1500)), choice: none() },
        ),
        ("/flv/films/a%20b.avi", Some("start="), Route::Flv { path: films(), start: None, choice: none() }),
        (
            "/fmp4/films/a%20b.avi",
            Some("x=1&start=3&audio=de&profile=small"),
            Route::Fmp4 { path: films(), start: ms(3000), choice: small() },
        ),
        (
            "/api/v1/media/films/a%20b.avi",
            Some("profile=small&audio=deu"),
            Route::Media { path: films(), choice: small() },
        ),
        (
            "/subtitles/films/a%20b.avi",
            Some("track=2&profile=small&audio=de"),
            Route::Subtitles { path: films(), track: TrackChoice::Index(2), choice: small() },
        ),
        (
            "/subtitles/films/a%20b.avi",
            None,
            Route::Subtitles { path: films(), track: TrackChoice::Default, choice: none() },
        ),
        (
            "/mp4/films/a%20b.avi",
            Some("audio=de&profile=small"),
            Route::Mp4 { path: films(), choice: small() },
        ),
        ("/api/v1/recordings", None, Route::Recordings),
        ("/api/v1/recordings/house%2Fcam%201", None, Route::Recording("house/cam 1".into())),
        ("/picture/films/a%20b.avi", None, Route::Picture { path: films(), fit: Fit::default() }),
        (
            "/picture/films/a%20b.avi",
            Some("h=448&w=800"),
            Route::Picture { path: films(), fit: Fit::parse(Some("800"), Some("448")).unwrap() },
        ),
        ("/plain", None, Route::Plain { path: path(""), page: all(), asked: Default::default() }),
        ("/plain/films/", None, Route::Plain { path: path("films"), page: all(), asked: Default::default() }),
        ("/plain.css", None, Route::PlainStyle),
        ("/device.xml", None, Route::Description),
        ("/licences", None, Route::Licences(None)),
        ("/licences/a@1", None, Route::Licences(Some("a@1".into()))),
        ("/api/v1/uploads", None, Route::Uploads),
        (
            "/api/v1/upload/films/a%20b.avi",
            Some("offset=5&size=10&replace=1"),
            Route::Upload {
                path: films(),
                asked: upload::Asked { offset: 5, size: Some(10), replace: true },
            },
        ),
        ("/api/v1/files/films/a%20b.avi", None, Route::File(films())),
        ("/download/films/a%20b.avi", None, Route::Download(films())),
        ("/share", None, Route::Share(path(""))),
        ("/share/films/a%20b.avi", None, Route::Share(films())),
        ("/m3u.m3u8", None, Route::Playlist { path: path(""), wanted: list() }),
        ("/m3u/.m3u8", None, Route::Playlist { path: path(""), wanted: list() }),
        ("/m3u/films/a%20b.avi.m3u8", None, Route::Playlist { path: films(), wanted: list() }),
        (
            "/m3u/films.m3u8",
            Some("as=rtmp&recursive"),
            Route::Playlist {
                path: path("films"),
                wanted: playlist::Wanted { target: Some(playlist::Target::Rtmp), recursive: true, ..list() },
            },
        ),
        ("/getdir//", None, Route::GetDir(path(""))),
        ("/getdir/films", None, Route::GetDir(path("films"))),
        ("/feedback/a%0Ab", None, Route::Feedback("a b".into())),
        ("/api/v1/sources", None, Route::Sources),
        ("/api/v1/sources/house/cam%201", None, Route::Source("house/cam 1".into())),
        ("/api/v1/web/https%3A%2F%2Fe.org%2Fa%20b%3Fc", None, Route::Web(web("https://e.org/a%20b?c"))),
        ("/api/v1/web/aHR0cDovL2UvYQ", None, Route::Web(web("http://e/a"))),
        ("/api/v1/web/house/trailer", None, Route::Web(path("web:/house/trailer"))),
        (
            "/web/fmp4/https://e.org/a.mp4",
            Some("start=3&profile=small&audio=de"),
            Route::Fmp4 { path: web("https://e.org/a.mp4"), start: ms(3000), choice: small() },
        ),
        ("/web/media/e.org/a", None, Route::Media { path: web("https://e.org/a"), choice: none() }),
        ("/web/flv/trailer", None, Route::Flv { path: path("web:/trailer"), start: None, choice: none() }),
        ("/api/v1/components", None, Route::Components),
        ("/api/v1/components/yt-dlp", None, Route::Component("yt-dlp".into())),
        ("/api/v1/components/yt-dlp/rollback", None, Route::ComponentRollback("yt-dlp".into())),
        ("/api/v1/devices", None, Route::Devices),
        (
            "/api/v1/devices/usb-a%20b-video-index0/controls",
            None,
            Route::DeviceControls("usb-a b-video-index0".into()),
        ),
        ("/crossdomain.xml", None, Route::CrossDomain),
        (
            "/getinfo/films/a%20b.avi",
            Some("target=9"),
            Route::GetInfo { path: films(), target: Some(ms(9000)) },
        ),
        ("/wiidiaplayer.html", Some("via=http"), Route::WiidiaPage { via: Some("http") }),
        ("/wiidiaplayer.html", Some("via=x"), Route::WiidiaPage { via: None }),
        ("/wiidiaplayer.swf", None, Route::WiidiaSwf),
        ("/api/v1/about", None, Route::About),
        ("/api/v1/openapi.json", None, Route::OpenApi),
        ("/problems/not-found", None, Route::ProblemType("not-found".into())),
        ("/api/v1/positions/J%C3%B6rg", None, Route::Positions(joerg())),
        ("/api/v1/positions/J%C3%B6rg/", None, Route::Positions(joerg())),
        (
            "/api/v1/positions/J%C3%B6rg/films/a%20b.avi",
            None,
            Route::Position { viewer: joerg(), path: films() },
        ),
        ("/api/v1/events", None, Route::LibraryEvents),
        ("/api/v1/relays", None, Route::Relays),
        ("/live/a%20b/c.flv", None, Route::Live { key: "a b/c".into(), suffix: true }),
        ("/live/a%20b/c.jpg", None, Route::Snapshot { key: "a b/c".into(), fit: None }),
        (
            "/live/cam.jpg",
            Some("w=320"),
            Route::Snapshot { key: "cam".into(), fit: Fit::parse(Some("320"), None).ok() },
        ),
        ("/live/cam", None, Route::Live { key: "cam".into(), suffix: false }),
        ("/live/a%20b/c.mp4", None, Route::LiveMp4("a b/c".into())),
        (
            "/api/v1/events",
            Some("path=films%2Fa+b.avi&target=9&audio=ger&profile=small"),
            Route::Events { path: films(), target: Some(ms(9000)), choice: small() },
        ),
    ] {
        assert_eq!(Route::decode(address, query), Ok(expected), "{address} {query:?}");
    }
}

#[test]
fn wrong_addresses_are_refused() {
    for address in ["/nothing", "/web/page/x", "/api/v1/libraryx", "/flvx/a", "/API/v1/library", "//", ""] {
        assert_eq!(Route::decode(address, None), Err(RouteError::Unknown), "{address}");
    }
    assert_eq!(Route::decode("/flv/..%2fx", None), Err(RouteError::Path(PathError::Parent)));
    for bad in ["x", "-1", "NaN", "inf", "1e999"] {
        let refused = Route::decode("/flv/a", Some(&format!("start={bad}")));
        assert!(matches!(refused, Err(RouteError::Seconds { .. })), "{bad}");
    }
    for address in ["/flv/a", "/fmp4/a", "/api/v1/media/a", "/api/v1/events"] {
        for bad in ["profile=best", "audio=german", "subtitles=-1"] {
            let refused = Route::decode(address, Some(&format!("path=a&{bad}")));
            assert!(matches!(refused, Err(RouteError::Choice(_))), "{address} {bad}");
        }
    }
}
