//! What the kernel's tree of devices says: which video devices there are, what they are called whatever their number
//! is, and which sound card comes by the same plug.
//!
//! udev makes links of stable names (`/dev/v4l/by-id`). Not every box has udev, so the same names are made here from
//! the same facts where there are no links.

use super::Audio;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the trees are: `/`, or a folder of a test.
#[derive(Clone, Debug)]
pub(super) struct Root(PathBuf);

/// A video device as the tree knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) node: PathBuf,
    pub(super) links: Vec<PathBuf>,
    pub(super) audio: Vec<Audio>,
}

impl Default for Root {
    fn default() -> Self {
        Self("/".into())
    }
}

impl Root {
    #[cfg(test)]
    pub(super) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// All of them, by number.
    pub(super) fn video_devices(&self) -> Vec<Found> {
        let entries = fs::read_dir(self.path("sys/class/video4linux")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut numbers: Vec<u32> =
            names.filter_map(|name| name.strip_prefix("video")?.parse().ok()).collect();
        numbers.sort_unstable();
        let mut found: Vec<Found> = Vec::new();
        for number in numbers {
            let Some(mut device) = self.video_device(number) else { continue };
            // Two sticks of one kind without numbers of their own: the place tells them apart.
            if found.iter().any(|other| other.id == device.id) {
                device.id = self.id_by_place(number).unwrap_or(device.id);
            }
            found.push(device);
        }
        found
    }

    fn video_device(&self, number: u32) -> Option<Found> {
        let class = self.path(&format!("sys/class/video4linux/video{number}"));
        let folder = class.canonicalize().ok()?;
        let node = self.path(&format!("dev/video{number}"));
        let links: Vec<PathBuf> =
            ["by-id", "by-path"].iter().flat_map(|kind| self.links_to(kind, &node)).collect();
        let linked = links.first().and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        let id = linked.or_else(|| self.id_by_name(number)).or_else(|| self.id_by_place(number));
        Some(Found {
            id: id.unwrap_or_else(|| format!("video{number}")),
            name: read(&folder.join("name")).unwrap_or_default(),
            node,
            links,
            audio: self.usb_device(&folder).map(|usb| sound_of(&usb)).unwrap_or_default(),
        })
    }

    /// udev's links of one kind that lead to this node.
    fn links_to(&self, kind: &str, node: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(&format!("dev/v4l/{kind}"))).into_iter().flatten().flatten();
        let leads = |link: &PathBuf| link.canonicalize().is_ok_and(|target| target == node);
        let mut links: Vec<_> = entries.map(|entry| entry.path()).filter(leads).collect();
        links.sort();
        links
    }

    /// The USB device that a folder of the tree is part of.
    fn usb_device(&self, folder: &Path) -> Option<PathBuf> {
        folder.ancestors().find(|folder| folder.join("idVendor").exists()).map(Path::to_owned)
    }

    fn sound_card(&self, name: &str) -> Option<(u32, u32)> {
        let (mut card, mut device) = (None, 0);
        for (place, part) in name.strip_prefix("hw:")?.split(',').enumerate() {
            let (key, value) = part.split_once('=').unwrap_or((["CARD", "DEV"].get(place)?, part));
            match key {
                "CARD" => card = Some(value),
                "DEV" => device = value.parse().ok()?,
                _ => {}
            }
        }
        let card = card?;
        let is_there = |number: &u32| self.path(&format!("sys/class/sound/card{number}")).exists();
        if let Ok(number) = card.parse() {
            return Some((number, device)).filter(|(number, _)| is_there(number));
        }
        let named = |number: &u32| {
            read(&self.path(&format!("sys/class/sound/card{number}/id"))).is_some_and(|id| id == card)
        };
        (0..MAX_CARDS).find(named).map(|number| (number, device))
    }

    /// As udev's `by-id` does: who made it, what it is, its number; and which of its video devices this is.
    fn id_by_name(&self, number: u32) -> Option<String> {
        let folder = self.path(&format!("sys/class/video4linux/video{number}")).canonicalize().ok()?;
        let usb = self.usb_device(&folder)?;
        let word = |name: &str, otherwise: &str| {
            read(&usb.join(name)).or_else(|| read(&usb.join(otherwise))).map(|text| as_word(&text))
        };
        let (maker, product) = (word("manufacturer", "idVendor")?, word("product", "idProduct")?);
        let serial = read(&usb.join("serial")).map(|serial| format!("_{}", as_word(&serial)));
        let index = read(&folder.join("index")).unwrap_or_else(|| "0".into());
        Some(format!("usb-{maker}_{product}{}-video-index{index}", serial.unwrap_or_default()))
    }

