//! The box's radio: what wpa_supplicant sees (`fi.w1.wpa_supplicant1`, asked over D-Bus, which may only look and search), and joining a
//! network, which root writes down.
//!
//! ```text
//!  join: root writes the network, and keeps what was before ─▶ wpa_supplicant tries it
//!                                  in time: forget what was before ◀──┴──▶ not: bring it back, and say why
//! ```
//!
//! Nobody has to confirm this as an address has to be: whoever joins by the box's cable loses nothing, and the box sees by itself
//! whether the network has taken it.

use super::bus::Service;
use super::network::check_interface;
use super::privileged::Verb;
use super::{Appliance, SystemError};
use crate::limits::{MAX_SEEN_NETWORKS, WIFI_JOIN, WIFI_LOOK};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Instant;
use utoipa::ToSchema;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const WPA: Service = Service {
    name: "fi.w1.wpa_supplicant1",
    path: "/fi/w1/wpa_supplicant1",
    interface: "fi.w1.wpa_supplicant1",
};
const INTERFACE: &str = "fi.w1.wpa_supplicant1.Interface";
const BSS: &str = "fi.w1.wpa_supplicant1.BSS";

/// Why an access point lets go of somebody whose password is wrong: IEEE 802.11-2020, 9.4.1.7: 2, the authentication is no longer
/// valid; 15, the handshake took too long; 23, 802.1X has failed.
const REASONS_OF_PASSWORD: [i32; 3] = [2, 15, 23];

type Properties = HashMap<String, OwnedValue>;

/// A Wi-Fi that somebody wants to join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WifiNetwork {
    /// Its name (SSID).
    pub name: String,
    /// Without one it is open.
    #[serde(default)]
    pub password: Option<String>,
    /// ISO 3166, two letters: what the radio may do there.
    #[serde(default)]
    pub country: Option<String>,
    /// It does not say its name by itself.
    #[serde(default)]
    pub hidden: bool,
}

impl std::fmt::Debug for WifiNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WifiNetwork").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is wrong with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WifiError {
    /// IEEE 802.11: 1 to 32 bytes.
    #[error("name has {0} bytes, expected 1 to 32")]
    Name(usize),
    /// WPA: 8 to 63 characters of ASCII, or the key itself.
    #[error("password has to be 8 to 63 letters, digits and signs without umlauts, or 64 hexadecimal digits")]
    Password,
    /// No country.
    #[error("country is \"{0}\", expected two letters, such as \"DE\"")]
    Country(String),
}

impl WifiNetwork {
    /// Checks it, without a look at the air.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), WifiError> {
        if !(1..=32).contains(&self.name.len()) {
            return Err(WifiError::Name(self.name.len()));
        }
        if let Some(password) = &self.password {
            let printable = password.bytes().all(|b| (b' '..=b'~').contains(&b));
            let good = is_key(password) || printable && (8..=63).contains(&password.len());
            if !good {
                return Err(WifiError::Password);
            }
        }
        match &self.country {
            Some(country) if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) => {
                Err(WifiError::Country(country.chars().take(40).collect()))
            }
            _ => Ok(()),
        }
    }

    /// As `wpa_supplicant.conf(5)` reads it; `origin` says who wanted it so.
    pub fn to_wpa_supplicant(&self, origin: &str) -> String {
        let mut text = format!("# Made of {origin}.\n");
        // Writing to a string can't fail.
        if let Some(country) = &self.country {
            let _ = writeln!(text, "country={}", country.to_ascii_uppercase());
        }
        text.push_str("network={\n\tssid=");
        // As hexadecimal digits, so that no letter of a name means anything.
        self.name.bytes().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
        text.push('\n');
        if self.hidden {
            text.push_str("\tscan_ssid=1\n");
        }
        match &self.password {
            None => text.push_str("\tkey_mgmt=NONE\n"),
            Some(key) if is_key(key) => {
                let _ = writeln!(text, "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tpsk={key}\n\tieee80211w=1");
            }
            // WPA3 where there is, WPA2 elsewhere. What is in quotes ends at the line's last one.
            Some(password) => {
                let _ = writeln!(
                    text,
                    "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n\tpsk=\"{password}\"\n\tieee80211w=1"
                );
            }
        }
        text.push_str("}\n");
        text
    }
}

/// The key itself instead of what it is made of.
fn is_key(password: &str) -> bool {
    password.len() == 64 && password.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What the box's radio is doing, and what it hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Wifi {
    /// The radio, as the kernel calls it; none when the box has none.
    pub interface: Option<String>,
    /// What it does, in words of wpa_supplicant: `completed` (joined), `scanning`, `associating`, `disconnected` …
    pub state: String,
    /// The network that the box is in.
    pub joined: Option<String>,
    /// Whose rules for radios hold; two letters.
    pub country: Option<String>,
    /// What is in reach, the strongest first.
    pub networks: Vec<SeenNetwork>,
}

