//! Films that flash white while they beep, and whose pictures say which they are; and what a player sees and hears of them.
//!
//! ```text
//!  ┌──────────────────────┐
//!  │ white at odd seconds │  for a fifth of a second, as long as the beep
//!  ├──┬──┬──┬──┬─ … ─┬────┤
//!  │ 1│ 2│ 4│ 8│     │8192│  the picture's number in bits, white for one
//!  └──┴──┴──┴──┴─ … ─┴────┘
//! ```

use crate::program::succeed;
use std::time::Duration;

/// Pictures a second.
pub(crate) const FPS: u32 = 25;

/// Sound and picture may be apart by so many seconds before anybody notices.
pub(crate) const TOGETHER: f64 = 0.040;

const BITS: u32 = 14;
const BIT_WIDTH: u32 = 24;
const HALF: u32 = 96;
const LIMIT: Duration = Duration::from_secs(240);

/// When it flashes and beeps, as ffmpeg's filters say it.
pub(crate) const AT_ODD_SECONDS: &str = "lt(mod(t-1,2),0.2)*gte(t,1)";

/// The arguments of ffmpeg that make the picture and the sound of such a film.
pub(crate) fn sources(seconds: u32) -> [String; 4] {
    let (width, height) = (BITS * BIT_WIDTH, 2 * HALF);
    let mut picture = format!(
        "color=c=0x202020:s={width}x{height}:r={FPS}:d={seconds},\
         drawbox=w={width}:h={HALF}:c=white:t=fill:enable='{AT_ODD_SECONDS}'"
    );
    for bit in 0..BITS {
        let (x, value) = (bit * BIT_WIDTH, 1 << bit);
        picture += &format!(
            ",drawbox=x={x}:y={HALF}:w={BIT_WIDTH}:h={HALF}:c=white:t=fill:enable='mod(floor(n/{value}),2)'"
        );
    }
    let sound = format!("aevalsrc='if({AT_ODD_SECONDS},0.7*sin(1760*PI*t),0)':s=48000:d={seconds}");
    ["-f lavfi -i".to_owned(), picture, "-f lavfi -i".to_owned(), sound]
}

/// What a player has seen and heard, in seconds of its clock.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When each picture is shown, and its number.
    pub(crate) pictures: Vec<(f64, u32)>,
    pub(crate) flashes: Vec<f64>,
    pub(crate) beeps: Vec<f64>,
}

