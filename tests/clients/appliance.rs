//! The box's system services, stood in for on a bus of our own, and what root does behind a socket of its own; and the command
//! line that looks after a server.
//!
//! The real ones answer in the box's image; here is held that the right questions reach them, and what the page says when
//! they are not there, refuse, or fail.

use crate::http_client::{Answer, get, request};
use crate::program::wait_until;
use crate::samples::{self, NOBODY, server_program, we_are_root};
use crate::server::{Server, folder_for_server, server_command};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// What the stand-ins were asked, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// A bus that everybody may own names on, ended when dropped.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _folder: TempDir,
}

impl Bus {
    pub(crate) fn start() -> Self {
        let folder = folder_for_server();
        let socket = folder.path().join("bus");
        let config = folder.path().join("bus.conf");
        let text = format!(
            r#"<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
            <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
            <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
            <allow receive_type="signal"/><allow send_type="signal"/></policy></busconfig>"#,
            socket.display()
        );
        std::fs::write(&config, text).unwrap();
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .spawn()
            .expect("dbus-daemon; scripts/install-deps test brings it");
        wait_until("the bus is there", SOON, || socket.exists());
        Self { daemon, address: format!("unix:path={}", socket.display()), _folder: folder }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

struct Hostnamed(Asked);

#[zbus::interface(name = "org.freedesktop.hostname1")]
impl Hostnamed {
    #[zbus(property)]
    fn hostname(&self) -> String {
        "wiidia-1234".to_owned()
    }
    fn set_static_hostname(&self, name: &str, interactive: bool) -> zbus::fdo::Result<()> {
        self.0.lock().unwrap().push(format!("static {name} {interactive}"));
        match name {
            "forbidden" => Err(zbus::fdo::Error::AccessDenied("not you".into())),
            _ => Ok(()),
        }
    }
    fn set_hostname(&self, name: &str, interactive: bool) {
        self.0.lock().unwrap().push(format!("now {name} {interactive}"));
    }
}

struct Timedated(Asked);

#[zbus::interface(name = "org.freedesktop.timedate1")]
impl Timedated {
    #[zbus(property, name = "TimeUSec")]
    fn time_usec(&self) -> u64 {
        1_795_392_000_000_000
    }
    #[zbus(property)]
    fn timezone(&self) -> String {
        "Etc/UTC".to_owned()
    }
    #[zbus(property, name = "NTP")]
    fn ntp(&self) -> bool {
        true
    }
    #[zbus(property, name = "NTPSynchronized")]
    fn ntp_synchronized(&self) -> bool {
        false
    }
    fn set_timezone(&self, zone: &str, interactive: bool) {
        self.0.lock().unwrap().push(format!("zone {zone} {interactive}"));
    }
    fn set_time(&self, micros: i64, relative: bool, _interactive: bool) -> zbus::fdo::Result<()> {
        self.0.lock().unwrap().push(format!("time {micros} {relative}"));
        Err(zbus::fdo::Error::Failed("Automatic time synchronization is enabled".into()))
    }
}

struct Logind(Asked);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn reboot(&self, _interactive: bool) {
        self.0.lock().unwrap().push("reboot".to_owned());
    }
    fn power_off(&self, _interactive: bool) {
        self.0.lock().unwrap().push("off".to_owned());
    }
}

struct Networkd;

#[zbus::interface(name = "org.freedesktop.network1.Manager")]
impl Networkd {
    fn describe(&self) -> String {
        json!({ "Interfaces": [{ "Name": "eth0", "Type": "ether", "OperationalState": "routable",
            "Addresses": [{ "Family": 2, "Address": [192, 168, 1, 20], "PrefixLength": 24 }] }] })
        .to_string()
    }
}

/// With what it does just now.
struct Rauc(Asked, Arc<Mutex<String>>);

#[zbus::interface(name = "de.pengutronix.rauc.Installer")]
impl Rauc {
    #[zbus(property)]
    fn operation(&self) -> String {
        self.1.lock().unwrap().clone()
    }
    #[zbus(property)]
    fn last_error(&self) -> String {
        String::new()
    }
    #[zbus(property)]
    fn progress(&self) -> (i32, String, i32) {
        (40, "Copying image to rootfs.1".to_owned(), 3)
    }
    fn install_bundle(
        &self,
        source: &str,
        _options: std::collections::HashMap<String, zbus::zvariant::OwnedValue>,
    ) {
        let len = std::fs::metadata(source).map_or(0, |file| file.len());
        let of_file = if len > 0 { format!(", {len} bytes") } else { String::new() };
        let name = source.rsplit_once("/update/").map_or(source, |(_, name)| name);
        self.0.lock().unwrap().push(format!("install {name}{of_file}"));
    }
    fn mark(&self, state: &str, slot: &str) -> (String, String) {
        self.0.lock().unwrap().push(format!("mark {state} {slot}"));
        ("rootfs.1".to_owned(), "marked".to_owned())
    }
}

/// A box: a server whose system is ours.
struct Box_ {
    server: Server,
    asked: Asked,
    rauc: Arc<Mutex<String>>,
    bus: Bus,
    _services: (zbus::Connection, tokio::runtime::Runtime),
}

fn a_box() -> Box_ {
    a_box_of("")
}

fn a_box_of(configuration: &str) -> Box_ {
    let bus = Bus::start();
    let asked = Asked::default();
    let rauc = Arc::new(Mutex::new("installing".to_owned()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let services = runtime.block_on(async {
        zbus::connection::Builder::address(bus.address.as_str())?
            .serve_at("/org/freedesktop/hostname1", Hostnamed(asked.clone()))?
            .serve_at("/org/freedesktop/timedate1", Timedated(asked.clone()))?
            .serve_at("/org/freedesktop/login1", Logind(asked.clone()))?
            .serve_at("/org/freedesktop/network1", Networkd)?
            .serve_at("/", Rauc(asked.clone(), rauc.clone()))?
            .name("org.freedesktop.hostname1")?
            .name("org.freedesktop.timedate1")?
            .name("org.freedesktop.login1")?
            .name("org.freedesktop.network1")?
            .name("de.pengutronix.rauc")?
            .build()
            .await
    });
    let services = (services.unwrap(), runtime);
    let environment = [("DBUS_SYSTEM_BUS_ADDRESS", bus.address.as_str()), ("WIIDIA_APPLIANCE", "1")];
    let server = Server::with_environment(samples::library(), configuration, &environment);
    Box_ { server, asked, rauc, bus, _services: services }
}

impl Box_ {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn ask(&self, method: &str, target: &str, body: Value) -> Answer {
        request(self.server.http, method, target, &body.to_string())
    }

    /// Changes settings of a section, whoever has changed them before.
    fn set(&self, section: &str, body: Value) -> Answer {
        let target = format!("/api/v1/settings/{section}");
        let tag = get(self.server.http, &target).header("etag").to_owned();
        let headers = format!("Content-Type: application/json\r\nIf-Match: {tag}\r\n");
        crate::http_client::request_with(self.server.http, "PATCH", &target, &headers, &body.to_string())
    }
}

#[test]
fn the_boxs_services_are_shown_and_asked() {
    let mut house = a_box();
    let state = get(house.server.http, "/api/v1/system").json();
    assert_eq!(state["here"], true);
    assert_eq!(state["reasons"], json!({}), "{state}");
    assert_eq!(state["host"]["name"], "wiidia-1234");
    assert_eq!(
        state["clock"],
        json!({ "time": 1_795_392_000, "zone": "Etc/UTC", "by_network": true, "synchronized": false })
    );
    assert_eq!(state["interfaces"][0]["addresses"], json!(["192.168.1.20/24"]));
    assert_eq!(
        (&state["update"]["percent"], &state["update"]["operation"]),
        (&json!(40), &json!("installing"))
    );
    assert_eq!(house.set("general", json!({ "name": "attic", "time_zone": "UTC" })).status, 200);
    assert_eq!(house.taken(), ["static attic false", "now attic false", "zone UTC false"]);
    let refused = house.set("general", json!({ "name": "forbidden" }));
    assert!(refused.status == 503 && refused.text().contains("polkit"), "{}", refused.text());
    house.taken();
    let refused = house.ask("PUT", "/api/v1/system/time", json!({ "time": 1_800_000_000 }));
    assert!(
        refused.status == 502 && refused.text().contains("synchronization is enabled"),
        "{}",
        refused.text()
    );
    assert_eq!(house.taken(), ["time 1800000000000000 false"]);
    assert_eq!(
        house.ask("POST", "/api/v1/system/update", json!({ "url": "https://example.org/a.raucb" })).status,
        202
    );
    assert_eq!(house.ask("POST", "/api/v1/system/update", json!({ "url": "/etc/passwd" })).status, 400);
    assert_eq!(house.ask("POST", "/api/v1/system/update", json!({ "boot": "other" })).status, 202);
    assert_eq!(house.ask("POST", "/api/v1/system/power", json!({ "action": "off" })).status, 202);
    assert_eq!(house.taken(), ["install https://example.org/a.raucb", "mark active other", "reboot", "off"]);
    assert_eq!(house.ask("POST", "/api/v1/system/power", json!({ "action": "explode" })).status, 400);
    house.server.must_be_well();
}

#[test]
fn an_update_comes_as_a_file_and_what_is_none_is_refused_before_it_is_kept() {
    let mut house = a_box();
    let send = |body: &[u8]| {
        let head = format!(
            "PUT /api/v1/system/update HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            house.server.http,
            body.len()
        );
        crate::http_client::send(house.server.http, &[head.as_bytes(), body].concat(), usize::MAX).unwrap()
    };
    let bundle = [&b"hsqs"[..], &[7; 300_000]].concat();
    let busy = send(b"hsqs");
    assert!(busy.status == 409 && busy.text().contains("being installed"), "{}", busy.text());
    *house.rauc.lock().unwrap() = "idle".to_owned();
    for (body, words) in [(&b"PK\x03\x04 a zip"[..], "no update"), (b"", "no update"), (b"hs", "no update")] {
        let refused = send(body);
        assert!(refused.status == 400 && refused.text().contains(words), "{}", refused.text());
    }
    assert_eq!(house.taken(), [""; 0]);
    let taken = send(&bundle);
    assert_eq!(taken.status, 202, "{}", taken.text());
    assert_eq!(house.taken(), ["install uploaded.raucb, 300004 bytes"]);
    assert!(!house.server.data().join("update/uploaded.part").exists());
    house.server.must_be_well();
}

#[test]
fn a_box_whose_services_are_gone_says_so_part_by_part_and_serves_on() {
    let mut house = a_box();
    house.bus.daemon.kill().unwrap();
    let state = get(house.server.http, "/api/v1/system").json();
    assert_eq!(state["host"], Value::Null);
    assert_eq!(state["reasons"].as_object().unwrap().len(), 4, "{state}");
    assert_ne!(house.ask("POST", "/api/v1/system/power", json!({ "action": "off" })).status, 202);
    house.server.must_be_well();
}

#[test]
fn the_network_can_be_seen_without_javascript_by_whoever_has_signed_in() {
    let house = a_box_of("[access]\nmode = \"owner\"\n");
    let form = |cookie: &str, body: &str| {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{cookie}");
        crate::http_client::request_with(house.server.http, "POST", "/setup/network", &headers, body)
    };
    let page = get(house.server.http, "/setup/network");
    assert!(page.text().contains("nobody’s yet") && !page.text().contains("eth0"), "{}", page.text());
    let short = form("", "what=claim&password=short");
    assert!(short.status == 400 && short.text().contains("at least 8"), "{}", short.text());
    let claimed = form("", "what=claim&password=a+password+of+tests");
    assert_eq!((claimed.status, claimed.header("location")), (303, "/setup/network"));
    let cookie = format!("Cookie: {}\r\n", claimed.header("set-cookie").split(';').next().unwrap());
    let page = crate::http_client::get_with(house.server.http, "/setup/network", &cookie).text();
    assert!(page.contains("eth0 (routable, 192.168.1.20/24)"), "{page}");
    let word = page.split_once("name=\"word\" value=\"").unwrap().1.split('"').next().unwrap();
    let wish = "what=try&interface=eth0&mode=static&address=192.168.1.0%2F24";
    // Without the page's word, as another site would send it.
    assert_eq!(form(&cookie, wish).status, 403);
    assert_eq!(form("", &format!("{wish}&word={word}")).status, 401);
    let wrong = form(&cookie, &format!("{wish}&word={word}"));
    assert_eq!(wrong.status, 400);
    let text = wrong.text();
    assert!(
        text.contains("can&#39;t be a machine&#39;s address") && text.contains("value=\"192.168.1.0/24\""),
        "{text}"
    );
}

#[test]
fn a_desktop_is_left_alone() {
    let server = Server::start();
    let state = get(server.http, "/api/v1/system").json();
    assert_eq!((&state["here"], &state["host"]), (&json!(false), &Value::Null));
    for (method, target, body) in [
        ("POST", "/api/v1/system/power", json!({ "action": "off" })),
        ("PUT", "/api/v1/system/network", json!({ "interface": "eth0", "mode": "dhcp" })),
        ("POST", "/api/v1/system/update", json!({ "url": "https://example.org/a.raucb" })),
        ("PUT", "/api/v1/system/ssh", json!({ "keys": [] })),
        ("PUT", "/api/v1/system/update", json!({})),
        ("POST", "/api/v1/system/disks/sdb1", json!({ "do": "release" })),
        ("POST", "/api/v1/system/storage", json!({ "name": "x", "kind": "smb", "host": "nas", "path": "x" })),
        ("DELETE", "/api/v1/system/folders/x", json!({})),
        ("POST", "/api/v1/system/wifi", json!({})),
        ("PUT", "/api/v1/system/wifi", json!({ "name": "Home" })),
        ("DELETE", "/api/v1/system/wifi", json!({})),
    ] {
        let refused = request(server.http, method, target, &body.to_string());
        assert!(
            refused.status == 501 && refused.text().contains("not on this machine"),
            "{}",
            refused.text()
        );
    }
}

/// Runs `ctl` on a server's data as its user.
fn ctl(data: &Path, words: &[&str], input: &str) -> (bool, String) {
    let mut command = server_command(server_program());
    command.args(["ctl", "--data"]).arg(data).args(words);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_server_is_looked_after_from_its_own_machine() {
    let server = Server::configured(samples::library(), "[access]\nmode = \"owner\"\n");
    let data = server.data();
    let ask = |words: &[&str]| ctl(&data, words, "");
    assert!(ask(&[]).1.contains("ctl claim"));
    let (claimed, text) = ctl(&data, &["claim"], "a password of tests\n");
    assert!(claimed, "{text}");
    assert_eq!(get(server.http, "/api/v1/setup").json()["claimed"], true);
    assert!(!ctl(&data, &["claim"], "another password\n").0);
    let (set, text) = ask(&["set", "playback.profile", "small"]);
    assert!(set && text.contains("playback.profile = \"small\""), "{text}");
    let (set, text) = ask(&["set", "playback.profile", "best"]);
    assert!(!set && text.contains("expected one of tv, small"), "{text}");
    assert!(ask(&["settings", "playback"]).1.contains("playback.encodings = 2"));
    assert!(ask(&["log", "owner"]).1.contains("the server has an owner now"));
    assert!(ask(&["status"]).0);
    assert!(ask(&["GET", "/api/v1/streams"]).1.contains("\"streams\": []"));
    let (found, text) = ask(&["GET", "/api/v1/nothing"]);
    assert!(!found && text.contains("nothing at this address"), "{text}");
    let (done, text) = ask(&["conquer"]);
    assert!(!done && text.contains("ctl help"), "{text}");
    // Media go another way.
    let (done, text) = ask(&["GET", &format!("/flv/{}", crate::server::encoded(samples::SORENSON_FLV))]);
    assert!(!done && text.contains("HTTP port"), "{text}");
    if we_are_root() {
        // Somebody else on the machine is not the owner.
        let mut other = Command::new(server_program());
        std::os::unix::process::CommandExt::uid(&mut other, NOBODY - 1);
        let output = other.args(["ctl", "--data"]).arg(&data).arg("status").output().unwrap();
        assert!(!output.status.success());
    }
    let (done, text) = ctl(Path::new("/nonexistent"), &["status"], "");
    assert!(!done && text.contains("is the server running"), "{text}");
}

#[test]
fn a_backup_brings_a_fresh_server_to_where_another_one_was() {
    let with_owner = || Server::configured(samples::library(), "[access]\nmode = \"owner\"\n");
    let first = with_owner();
    ctl(&first.data(), &["claim"], "a password of tests\n");
    ctl(&first.data(), &["set", "playback.profile", "small"], "");
    ctl(&first.data(), &["set", "live.secret", "canary-publish-secret"], "");
    let source = r#"{"name":"door","url":"rtsp://ada:canary-source@192.0.2.1/1"}"#;
    assert!(ctl(&first.data(), &["POST", "/api/v1/sources", source], "").0);
    let (made, archive) =
        ctl(&first.data(), &["POST", "/api/v1/backup", r#"{"passphrase":"correct horse"}"#], "");
    assert!(made, "{archive}");
    assert!(!archive.contains("canary"), "the secrets are sealed");
    let mut second = with_owner();
    ctl(&second.data(), &["claim"], "another password\n");
    let restore = |passphrase: &str| {
        let archive: Value = serde_json::from_str(&archive).unwrap();
        let body = json!({ "passphrase": passphrase, "archive": archive }).to_string();
        ctl(&second.data(), &["POST", "/api/v1/restore", &body], "")
    };
    let (done, text) = restore("wrong horse");
    assert!(!done && text.contains("does not open"), "{text}");
    assert!(restore("correct horse").0);
    let sources = || ctl(&second.data(), &["GET", "/api/v1/sources"], "");
    wait_until("it is there again with the source", SOON, || sources().1.contains("\"door\""));
    assert!(ctl(&second.data(), &["settings", "playback"], "").1.contains("profile = \"small\""));
    let sign_in = |password: &str| {
        request(second.http, "POST", "/api/v1/session", &json!({ "password": password }).to_string()).status
    };
    assert_eq!((sign_in("a password of tests"), sign_in("another password")), (201, 403));
    // And to where every server begins.
    assert!(ctl(&second.data(), &["POST", "/api/v1/reset", r#"{"what":"settings"}"#], "").0);
    wait_until("it is nobody's", SOON, || {
        crate::http_client::try_get(second.http, "/api/v1/setup")
            .is_some_and(|answer| answer.text().contains("\"claimed\":false"))
    });
    assert!(!sources().1.contains("door"));
    second.must_be_well();
}

#[test]
fn a_forgotten_password_is_forgiven_by_a_file_on_the_card() {
    let mut server = Server::configured(samples::library(), "[access]\nmode = \"owner\"\n");
    ctl(&server.data(), &["claim"], "a password of tests\n");
    let wish = server.data().join("recovery/reset-password");
    server.restart_after({
        let wish: PathBuf = wish.clone();
        move || {
            std::fs::create_dir_all(wish.parent().unwrap()).unwrap();
            std::fs::write(&wish, "").unwrap();
            if we_are_root() {
                std::os::unix::fs::chown(wish.parent().unwrap(), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    });
    assert_eq!(get(server.http, "/api/v1/setup").json()["claimed"], false);
    assert!(!wish.exists(), "it is granted once");
}
