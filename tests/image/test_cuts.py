"""Sixty pulled plugs: while a card grows, while settings are written, a stream is recorded, an update is installed, everything is forgotten.

A cut is the card as it is at that moment: the machine is held, the card's file copied, the machine goes on. That is what killing QEMU leaves, and
costs no start. What each copy is worth is found out from outside: is there a whole partition table, which system would be started and is
that one complete, does the data partition's file system mend itself without loss, is what was written old or new. The last copy of each kind is
started as well.
"""

import json
import os
import random
import re
import subprocess
import time
import unittest

from box_case import BoxCase, note
from machine import until
from remains import Remains, file_of

# In each of the five.
CUTS = max(1, int(os.environ.get("WIIDIA_CUTS", "60")) // 5)
GB = 1 << 30


class Cuts(BoxCase):
    def cut(self, box, gigabytes):
        """The card as a pulled plug would leave it now."""
        copy = self.folder / f"cut-{time.monotonic_ns()}.qcow2"
        box.copy_card(copy)
        return Remains(copy, gigabytes * GB // 512)

    def cuts(self, box, gigabytes, pause, look):
        """Cuts at moments by chance, `pause` seconds apart at most, then looks at each. Returns what `look` said."""
        copies = []
        for _ in range(CUTS):
            time.sleep(random.uniform(0, pause))
            copies.append(self.cut(box, gigabytes))
        said = []
        for number, remains in enumerate(copies, 1):
            with self.subTest(cut=number):
                said.append(look(remains))
            if number < len(copies):
                remains.remove()
        self.last = copies[-1]
        return said

    def starts_again(self):
        """The last copy is a box that serves."""
        box = self.started(self.last)
        name = box.run("cat /proc/sys/kernel/hostname")
        box.pull_the_plug()
        self.last.remove()
        return name

    def test_while_the_card_grows(self):
        box = self.start(self.card("3G"))
        # The table, then the file system grow while this unit and the next run.
        until("the card is looked at", lambda: "wiidia-data-prepare" in box.console(), pause=0.1)
        sizes = set()

        def look(remains):
            partitions = remains.partitions()
            self.assertEqual(remains.next_slot(partitions), "A")
            sizes.add(partitions["data"][1])
            remains.mended_data(partitions)

        self.cuts(box, 3, 1.5, look)
        box.pull_the_plug()
        self.assertTrue(self.starts_again().startswith("wiidia-"))
        note(f"{CUTS} cuts while the card grew; {len(sizes)} sizes of the data partition seen")

    def test_while_settings_are_written(self):
        box = self.serving()
        # A name of sixty letters and a setting of the server, again and again; half of one would show.
        box.run("systemd-run --quiet --collect sh -c 'for i in $(seq 100 300); do hostnamectl hostname box-$i-$(printf %050d $i); wiidiaserver ctl set playback.encodings $((i % 8 + 1)); done'")
        seen, numbers = set(), set()

        def look(remains):
            partitions = remains.partitions()
            self.assertEqual(remains.next_slot(partitions), "A")
            data = remains.mended_data(partitions)
            name = file_of(data, "/etc/upper/hostname").decode()
            self.assertRegex(name, r"^(box-\d+-\d{50}\n)?$")
            seen.add(name)
            settings = file_of(data, "/var/lib/wiidiaserver/settings.json")
            if settings:
                numbers.add(json.loads(settings)["sections"]["playback"]["encodings"])

        self.cuts(box, 8, 6, look)
        box.pull_the_plug()
        self.assertGreater(len(seen), 2, "the cuts were to fall among writes")
        self.assertGreater(len(numbers), 2, "the cuts were to fall among writes")
        self.assertRegex(self.starts_again(), r"^box-\d+-\d{50}$")
        note(f"{CUTS} cuts while settings were written; {len(seen)} names and {len(numbers)} settings seen, each whole")

    def test_while_a_stream_is_recorded(self):
        box = self.serving()
        box.run("mkdir -p /srv/media/Recordings && chown wiidia: /srv/media/Recordings")
        box.configure('[record]\nfolder = "/srv/media/Recordings"\nstreams = ["cam"]\n')
        with subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10", "-c:v", "libx264", "-preset", "ultrafast",
                               "-g", "10", "-pix_fmt", "yuv420p", "-f", "flv", f"rtmp://127.0.0.1:{box.rtmp_port}/live/cam"], stdin=subprocess.DEVNULL) as publisher:
            until("it is recorded", lambda: "cam" in box.run("ls /srv/media/Recordings"), pause=3)
            lengths = []

            def look(remains):
                partitions = remains.partitions()
                data = remains.mended_data(partitions)
                names = subprocess.run(["debugfs", "-R", "ls -p /media/Recordings", data], capture_output=True, text=True).stdout
                name = re.search(r"/(cam [^/]*\.flv)/", names)
                self.assertIsNotNone(name, names)
                film = file_of(data, f'"/media/Recordings/{name[1]}"')
                self.assertTrue(not film or film.startswith(b"FLV\x01"), film[:16])
                lengths.append(len(film))

            self.cuts(box, 8, 6, look)
            publisher.kill()
        box.pull_the_plug()
        self.assertGreater(lengths[-1], lengths[0], "what was recorded ten seconds ago is on the card")
        again = self.started(self.last)
        # What was cut is mended, and plays.
        name = until("the recording is listed", lambda: again.run("ls /srv/media/Recordings"))
        again.run(f"cp '/srv/media/Recordings/{name}' /srv/media/cut.flv")
        probe = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", again.url("/flv/cut.flv")]
        answer = subprocess.run(probe, capture_output=True, text=True, timeout=300)
        self.assertGreater(int(answer.stdout.strip() or 0), 20, answer.stderr)
        note(f"{CUTS} cuts while a stream was recorded; {lengths[0]} to {lengths[-1]} bytes on the card, {answer.stdout.strip()} pictures play after the next start")

    def test_while_an_update_is_installed(self):
        box = self.serving()
        bundle = self.bundle("good", "9.0.0")
        installing = subprocess.Popen([*box.ssh_command(), f"rauc install {self.files.url(bundle.name)}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def look(remains):
            partitions = remains.partitions()
            slot = remains.next_slot(partitions)
            if slot == "B":
                self.assertTrue(remains.has_system(partitions, slot), "B would be started and is not complete")
            remains.mended_data(partitions)
            return slot

        slots = self.cuts(box, 8, 24, look)
        self.assertIn("succeeded", installing.communicate(timeout=1800)[0].decode(errors="replace"))
        after = self.cut(box, 8)
        self.assertEqual(look(after), "B")
        self.last.remove()
        self.last = after
        box.pull_the_plug()
        self.assertTrue(self.starts_again().startswith("wiidia-"))
        note(f"{CUTS} cuts in an installation; next would be: {''.join(slots)}, then B")

    def test_while_everything_is_forgotten(self):
        box = self.serving()
        box.run("hostnamectl hostname kitchen; head -c 30M /dev/urandom >/srv/media/film; sync; touch /run/wiidia/requests/factory-reset")

        def look(remains):
            partitions = remains.partitions()
            self.assertEqual(remains.next_slot(partitions), "A")
            asked = remains.get("wiidia/factory-reset") is not None
            if not remains.has_data(partitions):
                self.assertTrue(asked, "neither a file system nor the wish to have a new one")
                return "none"
            name = file_of(remains.mended_data(partitions), "/etc/upper/hostname").decode()
            self.assertIn(name, ("kitchen\n", ""))
            return "old" if name else "new"

        # From the request over the restart to the new file system.
        said = self.cuts(box, 8, 10, look)
        box.pull_the_plug()
        note(f"{CUTS} cuts while everything was forgotten; the data partition was: {' '.join(said)}")
        box = self.start(self.last)
        box.wait_until_it_serves()


if __name__ == "__main__":
    unittest.main()
