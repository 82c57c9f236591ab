"""What the owner does to the box itself, by the page: its address, an update that comes as a file, beginning anew, the Wi-Fi."""

import json
import time
import unittest

from box_case import BoxCase, note
from machine import until
from owner import Owner, seconds

# What QEMU's router gives, and another one.
FIRST, OTHER = "10.0.2.15", "10.0.2.77"
# What QEMU's network is to the box.
FIXED = {"mode": "static", "address": f"{OTHER}/24", "gateway": "10.0.2.2", "dns": ["10.0.2.3"]}


class System(BoxCase):
    def addresses(self, owner):
        return str(owner.get("/api/v1/system")["interfaces"])

    def test_an_address_by_hand_is_kept_when_somebody_says_so_and_goes_back_otherwise(self):
        box = self.serving()
        owner = self.owner(box)
        interface = owner.get("/api/v1/system")["interfaces"][0]["name"]
        wish = FIXED | {"interface": interface}
        there = Owner(box.forward(OTHER))
        # A wish that would cut it off is refused in words, and nothing has changed.
        status, said = owner.ask("PUT", "/api/v1/system/network", wish | {"gateway": "192.168.7.1"})
        self.assertEqual(status, 400, said)
        self.assertIn("not in the network", said["detail"])
        with self.subTest("nobody keeps it"):
            self.move(owner, wish)
            there.eventually("the page is at the new address", there.sign_in)
            left = there.get("/api/v1/system")["trial"]
            self.assertLessEqual(left, 60)
            took, _ = seconds(lambda: owner.eventually("the old address is back", lambda: FIRST in self.addresses(owner)))
            note(f"with {left} s of the trial left, the old address was back after {took:.0f} s")
            self.assertEqual(owner.ask("POST", "/api/v1/system/network", {"trial": "keep"})[0], 409)
        with self.subTest("the plug is pulled meanwhile"):
            self.move(owner, wish)
            there.eventually("the page is at the new address", there.sign_in)
            box = self.again(box)
            owner, there = Owner(box.url("")), Owner(box.forward(OTHER))
            owner.eventually("the page is at the old address", owner.sign_in)
            self.assertIn(FIRST, self.addresses(owner))
        with self.subTest("it is kept"):
            self.move(owner, wish)
            there.eventually("the page is at the new address", there.sign_in)
            there.do("POST", "/api/v1/system/network", {"trial": "keep"})
            time.sleep(75)
            self.assertIn(f"{OTHER}/24", self.addresses(there))
            self.assertIsNone(there.get("/api/v1/system")["trial"])
        with self.subTest("and is there after a restart"):
            box = self.again(box)
            there = Owner(box.forward(OTHER))
            there.eventually("the page is at the new address", there.sign_in)
            # Back to the router's.
            there.ask("PUT", "/api/v1/system/network", {"interface": interface, "mode": "dhcp"}, patience=20)
            owner = Owner(box.url(""))
            owner.eventually("the page is at the router's address", owner.sign_in)
            owner.do("POST", "/api/v1/system/network", {"trial": "keep"})

    def move(self, owner, wish):
        """The answer may be lost with the address."""
        try:
            status, said = owner.ask("PUT", "/api/v1/system/network", wish, patience=30)
            self.assertLess(status, 300, said)
        except OSError:
            pass

    def again(self, box):
        """The same card, after the machine's plug was pulled; where its page is, is to be found out."""
        box.pull_the_plug()
        return self.start(box.card)

    def test_an_update_comes_as_a_file_and_the_version_before_comes_back(self):
        box = self.serving()
        owner = self.owner(box)
        bundle = self.bundle("good", "9.0.0").read_bytes()
        for wrong, words in ((b"PK\3\4 no bundle", "no update"), (bundle[: 4 << 20], "")):
            status, said = owner.ask("PUT", "/api/v1/system/update", wrong)
            if status < 300:
                # Its beginning is right: RAUC says what is wrong, a moment later.
                owner.eventually("it is refused", lambda: (update := owner.get("/api/v1/system")["update"])["operation"] == "idle" and update["last_error"])
            else:
                self.assertEqual(status, 400, said)
                self.assertRegex(said["detail"], words)
        took, _ = seconds(lambda: owner.do("PUT", "/api/v1/system/update", bundle, patience=1800))
        note(f"sending an update of {len(bundle) >> 20} MB took {took:.0f} s")
        seen = set()

        def installed():
            update = owner.get("/api/v1/system")["update"]
            seen.add(update["percent"])
            return update["operation"] == "idle" and update

        update = owner.eventually("it is installed", installed)
        self.assertEqual(update["last_error"], "", update)
        note(f"percent seen meanwhile: {sorted(seen)}")
        self.assertGreater(len(seen), 2, "the page shows how far it is")
        self.assertEqual(box.run("ls /var/lib/wiidiaserver/update 2>/dev/null || true"), "", "what was sent does not stay on the card")
        owner.do("POST", "/api/v1/system/power", {"action": "reboot"})
        until("B is started", lambda: box.starts() == "B")
        owner.eventually("the page says so", lambda: owner.get("/api/v1/system")["update"]["booted"]["slot"] == "B")
        owner.eventually("B is kept", lambda: owner.get("/api/v1/system")["update"]["booted"]["trial"] is False, pause=5)
        owner.do("POST", "/api/v1/system/update", {"boot": "other"})
        until("A is started", lambda: box.starts() == "BA")
        booted = owner.eventually("the page says so", lambda: owner.get("/api/v1/system")["update"]["booted"])
        self.assertEqual((booted["slot"], booted["failed"]), ("A", None))

    def test_a_backup_brings_a_box_back_that_was_reset_by_its_page(self):
        box = self.serving()
        owner = self.owner(box)
        owner.set("general", name="attic")
        owner.set("playback", encodings=3)
        box.put("/srv/media/film.flv", self.film("film.flv"))
        self.assertEqual(owner.ask("POST", "/api/v1/backup", {"passphrase": "short"})[0], 400)
        backup = owner.do("POST", "/api/v1/backup", {"passphrase": "battery staple"})
        owner.do("POST", "/api/v1/reset", {"what": "everything"})
        until("it restarts", lambda: box.starts() == "A")
        new = Owner(box.url(""))
        new.eventually("nobody's box serves", lambda: new.get("/api/v1/setup")["claimed"] is False)
        # Settings are forgotten, the key for SSH too; the library stays.
        self.assertEqual(self.pictures(box.url("/flv/film.flv")), 100)
        new.claim()
        status, said = new.ask("POST", "/api/v1/restore", {"passphrase": "wrong horse", "archive": backup})
        self.assertEqual(status, 422, said)
        new.do("POST", "/api/v1/restore", {"passphrase": "battery staple", "archive": backup})
        back = Owner(box.url(""))
        back.eventually("the owner of then signs in", back.sign_in)
        values = {field["name"]: field["value"] for section in ("general", "playback") for field in back.get(f"/api/v1/settings/{section}")["fields"]}
        self.assertEqual((values["name"], values["encodings"]), ("attic", 3))
        back.eventually("it is called so again", lambda: back.get("/api/v1/system")["host"]["name"] == "attic")

    def test_a_wifi_of_the_card_is_joined(self):
        card = self.card()
        card.put("wiidia/network.toml", '[wifi]\nname = "Home"\npassword = "correct horse"\ncountry = "DE"\n')
        box = self.started(card)
        # Two radios; the second is the home's, and has what gives addresses.
        box.put("/run/ap.conf", b'network={\n ssid="Home"\n mode=2\n frequency=2412\n key_mgmt=WPA-PSK\n proto=RSN\n pairwise=CCMP\n psk="correct horse"\n}\n')
        box.run("mkdir -p /run/systemd/network && printf '[Match]\\nName=wlan1\\n[Network]\\nAddress=192.168.77.1/24\\nDHCPServer=yes\\nConfigureWithoutCarrier=yes\\n' >/run/systemd/network/10-ap.network && networkctl reload")
        box.run("modprobe mac80211_hwsim radios=2 && sleep 5; ip link set wlan1 up; wpa_supplicant -B -i wlan1 -c /run/ap.conf -P /run/ap.pid")
        until("the box has joined", lambda: "wpa_state=COMPLETED" in box.run("wpa_cli -p /run/wpa_supplicant -i wlan0 status", check=False), pause=5)
        until("it has an address", lambda: "192.168.77." in box.run("ip -o -4 address show wlan0"), pause=5)
        # The cable is better.
        self.assertRegex(box.run("ip route show default | head -n 1"), "dev e")
        note(box.run("wpa_cli -p /run/wpa_supplicant -i wlan0 status | grep -E 'ssid|key_mgmt|wpa_state' | tr '\\n' ' '"))

    def test_programs_of_the_box_ask_as_the_owner_does(self):
        box = self.serving()
        self.owner(box)
        # As root and as the server's user, over its own socket; nobody else.
        for who in ("", "setpriv --reuid=wiidia --regid=wiidia --clear-groups "):
            with self.subTest(who or "root"):
                self.assertIn('"here"', box.run(f"{who}wiidiaserver ctl GET /api/v1/system").replace(" ", ""))
                self.assertIn("3", box.run(f"{who}wiidiaserver ctl set playback.encodings 3; wiidiaserver ctl settings playback | grep encodings"))
        box.fails("setpriv --reuid=65534 --regid=65534 --clear-groups wiidiaserver ctl GET /api/v1/system")
        # Root's part does what is on its list, and looks at each argument again.
        self.assertEqual(box.run("stat -c %a:%U:%G /run/wiidia/privileged.sock"), "660:root:wiidia")
        for line in ({"verb": "shell", "command": "id"}, {"verb": "disk", "device": "../vda7", "deed": "release"}, {"verb": "network", "wish": {"interface": "../x", "mode": "dhcp"}},
                     {"verb": "ssh_keys", "keys": ['command="id" ssh-ed25519 AAAA']}, "x" * 70000, ""):
            with self.subTest(str(line)[:40]):
                answer = box.run("wiidiaserver privileged", check=False, stdin=json.dumps(line).encode() + b"\n")
                self.assertRegex(answer, '"error": ?"')


if __name__ == "__main__":
    unittest.main()
