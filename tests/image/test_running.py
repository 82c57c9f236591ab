"""A box that runs: what plays, what is captured, what the system lets the server do and what not."""

import json
import re
import subprocess
import unittest

from box_case import BoxCase, note
from machine import until

# What the rules in usr/share/polkit-1/rules.d name, and some of what nobody asked for.
ALLOWED = (
    "org.freedesktop.hostname1.set-hostname", "org.freedesktop.hostname1.set-static-hostname",
    "org.freedesktop.timedate1.set-timezone", "org.freedesktop.timedate1.set-time", "org.freedesktop.timedate1.set-ntp",
    "org.freedesktop.login1.reboot", "org.freedesktop.login1.power-off", "de.pengutronix.rauc.install", "de.pengutronix.rauc.mark",
)
FORBIDDEN = (
    "org.freedesktop.systemd1.manage-units", "org.freedesktop.systemd1.manage-unit-files", "org.freedesktop.systemd1.reload-daemon",
    "org.freedesktop.login1.set-self-linger", "org.freedesktop.hostname1.set-machine-info",
)
AS_SERVER = "setpriv --reuid=wiidia --regid=wiidia --clear-groups"


class Running(BoxCase):
    def test_films_play_from_other_computers(self):
        box = self.serving()
        box.put("/srv/media/film.flv", self.film("film.flv"))
        # And one that has to be encoded on the box.
        old = self.folder / "old.avi"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=3", "-c:v", "mpeg4", old], check=True)
        box.put("/srv/media/old.avi", old.read_bytes())
        for address, pictures in ((f"rtmp://127.0.0.1:{box.rtmp_port}/vod/film.flv", 100), (box.url("/flv/film.flv"), 100), (box.url("/flv/old.avi"), 30)):
            with self.subTest(address.split("/", 3)[3]):
                self.assertEqual(self.pictures(address), pictures)

    def test_a_capture_device_is_seen(self):
        box = self.serving()
        box.run("modprobe vivid n_devs=1 node_types=0x1 input_types=0x0")
        self.assertIn("vivid", box.run(f"{AS_SERVER} --groups $(getent group video | cut -d: -f3) wiidiaserver devices".replace(" --clear-groups", "")))
        box.configure('[[source]]\nname = "cam"\ndevice = "auto"\nsize = "320x180"\nrate = 5\naudio = "none"\nstart_timeout_seconds = 120\n')
        address = f"rtmp://127.0.0.1:{box.rtmp_port}/live/cam"
        # A picture of the device, not of the waiting: the source itself says so.
        with subprocess.Popen(["ffmpeg", "-v", "error", "-i", address, "-t", "20", "-f", "null", "-"], stdin=subprocess.DEVNULL) as viewer:
            until("the device is on air", lambda: '"state":"live"' in self.sources(box) or '"state":"running"' in self.sources(box), pause=3)
            self.assertGreater(self.pictures(address, more=("-read_intervals", "%+#8")), 7)
            viewer.kill()

    def sources(self, box):
        return box.get("/api/v1/sources").decode().replace(" ", "")

    def test_units_are_loaded_and_closed(self):
        box = self.serving()
        for unit in sorted(re.findall(r"^(\S+\.(?:service|socket|path))", box.run("systemctl list-unit-files 'wiidia*' --no-legend --plain"), re.M)):
            if "@" not in unit:
                self.assertEqual(box.run(f"systemctl show -p LoadState --value {unit}"), "loaded", unit)
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        self.assertEqual(box.run("systemctl is-active wiidiaserver.service wiidiaserver-http.socket wiidiaserver-rtmp.socket wiidia-request.path"), "\n".join(["active"] * 4))
        # What systemd does not understand in a unit, it says and leaves out.
        self.assertNotRegex(box.run("journalctl -b --no-pager -o cat _PID=1 | grep -E 'wiidia.*(Unknown|Failed to parse|ignoring)' || true"), "wiidia")
        scores = box.run("systemd-analyze security --no-pager wiidiaserver.service 2>/dev/null | tail -n 2")
        score = float(re.search(r"wiidiaserver.service: ([\d.]+)", scores)[1])
        note(f"systemd-analyze security: {score}")
        self.assertLess(score, 2.0)

    def test_what_the_server_may_ask_of_the_system(self):
        box = self.serving()
        pid = box.run("systemctl show -p MainPID --value wiidiaserver")
        check = "pkcheck --action-id {} --process " + pid + " >/dev/null 2>&1; echo $?"
        for action in ALLOWED:
            self.assertEqual(box.run(check.format(action)), "0", action)
        for action in FORBIDDEN:
            self.assertNotEqual(box.run(check.format(action)), "0", action)
        # And another user, who is nobody: nothing.
        self.assertNotEqual(box.run("setpriv --reuid=65534 --regid=65534 --clear-groups hostnamectl hostname stolen >/dev/null 2>&1; echo $?"), "0")

    def test_the_page_names_the_box_sets_its_clock_and_restarts_it(self):
        box = self.serving()
        box.run("wiidiaserver ctl POST /api/v1/claim '{\"password\":\"correct horse\"}'")
        system = json.loads(box.run("wiidiaserver ctl GET /api/v1/system"))
        note(f"the system as the page sees it: {json.dumps(system)[:400]}")
        answer = box.run("wiidiaserver ctl set general.name attic && wiidiaserver ctl set general.time_zone Europe/Berlin", check=False)
        self.assertEqual(box.run("hostnamectl hostname; timedatectl show -p Timezone --value"), "attic\nEurope/Berlin", answer)
        box.run("wiidiaserver ctl POST /api/v1/system/power '{\"action\":\"reboot\"}'")
        until("it restarts", lambda: box.starts() == "A")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        self.assertEqual(box.run("cat /proc/sys/kernel/hostname; timedatectl show -p Timezone --value"), "attic\nEurope/Berlin")

    def test_it_tells_the_network_of_itself(self):
        box = self.serving()
        # What QEMU's network does not carry to the host is asked for on the box.
        self.assertIn("1900", box.run("ss -lnuH"))
        self.assertIn("friendlyName", box.get("/device.xml").decode())
        self.assertIn("wiidia-3456", box.run("journalctl -b -u avahi-daemon --no-pager -o cat"))


if __name__ == "__main__":
    unittest.main()