    /// By the place where it is plugged in.
    fn id_by_place(&self, number: u32) -> Option<String> {
        let folder = self.path(&format!("sys/class/video4linux/video{number}")).canonicalize().ok()?;
        let place = folder.join("device").canonicalize().ok()?;
        let bus = place.join("subsystem").canonicalize().ok();
        let bus = bus.as_ref().and_then(|bus| bus.file_name()?.to_str()).unwrap_or("device");
        let index = read(&folder.join("index")).unwrap_or_else(|| "0".into());
        Some(format!("{bus}-{}-video-index{index}", place.file_name()?.to_str()?))
    }
}

/// The recording devices of the sound cards of a USB device.
fn sound_of(usb: &Path) -> Vec<Audio> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let starts = |path: &Path, prefix: &str| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
    };
    // …/1-2/1-2:1.2/sound/card1/pcmC1D0c
    let cards = below(usb).into_iter().flat_map(|interface| below(&interface.join("sound")));
    let mut found = Vec::new();
    for card in cards.filter(|card| starts(card, "card")) {
        for pcm in below(&card).into_iter().filter(|pcm| starts(pcm, "pcmC")) {
            let place = pcm.file_name().and_then(|name| name.to_str()).and_then(capture_place);
            let Some((number, device)) = place else { continue };
            let id = read(&card.join("id")).unwrap_or_else(|| number.to_string());
            let name = read(&usb.join("product")).unwrap_or_else(|| id.clone());
            found.push(Audio { id: format!("hw:CARD={id},DEV={device}"), card: number, device, name });
        }
    }
    found.sort_by_key(|audio| (audio.card, audio.device));
    found
}

/// Card and device of ALSA's name for them: `hw:1,0`, `hw:MS2109,0` or `hw:CARD=MS2109,DEV=0`. `None`: there is no such
/// card now.
pub fn sound_card(name: &str) -> Option<(u32, u32)> {
    Root::default().sound_card(name)
}

/// Card and device of `pcmC1D0c`; `None` for one that plays.
fn capture_place(name: &str) -> Option<(u32, u32)> {
    let (card, device) = name.strip_prefix("pcmC")?.strip_suffix('c')?.split_once('D')?;
    Some((card.parse().ok()?, device.parse().ok()?))
}

/// The first line of a small file; `None` when it is empty or not there.
fn read(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    let line =
        String::from_utf8_lossy(&text).lines().next()?.trim().chars().take(MAX_WORD).collect::<String>();
    Some(line).filter(|line| !line.is_empty())
}

/// ALSA counts no further.
const MAX_CARDS: u32 = 32;

/// Characters of a name that a device gives itself.
const MAX_WORD: usize = 128;

