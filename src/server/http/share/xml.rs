//! The XML of WebDAV (RFC 4918): what a request asks for, and what is answered. Pure.

use crate::limits::{MAX_SHARE_DEPTH, MAX_SHARE_PROPERTIES};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::NsReader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use std::fmt::Write;

/// WebDAV's own namespace.
pub(super) const DAV: &str = "DAV:";

/// A property's name: its namespace, and its name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) space: String,
    pub(super) local: String,
}

impl Name {
    fn is_dav(&self, local: &str) -> bool {
        self.space == DAV && self.local == local
    }
}

/// Which properties PROPFIND wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that there are, with their values.
    All,
    /// All that there are, without.
    Names,
    /// These.
    These(Vec<Name>),
}

/// Why a body is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum XmlError {
    #[error("the request's XML can't be read; expected a body as RFC 4918 has it, or none")]
    Malformed,
    #[error("the request's XML has elements too deep within each other; expected at most {MAX_SHARE_DEPTH}")]
    Deep,
    #[error("the request names too many properties; expected at most {MAX_SHARE_PROPERTIES}")]
    Many,
}

/// The elements of a document in order: how deep each is, and its name. Neither entities nor document types are looked into.
fn elements(xml: &[u8]) -> Result<Vec<(usize, Name)>, XmlError> {
    let mut reader = NsReader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut found, mut depth) = (Vec::new(), 0);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|_| XmlError::Malformed)? {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_SHARE_DEPTH {
                    return Err(XmlError::Deep);
                }
                if found.len() > 4 * MAX_SHARE_PROPERTIES {
                    return Err(XmlError::Many);
                }
                let (space, local) = reader.resolver().resolve_element(element.name());
                let space = match space {
                    ResolveResult::Bound(space) => space.as_ref().to_owned(),
                    ResolveResult::Unbound => String::new(),
                    // A prefix that nobody has declared (RFC 4918 8.2).
                    ResolveResult::Unknown(_) => return Err(XmlError::Malformed),
                };
                let local = local.as_ref().to_owned();
                if !is_name(&local) {
                    return Err(XmlError::Malformed);
                }
                found.push((depth, Name { space, local }));
            }
            Event::End(_) => depth = depth.checked_sub(1).ok_or(XmlError::Malformed)?,
            Event::Eof if depth == 0 => return Ok(found),
            Event::Eof => return Err(XmlError::Malformed),
            _ => {}
        }
    }
}

/// Whether this can be written as an element's name again: what is read is not as strict.
fn is_name(local: &str) -> bool {
    let begins = |c: char| c.is_alphabetic() || c == '_';
    local.starts_with(begins) && local.chars().all(|c| begins(c) || c.is_numeric() || c == '-' || c == '.')
}

/// What a PROPFIND asks for; no body asks for all (RFC 4918 9.1).
pub(super) fn wanted(body: &[u8]) -> Result<Wanted, XmlError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Wanted::All);
    }
    let elements = elements(body)?;
    if !elements.first().is_some_and(|(_, name)| name.is_dav("propfind")) {
        return Err(XmlError::Malformed);
    }
    let mut parts = elements.iter().filter(|(depth, _)| *depth == 2);
    if parts.clone().any(|(_, name)| name.is_dav("allprop")) {
        return Ok(Wanted::All);
    }
    if parts.clone().any(|(_, name)| name.is_dav("propname")) {
        return Ok(Wanted::Names);
    }
    if !parts.any(|(_, name)| name.is_dav("prop")) {
        return Err(XmlError::Malformed);
    }
    Ok(Wanted::These(few(elements, 3)?))
}

/// The properties that a PROPPATCH sets or removes.
pub(super) fn patched(body: &[u8]) -> Result<Vec<Name>, XmlError> {
    let elements = elements(body)?;
    if !elements.first().is_some_and(|(_, name)| name.is_dav("propertyupdate")) {
        return Err(XmlError::Malformed);
    }
    few(elements, 4)
}

/// The elements of that depth.
fn few(elements: Vec<(usize, Name)>, depth: usize) -> Result<Vec<Name>, XmlError> {
    let names: Vec<Name> =
        elements.into_iter().filter(|(found, _)| *found == depth).map(|(_, name)| name).collect();
    if names.len() > MAX_SHARE_PROPERTIES { Err(XmlError::Many) } else { Ok(names) }
}

/// One file or folder, as WebDAV tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its address, percent-encoded.
    pub(super) href: String,
    pub(super) name: String,
    /// Bytes; none for a folder.
    pub(super) len: Option<u64>,
    /// Seconds since 1970.
    pub(super) modified: i64,
    /// Of a file, with its quotes.
    pub(super) tag: Option<String>,
    pub(super) content_type: Option<&'static str>,
    /// Bytes of the disk: used and free.
    pub(super) room: Option<(u64, u64)>,
}

