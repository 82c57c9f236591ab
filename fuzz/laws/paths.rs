//! Names from the network: no way out of the library, and addresses lead where they came from.

use std::os::unix::ffi::OsStrExt;
use wiidiaserver::choice::Choice;
use wiidiaserver::library::LibraryPath;
use wiidiaserver::limits::{MAX_PATH_BYTES, MAX_PATH_CANDIDATES};
use wiidiaserver::rtmp::play_path;
use wiidiaserver::server::http::fuzzing::{path_of, range_of};

pub fn law(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for path in
        [LibraryPath::from_bytes(input), LibraryPath::from_percent_encoded(&text)].into_iter().flatten()
    {
        stays_inside(&path);
        let encoded = path.percent_encoded();
        assert_eq!(LibraryPath::from_percent_encoded(&encoded), Ok(path.clone()));
        for below in ["/api/v1/library/", "/api/v1/media/", "/flv/", "/fmp4/", "/getdir/"] {
            assert_eq!(path_of(&format!("{below}{encoded}"), None), Ok(Some(path.clone())));
        }
        assert!(!path.to_string().chars().any(char::is_control));
    }

    let (address, query) = text.split_once('?').map_or((&*text, None), |(path, query)| (path, Some(query)));
    if let Ok(Some(path)) = path_of(address, query) {
        stays_inside(&path);
    }
    for len in [0, 1, 1 << 20, u64::MAX] {
        if let Some(range) = range_of(&text, len) {
            assert!(range.start < range.end && range.end <= len, "{range:?} of {len}");
        }
    }

    if let Some(Err(error)) = query.map(Choice::from_query) {
        // It is shown to people and logged.
        assert!(error.to_string().len() < 300 && !error.to_string().chars().any(char::is_control));
    }

    let (app, name) = input.split_at(input.iter().position(|&byte| byte == 0).unwrap_or(0));
    for name in [name, name.get(1..).unwrap_or_default()] {
        let candidates = play_path::candidates(app, name);
        assert!(candidates.len() <= MAX_PATH_CANDIDATES);
        let _ = (play_path::choice(app, input, name), play_path::profile(app));
        for candidate in candidates {
            let names: Vec<&[u8]> = candidate.path.split(|&byte| byte == b'/').collect();
            assert!(names.iter().all(|name| is_name(name)), "{candidate:?}");
        }
    }
}

fn stays_inside(path: &LibraryPath) {
    assert!(path.names().iter().all(|name| is_name(name.as_bytes())), "{path:?}");
    let len: usize = path.names().iter().map(|name| name.len() + 1).sum();
    assert!(len <= MAX_PATH_BYTES + 1);
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&0) && !name.contains(&b'/')
}
