//! The box's radio, stood in for on a bus of our own with the types that wpa_supplicant sends; what root does is a thread of the
//! test. And the code on the screen, without which nobody claims a box that has one.

use crate::appliance::Bus;
use crate::http_client::{Answer, get, request};
use crate::program::wait_until;
use crate::samples;
use crate::server::{Server, folder_for_server};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

const RIGHT: &str = "canary-right-password";
const WIFI: &str = "/api/v1/system/wifi";

fn path(text: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text.to_owned()).unwrap()
}

/// What the radio does just now.
struct Air {
    state: &'static str,
    joined: bool,
    reason: i32,
    searches: usize,
    verbs: Vec<String>,
}

type Shared = Arc<Mutex<Air>>;

struct Wpa;

#[zbus::interface(name = "fi.w1.wpa_supplicant1")]
impl Wpa {
    #[zbus(property)]
    fn interfaces(&self) -> Vec<OwnedObjectPath> {
        vec![path("/fi/w1/wpa_supplicant1/Interfaces/0")]
    }
}

struct Radio(Shared);

#[zbus::interface(name = "fi.w1.wpa_supplicant1.Interface")]
impl Radio {
    #[zbus(property)]
    fn ifname(&self) -> String {
        "wlan0".to_owned()
    }
    #[zbus(property)]
    fn state(&self) -> String {
        self.0.lock().unwrap().state.to_owned()
    }
    #[zbus(property)]
    fn country(&self) -> String {
        "DE".to_owned()
    }
    #[zbus(property, name = "BSSs")]
    fn bsss(&self) -> Vec<OwnedObjectPath> {
        ["0", "1", "gone"].map(|n| path(&format!("/fi/w1/wpa_supplicant1/Interfaces/0/BSSs/{n}"))).to_vec()
    }
    #[zbus(property, name = "CurrentBSS")]
    fn current_bss(&self) -> OwnedObjectPath {
        path(if self.0.lock().unwrap().joined { "/fi/w1/wpa_supplicant1/Interfaces/0/BSSs/0" } else { "/" })
    }
    #[zbus(property)]
    fn disconnect_reason(&self) -> i32 {
        self.0.lock().unwrap().reason
    }
    #[zbus(property)]
    fn auth_status_code(&self) -> i32 {
        0
    }
    fn scan(&self, how: HashMap<String, OwnedValue>) -> zbus::fdo::Result<()> {
        let active = how.get("Type").and_then(|kind| kind.downcast_ref::<&str>().ok()) == Some("active");
        self.0.lock().unwrap().searches += 1;
        if active { Ok(()) } else { Err(zbus::fdo::Error::InvalidArgs("Type is missing".into())) }
    }
}

/// Name, signal in dBm, key management.
struct Bss(&'static str, i16, &'static [&'static str]);

#[zbus::interface(name = "fi.w1.wpa_supplicant1.BSS")]
impl Bss {
    #[zbus(property, name = "SSID")]
    fn ssid(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }
    #[zbus(property)]
    fn signal(&self) -> i16 {
        self.1
    }
    #[zbus(property)]
    fn frequency(&self) -> u16 {
        2412
    }
    #[zbus(property)]
    fn privacy(&self) -> bool {
        !self.2.is_empty()
    }
    #[zbus(property, name = "RSN")]
    fn rsn(&self) -> HashMap<String, OwnedValue> {
        let keys: Vec<String> = self.2.iter().map(|key| (*key).to_owned()).collect();
        let value = OwnedValue::try_from(zbus::zvariant::Value::from(keys)).unwrap();
        HashMap::from([("KeyMgmt".to_owned(), value)])
    }
    #[zbus(property, name = "WPA")]
    fn wpa(&self) -> HashMap<String, OwnedValue> {
        HashMap::new()
    }
}

/// A box with a radio.
struct Box_ {
    server: Server,
    air: Shared,
    folder: TempDir,
    _bus: Bus,
    _services: (zbus::Connection, tokio::runtime::Runtime),
}

fn a_box_of(configuration: &str) -> Box_ {
    let bus = Bus::start();
    let folder = folder_for_server();
    let air = Air { state: "disconnected", joined: false, reason: 0, searches: 0, verbs: Vec::new() };
    let air = Shared::new(Mutex::new(air));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let services = runtime.block_on(async {
        let interface = "/fi/w1/wpa_supplicant1/Interfaces/0";
        zbus::connection::Builder::address(bus.address.as_str())?
            .serve_at("/fi/w1/wpa_supplicant1", Wpa)?
            .serve_at(interface, Radio(air.clone()))?
            .serve_at(format!("{interface}/BSSs/0"), Bss("Zuhause", -50, &["wpa-psk", "sae"]))?
            .serve_at(format!("{interface}/BSSs/1"), Bss("Café", -80, &[]))?
            .name("fi.w1.wpa_supplicant1")?
            .build()
            .await
    });
    root(&folder, air.clone());
    let place = folder.path().display().to_string();
    let environment =
        [("DBUS_SYSTEM_BUS_ADDRESS", bus.address.as_str()), ("WIIDIA_APPLIANCE", place.as_str())];
    let server = Server::with_environment(samples::library(), configuration, &environment);
    Box_ { server, air, folder, _bus: bus, _services: (services.unwrap(), runtime) }
}

/// In root's place: does to the air what a real network would do.
fn root(folder: &TempDir, air: Shared) {
    let socket = folder.path().join("privileged.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let asked: Value = serde_json::from_str(&line).unwrap();
            let verb = asked["verb"].as_str().unwrap();
            let mut air = air.lock().unwrap();
            air.verbs.push(format!("{verb} {}", asked["interface"].as_str().unwrap()));
            match verb {
                "wifi" if asked["network"]["password"] == RIGHT => {
                    (air.state, air.joined, air.reason) = ("completed", true, 0);
                }
                // Disconnected because of the handshake, as real access points say.
                "wifi" => (air.state, air.joined, air.reason) = ("disconnected", false, -15),
                "wifi_forget" => (air.state, air.joined) = ("disconnected", false),
                _ => {}
            }
            stream.write_all(b"{\"error\":null}\n").unwrap();
        }
    });
}

