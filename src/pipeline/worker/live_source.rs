//! The elements between an address and the heads, one way for each kind of address.
//!
//! ```text
//!  http, https   urisourcebin: progressive files, endless streams, HLS, Icecast
//!  rtsp, rtsps   rtspsrc ▶ parsebin for each stream
//!  udp           udpsrc ▶ queue ▶ parsebin                       MPEG-TS in datagrams
//!  rtp           udpsrc ▶ rtpjitterbuffer ▶ rtpmp2tdepay ▶ parsebin   MPEG-TS in RTP
//!  srt           srtsrc ▶ queue ▶ parsebin
//! ```
//!
//! Nothing in the callbacks may panic: they run in C frames.

use super::lane::{BuildError, make};
use super::notes::Shared;
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;

/// Adds what `url` needs to `pipeline`; `shared` gets a head for every stream that shows up.
pub(super) fn build(pipeline: &gst::Pipeline, url: &str, shared: &Arc<Shared>) -> Result<(), BuildError> {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    match scheme {
        "http" | "https" => http(pipeline, url, shared),
        "rtsp" | "rtsps" => rtsp(pipeline, url, shared),
        "udp" => {
            let source = datagrams(rest)?;
            let queue = receive_queue()?;
            chain(pipeline, vec![source, queue], shared)
        }
        "rtp" => {
            let source = datagrams(rest)?;
            let caps = gst::Caps::builder("application/x-rtp")
                .field("media", "video")
                .field("clock-rate", 90_000i32)
                .field("encoding-name", "MP2T")
                .build();
            source.set_property("caps", caps);
            let order = make("rtpjitterbuffer")?;
            order.set_property("latency", limits::LIVE_REORDER.as_millis() as u32);
            chain(pipeline, vec![source, order, make("rtpmp2tdepay")?, receive_queue()?], shared)
        }
        "srt" => {
            let source = make("srtsrc")?;
            source.set_property("uri", url);
            // The server starts another worker, with a pause that grows.
            set(&source, "auto-reconnect", "false");
            source.set_property("do-timestamp", true);
            chain(pipeline, vec![source, receive_queue()?], shared)
        }
        other => Err(BuildError::Refused(format!("no way to open {other}:// is known"))),
    }
}

/// Whether what comes from `url` comes when the sender likes. The others are read as fast as they are used.
pub(super) fn pushes(url: &str) -> bool {
    !url.starts_with("http")
}

fn http(pipeline: &gst::Pipeline, url: &str, shared: &Arc<Shared>) -> Result<(), BuildError> {
    let source = make("urisourcebin")?;
    source.set_property("uri", url);
    source.set_property("parse-streams", true);
    source.connect("source-setup", false, |values| {
        if let Some(source) = values.get(1).and_then(|value| value.get::<gst::Element>().ok()) {
            set(&source, "user-agent", concat!("wiidiaserver/", env!("CARGO_PKG_VERSION")));
            set(&source, "timeout", &limits::LIVE_CONNECT.as_secs().to_string());
            // The server tries again, with a pause that grows.
            set(&source, "retries", "0");
            // Titles between the sound of a radio.
            set(&source, "iradio-mode", "true");
        }
        None
    });
    if let Some(bin) = source.downcast_ref::<gst::Bin>() {
        let shared = Arc::clone(shared);
        bin.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_some_and(|factory| factory.name() == "icydemux") {
                let shared = Arc::clone(&shared);
                element.connect_pad_added(move |_, pad| hear_titles(pad, &shared));
            }
        });
    }
    pipeline.add(&source)?;
    watch(pipeline, &source, shared);
    Ok(())
}

/// Titles between the sound of a radio. Taken here, where they are made: a parser behind this replaces the first ones by what it
/// finds itself, before a head lets anything through.
fn hear_titles(pad: &gst::Pad, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Tag(said)) = info.event().map(|event| event.view()) {
            shared.said(said.tag(), true);
        }
        gst::PadProbeReturn::Ok
    });
}

fn rtsp(pipeline: &gst::Pipeline, url: &str, shared: &Arc<Shared>) -> Result<(), BuildError> {
    let source = make("rtspsrc")?;
    source.set_property("location", url);
    source.set_property("latency", limits::LIVE_REORDER.as_millis() as u32);
    set(&source, "user-agent", concat!("wiidiaserver/", env!("CARGO_PKG_VERSION")));
    // UDP first, as every camera has it; TCP when nothing comes through.
    set(&source, "protocols", "tcp+udp-mcast+udp");
    source.set_property("timeout", limits::RTSP_UDP_PATIENCE.as_micros() as u64);
    source.set_property("tcp-timeout", limits::LIVE_CONNECT.as_micros() as u64);
    // A lost connection is the server's to mend: it knows how often it was tried.
    set(&source, "udp-reconnect", "false");
    // Cameras send events and positions as a third stream.
    source.connect("select-stream", false, |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let media = caps.as_ref().and_then(|caps| caps.structure(0)?.get::<&str>("media").ok());
        Some(media.is_none_or(|media| media == "video" || media == "audio").to_value())
    });
    let (weak, shared) = (pipeline.downgrade(), Arc::clone(shared));
    source.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        if let Err(error) = parse_behind(&pipeline, pad, &shared) {
            eprintln!("{}: {error}", pad.name());
        }
    });
    pipeline.add(&source)?;
    Ok(())
}

