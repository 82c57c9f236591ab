//! Which coding, size and rate to ask a device for: pure.
//!
//! A stick has dozens. H.264 costs this machine nothing, so it comes first. Of the others the largest is taken that
//! comes smoothly and that this machine encodes in time; raw pictures before JPEGs, which have lost something already
//! and have to be decoded.

use super::{Device, Format, Rate, Size};
use serde::{Deserialize, Serialize};

/// How pictures come out of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// H.264, which passes as it is.
    H264,
    /// A JPEG for each picture.
    Jpeg,
    /// Pixels, in the order that GStreamer calls by this name.
    Raw(RawFormat),
}

/// Orders of pixels that GStreamer's `v4l2src` knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(clippy::upper_case_acronyms, reason = "these are GStreamer's names")]
pub enum RawFormat {
    /// Packed 4:2:2, the one that all sticks have.
    YUY2,
    /// The same, colours first.
    UYVY,
    /// The same, red first.
    YVYU,
    /// Planar 4:2:0, colours together.
    NV12,
    /// The same, red first.
    NV21,
    /// Planar 4:2:0.
    I420,
    /// The same, red first.
    YV12,
    /// Planar 4:2:2, colours together.
    NV16,
    /// Planar 4:2:2.
    Y42B,
    /// Red, green, blue.
    RGB,
    /// Blue, green, red.
    BGR,
    /// Grey alone.
    GRAY8,
}

/// By the kernel's four letters, the better ones first: fewer conversions, fewer bytes.
const CODINGS: [(&str, Coding); 20] = [
    ("H264", Coding::H264),
    ("YU12", Coding::Raw(RawFormat::I420)),
    ("NV12", Coding::Raw(RawFormat::NV12)),
    // The same with planes that do not lie behind each other.
    ("YM12", Coding::Raw(RawFormat::I420)),
    ("NM12", Coding::Raw(RawFormat::NV12)),
    ("YV12", Coding::Raw(RawFormat::YV12)),
    ("NV21", Coding::Raw(RawFormat::NV21)),
    ("NM21", Coding::Raw(RawFormat::NV21)),
    ("YUYV", Coding::Raw(RawFormat::YUY2)),
    ("UYVY", Coding::Raw(RawFormat::UYVY)),
    ("YVYU", Coding::Raw(RawFormat::YVYU)),
    ("NV16", Coding::Raw(RawFormat::NV16)),
    ("NM16", Coding::Raw(RawFormat::NV16)),
    ("422P", Coding::Raw(RawFormat::Y42B)),
    ("RGB3", Coding::Raw(RawFormat::RGB)),
    ("BGR3", Coding::Raw(RawFormat::BGR)),
    ("GREY", Coding::Raw(RawFormat::GRAY8)),
    ("MJPG", Coding::Jpeg),
    ("JPEG", Coding::Jpeg),
    ("AVC1", Coding::H264),
];

impl RawFormat {
    /// GStreamer's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::YUY2 => "YUY2",
            Self::UYVY => "UYVY",
            Self::YVYU => "YVYU",
            Self::NV12 => "NV12",
            Self::NV21 => "NV21",
            Self::I420 => "I420",
            Self::YV12 => "YV12",
            Self::NV16 => "NV16",
            Self::Y42B => "Y42B",
            Self::RGB => "RGB",
            Self::BGR => "BGR",
            Self::GRAY8 => "GRAY8",
        }
    }
}

/// What somebody wants of a device. What is not said is chosen.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Wish<'a> {
    /// Exactly this size.
    pub size: Option<(u32, u32)>,
    /// The rate nearest to this.
    pub rate: Option<f64>,
    /// This coding: `h264`, `mjpeg`, `raw`, or the kernel's four letters.
    pub format: Option<&'a str>,
}

/// What to ask the device for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mode {
    /// How pictures come.
    pub coding: Coding,
    /// Width and height; `None`: the driver does not say which there are, so it chooses.
    pub size: Option<(u32, u32)>,
    /// `None`: likewise.
    pub rate: Option<Rate>,
}

/// Why there is none. The texts are shown to people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoMode {
    /// Nothing that we can read.
    #[error(
        "it has no format that this server reads, only {0}; it needs one of H.264, MJPEG or raw pictures"
    )]
    Unreadable(String),
    /// Not the one that is wanted.
    #[error("it has no format \"{wanted}\", only {there}; choose one of these, or leave the format out")]
    Format {
        /// As written.
        wanted: String,
        /// Those there are.
        there: String,
    },
    /// Not in that size.
    #[error("it does not come in {wanted}, only in {there}; choose one of these, or leave the size out")]
    Size {
        /// As written.
        wanted: String,
        /// Those there are.
        there: String,
    },
}

