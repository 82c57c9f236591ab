//! SSDP: whatever comes, answers go only to whoever asked from our own network, and never more than may be.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};
use wiidiaserver::discovery::{Home, Identity, Responder, Search, Target};
use wiidiaserver::limits::{MAX_SSDP_ANSWERS_A_SECOND, MAX_SSDP_WAIT};

/// The first byte chooses the sender, the rest is the datagram.
pub fn law(mut input: &[u8]) {
    let who = super::byte(&mut input);
    if let Ok(search) = Search::parse(input) {
        assert!(search.wait <= MAX_SSDP_WAIT);
        // What was understood, said again, means the same.
        let target = match &search.target {
            Target::All => "ssdp:all".to_owned(),
            Target::Root => "upnp:rootdevice".to_owned(),
            Target::Device(uuid) => format!("uuid:{uuid}"),
            Target::Kind(kind) => kind.clone(),
        };
        let again = format!(
            "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: {}\r\nST: {target}\r\n\r\n",
            search.wait.as_secs()
        );
        assert_eq!(Search::parse(again.as_bytes()), Ok(search));
    }
    let now = Instant::now();
    let home = Home { address: Ipv4Addr::new(10, 0, 0, 1), bits: 24 };
    let is_near = who & 1 == 0;
    let from = SocketAddrV4::new(if is_near { [10, 0, 0, who] } else { [11, 0, 0, who] }.into(), 50_000);
    let mut responder = Responder::new(Identity::new([who; 16], 80), now);
    responder.handle_homes(now, &[home]);
    let mut later = now + Duration::from_secs(60);
    while responder.poll_transmit(later).is_some() {}
    for _ in 0..40 {
        responder.handle_datagram(later, from, input, u64::from(who));
    }
    later += Duration::from_secs(9);
    let mut answers = 0;
    while let Some(transmit) = responder.poll_transmit(later) {
        assert_eq!((transmit.from, transmit.to), (home.address, from));
        assert!(transmit.text.starts_with("HTTP/1.1 200 OK\r\n") && transmit.text.ends_with("\r\n\r\n"));
        answers += 1;
    }
    assert!(answers <= MAX_SSDP_ANSWERS_A_SECOND && (answers == 0 || is_near));
}
