//! `GET /licences`, `/licences/<name>@<version>`: whose work is in the program and, on the box, in its system; with their texts, as far as
//! they are on this machine.

use super::about::crates;
use super::plain::html::Html;
use super::reply::{Refusal, Reply, reply};
use crate::limits::{MAX_LICENCE_TEXT, MAX_SBOM};
use bytes::Bytes;
use hyper::StatusCode;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the image is made of, CycloneDX; its build puts it there.
const SBOM: &str = "usr/share/wiidia/sbom.cdx.json";

/// Something that others have written.
struct Part {
    name: String,
    version: String,
    licence: String,
}

/// The list, or one part's text. Reads files: not for a thread that serves.
pub(super) fn answer(name: Option<&str>) -> Result<Reply, Refusal> {
    let root = Path::new("/");
    let Some(name) = name else {
        return Ok(reply("text/html; charset=utf-8", Bytes::from(list(&parts(root)))));
    };
    match text(root, name) {
        Some(text) => Ok(reply("text/plain; charset=utf-8", Bytes::from(text))),
        None => {
            let detail = "the text of this licence is not on this machine; /licences says what it is called, and spdx.org/licenses has it";
            Err(Refusal::new(StatusCode::NOT_FOUND, detail))
        }
    }
}

/// Of the image, else of the program alone.
fn parts(root: &Path) -> Vec<Part> {
    let sbom: Option<Value> =
        read(&root.join(SBOM), MAX_SBOM).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let components = sbom.as_ref().and_then(|sbom| sbom["components"].as_array());
    let Some(components) = components else {
        let part = |one: super::about::Crate| Part {
            name: one.name.into(),
            version: one.version.into(),
            licence: one.licence.into(),
        };
        return crates().into_iter().map(part).collect();
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let part = |component: &Value| {
        let licence = &component["licenses"][0];
        let licence = if licence["expression"].is_string() {
            &licence["expression"]
        } else {
            &licence["license"]["name"]
        };
        Part { name: text(&component["name"]), version: text(&component["version"]), licence: text(licence) }
    };
    components.iter().map(part).collect()
}

fn list(parts: &[Part]) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Licences – Wiidiaserver</title>\n");
    html.raw(
        "<link rel=\"stylesheet\" href=\"/plain.css\">\n</head>\n<body>\n<h1>Whose work is in it</h1>\n",
    );
    html.raw("<p>Wiidiaserver ")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" is licensed by ")
        .text(env!("CARGO_PKG_LICENSE"));
    html.raw(". It converts with GStreamer (LGPL). The encoder x264 and parts of FFmpeg are GPL: whoever gives a box to others gives them the sources, or offers them.</p>\n<ul>\n");
    for part in parts {
        html.raw("<li>").link(&format!("/licences/{}@{}", part.name, part.version), &part.name);
        html.raw(" ").text(&part.version).raw(": ").text(&part.licence).raw("</li>\n");
    }
    html.raw("</ul>\n<footer><p>").link("/", "Wiidiaserver").raw("</p></footer>\n</body>\n</html>\n");
    html.into_string()
}

/// The text that is kept for `name@version`.
fn text(root: &Path, name: &str) -> Option<String> {
    // Names of packages of Debian, Rust and JavaScript, with which no folder can be left.
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.+~:@".contains(&b);
    let plain = name.replace('/', "_");
    if plain.len() > 200 || !plain.bytes().all(fits) || plain.contains("..") || plain.starts_with('.') {
        return None;
    }
    let (name, version) = plain.rsplit_once('@')?;
    let both = format!("{name}-{version}");
    let licences = root.join("usr/share/licenses");
    let files = [
        licences.join(format!("crates/{both}.txt")),
        licences.join(format!("page/{both}.txt")),
        root.join(format!("usr/share/doc/{name}/copyright")),
    ];
    // Buildroot gives each package a folder.
    let folder = std::fs::read_dir(licences.join("system").join(&both)).into_iter().flatten();
    let mut of_folder: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    of_folder.sort();
    let text = |path: PathBuf| Some(String::from_utf8_lossy(&read(&path, MAX_LICENCE_TEXT)?).into_owned());
    files.into_iter().find_map(text).or_else(|| {
        let all: Vec<String> = of_folder.into_iter().filter_map(text).collect();
        (!all.is_empty()).then(|| all.join("\n\n"))
    })
}

/// A file, up to a length.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_image_says_what_is_in_it_and_has_the_texts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        // Without a list, the program's own crates.
        assert!(parts(root.path()).iter().any(|part| part.name == "hyper"));
        put(
            SBOM,
            r#"{"components":[{"name":"bash","version":"5.2<","licenses":[{"license":{"name":"GPL-3"}}]},{"name":"serde","version":"1.0.0","licenses":[{"expression":"MIT OR Apache-2.0"}]}]}"#,
        );
        put("usr/share/licenses/crates/serde-1.0.0.txt", "MIT text");
        put("usr/share/doc/bash/copyright", "GPL text");
        put("usr/share/licenses/system/x264-1/COPYING", "another text");
        put("secret", "secret");
        let page = list(&parts(root.path()));
        assert!(page.contains("5.2&lt;") && page.contains("MIT OR Apache-2.0"), "{page}");
        let kept = |name| text(root.path(), name);
        assert_eq!(kept("serde@1.0.0").unwrap(), "MIT text");
        assert_eq!(kept("bash@5.2").unwrap(), "GPL text");
        assert_eq!(kept("x264@1").unwrap(), "another text");
        for name in
            ["", "@", "serde", "serde@2", "../../secret@", "..@x", ".@..", "a\0@1", "a@../../../secret"]
        {
            assert_eq!(kept(name), None, "{name}");
        }
    }
}
