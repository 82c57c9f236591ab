//! Broken files through the running server: cut at each of their boxes, flipped, lying, empty, endless. Whoever asks for one
//! gets what can be played of it, or a sentence that names the file and what is wrong with it; within a time, and while
//! everybody else is served.

use crate::http_client::{get, send_within};
use crate::program::{succeed, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::server::{Server, encoded, folder_for_server};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// For one file: the server's own limits are ten seconds of silence, six times that on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(100);

/// For a listing meanwhile.
const LISTED: Duration = Duration::from_secs(20);

/// Of one worker: a decoder of these small pictures needs 150 MB.
const MOST_MEMORY_KB: u64 = 700_000;

/// Files that are asked for at once.
const ASKING: usize = 3;

fn ffmpeg(arguments: &str, file: &Path) -> Vec<u8> {
    let mut words =
        "-v error -y -f lavfi -i testsrc2=s=320x180:r=25:d=4 -f lavfi -i sine=f=440:d=4".to_owned();
    words.push(' ');
    words.push_str(arguments);
    let mut words: Vec<&str> = words.split(' ').collect();
    words.push(file.to_str().unwrap());
    succeed("ffmpeg", &words, LIMIT);
    std::fs::read(file).unwrap()
}

const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac";

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where the boxes of an MP4 begin (ISO/IEC 14496-12, 4.2), those within others included, with their kinds.
fn boxes(bytes: &[u8], mut at: usize, end: usize, found: &mut Vec<(usize, [u8; 4])>) {
    while at + 8 <= end {
        let len = number(&bytes[at..at + 4]);
        let kind: [u8; 4] = bytes[at + 4..at + 8].try_into().unwrap();
        if len < 8 || at + len > end {
            return;
        }
        found.push((at, kind));
        let inside = match &kind {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"edts" | b"dinf" | b"moof" | b"traf"
            | b"mvex" => 8,
            b"stsd" => 16,
            _ => 0,
        };
        if inside > 0 {
            boxes(bytes, at + inside, at + len, found);
        }
        at += len;
    }
}

/// Where the elements of a Matroska file begin (RFC 8794), those of its segment included, with their identifiers.
fn elements(bytes: &[u8], mut at: usize, end: usize, found: &mut Vec<(usize, usize)>) {
    while at < end {
        let id_len = bytes[at].leading_zeros() as usize + 1;
        let Some(size_at) = Some(at + id_len).filter(|at| id_len <= 4 && *at < end) else { return };
        let size_len = bytes[size_at].leading_zeros() as usize + 1;
        let data = size_at + size_len;
        if size_len > 8 || data > end {
            return;
        }
        let id = number(&bytes[at..size_at]);
        let len = number(&bytes[size_at..data]) & ((1 << (7 * size_len)) - 1);
        found.push((at, id));
        if id == 0x1853_8067 {
            // Matroska says how long it is; the file may not be so long.
            return elements(bytes, data, end.min(data + len), found);
        }
        at = data + len;
    }
}

/// Makes the corpus; returns its names.
fn corpus(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        write(&folder.join(&name), bytes, bytes.len() as u64);
        names.push(name);
    };
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    // Cut at every box: behind its head, too, when it is one of those that hold the others.
    let mp4 = ffmpeg(&format!("{H264} -movflags faststart"), &at("x.mp4"));
    let mut found = Vec::new();
    boxes(&mp4, 0, mp4.len(), &mut found);
    assert!(found.len() > 40, "{found:?}");
    for (n, (begin, kind)) in found.iter().enumerate() {
        let kind = String::from_utf8_lossy(kind).into_owned();
        put(format!("cut-{n:02}-{kind}.mp4"), &mp4[..begin + 8]);
    }
    let fragments = ffmpeg(&format!("{H264} -movflags frag_keyframe+empty_moov"), &at("f.mp4"));
    let mut found_here = Vec::new();
    boxes(&fragments, 0, fragments.len(), &mut found_here);
    let parts = found_here.iter().filter(|(_, kind)| matches!(kind, b"moof" | b"traf" | b"mdat" | b"mfra"));
    for (n, (begin, _)) in parts.enumerate() {
        put(format!("cut-fragments-{n:02}.mp4"), &fragments[..begin + 12]);
    }
    let mkv = ffmpeg(H264, &at("x.mkv"));
    let mut found_here = Vec::new();
    elements(&mkv, 0, mkv.len(), &mut found_here);
    assert!(found_here.len() > 6, "{found_here:x?}");
    for (n, (begin, id)) in found_here.iter().enumerate() {
        put(format!("cut-{n:02}-{id:x}.mkv"), &mkv[..begin + 12]);
    }
    // Lies: a box that is longer than the file, tables with billions of entries, a picture of 100000 by 100000.
    for (begin, kind) in &found {
        let kind_text = String::from_utf8_lossy(kind).into_owned();
        let mut lie = mp4.clone();
        let field = match kind {
            b"stsz" => Some(begin + 16),
            b"stts" | b"ctts" | b"stsc" | b"stco" | b"stss" | b"elst" | b"stsd" => Some(begin + 12),
            b"mvhd" => Some(begin + 24),
            b"mdat" | b"moov" => Some(*begin),
            _ => None,
        };
        if let Some(field) = field {
            lie[field..field + 4].copy_from_slice(&0x7fff_fff0_u32.to_be_bytes());
            put(format!("lie-{begin}-{kind_text}.mp4"), &lie);
        }
        if kind == b"avc1" {
            let mut lie = mp4.clone();
            // 16 bits each: the largest that can be said.
            lie[begin + 32..begin + 36].fill(0xff);
            put("huge.mp4".to_owned(), &lie);
        }
    }
    if let Some(at) =
        mkv.windows(4).position(|window| window[0] == 0xb0 && window[1] == 0x82 && window[2..] == [1, 64])
    {
        let mut lie = mkv.clone();
        lie[at + 2..at + 4].fill(0xff);
        put("huge.mkv".to_owned(), &lie);
    }
    let avi = ffmpeg("-c:v mjpeg -c:a pcm_s16le", &at("x.avi"));
    let head = [40u32, 320, 180].map(u32::to_le_bytes).concat();
    let begin = avi.windows(12).position(|window| window == head).unwrap();
    let mut lie = avi;
    lie[begin + 4..begin + 8].copy_from_slice(&100_000u32.to_le_bytes());
    lie[begin + 8..begin + 12].copy_from_slice(&100_000u32.to_le_bytes());
    put("huge.avi".to_owned(), &lie);
    // Flipped bits, the same in every run: every 97th byte of the head, every 4001st of all.
    for (name, bytes) in [("flipped.mp4", &mp4), ("flipped.mkv", &mkv)] {
        for step in [97, 4001] {
            let mut flipped = bytes.clone();
            let end = if step == 97 { 4000.min(flipped.len()) } else { flipped.len() };
            (50..end).step_by(step).for_each(|at| flipped[at] ^= 1 << (at % 8));
            put(format!("{step}-{name}"), &flipped);
        }
    }
    put("empty.mp4".to_owned(), &[]);
    put("empty.flv".to_owned(), &[]);
    put("one byte.avi".to_owned(), b"R");
    // Nothing behind a head that promises everything, and nothing at all: a terabyte of each.
    let mut endless = Vec::new();
    for (name, head) in [("endless.mp4", &mp4[..200]), ("endless.mkv", &mkv[..300]), ("endless.mpg", &[][..])]
    {
        write(&folder.join(name), head, 1 << 40);
        endless.push(name.to_owned());
    }
    names.extend(endless);
    names
}

