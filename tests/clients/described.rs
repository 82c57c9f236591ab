//! What must hold for every operation of the API, taken from its description, so that none can be forgotten.

use crate::http_client::{get, request_with, send};
use crate::server::Server;

/// Address, method and operation of all that is described, with examples for parameters.
fn operations(server: &Server) -> Vec<(String, String, serde_json::Value)> {
    let description = get(server.http, "/api/v1/openapi.json");
    assert_eq!(description.header("content-type"), "application/json");
    let committed = include_str!("../../docs/openapi.json");
    assert!(description.text() == committed, "what is served is what is committed");
    let description = description.json();
    assert_eq!(description["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    let mut all = Vec::new();
    for (address, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            all.push((address.replace(['{', '}'], ""), method.to_uppercase(), operation.clone()));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

#[test]
fn nothing_is_changed_for_pages_of_other_sites() {
    let server = Server::start();
    let mut tried = 0;
    for (address, method, _) in operations(&server).iter().filter(|(_, method, _)| method != "GET") {
        let json = "Content-Type: application/json\r\n";
        for foreign in
            ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n"]
        {
            let answer = request_with(server.http, method, address, &format!("{json}{foreign}"), "{}");
            assert!([401, 403].contains(&answer.status), "{method} {address} {foreign}: {}", answer.status);
        }
        // A name of the internet that leads here (DNS rebinding).
        let rebound = format!(
            "{method} {address} HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n{json}\
             Connection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let answer = send(server.http, rebound.as_bytes(), usize::MAX).unwrap();
        assert!([401, 403].contains(&answer.status), "{method} {address}: {}", answer.status);
        tried += 1;
    }
    assert!(tried >= 5);
}

#[test]
fn every_answer_has_the_policy_and_every_refusal_is_a_problem() {
    let server = Server::start();
    for (address, method, operation) in operations(&server) {
        // Event streams do not end, and whoever restarts the server gets no further answers.
        let restarts = operation["tags"][0] == "managing" && method != "GET";
        if operation["operationId"] == "followEvents" || restarts {
            continue;
        }
        let answer = request_with(server.http, &method, &address, "", "");
        assert!(
            answer.header("content-security-policy").contains("default-src 'none'"),
            "{method} {address}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {address}");
        // What only a box can do says so.
        let not_here = answer.status == 501 && answer.json()["type"] == "/problems/not-here";
        assert!(answer.status < 500 || not_here, "{method} {address}: {} {}", answer.status, answer.text());
        if answer.status >= 400 {
            let kind = answer.json()["type"].as_str().unwrap_or_default().to_owned();
            assert_eq!(get(server.http, &kind).status, 200, "{method} {address}: {kind} explains itself");
            assert_eq!(answer.json()["instance"], address.as_str());
        }
        let options = request_with(server.http, "OPTIONS", &address, "", "");
        assert_eq!(options.status, 204, "{address}");
        assert!(options.header("allow").split(", ").any(|allowed| allowed == method), "{method} {address}");
    }
}