impl Box_ {
    fn verbs(&self) -> Vec<String> {
        std::mem::take(&mut self.air.lock().unwrap().verbs)
    }

    fn ask(&self, method: &str, target: &str, body: Value) -> Answer {
        request(self.server.http, method, target, &body.to_string())
    }
}

#[test]
fn a_box_hears_networks_joins_one_and_says_what_is_wrong_with_a_password() {
    let mut house = a_box_of("");
    let heard = get(house.server.http, WIFI).json();
    assert_eq!(
        heard["networks"],
        json!([{ "name": "Zuhause", "signal": 100, "security": "wpa2" }, { "name": "Café", "signal": 40, "security": "open" }]),
        "{heard}"
    );
    assert_eq!((&heard["joined"], &heard["country"]), (&Value::Null, &json!("DE")));
    assert_eq!(house.ask("POST", WIFI, json!({})).status, 202);
    assert_eq!(house.air.lock().unwrap().searches, 1);

    let join = |password: &str| json!({ "name": "Zuhause", "password": password, "country": "DE" });
    let wrong = house.ask("PUT", WIFI, join("canary-wrong-password"));
    assert!(wrong.status == 400 && wrong.text().contains("does not take this password"), "{}", wrong.text());
    assert!(!wrong.text().contains("canary"));
    assert_eq!(house.verbs(), ["wifi wlan0", "wifi_revert wlan0"]);
    let short = house.ask("PUT", WIFI, join("short"));
    assert!(short.status == 400 && short.text().contains("8 to 63"), "{}", short.text());
    assert_eq!(house.verbs(), [""; 0]);

    let joined = house.ask("PUT", WIFI, join(RIGHT));
    assert_eq!(joined.status, 200, "{}", joined.text());
    assert_eq!((&joined.json()["joined"], &joined.json()["state"]), (&json!("Zuhause"), &json!("completed")));
    assert_eq!(house.verbs(), ["wifi wlan0", "wifi_keep wlan0"]);

    assert_eq!(house.ask("DELETE", WIFI, json!({})).status, 200);
    assert_eq!(house.verbs(), ["wifi_forget wlan0"]);
    for told in [get(house.server.http, "/api/v1/log?level=trace"), get(house.server.http, "/api/v1/support")]
    {
        assert!(told.status == 200 && !told.text().contains("canary"), "{}", told.text());
    }
    house.server.must_be_well();
}

#[test]
fn a_box_with_a_screen_is_claimed_by_whoever_sees_its_code() {
    let house = a_box_of("[access]\nmode = \"owner\"\n");
    let asks = || get(house.server.http, "/api/v1/setup").json()["asks_code"].clone();
    assert_eq!(asks(), false);
    let screen = house.folder.path().join("screen");
    std::fs::create_dir(&screen).unwrap();
    std::fs::write(screen.join("code"), "042917\n").unwrap();
    for path in [screen.clone(), screen.join("code")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    wait_until("the code is asked for", Duration::from_secs(5), || asks() == true);
    let claim = |body: Value| house.ask("POST", "/api/v1/claim", body);
    for wrong in [
        json!({ "password": "a password of tests" }),
        json!({ "password": "a password of tests", "code": "042918" }),
    ] {
        let refused = claim(wrong);
        assert!(refused.status == 403 && refused.text().contains("six digits"), "{}", refused.text());
    }
    let page = get(house.server.http, "/setup/network").text();
    assert!(page.contains("name=\"code\""), "{page}");
    assert_eq!(get(house.server.http, "/api/v1/setup").json()["claimed"], false);
    let claimed = claim(json!({ "password": "a password of tests", "code": "042 917" }));
    assert_eq!(claimed.status, 201, "{}", claimed.text());
    assert_eq!(asks(), false, "it is somebody's now");
}

#[test]
fn codes_can_not_be_tried_out() {
    let house = a_box_of("[access]\nmode = \"owner\"\n");
    let screen = house.folder.path().join("screen");
    std::fs::create_dir(&screen).unwrap();
    std::fs::write(screen.join("code"), "999999").unwrap();
    for path in [screen.clone(), screen.join("code")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let statuses: Vec<u16> = (0..20)
        .map(|n| json!({ "password": "a password of tests", "code": format!("{n:06}") }))
        .map(|body| house.ask("POST", "/api/v1/claim", body).status)
        .collect();
    assert!(
        statuses.contains(&429) && statuses.iter().all(|status| [403, 429].contains(status)),
        "{statuses:?}"
    );
}