/// Decodes some seconds of what is at a URL with ffmpeg, which gets `options` before it.
#[track_caller]
pub(crate) fn watch(options: &[&str], url: &str, seconds: u32) -> Seen {
    let levels = tempfile::NamedTempFile::new().unwrap();
    // showinfo tells the time of each picture, of which a row for each half is left.
    let picture =
        format!("trim=duration={seconds},showinfo=checksum=0,scale={BITS}:2:flags=area,format=gray");
    let sound = format!(
        "atrim=duration={seconds},aresample=48000,aformat=channel_layouts=mono,asetnsamples=240,astats=metadata=1:reset=1,\
         ametadata=print:key=lavfi.astats.Overall.Peak_level:file={}",
        levels.path().display()
    );
    let mut arguments = vec!["-v", "info", "-nostats", "-copyts"];
    arguments.extend_from_slice(options);
    arguments.extend(["-i", url, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", &picture]);
    arguments.extend([
        "-f",
        "rawvideo",
        "-",
        "-map",
        "0:a:0",
        "-af",
        &sound,
        "-f",
        "null",
        "-y",
        "/dev/null",
    ]);
    let decoded = succeed("ffmpeg", &arguments, LIMIT);
    let times = decoded.stderr.lines().filter_map(|line| number_after(line, " pts_time:"));
    let rows = decoded.stdout.chunks_exact(2 * BITS as usize);
    let mut seen = Seen::default();
    let mut white = false;
    for (time, row) in times.zip(rows) {
        let (flash, bits) = row.split_at(BITS as usize);
        let flashes = flash.iter().filter(|value| **value > 128).count() > flash.len() / 2;
        if flashes && !white {
            seen.flashes.push(time);
        }
        white = flashes;
        let number = bits.iter().enumerate().map(|(bit, value)| u32::from(*value > 128) << bit).sum();
        seen.pictures.push((time, number));
    }
    let (mut time, mut loud) = (0.0, false);
    for line in std::fs::read_to_string(levels.path()).unwrap().lines() {
        if let Some(at) = number_after(line, "pts_time:") {
            time = at;
        } else if let Some((_, level)) = line.split_once("Peak_level=") {
            let beeps = level.trim().parse::<f64>().is_ok_and(|level| level > -20.0);
            if beeps && !loud {
                seen.beeps.push(time);
            }
            loud = beeps;
        }
    }
    assert!(!seen.pictures.is_empty(), "no pictures at {url}:\n{}", decoded.stderr);
    seen
}

fn number_after(line: &str, key: &str) -> Option<f64> {
    line.split_once(key)?.1.split_whitespace().next()?.parse().ok()
}

impl Seen {
    /// How much later the beeps come than the flashes, in seconds: the median, and the furthest from it. Every flash must
    /// have one, but those at the ends.
    #[track_caller]
    pub(crate) fn sound_after_picture(&self, who: &str) -> (f64, f64) {
        let (first, last) = (self.pictures[0].0, self.pictures[self.pictures.len() - 1].0);
        // A film that is cut may begin in the middle of a flash, and sound may begin or end a second earlier or later.
        let inside = |time: &&f64| **time > first + 1.2 && **time < last - 1.2;
        let apart = self.flashes.iter().filter(inside).map(|flash| {
            let nearest =
                self.beeps.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()));
            nearest.filter(|apart| apart.abs() < 0.9).unwrap_or_else(|| {
                panic!(
                    "{who}: no beep for the flash at {flash:.3} s: flashes {:?}, beeps {:?}",
                    self.flashes, self.beeps
                )
            })
        });
        let mut apart: Vec<f64> = apart.collect();
        assert!(apart.len() >= 2, "{who}: {} flashes in {first:.2} to {last:.2} s", apart.len());
        apart.sort_by(f64::total_cmp);
        let median = apart[apart.len() / 2];
        let furthest = apart.iter().map(|apart| (apart - median).abs()).fold(0.0, f64::max);
        (median, furthest)
    }

    /// What is between the time of a picture by its number and that at which it is shown: the median, and the furthest
    /// from it. Pictures must come in order, none twice.
    #[track_caller]
    pub(crate) fn clock(&self, who: &str) -> (f64, f64) {
        for pair in self.pictures.windows(2) {
            assert!(
                pair[1].1 > pair[0].1 && pair[1].0 > pair[0].0,
                "{who}: picture {} at {:.3} s, then {} at {:.3} s",
                pair[0].1,
                pair[0].0,
                pair[1].1,
                pair[1].0
            );
        }
        let off = self.pictures.iter().map(|(time, number)| time - f64::from(*number) / f64::from(FPS));
        let mut off: Vec<f64> = off.collect();
        off.sort_by(f64::total_cmp);
        let median = off[off.len() / 2];
        (median, off.iter().map(|off| (off - median).abs()).fold(0.0, f64::max))
    }
}

/// Makes a film with ffmpeg, from `sources` where the arguments say `F`.
#[track_caller]
pub(crate) fn make(folder: &std::path::Path, name: &str, seconds: u32, arguments: &str) {
    let [input, picture, again, sound] = sources(seconds);
    let mut words: Vec<String> = "-v error -y".split(' ').map(str::to_owned).collect();
    for word in arguments.split_whitespace() {
        match (word, word.strip_prefix('@')) {
            ("F", _) => {
                words.extend(input.split(' ').map(str::to_owned));
                words.push(picture.clone());
                words.extend(again.split(' ').map(str::to_owned));
                words.push(sound.clone());
            }
            (_, Some(file)) => words.push(folder.join(file).to_str().unwrap().to_owned()),
            _ => words.push(word.to_owned()),
        }
    }
    words.push(folder.join(name).to_str().unwrap().to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    succeed("ffmpeg", &words, LIMIT);
}
