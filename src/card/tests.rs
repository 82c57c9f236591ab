#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{Command, Environment, parse};
use crate::restore::{is_untold, told};
use std::fs;
use std::path::Path;

const FILE: &str = "[cable]\naddress = \"192.168.1.20/24\"\nrouter = \"192.168.1.1\"\ndns = [\"192.168.1.1\"]\n\n[wifi]\nname = \"Home\"\npassword = \"correct \\\"horse\"\ncountry = \"de\"\n";

#[test]
fn a_fixed_address_and_a_wifi_reach_those_who_look_after_them() {
    let networkd = wired(FILE.as_bytes()).unwrap();
    assert!(!networkd.contains("page"), "{networkd}");
    for line in ["Name=e*", "Address=192.168.1.20/24", "Gateway=192.168.1.1", "DNS=192.168.1.1"] {
        assert!(networkd.lines().any(|one| one == line), "{line} in {networkd}");
    }
    let supplicant = wifi(FILE.as_bytes()).unwrap();
    for line in ["country=DE", "\tssid=486f6d65", "\tpsk=\"correct \"horse\""] {
        assert!(supplicant.lines().any(|one| one == line), "{line} in {supplicant}");
    }
    // One of them is enough, and a cable without an address takes back what was said before.
    assert_eq!(wifi(&b"[cable]\n"[..]).unwrap(), "");
    assert!(wired(&b"\xef\xbb\xbf[cable]\r\n"[..]).unwrap().contains("DHCP=yes"));
    assert_eq!(wired(&b"[wifi]\nname = \"x\"\n"[..]).unwrap(), "");
    assert!(wifi(&b"[wifi]\nname = \"x\"\n"[..]).unwrap().contains("key_mgmt=NONE"));
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    for (file, expected) in [
        ("", "neither"),
        ("cable", "line 1"),
        ("[cable]\nadress = \"192.168.1.20/24\"", "line 2: unknown field `adress`"),
        ("[cable]\naddress = \"192.168.1.20\"", "192.168.1.20/24"),
        ("[cable]\naddress = \"192.168.1.20/24\"\nrouter = \"10.0.0.1\"", "10.0.0.1 is not in the network"),
        ("[cable]\nrouter = \"10.0.0.1\"", "no address"),
        ("[wifi]\nname = \"\"", "0 bytes"),
        ("[wifi]\nname = \"x\"\npassword = \"short\"", "8 to 63"),
        ("[wifi]\nname = \"x\"\npassword = \"line\\nbreak and more\"", "8 to 63"),
        ("[wifi]\nname = \"x\"\ncountry = \"Germany\"", "\"Germany\""),
    ] {
        let said = wired(file.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(expected), "{file:?}: {said}");
    }
    assert!(matches!(wired(&b"\xff"[..]), Err(CardError::NoText)));
    assert!(matches!(wired(io::repeat(b' ')), Err(CardError::TooLarge)));
    // Cut anywhere it is understood or refused, never more than it says.
    for cut in 0..FILE.len() {
        if let Ok(supplicant) = wifi(&FILE.as_bytes()[..cut]) {
            assert!(supplicant.is_empty() || supplicant.matches('{').count() == 1, "{cut}: {supplicant}");
        }
    }
}

/// The configuration of a house whose data is in `folder`.
fn base(folder: &Path) -> Config {
    fs::create_dir_all(folder.join("films")).unwrap();
    fs::create_dir_all(folder.join("data")).unwrap();
    let environment = Environment { working_dir: folder.to_owned(), ..Environment::default() };
    let flags = ["--library", "films", "--data", "data"].map(Into::into);
    let Command::Serve(config) = parse(flags, &environment).unwrap() else { panic!("not a configuration") };
    *config
}

/// What is in a house's data folder.
fn names(config: &Config) -> Vec<String> {
    let entries = fs::read_dir(&config.data).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_backup_is_put_back_before_the_server_starts() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (base(there.path()), base(here.path()));
    let access = Access::open(Mode::Owner, Vec::new(), &old.data);
    access.claim("correct horse", "test", std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
    let sealed = Content::of(&Settings::open(old.clone()), &access).seal("battery staple", 7).unwrap();
    let sealed = serde_json::to_vec(&sealed).unwrap();
    // With what Windows puts in front.
    let file = [&b"\xef\xbb\xbf"[..], &sealed].concat();
    restore(&file[..], "battery staple", new.clone()).unwrap();
    assert!(Access::open(Mode::Owner, Vec::new(), &new.data).is_claimed());
    // The system has to hear of the name in it, once.
    assert!(is_untold(&new.data) && !is_untold(&old.data));
    told(&new.data).unwrap();
    assert!(!is_untold(&new.data));
}

#[test]
fn a_backup_that_is_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = base(folder.path());
    let access = Access::open(Mode::Owner, Vec::new(), &base.data);
    // Nobody has claimed this house, so its backup has no owner.
    let sealed = Content::of(&Settings::open(base.clone()), &access).seal("correct horse", 7).unwrap();
    let sealed = serde_json::to_vec(&sealed).unwrap();
    let before = names(&base);
    let said = restore(&sealed[..], "correct horse", base.clone()).unwrap_err().to_string();
    assert!(said.contains("no owner"), "{said}");
    for (bytes, passphrase) in [(&sealed[..], "wrong horse"), (&sealed[..100], "correct horse"), (b"{}", "x")]
    {
        restore(bytes, passphrase, base.clone()).unwrap_err();
    }
    assert_eq!(names(&base), before);
}
