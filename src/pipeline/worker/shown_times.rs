//! When pictures of MPEG-1 and MPEG-2 are shown, where the container says so of some only (DVDs, program streams).
//!
//! A packet of such a stream has the time of the picture that begins in it, and several pictures may begin in one packet.
//! GStreamer's decoders guess the other times from those that they have, and go wrong where a group of pictures begins
//! anew: gaps of two frames, then two pictures at one time. Yet each picture says which one of its group it is:
//!
//! ```text
//!  decoded             I2  B0  B1  P5  B3  B4 │ I2  B0 …      the numbers are temporal references
//!  time in the file    +2   –   –   –   –   – │  –   –
//!  so the group is at   0                     │ 6 frames later
//! ```

use gst::prelude::*;
use gstreamer as gst;
use std::sync::{Mutex, PoisonError};

/// What a picture says of its place (ISO 13818-2, 6.2.3 and 6.2.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    /// A group of pictures begins with it.
    begins_group: bool,
    /// Which one of its group is shown, modulo 1024.
    reference: u16,
    /// Its first field is shown twice: pictures are not of one length.
    repeats_field: bool,
}

/// Numbers of pictures are counted up to here.
const REFERENCES: i64 = 1024;

impl Place {
    /// Of what begins with these bytes: headers, then a picture. `None` where there is no picture.
    fn find(bytes: &[u8]) -> Option<Self> {
        const PICTURE: u8 = 0x00;
        const GROUP: u8 = 0xb8;
        const EXTENSION: u8 = 0xb5;
        const PICTURE_CODING: u8 = 8;
        const FIRST_SLICE: u8 = 0x01;
        let (mut begins_group, mut reference, mut repeats_field) = (false, None, false);
        let mut at = 0;
        while let Some(found) = bytes.get(at..)?.windows(4).position(|code| code[..3] == [0, 0, 1]) {
            let (code, data) = (bytes[at + found + 3], &bytes[at + found + 4..]);
            match code {
                GROUP => begins_group = true,
                PICTURE => reference = Some(u16::from_be_bytes([*data.first()?, *data.get(1)?]) >> 6),
                EXTENSION if data.first()? >> 4 == PICTURE_CODING => repeats_field = data.get(3)? & 2 != 0,
                FIRST_SLICE.. if reference.is_some() && code <= 0xaf => break,
                _ => {}
            }
            at += found + 4;
        }
        Some(Self { begins_group, reference: reference?, repeats_field })
    }
}

/// Gives pictures their times, in order of decoding.
#[derive(Debug, Default)]
struct ShownTimes {
    /// When the first of the group is shown, once that is known, in nanoseconds.
    group_ns: Option<i64>,
    /// Pictures of the group so far, and the last number of one.
    pictures: i64,
    last: i64,
    /// There was a picture that is not as long as the others.
    uneven: bool,
}

impl ShownTimes {
    /// The time of the next picture, which has one already or is given one. `None`: nobody knows.
    fn next(&mut self, place: Place, given_ns: Option<i64>, length_ns: i64) -> Option<i64> {
        self.uneven |= place.repeats_field;
        let mut reference = i64::from(place.reference);
        if place.begins_group {
            self.group_ns = self.group_ns.map(|group| group + self.pictures * length_ns);
            (self.pictures, self.last) = (0, 0);
        } else {
            // Without groups the numbers begin again by themselves.
            let turns = (self.last - reference + REFERENCES / 2).div_euclid(REFERENCES);
            reference += turns.max(0) * REFERENCES;
        }
        self.pictures += 1;
        self.last = self.last.max(reference);
        if let Some(given) = given_ns {
            self.group_ns = Some(given - reference * length_ns);
            return given_ns;
        }
        self.group_ns.filter(|_| !self.uneven).map(|group| group + reference * length_ns)
    }
}

/// Whether a stream of these caps needs it.
pub(super) fn are_missing_in(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|structure| {
        let version = structure.get::<i32>("mpegversion").unwrap_or(0);
        structure.name() == "video/mpeg" && (1..=2).contains(&version)
    })
}

