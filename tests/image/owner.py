"""The owner at a browser: signs in, keeps the session's cookie, and says where its page is from, as browsers do."""

import http.cookiejar
import json
import time
import urllib.error
import urllib.request

from machine import Trouble, until

PASSWORD = "correct horse"
# Programs of the box take their time where every instruction is emulated.
PATIENCE = 180


class Owner:
    def __init__(self, address):
        """`address`: where the page is, such as http://127.0.0.1:8080"""
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, method, path, body=None, headers=(), patience=PATIENCE):
        """What is answered: status, and what its JSON says."""
        data, kind = body, "application/octet-stream"
        if body is not None and not isinstance(body, bytes):
            data, kind = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.address + path, data, {"Origin": self.address, "Content-Type": kind, **dict(headers)}, method=method)
        try:
            with self.opener.open(request, timeout=patience) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        return status, json.loads(text) if text else None

    def do(self, method, path, body=None, **more):
        """The answer to what must go well."""
        status, said = self.ask(method, path, body, **more)
        if status >= 300:
            raise Trouble(f"{method} {path} is answered with {status}: {said}")
        return said

    def get(self, path):
        return self.do("GET", path)

    def claim(self):
        """The first visit."""
        self.do("POST", "/api/v1/claim", {"password": PASSWORD})
        return self

    def sign_in(self):
        self.do("POST", "/api/v1/session", {"password": PASSWORD})
        return self

    def set(self, section, **fields):
        """As a form of the page does: what is there, then the change with its tag."""
        there = self.get(f"/api/v1/settings/{section}")
        return self.do("PATCH", f"/api/v1/settings/{section}", fields, headers={"If-Match": f'"{there["tag"]}"'})

    def restart(self):
        """Lets the server begin anew, and waits for it."""
        before = self.uptime()
        self.do("POST", "/api/v1/restart")
        until("the server has begun anew", lambda: (self.uptime() or before) < before, pause=2)

    def uptime(self):
        try:
            return self.get("/api/v1/health")["uptime"]
        except (OSError, Trouble):
            return None

    def eventually(self, what, question, pause=2.0):
        """Asks until the answer is something; a box that cannot be reached for a while is asked again."""
        def asked():
            try:
                return question()
            except (OSError, Trouble):
                return None

        return until(what, asked, pause=pause)


def seconds(doing):
    """How long something takes, and what it returns."""
    begun = time.monotonic()
    said = doing()
    return time.monotonic() - begun, said
