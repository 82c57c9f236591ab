//! The example file says what is true.

use super::House;
use crate::config::*;

/// The example with the # taken away from its settings; its prose has a space behind the #.
fn example() -> String {
    let text = include_str!("../../../examples/wiidiaserver.toml");
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
    let house = House::new().with_file(include_str!("../../../examples/wiidiaserver.toml"));
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
    let prose = include_str!("../../../examples/wiidiaserver.toml");
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
