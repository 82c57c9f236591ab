//! What is said of the server: announcements, answers, and the description that both lead to.

use super::search::Target;
use std::net::Ipv4Addr;

/// A "basic device" has no services: an address and a name (UPnP Basic:1.0).
const KIND: &str = "urn:schemas-upnp-org:device:Basic:1";
/// Where everybody listens.
pub(super) const EVERYBODY: &str = "239.255.255.250:1900";
/// Seconds that an announcement holds; the specification wants at least half an hour.
pub(super) const HOLDS: u64 = 1800;

/// Which server this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The same after every start, another one for every machine.
    pub uuid: String,
    /// Of the page.
    pub port: u16,
}

impl Identity {
    /// Made of bytes that no other machine has, such as a hash of `/etc/machine-id`.
    pub fn new(bytes: [u8; 16], port: u16) -> Self {
        let mut bytes = bytes;
        // RFC 9562, 5.8: made in our own way.
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        Self { uuid, port }
    }

    /// The names that this device has: what `NT` or `ST` says, and its `USN`.
    pub(super) fn names(&self) -> [(String, String); 3] {
        let device = format!("uuid:{}", self.uuid);
        [
            ("upnp:rootdevice".to_owned(), format!("{device}::upnp:rootdevice")),
            (device.clone(), device.clone()),
            (KIND.to_owned(), format!("{device}::{KIND}")),
        ]
    }

    /// Those of them that somebody asked for.
    pub(super) fn answers(&self, target: &Target) -> Vec<(String, String)> {
        let wanted = |name: &str| match target {
            Target::All => true,
            Target::Root => name == "upnp:rootdevice",
            Target::Device(uuid) => *uuid == self.uuid && name.starts_with("uuid:"),
            Target::Kind(kind) => name == kind,
        };
        self.names().into_iter().filter(|(name, _)| wanted(name)).collect()
    }

    fn location(&self, at: Ipv4Addr) -> String {
        format!("http://{at}:{}/device.xml", self.port)
    }

    /// `NOTIFY`, `ssdp:alive`: sent from the address `at`.
    pub(super) fn alive(&self, at: Ipv4Addr, (name, usn): &(String, String)) -> String {
        format!(
            "NOTIFY * HTTP/1.1\r\nHOST: {EVERYBODY}\r\nCACHE-CONTROL: max-age={HOLDS}\r\nLOCATION: {}\r\nNT: {name}\r\nNTS: ssdp:alive\r\nSERVER: {}\r\nUSN: {usn}\r\n\r\n",
            self.location(at),
            SERVER
        )
    }

    /// `NOTIFY`, `ssdp:byebye`.
    pub(super) fn byebye(&self, (name, usn): &(String, String)) -> String {
        format!(
            "NOTIFY * HTTP/1.1\r\nHOST: {EVERYBODY}\r\nNT: {name}\r\nNTS: ssdp:byebye\r\nUSN: {usn}\r\n\r\n"
        )
    }

    /// The answer to a search.
    pub(super) fn found(&self, at: Ipv4Addr, (name, usn): &(String, String)) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age={HOLDS}\r\nEXT:\r\nLOCATION: {}\r\nSERVER: {}\r\nST: {name}\r\nUSN: {usn}\r\n\r\n",
            self.location(at),
            SERVER
        )
    }
}

/// Which programs these are; the form is the specification's.
const SERVER: &str = concat!("Linux UPnP/1.0 Wiidiaserver/", env!("CARGO_PKG_VERSION"));

/// The device's description, `/device.xml`: what is shown, and where a click leads. `name` is the machine's.
pub fn description(uuid: &str, name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(63).flat_map(escaped).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <root xmlns=\"urn:schemas-upnp-org:device-1-0\">\n\
         <specVersion><major>1</major><minor>0</minor></specVersion>\n\
         <device>\n\
         <deviceType>{KIND}</deviceType>\n\
         <friendlyName>{name}</friendlyName>\n\
         <manufacturer>Wiidiaserver</manufacturer>\n\
         <modelName>Wiidiaserver</modelName>\n\
         <modelNumber>{}</modelNumber>\n\
         <UDN>uuid:{uuid}</UDN>\n\
         <presentationURL>/</presentationURL>\n\
         </device>\n\
         </root>\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn escaped(letter: char) -> Vec<char> {
    match letter {
        '<' => "&lt;".chars().collect(),
        '>' => "&gt;".chars().collect(),
        '&' => "&amp;".chars().collect(),
        other => vec![other],
    }
}