/// A network in reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenNetwork {
    /// Its name.
    pub name: String,
    /// How strong it is, in percent.
    pub signal: u8,
    /// What it asks for.
    pub security: WifiSecurity,
}

/// What a network asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WifiSecurity {
    /// Nothing.
    Open,
    /// A password: WPA or WPA2.
    Wpa2,
    /// A password: WPA3.
    Wpa3,
    /// Something that the box can't give: WEP, or the name and password of a company.
    Other,
}

impl SeenNetwork {
    /// From the properties of an access point's BSS; none when it hides its name, or nobody could write it.
    fn of(properties: &Properties) -> Option<Self> {
        let name = String::from_utf8(bytes(properties.get("SSID")?)?).ok()?;
        if name.is_empty() || name.contains(char::is_control) {
            return None;
        }
        let signal = match properties.get("Signal").map(|value| &**value) {
            Some(Value::I16(dbm)) => percent(*dbm),
            _ => 0,
        };
        let private = matches!(properties.get("Privacy").map(|value| &**value), Some(Value::Bool(true)));
        let keys: Vec<String> = ["WPA", "RSN"].iter().flat_map(|kind| keys(properties.get(*kind))).collect();
        let has = |key: &str| keys.iter().any(|one| one.starts_with(key));
        let security = if has("sae") && !has("wpa-psk") {
            WifiSecurity::Wpa3
        } else if has("wpa-psk") {
            WifiSecurity::Wpa2
        } else if private || !keys.is_empty() {
            WifiSecurity::Other
        } else {
            WifiSecurity::Open
        };
        Some(Self { name, signal, security })
    }
}

/// Of -100 dBm nothing is left, -50 dBm is the next room.
fn percent(dbm: i16) -> u8 {
    u8::try_from((i32::from(dbm) + 100).clamp(0, 50) * 2).unwrap_or_default()
}

fn bytes(value: &Value<'_>) -> Option<Vec<u8>> {
    let Value::Array(array) = value else { return None };
    array.iter().map(|one| if let Value::U8(byte) = one { Some(*byte) } else { None }).collect()
}

/// `KeyMgmt` of the dictionary that WPA and RSN are.
fn keys(value: Option<&OwnedValue>) -> Vec<String> {
    let Some(Value::Dict(dict)) = value.map(|value| &**value) else { return Vec::new() };
    let inner = |value: &Value<'_>| match value {
        Value::Value(inner) => words(inner),
        other => words(other),
    };
    let named = |(name, value): (&Value<'_>, &Value<'_>)| match name {
        Value::Str(name) if name.as_str() == "KeyMgmt" => Some(inner(value)),
        _ => None,
    };
    dict.iter().find_map(named).unwrap_or_default()
}

fn words(value: &Value<'_>) -> Vec<String> {
    let Value::Array(array) = value else { return Vec::new() };
    array
        .iter()
        .filter_map(|one| if let Value::Str(word) = one { Some(word.to_string()) } else { None })
        .collect()
}

/// One line for each name, the strongest first.
fn in_order(mut networks: Vec<SeenNetwork>) -> Vec<SeenNetwork> {
    networks.sort_by(|a, b| b.signal.cmp(&a.signal).then_with(|| a.name.cmp(&b.name)));
    let mut seen = Vec::new();
    networks.retain(|network| {
        let new = !seen.contains(&network.name);
        seen.push(network.name.clone());
        new
    });
    networks
}

/// The radio's own state.
struct Radio {
    path: OwnedObjectPath,
    name: String,
    properties: Properties,
}

