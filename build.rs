//! Tells cargo that the program embeds the built page: new hashed names in it are changes too. And writes down whose work
//! is in the program: the crates, with their licences.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=build.rs");
    if !Path::new("web/dist/index.html").exists() {
        println!(
            "cargo::warning=web/dist is not there, so the program gets no page; run scripts/build-page first"
        );
    }
    let crates = crates();
    if crates.is_empty() {
        println!(
            "cargo::warning=cargo tree does not say which crates are in the program; /api/v1/about lists none"
        );
    }
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    if let Err(error) = fs::write(Path::new(&out).join("crates.txt"), crates.join("\n")) {
        panic!("the list of crates can't be written: {error}; make room on the disk of target/");
    }
}

/// Name, version and licence of each crate, with tabs between them, by name.
fn crates() -> Vec<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = env::var("TARGET").unwrap_or_default();
    // What is compiled is fetched already, and locked.
    let arguments =
        ["tree", "--frozen", "--edges", "normal", "--prefix", "none", "--format", "{p}\t{l}", "--target"];
    let Ok(output) = Command::new(cargo).args(arguments).arg(target).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        // "serde v1.0.0 (proc-macro) TAB MIT OR Apache-2.0", our own with its path.
        let (package, licence) = line.split_once('\t')?;
        let (name, version) = package.split_once(" v")?;
        let version = version.split(' ').next().unwrap_or_default();
        let licence = licence.trim_end_matches("(*)").trim().replace('/', " OR ");
        (name != "wiidiaserver").then(|| format!("{name}\t{version}\t{licence}"))
    };
    let mut crates: Vec<String> = text.lines().filter_map(line).collect();
    crates.sort();
    crates.dedup();
    crates
}
