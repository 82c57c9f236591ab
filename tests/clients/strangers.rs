//! What strangers send to those who look after the server: every change of the API's description without being the owner, passwords
//! that are none, backups that somebody has made to do harm.

use crate::access::{claim, described, send, unclaimed};
use crate::http_client::{get, get_with, request_with};
use crate::server::Server;
use data_encoding::BASE64;
use serde_json::{Value, json};
use wiidiaserver::backup::Archive;

/// Who may do these without being the owner: choosing the first password, and signing in and out. Refused for what is sent.
const FREE: [&str; 3] = ["POST /api/v1/claim", "POST /api/v1/session", "DELETE /api/v1/session"];

const JSON: &str = "Content-Type: application/json\r\n";

/// One request with a Host of its own.
fn as_host(server: &Server, host: &str, method: &str, target: &str, headers: &str) -> u16 {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: 2\r\n\r\n{{}}"
    );
    crate::http_client::send(server.http, request.as_bytes(), usize::MAX).unwrap().status
}

#[test]
fn every_change_of_the_description_is_refused_to_strangers_and_by_looking() {
    let mut server = unclaimed();
    let owner = claim(&server);
    let (mut changes, mut unlooked) = (0, 0);
    let all: Vec<_> = described().collect();
    for (method, target) in all.iter().filter(|(method, _)| method != "GET") {
        let address = target.replace(['{', '}'], "");
        let what = format!("{method} {target}");
        changes += 1;
        // Where viewers are free, so is where they left off.
        if !FREE.contains(&what.as_str()) && !target.starts_with("/api/v1/positions/") {
            let refused = request_with(server.http, method, &address, JSON, "{}");
            assert_eq!(refused.status, 401, "{what}: {}", refused.text());
        }
        // Another site's page, in a browser that sends the cookie along; and a name of that site for our address.
        let foreign = format!("{JSON}{owner}Origin: http://evil.example\r\n");
        let refused = request_with(server.http, method, &address, &foreign, "{}");
        assert_eq!(refused.status, 403, "{what}: {}", refused.text());
        let cross = format!("{JSON}{owner}Sec-Fetch-Site: cross-site\r\n");
        assert_eq!(request_with(server.http, method, &address, &cross, "{}").status, 403, "{what}");
        let cookie = format!("{JSON}{owner}");
        assert_eq!(as_host(&server, "evil.example", method, &address, &cookie), 403, "{what}");
        // Where there is nothing to look at, looking does nothing.
        if !all.iter().any(|(other, same)| other == "GET" && same == target) {
            assert_eq!(get_with(server.http, &address, &owner).status, 405, "{what}");
            unlooked += 1;
        }
    }
    assert!(changes > 40 && unlooked > 10, "{changes} changes, {unlooked} that can only be done");
    // Nobody has done anything.
    assert_eq!(get_with(server.http, "/api/v1/session", &owner).json()["role"], "owner");
    server.must_be_well();
}

#[test]
fn passwords_that_are_none_are_refused_quickly_and_cost_nothing() {
    let mut server = unclaimed();
    let password = |text: String| json!({ "password": text });
    let huge = "x".repeat(1_000_000);
    for target in ["/api/v1/claim", "/api/v1/session"] {
        assert_eq!(send(&server, "POST", target, "", &password(huge.clone())).status, 413, "{target}");
    }
    let long = send(&server, "POST", "/api/v1/claim", "", &password("x".repeat(7000)));
    assert!(long.status == 400 && long.text().contains("expected at most"), "{}", long.text());
    let owner = claim(&server);
    for (target, body) in [
        ("/api/v1/password", json!({ "present": huge, "new": huge })),
        ("/api/v1/viewers", password(huge.clone())),
    ] {
        assert_eq!(send(&server, "PUT", target, &owner, &body).status, 413, "{target}");
    }
    for body in [
        "[".repeat(8000),
        "{\"password\":".repeat(600),
        "\u{0}".repeat(4000),
        String::new(),
        "null".to_owned(),
    ] {
        let refused = request_with(server.http, "POST", "/api/v1/session", JSON, &body);
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    for password in ["\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "\u{202e}drowssap a", "' OR '1'='1' --"] {
        let refused = send(&server, "POST", "/api/v1/session", "", &json!({ "password": password }));
        assert!([400, 403].contains(&refused.status), "{}", refused.text());
    }
    server.must_be_well();
}

#[test]
fn backups_that_were_cut_or_made_to_do_harm_change_nothing() {
    let mut server = unclaimed();
    let owner = claim(&server);
    let passphrase = "correct horse";
    let made = send(&server, "POST", "/api/v1/backup", &owner, &json!({ "passphrase": passphrase })).text();
    let request = format!(r#"{{"passphrase":"{passphrase}","archive":{made}}}"#);
    let restore =
        |body: &str| request_with(server.http, "POST", "/api/v1/restore", &format!("{JSON}{owner}"), body);
    for cut in (0..request.len() - 1).step_by(512) {
        let refused = restore(&request[..cut]);
        assert_eq!(refused.status, 400, "cut at {cut}: {}", refused.text());
    }
    // Cut within what is sealed, so that all around it is whole.
    let archive: Value = serde_json::from_str(&made).unwrap();
    let sealed = BASE64.decode(archive["sealed"].as_str().unwrap().as_bytes()).unwrap();
    for cut in (0..sealed.len()).step_by(512) {
        let mut archive = archive.clone();
        archive["sealed"] = BASE64.encode(&sealed[..cut]).into();
        let refused = restore(&json!({ "passphrase": passphrase, "archive": archive }).to_string());
        assert_eq!(refused.status, 422, "cut at {cut}: {}", refused.text());
    }
    // Sealed by somebody who knows the shape: settings of other kinds, paths that lead out, an owner that is none.
    let access = json!({ "version": 1, "owner": null, "sessions": [], "tokens": [] });
    for content in [
        json!(null),
        json!([]),
        json!({ "settings": {}, "access": {} }),
        json!({ "settings": { "version": 1, "sections": [] }, "access": access }),
        json!({ "settings": { "version": 1, "sections": {} }, "access": "../../../etc/passwd" }),
        json!({ "settings": { "version": 1, "sections": {} }, "access": access, "sources": "../../../etc/passwd", "../x": "y" }),
        json!({ "settings": { "version": 1, "sections": {} }, "access": { "owner": "$argon2id$v=19$m=4294967295,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaA" } }),
    ] {
        let archive = Archive::seal(content.to_string().as_bytes(), passphrase, "0.1.0", 1).unwrap();
        let refused = restore(&json!({ "passphrase": passphrase, "archive": archive }).to_string());
        assert_eq!(refused.status, 422, "{content}: {}", refused.text());
    }
    // Larger than any can be.
    let bomb = json!({ "passphrase": passphrase, "archive": { "wiidia_backup": 1, "version": "", "made": 0, "salt": "", "nonce": "", "sealed": "A".repeat(7_000_000) } });
    assert_eq!(restore(&bomb.to_string()).status, 413);
    assert_eq!(get_with(server.http, "/api/v1/session", &owner).json()["role"], "owner");
    assert_eq!(get(server.http, "/api/v1/setup").json()["claimed"], true);
    server.must_be_well();
}