impl Radio {
    fn text(&self, name: &str) -> Option<String> {
        match self.properties.get(name).map(|value| &**value) {
            Some(Value::Str(text)) => Some(text.to_string()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> i32 {
        match self.properties.get(name).map(|value| &**value) {
            Some(Value::I32(number)) => *number,
            _ => 0,
        }
    }

    fn paths(&self, name: &str) -> Vec<ObjectPath<'_>> {
        let Some(Value::Array(array)) = self.properties.get(name).map(|value| &**value) else {
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|one| if let Value::ObjectPath(path) = one { Some(path.clone()) } else { None })
            .collect()
    }

    fn joined(&self) -> Option<ObjectPath<'_>> {
        match self.properties.get("CurrentBSS").map(|value| &**value) {
            Some(Value::ObjectPath(path)) if path.as_str() != "/" => Some(path.clone()),
            _ => None,
        }
    }

    /// The access point has said that the password is wrong.
    fn refused(&self) -> bool {
        REASONS_OF_PASSWORD.contains(&self.number("DisconnectReason").abs())
            || self.number("AuthStatusCode") > 0
    }
}

impl Appliance {
    /// The first radio; none when there is none.
    async fn radio(&self) -> Result<Option<Radio>, SystemError> {
        let all = self.properties(&WPA, WPA.path, WPA.interface).await?;
        let Some(Value::Array(paths)) = all.get("Interfaces").map(|value| &**value) else { return Ok(None) };
        let first = paths
            .iter()
            .find_map(|one| if let Value::ObjectPath(path) = one { Some(path.to_owned()) } else { None });
        let Some(path) = first.map(OwnedObjectPath::from) else { return Ok(None) };
        let properties = self.properties(&WPA, path.as_str(), INTERFACE).await?;
        let mut radio = Radio { path, name: String::new(), properties };
        radio.name = radio.text("Ifname").unwrap_or_default();
        Ok(check_interface(&radio.name).is_ok().then_some(radio))
    }

    async fn heard(&self, path: &ObjectPath<'_>) -> Option<SeenNetwork> {
        // One that has just gone is none.
        SeenNetwork::of(&self.properties(&WPA, path.as_str(), BSS).await.ok()?)
    }

    /// What the radio does and hears. `interface` is none where there is none.
    ///
    /// # Errors
    /// No box, or wpa_supplicant does not answer.
    pub async fn wifi(&self) -> Result<Wifi, SystemError> {
        let Some(radio) = self.radio().await? else {
            return Ok(Wifi {
                interface: None,
                state: "missing".to_owned(),
                joined: None,
                country: None,
                networks: Vec::new(),
            });
        };
        let mut heard = Vec::new();
        for path in radio.paths("BSSs").into_iter().take(MAX_SEEN_NETWORKS) {
            heard.extend(self.heard(&path).await);
        }
        let joined = match radio.joined() {
            Some(path) => self.heard(&path).await.map(|network| network.name),
            None => None,
        };
        Ok(Wifi {
            state: radio.text("State").unwrap_or_default(),
            joined,
            country: radio.text("Country").filter(|country| country.bytes().all(|b| b.is_ascii_alphabetic())),
            networks: in_order(heard),
            interface: Some(radio.name),
        })
    }

    /// Lets the radio listen anew; what it hears is there some seconds later.
    ///
    /// # Errors
    /// No box, no radio, or it is busy.
    pub async fn search_wifi(&self) -> Result<(), SystemError> {
        let radio = self.radio().await?.ok_or_else(no_radio)?;
        let how: HashMap<&str, Value<'_>> = HashMap::from([("Type", Value::from("active"))]);
        self.call_at(&WPA, radio.path.as_str(), INTERFACE, "Scan", &(how,)).await
    }

    /// Joins a network. Answered when the box is in it, or is as it was before.
    ///
    /// # Errors
    /// What is wrong with it, or why it was not joined: it is not in reach, or does not take the password.
    pub async fn join_wifi(&self, network: WifiNetwork) -> Result<(), SystemError> {
        self.must_be_here()?;
        network.check().map_err(|error| SystemError::Unfit(format!("the Wi-Fi's {error}")))?;
        let _turn = self.radio.clone().try_lock_owned().map_err(|_| {
            SystemError::Busy("the box is joining a Wi-Fi at this moment; wait for half a minute".to_owned())
        })?;
        let radio = self.radio().await?.ok_or_else(no_radio)?;
        let interface = radio.name;
        let name = network.name.clone();
        self.ask(&Verb::Wifi { interface: interface.clone(), network }).await?;
        match self.until_joined(&name).await {
            Ok(()) => self.ask(&Verb::WifiKeep { interface }).await,
            Err(reason) => {
                self.ask(&Verb::WifiRevert { interface }).await?;
                Err(SystemError::Unfit(format!("{reason}. The box is in the network as it was before")))
            }
        }
    }

    async fn until_joined(&self, name: &str) -> Result<(), String> {
        let until = Instant::now() + WIFI_JOIN;
        let mut seen = false;
        while Instant::now() < until {
            tokio::time::sleep(WIFI_LOOK).await;
            // It begins anew with the network in its file, and is away for a moment.
            let Ok(Some(radio)) = self.radio().await else { continue };
            if radio.refused() {
                return Err(format!(
                    "the Wi-Fi \"{name}\" does not take this password; check capitals and digits, then try again"
                ));
            }
            let Some(path) = radio.joined() else { continue };
            seen = true;
            let joined = self.heard(&path).await.is_some_and(|network| network.name == name);
            if joined && radio.text("State").as_deref() == Some("completed") {
                return Ok(());
            }
        }
        let seconds = WIFI_JOIN.as_secs();
        Err(match seen {
            true => format!(
                "the Wi-Fi \"{name}\" has not let the box in within {seconds} s; check the password, then try again"
            ),
            false => format!(
                "the Wi-Fi \"{name}\" was not found within {seconds} s; bring the box nearer, or check the name"
            ),
        })
    }

