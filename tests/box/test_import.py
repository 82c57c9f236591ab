"""What a person put on the card is taken over, wherever the plug is pulled meanwhile, and answered."""

import io
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from power import Bench, write

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ada@laptop\n"
# In the server's place: what it says, and that it was called as somebody else than root.
SERVER = """\
#!/bin/bash
[ "$AS" = wiidia ] || { echo "called as root" >&2; exit 1; }
case "$*" in
  "card wired") grep -q cable && echo "[Match]" ;;
  "card wifi") grep -q wifi && echo "network={" ;;
  "card restore") [ "$WIIDIA_PASSPHRASE" = "battery staple" ] && grep -q sealed && echo "restored" || { echo "wiidiaserver: it does not open" >&2; exit 1; } ;;
  "check-config --config "*) ! grep -q nonsense "$3" || { echo "unknown key nonsense" >&2; exit 1; } ;;
esac
exit 0
"""
FAKES = {
    "setpriv": 'while [[ $1 == --* ]]; do shift; done\nAS=wiidia exec "$@"',
    "chown": "exit 0",
    "install": '/usr/bin/mkdir -p "${!#}"',
}


class Import(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.bench = Bench(self.root)
        self.card = self.root / "boot/wiidia"
        for name, text in FAKES.items():
            fake = self.bench.shims / name
            fake.write_text(f"#!/bin/bash\n{text}\n")
            fake.chmod(0o755)
        server = self.root / "server"
        server.write_text(SERVER)
        server.chmod(0o755)
        for folder in ("boot/wiidia", "run/wiidia", "data/ssh", "etc/systemd/network", "etc/wiidiaserver", "var/lib/wiidiaserver"):
            (self.root / folder).mkdir(parents=True)

    def take_over(self, **power):
        return self.bench.run("import", env={"WIIDIA_ROOT": str(self.root), "WIIDIA_SERVER": str(self.root / "server")}, **power)

    def report(self):
        return (self.card / "last-import.txt").read_bytes().decode()

    def test_nothing_on_the_card_changes_nothing(self):
        self.take_over()
        self.assertEqual(self.bench.commands(), [])

    def test_each_file_is_taken_over_and_answered(self):
        for name, text, said, made in (
            ("password-reset", "", "asks for a new password", "var/lib/wiidiaserver/recovery/reset-password"),
            ("reset-password.txt", "", "asks for a new password", "var/lib/wiidiaserver/recovery/reset-password"),
            ("network.toml", "[cable]", "is used", "etc/systemd/network/40-card.network"),
            ("network.toml.txt", "[wifi]", "is used", "etc/wpa_supplicant/wpa_supplicant-wlan0.conf"),
            ("hostname.txt", "\ufeffattic\r\n", "the box is called attic", "etc/hostname"),
            ("authorized_keys", KEY, "may log in", "data/ssh/authorized_keys"),
            ("config.toml", "library = []", "is the server's configuration", "etc/wiidiaserver/config.toml"),
            ("network/30-home.network", "[Match]\r\nName=e*\r\n", "is used", "etc/systemd/network/30-home.network"),
        ):
            with self.subTest(name):
                write(self.card / name, text)
                self.take_over()
                self.assertIn(said, self.report())
                self.assertTrue((self.root / made).exists())
                self.assertNotIn("\r", (self.root / made).read_text())
                self.assertTrue((self.card / (name.removesuffix(".txt") + ".done")).exists())
                # Taken over once.
                self.take_over()
                self.assertEqual(self.bench.commands(), [])
                (self.root / made).unlink()

    def test_what_is_wrong_is_left_with_the_reason(self):
        for name, text, said in (
            ("network.toml", "nothing", ""),
            ("hostname", "my box!", "is no name"),
            ("authorized_keys", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "no public key"),
            ("config.toml", "nonsense", "unknown key nonsense"),
            ("restore.tar", '{"sealed"', "it does not open"),
            ("hostname.txt", "x" * 70000, "larger than"),
        ):
            with self.subTest(name):
                write(self.card / name, text)
                self.take_over()
                if said:
                    self.assertIn(said, self.report())
                    self.assertTrue((self.card / (name.removesuffix(".txt") + ".wrong")).exists())
        self.assertFalse((self.root / "etc/hostname").exists())
        self.assertFalse((self.root / "data/ssh/authorized_keys").exists())

    def test_an_archive_that_says_to_be_endless_fills_no_memory(self):
        sparse = self.root / "backup.json"
        with open(sparse, "wb") as file:
            file.truncate(1 << 34)
        subprocess.run(["tar", "-cSf", self.card / "restore.tar", "-C", self.root, "backup.json"], check=True)
        sparse.unlink()
        self.take_over()
        self.assertTrue((self.card / "restore.wrong").exists() or (self.card / "restore.tar.wrong").exists())
        self.assertLess(sum(file.stat().st_size for file in (self.root / "run").rglob("*") if file.is_file()), 16 << 20)

    def test_an_archive_with_paths_and_links_that_lead_out_writes_nothing_there(self):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            link = tarfile.TarInfo("out.json")
            link.type, link.linkname = tarfile.SYMTYPE, str(self.root / "etc")
            tar.addfile(link)
            for name in ("../../../etc/evil.json", "/etc/evil.json", "out.json/evil.json"):
                entry = tarfile.TarInfo(name)
                entry.size = 4
                tar.addfile(entry, io.BytesIO(b"evil"))
        (self.card / "restore.tar").write_bytes(archive.getvalue())
        self.take_over()
        self.assertEqual(list((self.root / "etc").rglob("evil*")), [])
        self.assertFalse(Path("/etc/evil.json").exists())
        self.assertIn("not taken", self.report())

    def test_a_backup_is_put_back_in_both_forms_and_its_passphrase_is_gone(self):
        write(self.card / "restore.tar", '{"sealed": 1}')
        write(self.card / "restore-passphrase.txt", "battery staple\r\n")
        self.take_over()
        self.assertIn("restore.tar: restored", self.report())
        self.assertFalse((self.card / "restore-passphrase.txt").exists())
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, text in (("backup.json", b'{"sealed": 1}'), ("passphrase", b"battery staple\n")):
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text))
        (self.card / "restore.tar").write_bytes(archive.getvalue())
        self.take_over()
        self.assertIn("restore.tar: restored", self.report())

    def test_wherever_the_plug_is_pulled_the_next_start_completes_it(self):
        def put():
            shutil.rmtree(self.root / "etc")
            shutil.rmtree(self.card)
            for folder in ("etc/systemd/network", "etc/wiidiaserver", "boot/wiidia"):
                (self.root / folder).mkdir(parents=True)
            write(self.card / "hostname", "attic\n")
            write(self.card / "network.toml", "[cable]\n")
            write(self.card / "password-reset", "")
            write(self.card / "restore.tar", '{"sealed": 1}')
            write(self.card / "restore-passphrase", "battery staple")

        put()
        self.take_over()
        commands = len(self.bench.commands())
        self.assertGreater(commands, 15)
        for cut in range(1, commands + 1):
            with self.subTest(cut=cut):
                put()
                self.assertIsNone(self.take_over(cut=cut))
                self.take_over()
                self.assertEqual((self.root / "etc/hostname").read_text(), "attic\n")
                self.assertEqual((self.root / "etc/systemd/network/40-card.network").read_text(), "[Match]\n")
                self.assertFalse((self.card / "restore-passphrase").exists(), "the passphrase does not stay on the card")
                for name in ("hostname", "network.toml", "password-reset", "restore.tar"):
                    self.assertFalse((self.card / name).exists())
                    self.assertTrue((self.card / f"{name}.done").exists())


if __name__ == "__main__":
    unittest.main()