/// WebDAV's properties that there are.
const KNOWN: [&str; 11] = [
    "resourcetype",
    "displayname",
    "getcontentlength",
    "getcontenttype",
    "getetag",
    "getlastmodified",
    "creationdate",
    "supportedlock",
    "lockdiscovery",
    "quota-available-bytes",
    "quota-used-bytes",
];

impl Resource {
    /// The content of a property; none when this has no such property.
    fn value(&self, name: &str) -> Option<String> {
        let time = || jiff::Timestamp::from_second(self.modified).ok();
        match name {
            "resourcetype" => Some(if self.len.is_none() { "<D:collection/>" } else { "" }.to_owned()),
            "displayname" => Some(escape(shown(&self.name)).into_owned()),
            "getcontentlength" => self.len.map(|len| len.to_string()),
            "getcontenttype" => self.content_type.map(str::to_owned),
            "getetag" => self.tag.as_deref().map(|tag| escape(tag).into_owned()),
            "getlastmodified" => {
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time()?).ok()
            }
            "creationdate" => time().map(|time| time.to_string()),
            "supportedlock" => Some(
                "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
                    .to_owned(),
            ),
            "lockdiscovery" => Some(String::new()),
            "quota-available-bytes" => self.room.map(|(_, free)| free.to_string()),
            "quota-used-bytes" => self.room.map(|(used, _)| used.to_string()),
            _ => None,
        }
    }

    /// Adds this one's `<D:response>`.
    pub(super) fn write(&self, wanted: &Wanted, xml: &mut String) {
        let (mut there, mut missing) = (String::new(), String::new());
        // Writing to a string can't fail.
        let mut known = |name: &str, with_value: bool| {
            let Some(value) = self.value(name) else { return false };
            let _ = match with_value && !value.is_empty() {
                true => write!(there, "<D:{name}>{value}</D:{name}>"),
                false => write!(there, "<D:{name}/>"),
            };
            true
        };
        match wanted {
            // Room costs a question to the disk, and clients that want it say so (RFC 4331 3).
            Wanted::All => KNOWN.iter().take(9).for_each(|name| {
                known(name, true);
            }),
            Wanted::Names => KNOWN.iter().for_each(|name| {
                known(name, false);
            }),
            Wanted::These(names) => {
                for name in names {
                    if !(name.space == DAV && known(&name.local, true)) {
                        empty(name, &mut missing);
                    }
                }
            }
        }
        let _ = write!(xml, "<D:response><D:href>{}</D:href>", self.href);
        for (props, status) in [(there, "200 OK"), (missing, "404 Not Found")] {
            if !props.is_empty() {
                propstat(&props, status, xml);
            }
        }
        xml.push_str("</D:response>");
    }
}

/// The beginning and the end of what answers for several.
pub(super) const MULTISTATUS: (&str, &str) =
    ("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">", "</D:multistatus>\n");

/// The answer to a PROPPATCH of `href`. Windows gives up a copy whose dates were not taken, so its own are said to be; all
/// others are refused, and nothing is kept of any.
pub(super) fn patch_answer(href: &str, names: &[Name]) -> String {
    let mut xml = format!("{}<D:response><D:href>{href}</D:href>", MULTISTATUS.0);
    let (mut taken, mut refused) = (String::new(), String::new());
    for name in names {
        let theirs =
            name.space == "urn:schemas-microsoft-com:" || name.space == "http://apache.org/dav/props/";
        empty(name, if theirs { &mut taken } else { &mut refused });
    }
    for (props, status) in [(taken, "200 OK"), (refused, "403 Forbidden")] {
        if !props.is_empty() {
            propstat(&props, status, &mut xml);
        }
    }
    xml.push_str("</D:response>");
    xml.push_str(MULTISTATUS.1);
    xml
}

/// The answer to a LOCK.
pub(super) fn lock_answer(href: &str, token: &str, seconds: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery><D:activelock>\
         <D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope><D:depth>0</D:depth>\
         <D:timeout>Second-{seconds}</D:timeout><D:locktoken><D:href>{token}</D:href></D:locktoken>\
         <D:lockroot><D:href>{href}</D:href></D:lockroot></D:activelock></D:lockdiscovery></D:prop>\n"
    )
}

fn propstat(props: &str, status: &str, xml: &mut String) {
    let _ = write!(
        xml,
        "<D:propstat><D:prop>{props}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
    );
}

/// A property without a value, whatever its name is.
fn empty(name: &Name, xml: &mut String) {
    let local = &name.local;
    // What was read as a name can be written as one.
    let _ = match name.space.as_str() {
        DAV => write!(xml, "<D:{local}/>"),
        "" => write!(xml, "<{local} xmlns=\"\"/>"),
        space => write!(xml, "<x:{local} xmlns:x=\"{}\"/>", escape(space)),
    };
}

/// A name without what XML 1.0 cannot have at all.
fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c })
        .collect()
}