/// What is smooth: films have 24.
const SMOOTH: f64 = 23.0;

/// More is asked for only by name: televisions show 60 at most, and phones rarely more than 30.
const USUAL: f64 = 30.5;

/// What is asked for when a driver leaves all sizes between two to us.
const USUAL_SIZE: (u32, u32) = (1280, 720);

struct Candidate<'a> {
    preference: usize,
    coding: Coding,
    size: Option<(u32, u32)>,
    rates: &'a [Rate],
}

impl Mode {
    /// The best that fits. `manages` tells whether this machine encodes pictures of a size and rate in time.
    ///
    /// # Errors
    /// What of the wish the device does not have.
    pub fn choose(
        device: &Device,
        wish: Wish<'_>,
        manages: impl Fn(u32, u32, f64) -> bool,
    ) -> Result<Self, NoMode> {
        let readable: Vec<_> = device
            .formats
            .iter()
            .filter_map(|format| {
                let preference = CODINGS.iter().position(|(fourcc, _)| *fourcc == format.fourcc)?;
                Some((preference, CODINGS[preference].1, format))
            })
            .collect();
        if readable.is_empty() {
            let names = device.formats.iter().map(|format| format.fourcc.clone());
            return Err(NoMode::Unreadable(listed(names, "nothing")));
        }
        let wanted: Vec<_> = match wish.format {
            None => readable,
            Some(wanted) => {
                let there = listed(device.formats.iter().map(|format| format.fourcc.clone()), "nothing");
                let fits =
                    |(_, coding, format): &(usize, Coding, &Format)| is_called(*coding, format, wanted);
                let fitting: Vec<_> = readable.into_iter().filter(fits).collect();
                if fitting.is_empty() {
                    return Err(NoMode::Format { wanted: wanted.to_owned(), there });
                }
                fitting
            }
        };
        let candidates: Vec<_> = wanted
            .iter()
            .flat_map(|&(preference, coding, format)| of_format(preference, coding, format, wish.size))
            .collect();
        let best = candidates.iter().max_by(|a, b| {
            let (a, b) = (a.rank(wish, &manages), b.rank(wish, &manages));
            a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
        });
        match (best, wish.size) {
            (Some(best), _) => Ok(Self { coding: best.coding, size: best.size, rate: best.rate(wish.rate) }),
            (None, size) => {
                let mut sizes: Vec<_> = wanted.iter().flat_map(|(_, _, format)| &format.sizes).collect();
                sizes.sort_by_key(|size| std::cmp::Reverse((size.width, size.height)));
                let mut names: Vec<_> = sizes.into_iter().map(size_name).collect();
                names.dedup();
                let (width, height) = size.unwrap_or_default();
                let there = listed(names.into_iter(), "no size");
                Err(NoMode::Size { wanted: format!("{width}x{height}"), there })
            }
        }
    }
}

fn is_called(coding: Coding, format: &Format, wanted: &str) -> bool {
    let kind = match coding {
        Coding::H264 => "h264",
        Coding::Jpeg => "mjpeg",
        Coding::Raw(_) => "raw",
    };
    wanted.eq_ignore_ascii_case(kind) || wanted.eq_ignore_ascii_case(&format.fourcc)
}

/// The sizes of a format, or the one that is wanted if it has it.
fn of_format(
    preference: usize,
    coding: Coding,
    format: &Format,
    wanted: Option<(u32, u32)>,
) -> Vec<Candidate<'_>> {
    if format.sizes.is_empty() {
        return vec![Candidate { preference, coding, size: wanted, rates: &[] }];
    }
    let sizes = format.sizes.iter().filter_map(|size| Some((size.of(wanted)?, &size.rates[..])));
    sizes.map(|(size, rates)| Candidate { preference, coding, size: Some(size), rates }).collect()
}

