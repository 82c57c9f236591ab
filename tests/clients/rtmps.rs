//! RTMP over TLS: real clients, and those that speak something else.

use crate::live::records_well;
use crate::packets::{lane, probe};
use crate::program::{command, start, succeed, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::samples::{self, H264_FLV, path_of};
use crate::server::Server;
use crate::tls::Authority;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn server(authority: &Authority) -> (Server, SocketAddr) {
    let (address, configuration) = authority.rtmps();
    let server = Server::configured(samples::library(), &configuration);
    (server, address)
}

#[test]
fn films_and_live_streams_come_over_tls() {
    let authority = Authority::new();
    let (server, rtmps) = server(&authority);
    let film = format!("rtmps://{rtmps}/vod/Flash%20Era/H264.flv");
    let (got, wanted) = (probe(&film), probe(&path_of(H264_FLV)));
    for is_video in [true, false] {
        assert_eq!(lane(&got, is_video).len(), lane(&wanted, is_video).len());
    }
    let (source, url) = (path_of(H264_FLV), format!("rtmps://{rtmps}/live/cam"));
    let _publisher = start(command(
        "ffmpeg",
        &["-v", "error", "-re", "-stream_loop", "-1", "-i", &source, "-c", "copy", "-f", "flv", &url],
    ));
    wait_until("the stream is on air", LIMIT, || crate::live::figures(&server, "cam")["on_air"] == true);
    records_well(&url);
    // One stream, whatever way it came.
    records_well(&format!("rtmp://{}/live/cam", server.rtmp));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    succeed("rtmpdump", &["-q", "--live", "--stop", "2", "-r", &url, "-o", &file], LIMIT);
    assert!(lane(&probe(&file), true)[0].key);
}

#[test]
fn gstreamer_plays_over_tls() {
    let authority = Authority::new();
    let (_server, rtmps) = server(&authority);
    let source = format!("location=rtmps://{rtmps}/vod/Flash%20Era/H264.flv");
    // Its certificate is by an authority that GStreamer does not know.
    let flags = "tls-validation-flags=0";
    let played = succeed(
        "gst-launch-1.0",
        &["-q", "rtmp2src", &source, flags, "!", "flvdemux", "!", "fakesink", "num-buffers=50", "sync=false"],
        LIMIT,
    );
    assert_eq!(played.stderr, "");
}

/// Sends bytes, and reads until the server closes.
fn answer_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = socket.read_to_end(&mut answer);
    answer
}

#[test]
fn what_is_no_tls_is_told_so_in_the_log_and_hurts_nobody() {
    let authority = Authority::new();
    let (mut server, rtmps) = server(&authority);
    let mut hello = vec![3; 1537];
    hello[1..9].fill(0);
    answer_to(rtmps, &hello);
    answer_to(rtmps, b"GET / HTTP/1.1\r\n\r\n");
    answer_to(rtmps, &[0xa7; 4000]);
    // A record that says it is a handshake of 16 KB, and is not.
    answer_to(rtmps, &[&[0x16, 3, 1, 0x40, 0][..], &[9; 20_000]].concat());
    // TLS where there is none.
    answer_to(server.rtmp, &[&[0x16, 3, 1, 2, 0, 1][..], &[0; 2000]].concat());
    for text in [
        "the client speaks RTMP without TLS; this port takes rtmps:// only",
        "the client speaks HTTP; this port takes rtmps:// only",
        "what the client sends is no TLS; this port takes rtmps:// only",
        "the client speaks TLS (rtmps://), this port does not",
    ] {
        wait_until(text, LIMIT, || server.log().contains(text));
    }
    server.must_be_well();
}

#[test]
fn those_who_begin_no_handshake_are_left_after_a_while() {
    let authority = Authority::new();
    let (_server, rtmps) = server(&authority);
    let mut silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(rtmps).unwrap()).collect();
    for socket in &mut silent {
        // Half a record's header, and then nothing.
        socket.write_all(&[0x16, 3]).unwrap();
    }
    for socket in &mut silent {
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        // A reset is an end as well; a time-out is none.
        if let Err(error) = socket.read_to_end(&mut Vec::new()) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "closed, not forgotten");
        }
    }
}

