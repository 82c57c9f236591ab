"""What every image's root file system has, whoever builds it: `board/common/finish-root` makes it that of a box."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Root(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.tree = Path(cls.folder.name) / "tree"
        (cls.tree / "usr/lib").mkdir(parents=True)
        (cls.tree / "usr/lib/os-release").write_text("ID=any\nIMAGE_VERSION=0.0.1\n")
        keyring = Path(cls.folder.name) / "keyring.pem"
        keyring.write_text("certificates\n")
        subprocess.run([ROOT / "board/common/finish-root", cls.tree, "qemu-aarch64-virt", "1.2.3", keyring], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_what_is_mounted_has_a_folder_since_nothing_can_be_made_on_a_root_that_is_only_read(self):
        units = sorted((self.tree / "usr/lib/systemd/system").glob("*.mount"))
        self.assertGreater(len(units), 4)
        for unit in units:
            place = re.search(r"^Where=(/\S+)$", unit.read_text(), re.M)[1]
            with self.subTest(place):
                # Every base system has /var.
                self.assertTrue((self.tree / place[1:]).is_dir() or place == "/var", f"{unit.name} mounts where there is no folder")

    def test_programs_that_units_start_are_there_and_can_be_started(self):
        for unit in sorted((self.tree / "usr/lib/systemd/system").rglob("*.service")):
            for program in re.findall(r"^Exec\w+=(/usr/lib/wiidia/\S+)", unit.read_text(), re.M):
                with self.subTest(f"{unit.name}: {program}"):
                    self.assertTrue((self.tree / program[1:]).stat().st_mode & 0o100)

    def test_a_usb_disk_has_the_driver_of_the_port_and_that_of_disks(self):
        # Without the second, a stick is found and no disk in it.
        modules = (ROOT / "board/qemu-aarch64-virt/debian/modules").read_text().split()
        self.assertLessEqual({"xhci-pci", "usb-storage", "uas", "sd_mod"}, set(modules))
        kernel = (ROOT / "board/common/linux.config").read_text().split()
        self.assertLessEqual({"CONFIG_USB_STORAGE=m", "CONFIG_SCSI=y", "CONFIG_BLK_DEV_SD=y"}, set(kernel))

    def test_rules_for_devices_ask_no_parent_what_it_is_not(self):
        # udev takes that for true as soon as one of a device's parents is something else: always.
        found = sorted((self.tree / "usr/lib/udev/rules.d").glob("*wiidia*.rules"))
        self.assertGreater(len(found), 2)
        for rules in found:
            lines = [line for line in rules.read_text().splitlines() if not line.startswith("#")]
            self.assertNotRegex("\n".join(lines), r"(SUBSYSTEMS|KERNELS|DRIVERS|TAGS|ATTRS\{[^}]*\})!=", rules.name)

    def test_the_version_is_the_images(self):
        self.assertEqual((self.tree / "etc/os-release").resolve().read_text(), "ID=any\nIMAGE_ID=wiidiaserver\nIMAGE_VERSION=1.2.3\n")
        self.assertIn("compatible=", (self.tree / "etc/rauc/system.conf").read_text())


if __name__ == "__main__":
    unittest.main()