/// A socket for `address:port`, `@group:port` (as VLC writes it) or `:port`, with `?iface=eth1` for a group that
/// comes by another way than the default route.
fn datagrams(rest: &str) -> Result<gst::Element, BuildError> {
    let interface = rest.split(['?', '&']).find_map(|pair| pair.strip_prefix("iface="));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let wrong = || BuildError::Refused("an address of this kind needs a port".into());
    let (address, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let port: i32 = port.parse().map_err(|_| wrong())?;
    let address = address.trim_matches(['[', ']']);
    let source = make("udpsrc")?;
    source.set_property("address", if address.is_empty() { "0.0.0.0" } else { address });
    source.set_property("port", port);
    source.set_property("buffer-size", limits::LIVE_SOCKET_BUFFER);
    set(&source, "retrieve-sender-address", "false");
    if let Some(interface) = interface {
        set(&source, "multicast-iface", interface);
    }
    Ok(source)
}

/// Takes datagrams out of the socket while the parsers behind it are busy.
fn receive_queue() -> Result<gst::Element, BuildError> {
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-time", 0u64);
    queue.set_property("max-size-bytes", limits::LANE_QUEUE_BYTES);
    queue.set_property_from_str("leaky", "downstream");
    if let Some(pad) = queue.static_pad("src") {
        forget_arrival(&pad);
    }
    Ok(queue)
}

/// Makes what arrives in real time the same as a file that is read. By when it arrives, tsdemux would bend the sender's clock to ours, and
/// bend picture and sound at different moments: for as long as it learns, and anew after every stutter of the sender, they
/// are up to half a second apart. By the sender's clock alone they are as far apart as it sent them; what its clock jumps is mended
/// by the server, in both by the same amount.
fn forget_arrival(pad: &gst::Pad) {
    let kinds = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
    pad.add_probe(kinds, |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Segment(segment) = event.view() {
                    let bytes = gst::FormattedSegment::<gst::format::Bytes>::new();
                    *event = gst::event::Segment::builder(&bytes).seqnum(segment.seqnum()).build();
                }
            }
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let buffer = buffer.make_mut();
                buffer.set_pts(None);
                buffer.set_dts(None);
                buffer.set_offset(u64::MAX);
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn chain(
    pipeline: &gst::Pipeline,
    elements: Vec<gst::Element>,
    shared: &Arc<Shared>,
) -> Result<(), BuildError> {
    pipeline.add_many(&elements)?;
    let parser = make("parsebin")?;
    pipeline.add(&parser)?;
    gst::Element::link_many(elements.iter().chain([&parser]))?;
    watch(pipeline, &parser, shared);
    Ok(())
}

/// A parser of its own for a stream that has just shown up.
fn parse_behind(pipeline: &gst::Pipeline, pad: &gst::Pad, shared: &Arc<Shared>) -> Result<(), BuildError> {
    let parser = make("parsebin")?;
    pipeline.add(&parser)?;
    watch(pipeline, &parser, shared);
    let sink = parser.static_pad("sink").ok_or_else(|| BuildError::Refused("no sink pad".into()))?;
    parser.sync_state_with_parent()?;
    pad.link(&sink).map_err(|error| BuildError::Refused(error.to_string()))?;
    Ok(())
}

fn watch(pipeline: &gst::Pipeline, parser: &gst::Element, shared: &Arc<Shared>) {
    // Connected before the heads, so that their queues see these segments.
    parser.connect_pad_added(|_, pad| keep_running_time(pad));
    shared.watch(pipeline, parser);
}

/// Makes the stream time, by which lanes send, the same as the running time: a live source's own times begin
/// anywhere and start over, and what is the same for sound and picture is the running time.
fn keep_running_time(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &info.data
            && let gst::EventView::Segment(segment) = event.view()
            && let Some(segment_ns) = segment.segment().downcast_ref::<gst::ClockTime>()
            && segment_ns.rate() == 1.0
        {
            let mut running = segment_ns.clone();
            running.set_time(segment_ns.base());
            let event = gst::event::Segment::builder(&running).seqnum(segment.seqnum()).build();
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Sets a property that this version of the element may not have.
fn set(element: &gst::Element, property: &str, value: &str) {
    if element.has_property(property) {
        element.set_property_from_str(property, value);
    }
}