/// Gives the pictures that flow through `pad`, whole and one in each buffer, the times that they lack.
pub(super) fn fill_in(pad: &gst::Pad) {
    let times = Mutex::new(ShownTimes::default());
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH, move |_, info| {
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut info.data {
            Some(gst::PadProbeData::Event(_)) => *times = ShownTimes::default(),
            Some(gst::PadProbeData::Buffer(buffer)) => {
                if buffer.flags().contains(gst::BufferFlags::DISCONT) && buffer.pts().is_some() {
                    *times = ShownTimes::default();
                }
                let place = buffer.map_readable().ok().and_then(|bytes| Place::find(&bytes));
                let ns = |time: gst::ClockTime| i64::try_from(time.nseconds()).ok();
                if let (Some(place), Some(length)) = (place, buffer.duration().and_then(ns)) {
                    let given = buffer.pts().and_then(ns);
                    let found = times.next(place, given, length).and_then(|ns| u64::try_from(ns).ok());
                    if given.is_none()
                        && let Some(found) = found
                    {
                        buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(found));
                    }
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 40;

    fn place(begins_group: bool, reference: u16) -> Place {
        Place { begins_group, reference, repeats_field: false }
    }

    /// Pictures in order of decoding, as number and what the file says; a group begins where that is negative.
    fn times(pictures: &[(i64, Option<i64>)]) -> Vec<Option<i64>> {
        let mut times = ShownTimes::default();
        let next = |(number, given): &(i64, Option<i64>)| {
            let (begins, number) = if *number < 0 { (true, -number - 1) } else { (false, *number) };
            times.next(place(begins, number as u16), *given, FRAME)
        };
        pictures.iter().map(next).collect()
    }

    #[test]
    fn what_the_file_leaves_out_follows_from_the_pictures_numbers() {
        // I2 B0 B1 P5 B3 B4, then the same again.
        let open = [(-3, Some(80)), (0, None), (1, None), (5, None), (3, Some(120)), (4, None)];
        let again = [(-3, None), (0, None), (1, None)];
        let found = times(&[&open[..], &again].concat());
        let expected = [80, 0, 40, 200, 120, 160, 320, 240, 280].map(Some);
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_made_up_before_the_first_time_or_where_pictures_differ_in_length() {
        assert_eq!(
            times(&[(-1, None), (1, None), (2, Some(500)), (3, None)]),
            [None, None, Some(500), Some(540)]
        );
        let mut uneven = ShownTimes::default();
        uneven.next(place(true, 0), Some(0), FRAME);
        assert_eq!(uneven.next(Place { repeats_field: true, ..place(false, 1) }, None, FRAME), None);
        assert_eq!(uneven.next(place(false, 2), None, FRAME), None);
        assert_eq!(uneven.next(place(false, 3), Some(777), FRAME), Some(777));
    }

    #[test]
    fn numbers_that_begin_again_without_a_group_go_on() {
        let mut times = ShownTimes::default();
        times.next(place(true, 0), Some(0), FRAME);
        // With B-frames between, which are a little behind.
        for number in 1..5000i64 {
            for (coded, given) in [(number * 3, None), (number * 3 - 2, None), (number * 3 - 1, None)] {
                let found = times.next(place(false, (coded % REFERENCES) as u16), given, FRAME);
                assert_eq!(found, Some(coded * FRAME), "{coded}");
            }
        }
    }

    #[test]
    fn a_place_is_read_from_the_headers_and_from_no_part_of_them() {
        let sequence = [0, 0, 1, 0xb3, 0x14, 0, 0xc0, 0x13, 0xff, 0xff, 0xe0, 0x18];
        let group = [0, 0, 1, 0xb8, 0, 8, 0, 0];
        // Temporal reference 5, an I picture; then its extension, whose first field is repeated.
        let picture = [0, 0, 1, 0, 0x01, 0x4f, 0xff, 0xf8];
        let coding = [0, 0, 1, 0xb5, 0x8f, 0xff, 0xf3, 0x42, 0x80];
        let slice = [0, 0, 1, 1, 0x12, 0, 0, 1, 0xb8];
        let whole = [&sequence[..], &group, &picture, &coding, &slice].concat();
        assert_eq!(
            Place::find(&whole),
            Some(Place { begins_group: true, reference: 5, repeats_field: true })
        );
        let alone = [&picture[..], &slice].concat();
        assert_eq!(Place::find(&alone), Some(place(false, 5)));
        for cut in 0..whole.len() {
            let _ = Place::find(&whole[..cut]);
        }
        assert_eq!(Place::find(&sequence), None);
    }
}
