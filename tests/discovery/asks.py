"""Asks for the server by SSDP as Windows does, from the other end of a cable: asks.py FOLDER PORT, run by two-rooms."""

import socket
import struct
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

folder, port = Path(sys.argv[1]), sys.argv[2]
GROUP, SERVER = ("239.255.255.250", 1900), "10.9.0.1"
# A debug build on a loaded machine takes its time to start; nothing is measured by it.
PATIENCE = 120


def search(target, mx=1):
    return f'M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:{target}\r\nMan:"ssdp:discover"\r\nMX:{mx}\r\n\r\n'.encode()


def asker(address="10.9.0.2"):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, 0))
    one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.9.0.2"))
    return one


def answers(one, seconds):
    """All that comes within so long."""
    end, came = time.monotonic() + seconds, []
    while (left := end - time.monotonic()) > 0:
        one.settimeout(left)
        try:
            came.append(one.recvfrom(4096))
        except TimeoutError:
            break
    return came


def notices(kind, names):
    """Waits until all of these were announced by the server."""
    end, wanted = time.monotonic() + PATIENCE, set(names)
    while wanted:
        listening.settimeout(max(0.1, end - time.monotonic()))
        data, (address, _) = listening.recvfrom(4096)
        text = data.decode()
        if address == SERVER and text.startswith("NOTIFY * HTTP/1.1\r\n") and f"NTS: ssdp:{kind}\r\n" in text:
            wanted = {name for name in wanted if f"\r\nNT: {name}" not in text}


listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("", 1900))
listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP[0]) + socket.inet_aton("10.9.0.2"))
(folder / "listens").touch()

NAMES = ["upnp:rootdevice", "uuid:", "urn:schemas-upnp-org:device:Basic:1"]
notices("alive", NAMES)
print("it announced itself")

one = asker()
one.sendto(search("upnp:rootdevice"), GROUP)
came = answers(one, 3)
assert len(came) == 1, came
text = came[0][0].decode()
assert text.startswith("HTTP/1.1 200 OK\r\n") and "\r\nST: upnp:rootdevice\r\n" in text and text.endswith("\r\n\r\n"), text
location = next(line.split(": ", 1)[1] for line in text.split("\r\n") if line.startswith("LOCATION: "))
assert location == f"http://{SERVER}:{port}/device.xml", location
one.sendto(search("ssdp:all"), GROUP)
assert len(answers(one, 3)) == 3
one.sendto(search("urn:schemas-upnp-org:device:MediaServer:1"), GROUP)
assert answers(one, 2) == []
print("it answers who asks")

device = ElementTree.fromstring(urllib.request.urlopen(location, timeout=60).read())
found = {element.tag.rpartition("}")[2]: element.text for element in device.iter()}
assert found["UDN"] in text and found["presentationURL"] == "/" and found["friendlyName"].startswith("Wiidiaserver"), found
page = urllib.request.urlopen(location.replace("/device.xml", found["presentationURL"]), timeout=60).read()
assert b"<html" in page.lower()
print("what it describes leads to its page")

stranger = asker("198.51.100.7")
stranger.sendto(search("ssdp:all"), GROUP)
stranger.sendto(search("ssdp:all"), (SERVER, 1900))
assert answers(stranger, 3) == []
print("strangers hear nothing")

begun, sent, came = time.monotonic(), 0, []
for _ in range(3000):
    sent += one.sendto(search("ssdp:all", 0), GROUP)
came = answers(one, 4)
received, lasted = sum(len(data) for data, _ in came), time.monotonic() - begun
assert 0 < len(came) <= 30 * lasted and received < sent / 4, f"{len(came)} answers, {received} bytes for {sent} in {lasted:.1f} s"
print(f"who asks 3000 times gets {len(came)} answers")

for junk in (b"", b"M-SEARCH", b"\xff" * 1400, b"M" * 65000, struct.pack(">I", 0) * 100):
    one.sendto(junk, (SERVER, 1900))
time.sleep(1.1)
one.sendto(search("upnp:rootdevice"), GROUP)
assert len(answers(one, 3)) == 1
(folder / "heard").touch()
notices("byebye", NAMES)
print("it says when it goes")
