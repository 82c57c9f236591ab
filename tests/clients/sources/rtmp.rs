//! A stream of another RTMP server as a source: nginx-rtmp, as Debian has it.

use super::{LIMIT, figures, sender, viewers_survive};
use crate::http_client::{get, request};
use crate::nginx::Nginx;
use crate::program::wait_until;
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::samples;
use crate::server::Server;
use serde_json::json;
use std::cell::RefCell;

#[test]
fn viewers_survive_another_rtmp_server() {
    let nginx = RefCell::new(Nginx::start());
    let url = nginx.borrow().url("film");
    nginx.borrow_mut().kill();
    struct Station<'a>(
        &'a RefCell<Nginx>,
        #[expect(dead_code, reason = "it sends while it is there")] crate::program::Running,
    );
    impl Drop for Station<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().kill();
        }
    }
    viewers_survive("film", &url, || {
        nginx.borrow_mut().start_again();
        Station(&nginx, sender("flv", &url))
    });
}

#[test]
fn a_stream_of_another_rtmp_server_needs_no_worker_and_says_what_it_is() {
    let nginx = Nginx::start();
    let _sender = sender("flv", &nginx.url("sesame"));
    let text = format!(
        "[[source]]\nname = \"film\"\nurl = \"{}\"\nstart_timeout_seconds = 60\nslate = false\n",
        nginx.url("sesame")
    );
    let server = Server::configured(samples::library(), &text);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "film");
    viewer.wait_for("a picture", LIMIT, |message| matches!(message, Message::Video(_)).then_some(()));
    // Its headers come before its sound does.
    wait_until("its sound is known", LIMIT, || figures(&server, "film")["audio"]["codec"] == "AAC");
    let told = figures(&server, "film");
    assert_eq!(
        (&told["state"], &told["kind"], &told["viewers"]),
        (&json!("on_air"), &json!("rtmp"), &json!(1))
    );
    assert_eq!((&told["video"]["codec"], &told["video"]["passthrough"]), (&json!("H.264"), &json!(true)));
    assert!(told["video"]["width"].as_u64() > Some(0), "{told}");
    assert!(!told.to_string().contains("sesame"), "the stream's name may be a key: {told}");
    assert!(server.workers().is_empty(), "nothing is decoded");
    drop(viewer);
    wait_until("it rests", LIMIT, || figures(&server, "film")["state"] == "idle");
    assert!(!server.log().contains("sesame"), "{}", server.log());
}

#[test]
fn a_server_that_plays_no_such_stream_is_told_about() {
    // Ours says no to who plays a file that is not there.
    let other = Server::start();
    let server = Server::start();
    let url = format!("rtmp://{}/vod/missing.flv", other.rtmp);
    let source = json!({ "name": "film", "url": url }).to_string();
    assert_eq!(request(server.http, "POST", "/api/v1/sources", &source).status, 201);
    let answer = get(server.http, "/live/film.flv");
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(answer.text().contains("NetStream.Play.StreamNotFound"), "{}", answer.text());
    // Its own stream on its own server goes in a circle.
    let own = json!({ "name": "circle", "url": format!("rtmp://{}/live/circle", server.rtmp) }).to_string();
    assert_eq!(request(server.http, "POST", "/api/v1/sources", &own).status, 201);
    let answer = get(server.http, "/live/circle.flv");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("this very stream"), "{}", answer.text());
}