/// The address of something below `/share`, from names as bytes.
pub(super) fn href<'a>(names: impl IntoIterator<Item = &'a [u8]>, folder: bool) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    let mut href = super::ADDRESS.to_owned();
    for name in names {
        href.push('/');
        match std::str::from_utf8(name) {
            Ok(text) => href.extend(utf8_percent_encode(text, PLAIN)),
            Err(_) => href.extend(percent_encoding::percent_encode(name, PLAIN)),
        }
    }
    if folder {
        href.push('/');
    }
    href
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As Windows 10 sends it.
    const WINDOWS: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:propfind xmlns:D=\"DAV:\"><D:prop><D:creationdate/>\
        <D:displayname/><D:getcontentlength/><D:resourcetype/></D:prop></D:propfind>";

    fn dav(local: &str) -> Name {
        Name { space: DAV.to_owned(), local: local.to_owned() }
    }

    #[test]
    fn what_clients_ask_for_is_understood() {
        let names = ["creationdate", "displayname", "getcontentlength", "resourcetype"].map(dav).to_vec();
        assert_eq!(wanted(WINDOWS.as_bytes()), Ok(Wanted::These(names)));
        assert_eq!(wanted(b""), Ok(Wanted::All));
        assert_eq!(wanted(b"<propfind xmlns='DAV:'><allprop/></propfind>"), Ok(Wanted::All));
        assert_eq!(wanted(b"<a:propfind xmlns:a='DAV:'><a:propname/></a:propfind>"), Ok(Wanted::Names));
        let other = b"<propfind xmlns='DAV:'><prop><x xmlns='urn:a'/><y xmlns=''/></prop></propfind>";
        let names = [("urn:a", "x"), ("", "y")]
            .map(|(space, local)| Name { space: space.to_owned(), local: local.to_owned() });
        assert_eq!(wanted(other), Ok(Wanted::These(names.to_vec())));
    }

    #[test]
    fn what_is_no_request_is_refused_and_cut_ones_break_nothing() {
        for (body, error) in [
            (&b"x"[..], XmlError::Malformed),
            (b"<propfind/>", XmlError::Malformed),
            (b"<D:propfind><D:allprop/></D:propfind>", XmlError::Malformed),
            (b"<propfind xmlns='DAV:'/>", XmlError::Malformed),
            (b"<propfind xmlns='DAV:'><prop>", XmlError::Malformed),
            (b"<propfind xmlns='DAV:'></prop></propfind>", XmlError::Malformed),
            (b"<propfind xmlns='DAV:'><prop><a\"b/></prop></propfind>", XmlError::Malformed),
            (&b"<a>".repeat(20_000), XmlError::Deep),
            (
                &[
                    b"<propfind xmlns='DAV:'><prop>".to_vec(),
                    b"<a/>".repeat(5000),
                    b"</prop></propfind>".to_vec(),
                ]
                .concat(),
                XmlError::Many,
            ),
        ] {
            assert_eq!(wanted(body), Err(error), "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
        }
        for cut in 1..WINDOWS.len() {
            assert!(wanted(&WINDOWS.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn answers_are_xml_whatever_the_names_are() {
        let resource = Resource {
            href: href([&b"a <b>&c"[..], b"\xff"], false),
            name: "a <b>&\u{1}c".to_owned(),
            len: Some(7),
            modified: 1_795_392_000,
            tag: Some("\"x\"".to_owned()),
            content_type: Some("video/mp4"),
            room: None,
        };
        let odd = Name { space: "urn:\"&<".to_owned(), local: "x".to_owned() };
        for wanted in [
            Wanted::All,
            Wanted::Names,
            Wanted::These(vec![dav("getetag"), dav("quota-used-bytes"), odd.clone()]),
        ] {
            let mut xml = MULTISTATUS.0.to_owned();
            resource.write(&wanted, &mut xml);
            xml.push_str(MULTISTATUS.1);
            assert!(elements(xml.as_bytes()).is_ok_and(|elements| elements.len() > 4), "{xml}");
            assert!(xml.contains("/share/a%20%3Cb%3E%26c/%FF<"), "{xml}");
        }
        let xml = patch_answer("/share/x", &[odd, dav("getetag")]);
        assert!(elements(xml.as_bytes()).is_ok() && xml.contains("403 Forbidden"), "{xml}");
        assert!(elements(lock_answer("/share/x", "opaquelocktoken:1", 5).as_bytes()).is_ok());
    }

    #[test]
    fn a_folder_is_a_collection_and_says_its_room() {
        let folder = Resource { href: "/share/".into(), room: Some((3, 4)), ..Resource::default() };
        let mut xml = String::new();
        folder.write(
            &Wanted::These(vec![dav("resourcetype"), dav("quota-available-bytes"), dav("getcontentlength")]),
            &mut xml,
        );
        assert!(
            xml.contains("<D:resourcetype><D:collection/></D:resourcetype><D:quota-available-bytes>4<"),
            "{xml}"
        );
        assert!(xml.contains("<D:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found"), "{xml}");
    }
}