    /// Forgets the network that the box joins by itself.
    ///
    /// # Errors
    /// No box, no radio, or the privileged part does not answer.
    pub async fn forget_wifi(&self) -> Result<(), SystemError> {
        let interface = self.radio().await?.ok_or_else(no_radio)?.name;
        self.ask(&Verb::WifiForget { interface }).await
    }
}

fn no_radio() -> SystemError {
    SystemError::NotHere("the box has no radio for Wi-Fi; plug one in".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use zbus::zvariant::{Array, Dict, Signature};

    fn owned(value: Value<'static>) -> OwnedValue {
        OwnedValue::try_from(value).unwrap()
    }

    /// As wpa_supplicant sends one: `SSID` ay, `Signal` n, `Privacy` b, `RSN` a{sv} with `KeyMgmt` as.
    fn bss(name: &[u8], signal: i16, keys: &[&'static str]) -> Properties {
        let mut rsn = Dict::new(&Signature::Str, &Signature::Variant);
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        if !keys.is_empty() {
            rsn.append(
                Value::from("KeyMgmt"),
                Value::Value(Box::new(Value::from(Array::from(keys.clone())))),
            )
            .unwrap();
        }
        HashMap::from([
            ("SSID".to_owned(), owned(Value::from(Array::from(name.to_vec())))),
            ("Signal".to_owned(), owned(Value::I16(signal))),
            ("Privacy".to_owned(), owned(Value::Bool(!keys.is_empty()))),
            ("RSN".to_owned(), owned(Value::Dict(rsn))),
        ])
    }

    #[test]
    fn what_is_heard_is_told_once_by_its_name_the_strongest_first() {
        let heard = [
            bss("Zuhause".as_bytes(), -75, &["wpa-psk", "wpa-psk-sha256"]),
            bss("Zuhause".as_bytes(), -55, &["wpa-psk", "sae"]),
            bss("New".as_bytes(), -60, &["sae"]),
            bss("Café".as_bytes(), -90, &[]),
            bss("Office".as_bytes(), -120, &["wpa-eap"]),
            bss(b"", -30, &["wpa-psk"]),
            bss(&[0xff, 0xfe], -30, &["wpa-psk"]),
        ];
        let networks = in_order(heard.iter().filter_map(SeenNetwork::of).collect());
        let told: Vec<_> = networks.iter().map(|one| (one.name.as_str(), one.signal, one.security)).collect();
        assert_eq!(
            told,
            [
                ("Zuhause", 90, WifiSecurity::Wpa2),
                ("New", 80, WifiSecurity::Wpa3),
                ("Café", 20, WifiSecurity::Open),
                ("Office", 0, WifiSecurity::Other),
            ]
        );
        assert_eq!(SeenNetwork::of(&Properties::new()), None);
    }

    #[test]
    fn networks_that_nobody_can_join_are_refused_and_no_password_is_shown() {
        let network = |json: &str| serde_json::from_str::<WifiNetwork>(json).unwrap();
        let good =
            network(r#"{"name":"Zuhause","password":"canary \"quoted\"","country":"de","hidden":true}"#);
        good.check().unwrap();
        assert!(!format!("{good:?}").contains("canary"));
        let text = good.to_wpa_supplicant("a test");
        assert!(
            text.contains("country=DE\n")
                && text.contains("\tssid=5a756861757365\n")
                && text.contains("scan_ssid=1"),
            "{text}"
        );
        assert!(text.contains("\tpsk=\"canary \"quoted\"\"\n"), "{text}");
        for (json, words) in [
            (r#"{"name":""}"#, "0 bytes"),
            (r#"{"name":"123456789012345678901234567890123"}"#, "33 bytes"),
            (r#"{"name":"x","password":"short"}"#, "8 to 63"),
            (r#"{"name":"x","password":"line\nbreak1"}"#, "8 to 63"),
            (r#"{"name":"x","password":"Grüße an alle"}"#, "8 to 63"),
            (r#"{"name":"x","country":"DEU"}"#, "two letters"),
            (r#"{"name":"x","country":"D\n"}"#, "two letters"),
        ] {
            let refused = network(json).check().unwrap_err().to_string();
            assert!(refused.contains(words), "{json}: {refused}");
        }
    }
}