impl Size {
    /// This size or one within the range, when it is the wanted one or nothing is wanted.
    fn of(&self, wanted: Option<(u32, u32)>) -> Option<(u32, u32)> {
        let Some([width, height, width_step, height_step]) = self.range_from else {
            let size = (self.width, self.height);
            return wanted.is_none_or(|wanted| wanted == size).then_some(size);
        };
        let fits = |side: u32, least: u32, most: u32, step: u32| {
            (least..=most).contains(&side) && (side - least).is_multiple_of(step.max(1))
        };
        match wanted {
            Some(size) => {
                let inside = fits(size.0, width, self.width, width_step)
                    && fits(size.1, height, self.height, height_step);
                inside.then_some(size)
            }
            None => {
                let near = |usual: u32, least: u32, most: u32, step: u32| {
                    let side = usual.clamp(least, most.max(least));
                    side - (side - least) % step.max(1)
                };
                Some((
                    near(USUAL_SIZE.0, width, self.width, width_step),
                    near(USUAL_SIZE.1, height, self.height, height_step),
                ))
            }
        }
    }
}

impl Candidate<'_> {
    /// The rate nearest to the wanted one, or the highest that is usual.
    fn rate(&self, wanted: Option<f64>) -> Option<Rate> {
        let by_distance = |from: f64| {
            let distance = move |rate: &&Rate| (rate.fps() - from).abs();
            self.rates.iter().min_by(move |a, b| distance(a).total_cmp(&distance(b))).copied()
        };
        match wanted {
            Some(wanted) => by_distance(wanted),
            None => {
                let usual = self.rates.iter().filter(|rate| rate.fps() <= USUAL);
                let highest = usual.max_by(|a, b| a.fps().total_cmp(&b.fps())).copied();
                highest.or_else(|| by_distance(USUAL))
            }
        }
    }

    /// Larger is better, from the most important to the least.
    fn rank(
        &self,
        wish: Wish<'_>,
        manages: &impl Fn(u32, u32, f64) -> bool,
    ) -> (bool, bool, bool, f64, f64, usize) {
        let rate = self.rate(wish.rate).map_or(25.0, Rate::fps);
        let near = wish.rate.map_or(0.0, |wanted| -(rate - wanted).abs());
        let (width, height) = self.size.unwrap_or(USUAL_SIZE);
        let copied = self.coding == Coding::H264;
        let managed = copied || manages(width, height, rate);
        let area = f64::from(width) * f64::from(height);
        // What cannot be encoded in time is better small; what is larger than a television costs without being seen.
        let fits = managed && (width <= 1920 && height <= 1088 || wish.size.is_some());
        let area = if fits { area } else { -area };
        let preferred = CODINGS.len() - self.preference;
        // A quarter less of a second is nothing, a slide show is.
        (fits, rate >= SMOOTH || wish.rate.is_some(), copied, near.round(), area, preferred)
    }
}

fn size_name(size: &Size) -> String {
    match size.range_from {
        None => format!("{}x{}", size.width, size.height),
        Some([width, height, ..]) => format!("{width}x{height} to {}x{}", size.width, size.height),
    }
}

