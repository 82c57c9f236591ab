//! Who may do what, asked from outside: claiming, signing in, guessing, tokens, viewers with a password, settings that two
//! people change, and that no secret is seen anywhere.

use crate::http_client::{Answer, get, get_with, request_with};
use crate::program::wait_until;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples;
use crate::server::{Server, folder_for_server};
use serde_json::Value as Json;
use serde_json::json;
use std::time::Duration;
use wiidiaserver::amf0::Value;
use wiidiaserver::limits::GUESSES_PER_ADDRESS;

const JSON: &str = "Content-Type: application/json\r\n";
const PASSWORD: &str = "canary-owner-password";

/// As it is for people who have configured nothing of it.
pub(crate) fn unclaimed() -> Server {
    Server::configured(samples::library(), "[access]\nmode = \"owner\"\n")
}

pub(crate) fn send(server: &Server, method: &str, target: &str, headers: &str, body: &Json) -> Answer {
    request_with(server.http, method, target, &format!("{JSON}{headers}"), &body.to_string())
}

/// The header by which the session of this answer is kept.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    format!("Cookie: {}\r\n", set.split(';').next().unwrap())
}

#[track_caller]
pub(crate) fn claim(server: &Server) -> String {
    let answer = send(server, "POST", "/api/v1/claim", "", &json!({ "password": PASSWORD }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    cookie(&answer)
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.text().contains(words), "no \"{words}\" in {}", answer.text());
}

#[test]
fn a_server_is_nobodys_until_it_is_claimed_once() {
    let mut server = unclaimed();
    let source = json!({ "name": "x", "url": "http://192.0.2.1/" });
    assert_eq!(get(server.http, "/api/v1/library/").status, 200, "people at home watch");
    is_refused(&send(&server, "POST", "/api/v1/sources", "", &source), 403, "wiidiaserver ctl claim");
    is_refused(&get(server.http, "/api/v1/settings"), 403, "nobody has set this server up");
    assert_eq!(get(server.http, "/api/v1/setup").json()["claimed"], false);
    let short = send(&server, "POST", "/api/v1/claim", "", &json!({ "password": "short" }));
    is_refused(&short, 400, "at least 8");
    let owner = claim(&server);
    assert_eq!(get(server.http, "/api/v1/setup").json()["claimed"], true);
    let again = send(&server, "POST", "/api/v1/claim", "", &json!({ "password": PASSWORD }));
    is_refused(&again, 409, "an owner already");
    is_refused(&send(&server, "POST", "/api/v1/sources", "", &source), 401, "sign in");
    assert_eq!(send(&server, "POST", "/api/v1/sources", &owner, &source).status, 201);
    // Another site's page has the cookie in browsers that do not know SameSite.
    let foreign = format!("{owner}Origin: http://evil.example\r\n");
    is_refused(&send(&server, "DELETE", "/api/v1/sources/x", &foreign, &json!({})), 403, "another site");
    server.restart();
    assert_eq!(get_with(server.http, "/api/v1/session", &owner).json()["role"], "owner");
    assert_eq!(send(&server, "DELETE", "/api/v1/sources/x", &owner, &json!({})).status, 200);
    let out = send(&server, "DELETE", "/api/v1/session", &owner, &json!({}));
    assert_eq!(out.status, 200);
    is_refused(&get_with(server.http, "/api/v1/settings", &owner), 401, "sign in");
}

#[test]
fn guessing_passwords_comes_to_nothing() {
    let server = unclaimed();
    claim(&server);
    let guess =
        |password: &str| send(&server, "POST", "/api/v1/session", "", &json!({ "password": password }));
    for n in 0..GUESSES_PER_ADDRESS {
        is_refused(&guess(&format!("guess number {n}")), 403, "not the password");
    }
    is_refused(&guess("another guess"), 429, "try again in");
    is_refused(&guess(PASSWORD), 429, "try again in");
}

#[test]
fn tokens_and_sessions_are_listed_and_taken_away() {
    let server = unclaimed();
    let owner = claim(&server);
    let wanted = json!({ "name": "Kodi", "role": "owner" });
    let made = send(&server, "POST", "/api/v1/tokens", &owner, &wanted).json();
    let bearer = format!("Authorization: Bearer {}\r\n", made["token"].as_str().unwrap());
    let tokens = get_with(server.http, "/api/v1/tokens", &bearer).json();
    assert_eq!(tokens["tokens"][0]["name"], "Kodi");
    assert!(tokens["tokens"][0].get("token").is_none(), "it is shown once");
    let id = made["id"].as_str().unwrap();
    assert_eq!(send(&server, "DELETE", &format!("/api/v1/tokens/{id}"), &bearer, &json!({})).status, 200);
    assert_eq!(get_with(server.http, "/api/v1/tokens", &bearer).status, 401);
    let other = send(&server, "POST", "/api/v1/session", "", &json!({ "password": PASSWORD }));
    let other = cookie(&other);
    let sessions = get_with(server.http, "/api/v1/sessions", &owner).json();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let theirs = sessions.iter().find(|session| session["this"] == false).unwrap();
    let target = format!("/api/v1/sessions/{}", theirs["id"].as_str().unwrap());
    assert_eq!(send(&server, "DELETE", &target, &owner, &json!({})).status, 200);
    assert_eq!(get_with(server.http, "/api/v1/sessions", &other).status, 401);
    assert_eq!(get_with(server.http, "/api/v1/sessions", &owner).status, 200);
}

#[test]
fn a_house_whose_viewers_need_a_password_lets_players_in_by_their_address() {
    let mut server = unclaimed();
    let owner = claim(&server);
    let film = samples::SORENSON_FLV;
    let address = format!("/flv/{}", crate::server::encoded(film));
    assert_eq!(crate::http_client::get_beginning(server.http, &address, 1).status, 200);
    let password = json!({ "password": "canary-viewers-password" });
    assert_eq!(send(&server, "PUT", "/api/v1/viewers", &owner, &password).status, 200);
    for target in ["/api/v1/library/", &address, "/metrics", "/api/v1/streams", "/live/cam.flv"] {
        is_refused(&get(server.http, target), 401, "watching needs a password");
    }
    assert_eq!(get(server.http, "/").status, 200, "the page asks for the password");
    let link = get_with(server.http, "/api/v1/session", &owner).json()["link_token"].clone();
    let link = link.as_str().unwrap();
    let target = format!("{address}?token={link}");
    assert_eq!(crate::http_client::get_beginning(server.http, &target, 1).status, 200);
    // RTMP: in the name, where players put what follows the address's question mark.
    let mut refused = RtmpClient::play(server.rtmp, "vod", film);
    let status = refused.wait_status("NetStream.Play.Failed", SOON);
    assert!(format!("{status:?}").contains("needs a password"), "{status:?}");
    let mut watched = RtmpClient::play(server.rtmp, "vod", &format!("{film}?token={link}"));
    watched.wait_status("NetStream.Play.Start", Duration::from_secs(30));
    let viewer = send(&server, "POST", "/api/v1/session", "", &password);
    assert_eq!(viewer.json()["role"], "viewer");
    let viewer = cookie(&viewer);
    assert_eq!(get_with(server.http, "/api/v1/library/", &viewer).status, 200);
    is_refused(&get_with(server.http, "/api/v1/settings", &viewer), 403, "the owner's to do");
    assert_eq!(send(&server, "PUT", "/api/v1/viewers", &owner, &json!({ "password": null })).status, 200);
    assert_eq!(get(server.http, "/api/v1/library/").status, 200);
    server.must_be_well();
}

#[test]
fn two_people_who_change_the_same_setting_lose_nothing() {
    let mut server = unclaimed();
    let owner = claim(&server);
    let target = "/api/v1/settings/playback";
    let patch =
        |tag: &str, body: &Json| send(&server, "PATCH", target, &format!("{owner}If-Match: {tag}\r\n"), body);
    is_refused(&send(&server, "PATCH", target, &owner, &json!({})), 428, "If-Match");
    let seen = get_with(server.http, target, &owner).header("etag").to_owned();
    let first = patch(&seen, &json!({ "profile": "small" }));
    assert_eq!(first.status, 200, "{}", first.text());
    let late = patch(&seen, &json!({ "profile": "audio" }));
    is_refused(&late, 412, "meanwhile");
    let present = late.json()["present"].clone();
    assert_eq!(present["fields"][0]["value"], "small");
    let tag = format!("\"{}\"", present["tag"].as_str().unwrap());
    assert_eq!(patch(&tag, &json!({ "profile": "audio" })).status, 200);
    let tag = get_with(server.http, target, &owner).header("etag").to_owned();
    let wrong = patch(&tag, &json!({ "profile": "best", "audio_languages": ["german"] }));
    assert_eq!((wrong.status, wrong.json()["fields"].as_array().unwrap().len()), (400, 2));
    // A power cut now, and the settings are those.
    server.restart_after_kill();
    assert_eq!(get_with(server.http, target, &owner).json()["fields"][0]["value"], "audio");
}

#[test]
fn what_can_hold_at_once_does_and_the_rest_after_starting_anew() {
    let mut server = unclaimed();
    let owner = claim(&server);
    let change = |section: &str, body: &Json| {
        let target = format!("/api/v1/settings/{section}");
        let tag = get_with(server.http, &target, &owner).header("etag").to_owned();
        let answer = send(&server, "PATCH", &target, &format!("{owner}If-Match: {tag}\r\n"), body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    change("live", &json!({ "secret": "canary-publish-secret" }));
    let mut stranger = RtmpClient::connect(server.rtmp, "live");
    stranger.create_stream();
    stranger.send_command(1, "publish", 0.0, &[Value::Null, Value::from("cam"), Value::from("live")]);
    stranger.wait_status("NetStream.Publish.Denied", SOON);
    RtmpClient::connect(server.rtmp, "live").publish("cam?key=canary-publish-secret");
    let folder = folder_for_server();
    change("library", &json!({ "folders": [folder.path()] }));
    std::fs::write(folder.path().join("added.mp4"), "x").unwrap();
    let wants = || get_with(server.http, "/api/v1/settings", &owner).json()["wants_restart"] == true;
    assert!(wants());
    assert_eq!(send(&server, "POST", "/api/v1/restart", &owner, &json!({})).status, 202);
    let listed = || {
        // Several folders are the top's folders.
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        crate::http_client::try_get(server.http, &format!("/api/v1/library/{name}"))
            .is_some_and(|answer| answer.text().contains("added.mp4"))
    };
    wait_until("the server is there with the new folder", Duration::from_secs(30), listed);
    assert!(!wants());
    server.must_be_well();
}

#[test]
fn no_secret_is_in_the_log_or_in_any_answer() {
    let server = Server::configured(
        samples::library(),
        "[access]\nmode = \"owner\"\n[log]\nlevel = \"trace\"\n[live]\nsecret = \"canary-publish-secret\"\n",
    );
    let owner = claim(&server);
    let made = send(&server, "POST", "/api/v1/tokens", &owner, &json!({ "name": "x", "role": "viewer" }));
    let token = made.json()["token"].as_str().unwrap().to_owned();
    send(&server, "PUT", "/api/v1/viewers", &owner, &json!({ "password": "canary-viewers-password" }));
    send(&server, "POST", "/api/v1/session", "", &json!({ "password": "canary-wrong-password" }));
    let source = json!({ "name": "x", "url": "rtsp://ada:canary-source-password@192.0.2.1/1" });
    assert_eq!(send(&server, "POST", "/api/v1/sources", &owner, &source).status, 201);
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("cam?key=canary-publish-secret");
    let mut player = RtmpClient::play(server.rtmp, "live", &format!("cam?token={token}"));
    player.wait_status("NetStream.Play.Start", SOON);
    get(server.http, &format!("/flv/nothing.mp4?token={token}"));
    let session = owner.trim().split_once('=').unwrap().1;
    let mut seen = server.log();
    let pem = "-----BEGIN PRIVATE KEY-----\ncanary-https-key\n-----END PRIVATE KEY-----";
    let refused =
        send(&server, "PUT", "/api/v1/https", &owner, &json!({ "certificate": pem, "key": pem })).text();
    seen.push_str(&refused);
    let passphrase = json!({ "passphrase": "canary-backup-passphrase" });
    seen.push_str(&send(&server, "POST", "/api/v1/backup", &owner, &passphrase).text());
    // Whatever can be looked at without naming anything; the log and the file for helpers are among it.
    let mut looked = 0;
    for target in described().filter(|(method, _)| method == "GET").map(|(_, target)| target) {
        if target.contains('{') || target == "/api/v1/events" {
            continue;
        }
        let answer = get_with(server.http, &target, &owner);
        // 501: this machine is no box.
        assert!(answer.status < 500 || answer.status == 501, "{target}: {}", answer.text());
        seen.push_str(&answer.text());
        looked += 1;
    }
    assert!(looked > 20, "{looked} addresses");
    for target in ["/api/v1/log?level=trace", "/metrics", "/setup/network", "/plain/"] {
        seen.push_str(&get_with(server.http, target, &owner).text());
    }
    for secret in ["canary-", session, &token] {
        assert!(!seen.contains(secret), "{secret} is in {}", line_with(&seen, secret));
    }
}

/// Method and address of each operation of the API's description.
pub(crate) fn described() -> impl Iterator<Item = (String, String)> {
    let description: Json = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let paths = description["paths"].as_object().unwrap().clone();
    paths.into_iter().flat_map(|(target, operations)| {
        let methods: Vec<String> = operations.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map(move |method| (method.to_uppercase(), target.clone()))
    })
}

fn line_with<'a>(text: &'a str, secret: &str) -> &'a str {
    text.lines().find(|line| line.contains(secret)).unwrap_or_default()
}