/// An old file, for the index leaves new ones for later; with a hole behind its content, if it is longer.
fn write(path: &Path, content: &[u8], len: u64) {
    std::fs::write(path, content).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(len).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "by name: it takes all processors for two minutes"]
fn broken_files_play_or_say_why_while_everybody_else_is_served() {
    let folder = folder_for_server();
    let names = corpus(folder.path());
    let mut server = Server::configured(folder.path(), "[index]\nbackground = true\n");
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (played, refused) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let before = resident_kb(server.id());
    std::thread::scope(|scope| {
        let (server, names, next, over, played, refused) = (&server, &names, &next, &over, &played, &refused);
        let asking: Vec<_> = (0..ASKING)
            .map(|_| {
                scope.spawn(move || {
                    while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let request = format!(
                            "GET /flv/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                            encoded(name)
                        );
                        let begun = Instant::now();
                        let answer = send_within(server.http, request.as_bytes(), LIMIT);
                        let answer = answer
                            .unwrap_or_else(|error| panic!("{name}: {error} after {:?}", begun.elapsed()));
                        if answer.status == 200 {
                            assert!(answer.body.len() > 13, "{name}: an FLV without anything");
                            played.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                        // What has neither an end nor a beginning says nothing for as long as anybody waits.
                        let expected = if name.starts_with("endless") { [415, 504] } else { [415, 415] };
                        assert!(
                            expected.contains(&answer.status)
                                && detail.contains(&**name)
                                && detail.len() > name.len() + 20,
                            "{name}: {} {detail}",
                            answer.status
                        );
                        refused.lock().unwrap().push(detail);
                    }
                })
            })
            .collect();
        let watching = scope.spawn(move || {
            let (mut listings, mut largest) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let listed = get(server.http, "/api/v1/library/").json();
                assert_eq!(listed["total"].as_u64(), Some(names.len() as u64), "{listed}");
                assert!(begun.elapsed() < LISTED, "a listing took {:?}", begun.elapsed());
                listings += 1;
                largest = server.workers().into_iter().map(resident_kb).chain([largest]).max().unwrap_or(0);
                std::thread::sleep(Duration::from_millis(50));
            }
            (listings, largest)
        });
        let failed = asking.into_iter().filter_map(|thread| thread.join().err()).count();
        over.store(true, Ordering::Relaxed);
        let (listings, largest) = watching.join().unwrap();
        assert_eq!(failed, 0, "see above");
        assert!(listings > 5 && largest < MOST_MEMORY_KB, "{listings} listings, a worker of {largest} KB");
    });
    let (played, refused) = (played.into_inner(), refused.into_inner().unwrap());
    eprintln!("{} broken files: {played} played, {} refused", names.len(), refused.len());
    assert!(played > 10 && refused.len() > 10);
    let more = resident_kb(server.id()).saturating_sub(before);
    assert!(more < 100_000, "the server has grown by {more} KB");
    // RTMP says the same.
    let mut client = RtmpClient::play(server.rtmp, "vod", "empty.mp4");
    let info = client.wait_status("NetStream.Play.Failed", LIMIT);
    let why = info.get("description").and_then(|d| d.as_str().map(|s| s.into_owned())).unwrap();
    assert!(why.contains("empty.mp4"), "{why}");
    // The index comes to its end as well.
    wait_until("all were looked at", LIMIT * 6, || {
        let now = get(server.http, "/api/v1/index").json();
        let looked_at = now["known"].as_u64().unwrap() + now["failed"].as_u64().unwrap();
        now["state"] == "idle" && looked_at == names.len() as u64
    });
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}
