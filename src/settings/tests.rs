use super::*;
use crate::config::{Command, Environment, parse as parse_config};
use serde_json::json;
use tempfile::TempDir;

/// A configuration of a file with this text.
fn config(folder: &TempDir, text: &str) -> Config {
    std::fs::create_dir_all(folder.path().join("films")).unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, format!("library = [\"films\"]\ndata = \"data\"\n{text}")).unwrap();
    let environment = Environment { working_dir: folder.path().to_owned(), ..Environment::default() };
    match parse_config(["--config".into(), file.into()], &environment) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{other:?}"),
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[track_caller]
fn change(settings: &Settings, section: &str, value: Value) -> Result<(Section, Config), ChangeRefused> {
    let tag = settings.section(section).unwrap().tag;
    settings.change(section, &tag, &object(value))
}

fn value(section: &Section, name: &str) -> Value {
    section.fields.iter().find(|field| field.name == name).unwrap().value.clone()
}

#[test]
fn a_change_holds_at_once_and_after_a_restart_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    assert_eq!(settings.config(), config(&folder, ""));
    let (section, changed) =
        change(&settings, "playback", json!({"profile": "small", "audio_languages": ["ger", "en-GB"]}))
            .unwrap();
    assert_eq!(value(&section, "audio_languages"), json!(["de", "en"]));
    assert_eq!(changed.playback.preferences.profile, crate::choice::Profile::Small);
    assert!(!settings.wants_restart());
    change(&settings, "playback", json!({"encodings": 3})).unwrap();
    assert!(settings.wants_restart());
    let again = Settings::open(config(&folder, ""));
    assert_eq!(again.config(), settings.config());
    assert!(!again.wants_restart());
    change(&again, "playback", json!({"profile": null, "audio_languages": null, "encodings": null})).unwrap();
    assert_eq!(again.config(), config(&folder, ""));
}

#[test]
fn who_changes_what_was_changed_meanwhile_is_told_what_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    let seen = settings.section("playback").unwrap().tag;
    settings.change("playback", &seen, &object(json!({"profile": "small"}))).unwrap();
    match settings.change("playback", &seen, &object(json!({"profile": "audio"}))) {
        Err(ChangeRefused::Stale(now)) => {
            assert_eq!(value(&now, "profile"), "small");
            settings.change("playback", &now.tag, &object(json!({"profile": "audio"}))).unwrap();
        }
        other => panic!("{other:?}"),
    }
    // Another section is another matter.
    assert!(change(&settings, "general", json!({"name": "attic"})).is_ok());
}

#[test]
fn what_was_written_by_hand_wins_and_is_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    change(&Settings::open(config(&folder, "")), "playback", json!({"profile": "small"})).unwrap();
    let settings = Settings::open(config(&folder, "[playback]\nprofile = \"audio\"\n"));
    let section = settings.section("playback").unwrap();
    let profile = section.fields.iter().find(|field| field.name == "profile").unwrap();
    assert_eq!(profile.value, "audio");
    assert!(profile.locked.as_ref().unwrap().contains("c.toml"), "{:?}", profile.locked);
    let refused = change(&settings, "playback", json!({"profile": "tv"})).unwrap_err().to_string();
    assert!(refused.contains("playback.profile in "), "{refused}");
    // It comes back with the line taken away.
    let again = Settings::open(config(&folder, "")).config();
    assert_eq!(again.playback.preferences.profile, crate::choice::Profile::Small);
}

