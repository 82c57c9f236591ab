//! HTTPS: made on the page by the server's own authority, or uploaded; asked by curl, as a browser with that root would.

use crate::http_client::{get, request};
use crate::program::{run, wait_until};
use crate::samples;
use crate::server::{Server, encoded, folder_for_server, free_address};
use crate::tls::Authority;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn server() -> (Server, SocketAddr) {
    let https = free_address();
    let server = Server::configured(samples::library(), &format!("[https]\nlisten = \"{https}\"\n"));
    (server, https)
}

/// What curl gets by a root alone.
fn curl(root: &Path, address: SocketAddr, target: &str) -> (bool, Vec<u8>) {
    let url = format!("https://{address}{target}");
    let got = run("curl", &["-sf", "--http1.1", "--cacert", root.to_str().unwrap(), &url], LIMIT);
    (got.status.success(), got.stdout)
}

#[test]
fn a_certificate_of_the_servers_own_authority_is_good_for_those_who_have_its_root() {
    let (mut server, https) = server();
    assert_eq!(get(server.http, "/api/v1/https/root").status, 404);
    let make = |names: &[&str]| {
        request(server.http, "POST", "/api/v1/https", &json!({ "names": names }).to_string())
    };
    let refused = make(&["bank.example"]);
    assert!(refused.status == 400 && refused.text().contains("bank.example"), "{}", refused.text());
    let made = make(&["127.0.0.1", "box.local"]);
    assert_eq!((made.status, &made.json()["certificate"]), (200, &json!("own")), "{}", made.text());
    let root = get(server.http, "/api/v1/https/root");
    assert!(!root.text().contains("PRIVATE"), "the key stays");
    let folder = folder_for_server();
    let file = folder.path().join("root.crt");
    std::fs::write(&file, root.text()).unwrap();
    server.restart();
    wait_until("HTTPS answers", LIMIT, || curl(&file, https, "/").0);
    // A file that goes past hyper comes whole.
    let path = format!("/flv/{}", encoded(samples::SORENSON_FLV));
    wait_until("the film is indexed", LIMIT, || !get(server.http, &path).header("content-length").is_empty());
    let (good, film) = curl(&file, https, &path);
    assert!(good && film == get(server.http, &path).body, "{} bytes", film.len());
    let system = Path::new("/etc/ssl/certs/ca-certificates.crt");
    assert!(!curl(system, https, "/").0, "nobody else trusts it");
    assert_eq!(request(server.http, "DELETE", "/api/v1/https", "").status, 200);
    server.restart();
    assert!(!curl(&file, https, "/").0);
    server.must_be_well();
}

#[test]
fn an_uploaded_certificate_is_taken_when_it_fits_its_key() {
    let (mut server, https) = server();
    let (authority, other) = (Authority::new(), Authority::new());
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let upload = |certificate: String, key: String| {
        let body = json!({ "certificate": certificate, "key": key }).to_string();
        request(server.http, "PUT", "/api/v1/https", &body)
    };
    for (certificate, key) in [
        (read(&authority.certificate()), read(&other.key())),
        ("nonsense".to_owned(), read(&authority.key())),
        (read(&authority.certificate()), "nonsense".to_owned()),
    ] {
        let refused = upload(certificate, key);
        assert!(refused.status == 400 && !refused.text().contains("/tmp"), "{}", refused.text());
    }
    assert_eq!(get(server.http, "/api/v1/https").json()["certificate"], json!(null));
    let taken = upload(read(&authority.certificate()), read(&authority.key()));
    assert_eq!(taken.json()["certificate"], "uploaded", "{}", taken.text());
    server.restart();
    wait_until("HTTPS answers", LIMIT, || curl(&authority.ca(), https, "/").0);
    server.must_be_well();
}
