"""Disks that are plugged in: file systems made by their own programs, and marked as not put away properly byte by byte."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from power import SCRIPTS

# Writes down what it was asked for; refuses to write where FAILS says so.
MOUNT = """\
#!/bin/bash
echo "$*" >>"$CALLS"
case "$*" in *"-o rw,"*) [ -z "$FAILS" ] || { echo 'mount: volume is dirty' >&2; exit 32; } ;; esac
case "$*" in *"-o ro,"*) [ "$FAILS" != all ] || { echo 'mount: bad superblock' >&2; exit 32; } ;; esac
"""


class Disk(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        for name in ("dev", "media", "kept", "shims"):
            (self.folder / name).mkdir()
        for name, text in (("mount", MOUNT), ("umount", "#!/bin/bash\necho \"umount $*\" >>\"$CALLS\"\n")):
            (self.folder / "shims" / name).write_text(text)
            (self.folder / "shims" / name).chmod(0o755)
        self.image = self.folder / "dev" / "sdb1"

    def tearDown(self):
        self.temporary.cleanup()

    def disk(self, verb, name="sdb1", fails=""):
        """Runs the script; returns what the server reads of the disk."""
        environment = {
            "PATH": f"{self.folder}/shims:/usr/sbin:/usr/bin:/sbin:/bin",
            "CALLS": str(self.folder / "calls"),
            "FAILS": fails,
            "WIIDIA_USER": "990",
            **{f"WIIDIA_{key}": str(self.folder / folder) for key, folder in
               (("DEV", "dev"), ("MEDIA", "media"), ("STATE", "state"), ("KEPT", "kept"))},
        }
        done = subprocess.run(["/bin/bash", SCRIPTS / "disk", verb, name], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        state = self.folder / "state" / name
        if not state.exists():
            return None
        return dict(line.split("=", 1) for line in state.read_text().splitlines())

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def make(self, *command, mib=40):
        with open(self.image, "wb") as file:
            file.truncate(mib << 20)
        subprocess.run([*command, self.image], check=True, capture_output=True)

    def mark(self, at, bits):
        """Sets bits of one byte of the disk."""
        with open(self.image, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte | bits]))

    def allow(self, state):
        (self.folder / "kept" / state["uuid"]).write_text("write\n")

    def test_a_disk_is_read_only_until_the_owner_says_otherwise(self):
        self.make("mkfs.vfat", "-F", "32", "-n", "MY FILMS")
        state = self.disk("attach")
        self.assertEqual((state["label"], state["filesystem"], state["writable"]), ("MY-FILMS", "vfat", "no"))
        self.assertEqual((state["folder"], state["reason"]), (f"{self.folder}/media/MY-FILMS", ""))
        self.assertIn("-t vfat -o ro,nosuid,nodev,noexec,noatime,utf8,", self.calls()[0])
        self.assertIn("uid=990,gid=990", self.calls()[0])
        self.assertIsNone(self.disk("detach"))
        self.assertEqual(self.calls()[1], f"umount {self.folder}/media/MY-FILMS")
        self.assertEqual(os.listdir(self.folder / "media"), [])
        self.allow(state)
        self.assertEqual(self.disk("attach")["writable"], "yes")
        self.assertIn("-o rw,", self.calls()[2])

    def test_one_that_was_pulled_while_it_was_written_to_stays_read_only_and_says_why(self):
        cases = [
            (("mkfs.vfat", "-F", "32"), 40, 65, 1),
            (("mkfs.vfat", "-F", "16"), 40, 37, 1),
            (("mkfs.ext4", "-q"), 8, 1082, 2),
            (("mkfs.exfat",), 40, 106, 2),
        ]
        for command, mib, at, bits in cases:
            with self.subTest(command=command):
                self.make(*command, mib=mib)
                clean = self.disk("attach")
                self.disk("detach")
                self.allow(clean)
                self.assertEqual(self.disk("attach")["writable"], "yes")
                self.disk("detach")
                self.mark(at, bits)
                dirty = self.disk("attach")
                self.assertEqual((dirty["writable"], dirty["wanted"]), ("no", "yes"))
                self.assertRegex(dirty["reason"], "pulled out|errors")
                self.assertIn("-o ro,", self.calls()[-1])
                self.disk("detach")

    def test_what_the_kernel_refuses_to_write_to_is_read_and_what_it_refuses_to_read_is_told(self):
        self.make("mkfs.vfat")
        state = self.disk("attach")
        self.disk("detach")
        self.allow(state)
        state = self.disk("attach", fails="rw")
        self.assertEqual((state["writable"], state["reason"]), ("no", "it can't be written to: mount: volume is dirty"))
        self.disk("detach")
        state = self.disk("attach", fails="all")
        self.assertEqual((state["folder"], state["reason"]), ("", "it can't be read: mount: bad superblock"))
        self.assertEqual(os.listdir(self.folder / "media"), [])

    def test_two_disks_of_one_name_have_two_folders_and_odd_names_harm_nothing(self):
        self.make("mkfs.ext4", "-q", "-L", "../a=b $(x)", mib=8)
        state = self.disk("attach")
        self.assertEqual(state["folder"], f"{self.folder}/media/a-b-x")
        self.image.rename(self.folder / "dev" / "sdc1")
        self.assertEqual(self.disk("attach", "sdc1")["folder"], f"{self.folder}/media/a-b-x-sdc1")

    def test_what_has_no_file_system_of_ours_says_so(self):
        self.make("mkswap", mib=8)
        self.assertIn("exFAT", self.disk("attach")["reason"])
        self.assertEqual(self.calls(), [])


if __name__ == "__main__":
    unittest.main()
