//! Media files made by ffmpeg: four seconds of a test picture and a tone.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// 100 frames.
pub(crate) const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25:d=4";
pub(crate) const TONE: &str = "-f lavfi -i sine=f=440:r=48000:d=4";
/// High profile with B-frames and a keyframe a second.
pub(crate) const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -profile:v high \
                               -x264-params b-adapt=0:8x8dct=1:scenecut=0";

/// A directory that goes with its files.
pub(crate) struct Media {
    folder: TempDir,
}

impl Media {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ffmpeg ARGUMENTS NAME`; arguments are split at spaces, files in the directory are written
    /// as `@name`.
    #[track_caller]
    pub(crate) fn make(&self, arguments: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        let arguments = arguments.split_whitespace().map(|argument| match argument.strip_prefix('@') {
            Some(file) => self.path(file).into_os_string(),
            None => argument.into(),
        });
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-y"]).args(arguments).arg(&path);
        let output = ffmpeg.output().expect("these tests need ffmpeg");
        assert!(output.status.success(), "{ffmpeg:?}: {}", String::from_utf8_lossy(&output.stderr));
        path
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("room on the disk");
        path
    }
}

/// One packet of a file, as ffprobe sees it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Packet {
    pub(crate) video: bool,
    pub(crate) pts: f64,
    pub(crate) dts: f64,
    pub(crate) key: bool,
}

#[track_caller]
pub(crate) fn packets(path: &Path) -> Vec<Packet> {
    let entries = "packet=codec_type,pts_time,dts_time,flags";
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", entries, "-of", "csv=p=0"]).arg(path);
    let output = ffprobe.output().expect("these tests need ffprobe");
    assert!(output.status.success(), "{ffprobe:?}");
    let text = String::from_utf8(output.stdout).expect("ffprobe writes ASCII");
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let video = *fields.first()? == "video";
        (video || fields[0] == "audio").then_some(())?;
        let pts: f64 = fields.get(1)?.parse().ok()?;
        let dts = fields.get(2)?.parse().unwrap_or(pts);
        Some(Packet { video, pts, dts, key: fields.get(3)?.starts_with('K') })
    };
    text.lines().filter_map(packet).collect()
}

/// What ffmpeg complains about when it decodes the file.
pub(crate) fn decode_complaints(path: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(path);
    // Keep our time base: at frame rates ffmpeg guesses, neighbours would be rounded to one.
    ffmpeg.args(["-vsync", "passthrough", "-enc_time_base", "1:1000", "-f", "null", "-"]);
    let output = ffmpeg.output().expect("these tests need ffmpeg");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first instant in seconds at which decoded sound is louder than a whisper.
pub(crate) fn sound_onset(path: &Path) -> f64 {
    let mut ffmpeg = Command::new("ffmpeg");
    // aresample puts silence where timestamps leave a gap, so samples count time.
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(path);
    ffmpeg.args([
        "-map",
        "0:a",
        "-af",
        "aresample=async=1:first_pts=0",
        "-ac",
        "1",
        "-ar",
        "48000",
        "-f",
        "s16le",
        "-",
    ]);
    let output = ffmpeg.output().expect("these tests need ffmpeg");
    let samples = output.stdout.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let index = samples.into_iter().position(|sample| sample.unsigned_abs() > 2000).expect("there is sound");
    index as f64 / 48_000.0
}

/// Six seconds of a dark picture with something that moves; it flashes white while the sound beeps, at the odd seconds.
pub(crate) const FLASH: &str = "-f lavfi -i testsrc2=s=320x180:r=25:d=6,drawbox=c=black:t=fill,\
     drawbox=x=mod(t*40\\,300):y=20:w=20:h=20:c=gray:t=fill,\
     drawbox=c=white:t=fill:enable='lt(mod(t-1\\,2)\\,0.15)*gte(t\\,1)'";
pub(crate) const BEEP: &str =
    "-f lavfi -i aevalsrc='if(lt(mod(t-1\\,2)\\,0.15)*gte(t\\,1)\\,0.7*sin(1760*PI*t)\\,0)':s=48000:d=6";

/// When the decoded picture is white for the first time, by ffmpeg's reckoning.
pub(crate) fn first_flash(path: &Path) -> Option<f64> {
    let filter = "scale=32:32,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-";
    first_above(path, &["-map", "0:v:0", "-vf", filter, "-vsync", "passthrough"], "YAVG=", 150.0)
}

/// When the decoded sound is loud for the first time.
pub(crate) fn first_beep(path: &Path) -> Option<f64> {
    let filter = "aresample=48000,aformat=channel_layouts=mono,asetnsamples=n=48,\
                  astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-";
    first_above(path, &["-map", "0:a:0", "-af", filter], "Peak_level=", -20.0)
}

/// Time of the first line with `key` and more than `threshold` behind it, in what ffmpeg's filters print.
fn first_above(path: &Path, arguments: &[&str], key: &str, threshold: f64) -> Option<f64> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-copyts", "-i"]).arg(path).args(arguments);
    let output = ffmpeg.args(["-f", "null", "-"]).output().expect("these tests need ffmpeg");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut time = None;
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("pts_time:") {
            time = rest.split_whitespace().next().and_then(|number| number.parse().ok());
        }
        let value = line.split_once(key).and_then(|(_, rest)| rest.trim().parse::<f64>().ok());
        if value.is_some_and(|value| value > threshold) {
            return time;
        }
    }
    None
}

/// The brightest pixel of each decoded picture, with its time.
pub(crate) fn brightest(path: &Path) -> Vec<(f64, f64)> {
    let filter = "signalstats,metadata=print:key=lavfi.signalstats.YMAX:file=-";
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(path).args(["-map", "0:v:0", "-vf", filter]);
    let output = ffmpeg.args(["-f", "null", "-"]).output().expect("these tests need ffmpeg");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (mut time, mut found) = (0.0, Vec::new());
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("pts_time:") {
            time = rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(time);
        }
        if let Some((_, rest)) = line.split_once("YMAX=") {
            found.push((time, rest.trim().parse().unwrap_or(0.0)));
        }
    }
    found
}
