//! What is written on the command line, and what the process finds around it.

use super::House;
use crate::config::environment::refuse_root_as;
use crate::config::*;
use std::ffi::OsString;
use std::path::Path;

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
