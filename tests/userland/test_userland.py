"""An image's own programs, on this computer: see scripts/test-userland."""

import http.cookiejar
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

TREE = Path(os.environ["WIIDIA_TREE"])
PAGE = "http://127.0.0.1:8080"
PASSWORD, PASSPHRASE = "correct horse", "battery staple"
# Each instruction is translated, on a computer that may be busy.
PATIENCE = 300


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


class Box:
    """The root file system as the box has it: read-only, with what is written to in memory."""

    def __init__(self, folder):
        self.root = Path(folder) / "root"
        self.root.mkdir()
        mount("--bind", TREE, self.root)
        mount("-o", "remount,bind,ro", self.root)
        for place in ("tmp", "run", "var", "data", "boot", "srv/media"):
            mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root / place)
        for place in ("upper", "work"):
            (self.root / "data" / place).mkdir()
        mount("-t", "overlay", "overlay", "-o", f"lowerdir={TREE}/etc,upperdir={self.root}/data/upper,workdir={self.root}/data/work", self.root / "etc")
        # The few devices that programs need, and nothing else of this computer.
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root / "dev")
        for device in ("null", "zero", "full", "random", "urandom"):
            (self.root / "dev" / device).touch()
            mount("--bind", f"/dev/{device}", self.root / "dev" / device)
        (self.root / "dev/fd").symlink_to("/proc/self/fd")
        mount("-t", "proc", "proc", self.root / "proc")
        for place in ("var/lib", "var/cache", "run/wiidia", "boot/wiidia"):
            (self.root / place).mkdir(parents=True)
        self.run("systemd-tmpfiles --create wiidiaserver.conf wiidia-box.conf; install -d -o wiidia -g wiidia /var/lib/wiidiaserver /var/cache/wiidiaserver")
        self.server = None

    def run(self, command, check=True):
        done = subprocess.run(["chroot", self.root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin", "/bin/bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
        if check and done.returncode != 0:
            raise AssertionError(f"`{command}` ended with {done.returncode}: {done.stdout}{done.stderr}")
        return (done.stdout + done.stderr).strip()

    def start(self):
        """As the service manager does, as its user; without the sandbox."""
        command = ("STATE_DIRECTORY=/var/lib/wiidiaserver XDG_CACHE_HOME=/var/cache/wiidiaserver exec setpriv --reuid=wiidia --regid=wiidia --clear-groups --no-new-privs "
                   "wiidiaserver --http 127.0.0.1:8080 --rtmp 127.0.0.1:1935 >>/run/server.log 2>&1")
        self.server = subprocess.Popen(["chroot", self.root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin", "/bin/bash", "-c", command], start_new_session=True)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.server.poll() is None:
            try:
                return urllib.request.urlopen(PAGE, timeout=30).close()
            except OSError:
                time.sleep(0.5)
        raise AssertionError(f"the server does not serve: {(self.root / 'run/server.log').read_text()[-2000:]}")

    def stop(self):
        if self.server:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.server = None

    def begin(self):
        """A start of the box, as far as it can be done here: the card's files, then the server."""
        self.stop()
        said = self.run("/usr/lib/wiidia/import")
        self.start()
        return said

    def card(self, name, content=""):
        """What a person does at a computer: there, the card can be written to."""
        mount("-o", "remount,rw", self.root / "boot")
        (self.root / "boot/wiidia" / name).write_text(content)

    def report(self):
        return (self.root / "boot/wiidia/last-import.txt").read_bytes().decode()


class Owner:
    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, method, path, body=None, headers=()):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(PAGE + path, data, {"Origin": PAGE, "Content-Type": "application/json", **dict(headers)}, method=method)
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path} is answered with {refused.code}: {refused.read()[:500]}") from None

    def encodings(self, number=None):
        section = self.ask("GET", "/api/v1/settings/playback")
        if number is not None:
            section = self.ask("PATCH", "/api/v1/settings/playback", {"encodings": number}, {"If-Match": f'"{section["tag"]}"'})
        return next(field["value"] for field in section["fields"] if field["name"] == "encodings")


class Userland(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Everything below is mounted in this namespace and gone with it; nothing is ever deleted there, where other file systems are.
        cls.folder = tempfile.mkdtemp()
        mount("-t", "tmpfs", "tmpfs", cls.folder)
        cls.box = Box(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()
        subprocess.run(["umount", "--recursive", "--lazy", cls.folder], check=True)
        os.rmdir(cls.folder)

    def setUp(self):
        self.box.stop()
        mount("-o", "remount,rw", self.box.root / "boot")
        self.box.run("rm -rf /var/lib/wiidiaserver /boot/wiidia; install -d -o wiidia -g wiidia /var/lib/wiidiaserver; mkdir /boot/wiidia")

    def test_a_film_plays_over_rtmp_and_http(self):
        film = self.box.root / "srv/media/film.flv"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=4", "-f", "lavfi", "-i", "sine=duration=4", "-c:v", "libx264",
                        "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-shortest", film], check=True)
        self.box.begin()
        for address in ("rtmp://127.0.0.1/vod/film.flv", f"{PAGE}/flv/film.flv"):
            seen = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", address],
                                  capture_output=True, text=True, timeout=PATIENCE).stdout.strip()
            self.assertEqual(seen, "h264,100", address)
        about = Owner().ask("GET", "/api/v1/about")
        print(f"    {about['framework']}, {len(about['crates'])} crates named", flush=True)
        with urllib.request.urlopen(f"{PAGE}/licences", timeout=PATIENCE) as page:
            self.assertGreater(page.read().count(b"<a"), 300, "licences of crates and of the system's packages")

    def test_what_a_person_puts_on_the_card_is_taken_over(self):
        box = self.box
        box.card("hostname.txt", "\ufeffattic\r\n")
        box.card("config.toml", 'library = ["/srv/media"]\nnonsense = 1\n')
        box.card("network.toml", '[cable]\naddress = "10.0.2.77/24"\nrouter = "10.0.2.2"\ndns = ["10.0.2.3"]\n\n[wifi]\nname = "Home"\npassword = "correct horse"\n')
        box.card("restore.tar", '{"not": "a backup"}')
        box.card("holiday.jpg", "x" * 100_000)
        box.begin()
        report = box.report()
        self.assertIn("hostname.txt: the box is called attic", report)
        self.assertRegex(report, "config.toml: .*nonsense")
        self.assertIn("network.toml: is used", report)
        self.assertRegex(report, "restore.tar: .*no backup")
        self.assertRegex(report, "holiday.jpg: larger than")
        names = {path.name for path in (box.root / "boot/wiidia").iterdir()}
        self.assertLessEqual({"config.toml.wrong", "hostname.done", "network.toml.done", "restore.tar.wrong", "holiday.jpg.wrong"}, names)
        self.assertIn("Address=10.0.2.77/24", box.run("cat /etc/systemd/network/40-card.network"))
        self.assertEqual(box.run("stat -c %a:%U /etc/wpa_supplicant/wpa_supplicant-wlan0.conf"), "600:root")
        # Names may have any bytes, so they are written as such.
        self.assertIn(f"ssid={b'Home'.hex()}", box.run("cat /etc/wpa_supplicant/wpa_supplicant-wlan0.conf"))

    def test_a_forgotten_password_and_a_backup(self):
        box = self.box
        box.begin()
        owner = Owner()
        owner.ask("POST", "/api/v1/claim", {"password": PASSWORD})
        self.assertEqual(owner.encodings(3), 3)
        backup = owner.ask("POST", "/api/v1/backup", {"passphrase": PASSPHRASE})
        owner.encodings(5)
        box.card("password-reset")
        box.begin()
        nobody = Owner()
        self.assertIs(nobody.ask("GET", "/api/v1/session")["claimed"], False)
        nobody.ask("POST", "/api/v1/claim", {"password": "another horse"})
        self.assertEqual(nobody.encodings(), 5, "only the password is forgotten")
        # The wrong passphrase changes nothing, the right one brings everything back.
        for passphrase, known in (("wrong horse", False), (PASSPHRASE, True)):
            box.card("restore.tar", json.dumps(backup))
            box.card("restore-passphrase.txt", f"{passphrase}\r\n")
            box.begin()
            report = box.report()
            again = Owner()
            again.ask("POST", "/api/v1/session", {"password": PASSWORD if known else "another horse"})
            self.assertEqual(again.encodings(), 3 if known else 5, report)
        self.assertRegex(report, "restore.tar: everything that was set")
        self.assertFalse((box.root / "boot/wiidia/restore-passphrase.txt").exists(), "the passphrase does not stay on the card")


if __name__ == "__main__":
    unittest.main()