/// As udev makes a word of it: blanks become `_`, and so does what is no plain character.
fn as_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c);
    let words = text.split_whitespace().collect::<Vec<_>>().join("_");
    words.chars().map(|c| if plain(c) || !c.is_ascii() { c } else { '_' }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree with one USB stick at each of `ports`, as Linux 6.1 shows an MS2109.
    fn tree(ports: &[&str], links: bool) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let path = |below: &str| root.path().canonicalize().unwrap().join(below);
        for folder in ["dev/v4l/by-id", "dev/v4l/by-path", "sys/class/video4linux", "sys/bus/usb"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        for (n, port) in ports.iter().enumerate() {
            let usb = format!("sys/devices/pci0000:00/0000:00:14.0/usb1/{port}");
            let write = |name: &str, text: &str| {
                let file = path(&format!("{usb}/{name}"));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            };
            write("idVendor", "534d\n");
            write("idProduct", "2109\n");
            write("manufacturer", "MACROSILICON\n");
            write("product", " USB  Video/3.0\n");
            // The picture comes by interface 0, what is about it by a second node of the same interface.
            for index in 0..2 {
                let number = 2 * n + index;
                let video = format!("{port}:1.0/video4linux/video{number}");
                write(&format!("{video}/name"), "USB Video: USB Video\n");
                write(&format!("{video}/index"), &format!("{index}\n"));
                fs::write(path(&format!("dev/video{number}")), "").unwrap();
                symlink(path(&format!("{usb}/{port}:1.0")), path(&format!("{usb}/{video}/device"))).unwrap();
                symlink(
                    path(&format!("{usb}/{video}")),
                    path(&format!("sys/class/video4linux/video{number}")),
                )
                .unwrap();
            }
            symlink(path("sys/bus/usb"), path(&format!("{usb}/{port}:1.0/subsystem"))).unwrap();
            let card = format!("{port}:1.2/sound/card{}", n + 1);
            write(&format!("{card}/id"), "MS2109\n");
            write(&format!("{card}/pcmC{}D0c/dev", n + 1), "116:24\n");
            write(&format!("{card}/pcmC{}D1p/dev", n + 1), "116:25\n");
            if links {
                let link = path(&format!("dev/v4l/by-id/usb-MACROSILICON_USB_Video-video-index{n}"));
                symlink(format!("../../video{}", 2 * n), link).unwrap();
            }
        }
        root
    }

    #[test]
    fn a_stick_has_a_name_that_stays_and_its_sound_card() {
        let root = tree(&["1-2"], false);
        let found = Root::at(&root.path().canonicalize().unwrap()).video_devices();
        let ids: Vec<_> = found.iter().map(|device| &device.id[..]).collect();
        assert_eq!(
            ids,
            ["usb-MACROSILICON_USB_Video_3.0-video-index0", "usb-MACROSILICON_USB_Video_3.0-video-index1"]
        );
        assert_eq!(found[0].name, "USB Video: USB Video");
        assert!(found[0].node.ends_with("dev/video0"));
        let audio =
            Audio { id: "hw:CARD=MS2109,DEV=0".into(), card: 1, device: 0, name: "USB  Video/3.0".into() };
        assert_eq!(found[0].audio, [audio]);
    }

    #[test]
    fn udevs_links_come_first() {
        let root = tree(&["1-2"], true);
        let found = Root::at(&root.path().canonicalize().unwrap()).video_devices();
        assert_eq!(found[0].id, "usb-MACROSILICON_USB_Video-video-index0");
        assert_eq!(found[0].links.len(), 1);
        assert!(found[1].links.is_empty());
    }

    #[test]
    fn two_sticks_of_one_kind_are_told_apart_by_their_places() {
        let root = tree(&["1-2", "1-3"], false);
        let found = Root::at(&root.path().canonicalize().unwrap()).video_devices();
        let mut ids: Vec<_> = found.iter().map(|device| device.id.clone()).collect();
        assert_eq!(ids[2], "usb-1-3:1.0-video-index0");
        assert_eq!(found[2].audio[0].card, 2);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn a_machine_without_such_devices_has_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Root::at(root.path()).video_devices(), []);
    }

    #[test]
    fn sound_cards_are_found_by_name_and_by_number() {
        let root = tempfile::tempdir().unwrap();
        let card = root.path().join("sys/class/sound/card3");
        fs::create_dir_all(&card).unwrap();
        fs::write(card.join("id"), "Loopback\n").unwrap();
        let root = Root::at(root.path());
        for (name, expected) in [
            ("hw:3,1", Some((3, 1))),
            ("hw:3", Some((3, 0))),
            ("hw:Loopback,1", Some((3, 1))),
            ("hw:CARD=Loopback,DEV=1", Some((3, 1))),
            ("hw:DEV=1,CARD=Loopback", Some((3, 1))),
            ("hw:2,0", None),
            ("hw:Other", None),
            ("hw:3,x", None),
            ("default", None),
            ("hw:", None),
        ] {
            assert_eq!(root.sound_card(name), expected, "{name}");
        }
    }

    #[test]
    fn only_what_records_is_sound_to_capture() {
        for (name, place) in [
            ("pcmC1D0c", Some((1, 0))),
            ("pcmC10D12c", Some((10, 12))),
            ("pcmC1D0p", None),
            ("pcmC1c", None),
            ("pcmCxD0c", None),
            ("controlC1", None),
        ] {
            assert_eq!(capture_place(name), place, "{name}");
        }
    }
}