#[test]
fn a_change_with_one_wrong_field_changes_nothing_and_names_every_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    let wrong = json!({"profile": "small", "encodings": 900, "audio_languages": ["german"], "x": 1});
    match change(&settings, "playback", wrong) {
        Err(ChangeRefused::Fields(problems)) => {
            let mut fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
            fields.sort_unstable();
            assert_eq!(fields, ["audio_languages", "encodings", "x"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(settings.config(), config(&folder, ""));
}

#[test]
fn values_are_held_to_what_they_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    let films = folder.path().join("films").display().to_string();
    let recordings = format!("{films}/Recordings");
    for (section, good) in [
        ("general", json!({"name": "attic-2", "language": "de", "time_zone": "Europe/Berlin"})),
        ("general", json!({"name": "", "language": "", "time_zone": ""})),
        ("library", json!({"folders": [films, " "]})),
        ("record", json!({"folder": recordings})),
        ("record", json!({"streams": ["cam*", "house/door"], "limit_mb": 0})),
        ("live", json!({"secret": "open sesame"})),
        ("live", json!({"secret": ""})),
    ] {
        assert!(change(&settings, section, good.clone()).is_ok(), "{good}");
    }
    for (section, wrong) in [
        ("general", json!({"name": "the attic"})),
        ("general", json!({"name": "-"})),
        ("general", json!({"name": "ä"})),
        ("general", json!({"name": "a".repeat(64)})),
        ("general", json!({"name": 1})),
        ("general", json!({"language": "fr"})),
        ("general", json!({"time_zone": "../../etc/passwd"})),
        ("general", json!({"time_zone": "Europe//Berlin"})),
        ("general", json!({"time_zone": "Mars?"})),
        ("library", json!({"folders": ["films"]})),
        ("library", json!({"folders": ["/no/such/folder"]})),
        ("library", json!({"folders": "/tmp"})),
        ("record", json!({"folder": "/tmp/elsewhere"})),
        ("record", json!({"folder": format!("{films}/../x")})),
        ("record", json!({"streams": ["a\nb"]})),
        ("record", json!({"streams": vec!["x"; 50]})),
        ("record", json!({"limit_mb": -1})),
        ("record", json!({"limit_mb": 1.5})),
        ("live", json!({"secret": "short"})),
        ("cache", json!({"limit_mb": "10"})),
    ] {
        assert!(
            matches!(change(&settings, section, wrong.clone()), Err(ChangeRefused::Fields(_))),
            "{wrong}"
        );
    }
    assert!(matches!(settings.section("nothing"), Err(ChangeRefused::Unknown(_))));
}

#[test]
fn secrets_are_not_shown_but_change_the_tag() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    let before = settings.section("live").unwrap();
    assert_eq!(value(&before, "secret"), false);
    let (after, config) = change(&settings, "live", json!({"secret": "open sesame"})).unwrap();
    assert_eq!(value(&after, "secret"), true);
    assert_ne!(before.tag, after.tag);
    assert_eq!(config.live.secret.as_deref(), Some("open sesame"));
    assert!(!serde_json::to_string(&settings.sections()).unwrap().contains("sesame"));
}

#[test]
fn a_secret_can_not_be_guessed_by_its_tag() {
    let folder = tempfile::tempdir().unwrap();
    let tags = || {
        let settings = Settings::open(config(&folder, ""));
        ["live", "playback"].map(|name| settings.section(name).unwrap().tag)
    };
    change(&Settings::open(config(&folder, "")), "live", json!({"secret": "open sesame"})).unwrap();
    let ([live, playback], [live_later, playback_later]) = (tags(), tags());
    assert_ne!(live, live_later, "whoever has the tag could try secrets until they fit");
    assert_eq!(playback, playback_later, "a form stays good over a restart");
}

#[test]
fn what_another_version_has_written_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let newer = json!({
        "version": 2, "future": [1, 2],
        "sections": {
            "hologram": {"on": true},
            "playback": {"profile": "hologram", "depth": 3, "encodings": 2}
        }
    });
    std::fs::write(data.join("settings.json"), newer.to_string()).unwrap();
    let settings = Settings::open(config(&folder, ""));
    // What is not known here holds as if it were not there …
    assert_eq!(settings.config().playback.preferences, config(&folder, "").playback.preferences);
    change(&settings, "playback", json!({"encodings": 4})).unwrap();
    // … and is there for the version that knows it.
    let kept: Value = serde_json::from_slice(&std::fs::read(data.join("settings.json")).unwrap()).unwrap();
    let mut expected = newer;
    expected["sections"]["playback"]["encodings"] = 4.into();
    assert_eq!(kept, expected);
}

#[test]
fn a_document_cut_anywhere_costs_the_last_change_alone() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::open(config(&folder, ""));
    change(&settings, "playback", json!({"encodings": 3})).unwrap();
    change(&settings, "playback", json!({"encodings": 4})).unwrap();
    let file = folder.path().join("data/settings.json");
    let whole = std::fs::read(&file).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&file, &whole[..cut]).unwrap();
        let settings = Settings::open(config(&folder, ""));
        assert_eq!(settings.config().playback.encodings, 3, "{cut}");
        assert!(settings.notice().unwrap().contains("last change"));
    }
}

#[test]
fn every_field_reads_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let base = config(&folder, "");
    let films = folder.path().join("films").display().to_string();
    for field in FIELDS.iter().filter(|field| field.toml_key().is_some()) {
        let value = match &field.kind {
            Kind::Flag => json!(true),
            Kind::Number { min, .. } => json!(min + 3),
            Kind::Choice { of } => json!(of[1]),
            Kind::Text { .. } => json!(films),
            Kind::Secret { .. } => json!("open sesame"),
            Kind::Languages => json!(["de"]),
            Kind::Lines { .. } => json!(["cam*"]),
        };
        let mut config = base.clone();
        (field.write)(&mut config, &value);
        assert_eq!((field.read)(&config), value, "{}.{}", field.section, field.name);
        assert_ne!(config, base, "{}.{}", field.section, field.name);
    }
}
