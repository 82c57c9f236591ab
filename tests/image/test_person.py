"""What a person puts onto the card at a computer, and what they ask for on the page when they want to begin anew."""

import json
import unittest

from box_case import BoxCase
from machine import until


class Person(BoxCase):
    def test_what_a_person_puts_on_the_card_is_taken_over(self):
        card = self.card()
        card.put("wiidia/hostname.txt", "\ufeffattic\r\n")
        card.put("wiidia/config.toml", 'library = ["/srv/media"]\nnonsense = 1\n')
        card.put("wiidia/password-reset", "")
        card.put("wiidia/network.toml", '[cable]\naddress = "10.0.2.77/24"\nrouter = "10.0.2.2"\ndns = ["10.0.2.3"]\n\n[wifi]\nname = "Home"\npassword = "correct horse"\n')
        card.put("wiidia/restore.tar", '{"not": "a backup"}')
        card.put("wiidia/holiday.jpg", b"\xff\xd8" * 50000)
        # Forwarding is to the address that QEMU would give; this box has another one.
        box = self.start(card)
        until("the name is announced on the screen", lambda: "wiidia-import" in box.console() or box.fail_if_off())
        until("it has started", lambda: "wiidiaserver.service" in box.console() or box.fail_if_off())
        until("the report is written", lambda: self.report(box) is not None, pause=20)
        box.pull_the_plug()
        report = card.get("wiidia/last-import.txt")
        self.assertIn("hostname.txt: the box is called attic", report)
        self.assertRegex(report, "config.toml: .*nonsense")
        self.assertIn("password-reset: the page asks for a new password", report)
        self.assertIn("network.toml: is used", report)
        self.assertRegex(report, "restore.tar: .*no backup")
        self.assertRegex(report, "holiday.jpg: larger than")
        for name in ("config.toml.wrong", "hostname.done", "network.toml.done", "restore.tar.wrong", "password-reset.done"):
            self.assertIsNotNone(card.get(f"wiidia/{name}"), name)
        self.assertIsNone(card.get("wiidia/network.toml"))

    def report(self, box):
        remains = self.folder / "look.qcow2"
        box.copy_card(remains)
        try:
            return type(box.card).copy(self.folder, remains).get("wiidia/last-import.txt")
        finally:
            remains.unlink()

    def test_a_forgotten_password_and_a_backup(self):
        box = self.serving()
        claim = json.dumps({"password": "correct horse"})
        box.run(f"wiidiaserver ctl POST /api/v1/claim '{claim}' && wiidiaserver ctl set playback.encodings 3")
        backup = box.run("wiidiaserver ctl POST /api/v1/backup '{\"passphrase\":\"battery staple\"}'")
        self.assertIn("sealed", backup)
        box.run("wiidiaserver ctl set playback.encodings 5")
        self.off(box)
        box.card.put("wiidia/password-reset", "")
        box = self.started(box.card)
        self.assertIn('"claimed":false', box.get("/api/v1/session").decode().replace(" ", ""))
        self.assertIn("5", box.run("wiidiaserver ctl settings playback | grep encodings"))
        self.off(box)
        box.card.put("wiidia/restore.tar", backup)
        box.card.put("wiidia/restore-passphrase.txt", "battery staple\r\n")
        box = self.started(box.card)
        self.assertIn('"claimed":true', box.get("/api/v1/session").decode().replace(" ", ""))
        self.assertIn("3", box.run("wiidiaserver ctl settings playback | grep encodings"))
        self.off(box)
        self.assertRegex(box.card.get("wiidia/last-import.txt"), "restore.tar: everything that was set")
        self.assertIsNone(box.card.get("wiidia/restore-passphrase.txt"), "the passphrase does not stay on the card")

    def test_the_server_asks_for_a_reset_and_everything_is_forgotten(self):
        box = self.serving()
        box.run("hostnamectl hostname kitchen; echo film >/srv/media/film.txt; sync")
        box.run("setpriv --reuid=wiidia --regid=wiidia --clear-groups touch /run/wiidia/requests/factory-reset")
        until("it restarts", lambda: box.starts() == "A")
        # The key went as well.
        box.wait_until_it_serves()
        self.assertFalse(box.answers_ssh())
        box.pull_the_plug()
        box.card.put("wiidia/authorized_keys", self.key.with_suffix(".pub").read_text())
        box = self.started(box.card)
        self.assertEqual(box.run("cat /proc/sys/kernel/hostname; ls /srv/media"), "wiidia-3456")


if __name__ == "__main__":
    unittest.main()
