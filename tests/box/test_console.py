"""What the screen shows, and the code by which a box is claimed."""

import subprocess
import tempfile
import unittest
from pathlib import Path

CONSOLE = Path(__file__).parents[2] / "rootfs-overlay/usr/lib/wiidia/console"
# As the server writes them.
NOBODYS = '{"version":1,"owner":null}'
SOMEBODYS = '{"version":1,"owner":"$argon2id$v=19$m=19456"}'


class Console(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.code = self.root / "run/wiidia/screen/code"
        self.access = self.root / "var/lib/wiidiaserver/access.json"
        self.status = self.root / "sys/class/drm/card0-HDMI-A-1/status"
        for path in (self.code, self.access, self.status):
            path.parent.mkdir(parents=True)

    def draw(self):
        env = {"WIIDIA_ROOT": str(self.root), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        return subprocess.run([CONSOLE, "once"], env=env, capture_output=True, text=True, check=True, timeout=60).stdout

    def test_a_box_that_is_nobodys_shows_six_digits_and_keeps_them(self):
        self.status.write_text("connected\n")
        for access in (None, NOBODYS):
            if access:
                self.access.write_text(access)
            shown = self.draw()
            digits = self.code.read_text()
            self.assertRegex(digits, r"\A[0-9]{6}\n\Z")
            self.assertIn(f"{digits[:3]} {digits[3:6]}", shown)
        self.assertEqual(self.code.stat().st_mode & 0o777, 0o640)

    def test_two_boxes_have_two_codes(self):
        self.status.write_text("connected\n")
        codes = set()
        for _ in range(4):
            self.draw()
            codes.add(self.code.read_text())
            self.code.unlink()
        self.assertGreater(len(codes), 1)

    def test_without_a_screen_and_with_an_owner_there_is_none(self):
        self.status.write_text("connected\n")
        self.draw()
        self.status.write_text("disconnected\n")
        self.assertNotIn("code", self.draw())
        self.assertFalse(self.code.exists())
        self.status.write_text("connected\n")
        self.draw()
        self.assertTrue(self.code.exists())
        self.access.write_text(SOMEBODYS)
        self.assertNotIn("code", self.draw())
        self.assertFalse(self.code.exists())


if __name__ == "__main__":
    unittest.main()