fn listed(names: impl Iterator<Item = String>, none: &str) -> String {
    let names: Vec<_> = names.take(MAX_LISTED).collect();
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

/// Sizes and formats that an error names.
const MAX_LISTED: usize = 24;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Width, height, rates.
    type Sizes<'a> = &'a [(u32, u32, &'a [u32])];

    fn device(formats: &[(&str, Sizes<'_>)]) -> Device {
        let formats = formats.iter().map(|(fourcc, sizes)| Format {
            fourcc: (*fourcc).to_owned(),
            description: String::new(),
            sizes: sizes
                .iter()
                .map(|&(width, height, rates)| Size {
                    width,
                    height,
                    range_from: None,
                    rates: rates.iter().map(|&fps| Rate(fps, 1)).collect(),
                })
                .collect(),
        });
        Device {
            id: "x".into(),
            name: String::new(),
            node: "/dev/video0".into(),
            driver: String::new(),
            links: Vec::new(),
            problem: None,
            formats: formats.collect(),
            inputs: Vec::new(),
            controls: Vec::new(),
            audio: Vec::new(),
        }
    }

    /// What an MS2109 on USB 2 says, shortened.
    fn stick() -> Device {
        device(&[
            ("MJPG", &[(1920, 1080, &[30, 25]), (1280, 720, &[60, 50, 30]), (720, 576, &[60, 30])]),
            ("YUYV", &[(1920, 1080, &[5]), (1280, 720, &[10]), (720, 576, &[25])]),
        ])
    }

    fn desktop(_: u32, _: u32, _: f64) -> bool {
        true
    }

    fn small_box(width: u32, height: u32, fps: f64) -> bool {
        f64::from(width * height) * fps <= 1280.0 * 720.0 * 30.0
    }

    fn chosen(device: &Device, wish: Wish<'_>, manages: fn(u32, u32, f64) -> bool) -> String {
        let mode = Mode::choose(device, wish, manages).unwrap();
        let coding = match mode.coding {
            Coding::H264 => "h264",
            Coding::Jpeg => "jpeg",
            Coding::Raw(format) => format.name(),
        };
        let (width, height) = mode.size.unwrap_or_default();
        format!("{coding} {width}x{height} {}", mode.rate.map_or(0.0, Rate::fps))
    }

    #[test]
    fn nothing_said_the_largest_smooth_picture_is_taken_that_the_machine_manages() {
        let none = Wish::default();
        assert_eq!(chosen(&stick(), none, desktop), "jpeg 1920x1080 30");
        assert_eq!(chosen(&stick(), none, small_box), "jpeg 1280x720 30");
        // Raw where it comes as fast.
        let fast = device(&[("MJPG", &[(1280, 720, &[30])]), ("YUYV", &[(1280, 720, &[30])])]);
        assert_eq!(chosen(&fast, none, desktop), "YUY2 1280x720 30");
        // H.264 costs nothing, whatever the machine manages.
        let camera =
            device(&[("MJPG", &[(1920, 1080, &[30])]), ("H264", &[(1920, 1080, &[30]), (640, 480, &[30])])]);
        assert_eq!(chosen(&camera, none, |_, _, _| false), "h264 1920x1080 30");
        // Larger than a television is only taken when asked for.
        let large = device(&[("MJPG", &[(3840, 2160, &[30]), (1920, 1080, &[60, 30])])]);
        assert_eq!(chosen(&large, none, desktop), "jpeg 1920x1080 30");
        let slow = device(&[("YUYV", &[(1920, 1080, &[5]), (640, 480, &[30])])]);
        assert_eq!(chosen(&slow, none, desktop), "YUY2 640x480 30", "no slide show");
        // Nothing is managed: the smallest.
        assert_eq!(chosen(&stick(), none, |_, _, _| false), "YUY2 720x576 25");
    }

    #[test]
    fn what_is_wished_is_taken_or_refused_with_what_there_is() {
        let wish = Wish { size: Some((720, 576)), rate: Some(50.0), format: None };
        assert_eq!(chosen(&stick(), wish, desktop), "jpeg 720x576 60", "the nearest rate");
        let wish = Wish { format: Some("raw"), ..Wish::default() };
        assert_eq!(chosen(&stick(), wish, desktop), "YUY2 720x576 25");
        let wish = Wish { format: Some("yuyv"), size: Some((1280, 720)), rate: None };
        assert_eq!(chosen(&stick(), wish, desktop), "YUY2 1280x720 10");
        let wish = Wish { size: Some((800, 600)), ..Wish::default() };
        let refused = Mode::choose(&stick(), wish, desktop).unwrap_err().to_string();
        assert!(refused.contains("800x600") && refused.contains("1920x1080, 1280x720"), "{refused}");
        let wish = Wish { format: Some("h264"), ..Wish::default() };
        let refused = Mode::choose(&stick(), wish, desktop).unwrap_err().to_string();
        assert!(refused.contains("h264") && refused.contains("MJPG, YUYV"), "{refused}");
        let strange = device(&[("Z16 ", &[(640, 480, &[30])])]);
        let refused = Mode::choose(&strange, Wish::default(), desktop).unwrap_err();
        assert_eq!(refused, NoMode::Unreadable("Z16 ".into()));
    }

    #[test]
    fn drivers_that_leave_the_size_to_us_get_a_usual_one() {
        let mut any = device(&[("YUYV", &[(1920, 1080, &[25])])]);
        any.formats[0].sizes[0].range_from = Some([320, 180, 16, 2]);
        assert_eq!(chosen(&any, Wish::default(), desktop), "YUY2 1280x720 25");
        let wish = Wish { size: Some((336, 182)), ..Wish::default() };
        assert_eq!(chosen(&any, wish, desktop), "YUY2 336x182 25");
        let wish = Wish { size: Some((337, 182)), ..Wish::default() };
        assert!(Mode::choose(&any, wish, desktop).is_err());
        let silent = device(&[("MJPG", &[])]);
        let mode = Mode::choose(&silent, Wish::default(), desktop).unwrap();
        assert_eq!((mode.size, mode.rate), (None, None));
    }
}