/// A client's TLS before anything of it is sent.
fn tls_client(authority: &Authority) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

#[test]
fn a_client_whose_first_words_come_with_the_end_of_its_handshake_is_answered() {
    let authority = Authority::new();
    let (_server, rtmps) = server(&authority);
    for _ in 0..20 {
        let mut socket = TcpStream::connect(rtmps).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut tls = tls_client(&authority);
        tls.write_tls(&mut socket).unwrap();
        while tls.is_handshaking() {
            assert_ne!(tls.read_tls(&mut socket).unwrap(), 0, "closed");
            tls.process_new_packets().unwrap();
        }
        // C0 and C1 behind `Finished`: in one segment, and nothing after it.
        let mut hello = vec![3; 1537];
        hello[1..9].fill(0);
        tls.writer().write_all(&hello).unwrap();
        let mut all = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut all).unwrap();
        }
        socket.write_all(&all).unwrap();
        let mut answer = vec![0; 1537];
        Stream::new(&mut tls, &mut socket).read_exact(&mut answer).expect("S0 and S1");
        assert_eq!(answer[0], 3);
    }
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart_and_a_bad_one_is_not() {
    let authority = Authority::new();
    let (server, rtmps) = server(&authority);
    let ca = authority.ca().to_str().unwrap().to_owned();
    let shown = || {
        let arguments = ["s_client", "-connect", &rtmps.to_string(), "-CAfile", &ca, "-verify_return_error"];
        succeed("openssl", &arguments, LIMIT).stdout
    };
    let serial = |shown: Vec<u8>| {
        let text = String::from_utf8_lossy(&shown).into_owned();
        let begin = text.find("BEGIN CERTIFICATE").expect("s_client shows the certificate");
        text[begin..text.find("END CERTIFICATE").unwrap()].to_owned()
    };
    let first = serial(shown());
    assert_eq!(serial(shown()), first);
    authority.sign();
    let mut second = first.clone();
    wait_until("the new one is shown", LIMIT, || {
        second = serial(shown());
        second != first
    });
    assert!(server.log().contains("the certificate was renewed"));
    std::fs::write(authority.certificate(), "no certificate at all").unwrap();
    wait_until("the bad one was seen", LIMIT, || {
        assert_eq!(serial(shown()), second, "the last good one stays");
        server.log().contains("has no certificate in it")
    });
    // And viewers who are here stay.
    let mut viewer = RtmpClient::connect(server.rtmp, "vod");
    viewer.create_stream();
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_at_the_start() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = crate::server::folder_for_server();
    let config = folder.path().join("c.toml");
    let refusal_of = |text: String| {
        std::fs::write(&config, text).unwrap();
        let mut command = crate::server::server_command(crate::samples::server_program());
        command.arg("check-config").arg("--config").arg(&config).arg("--library").arg(samples::library());
        command.arg("--data").arg(folder.path().join("data"));
        let finished = start(command).finish(LIMIT);
        assert_eq!(finished.status.code(), Some(78));
        finished.stderr
    };
    let refusal = |certificate: &std::path::Path, key: &std::path::Path| {
        refusal_of(format!("[rtmps]\ncertificate = '{}'\nkey = '{}'\n", certificate.display(), key.display()))
    };
    assert!(refusal(&authority.certificate(), &other.key()).contains("is not the one of the certificate"));
    assert!(refusal(&authority.key(), &authority.key()).contains("has no certificate in it"));
    assert!(refusal(&authority.certificate(), &authority.certificate()).contains("has no private key in it"));
    assert!(refusal(&folder.path().join("gone"), &authority.key()).contains("cannot be read"));
    let film = std::path::PathBuf::from(crate::samples::path_of(crate::samples::LONG_AVI));
    assert!(refusal(&film, &authority.key()).contains("expected a file of at most"));
    let ca = refusal_of(format!("[relay]\nca = '{}'\n", authority.key().display()));
    assert!(ca.contains("has no certificate that could be used"), "{ca}");
}
