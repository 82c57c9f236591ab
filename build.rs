//! Tells cargo that the program embeds the built page: new hashed names in it are changes too.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
    if !std::path::Path::new("web/dist/index.html").exists() {
        println!(
            "cargo::warning=web/dist is not there, so the program gets no page; run scripts/build-page first"
        );
    }
}
