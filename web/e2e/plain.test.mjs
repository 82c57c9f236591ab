// The page without JavaScript, in a browser: what axe finds in it, at the sizes of a phone and a TV.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, start, TV } from "./browser.mjs";

let wiidia;
before(async () => (wiidia = await start()));
after(() => wiidia?.close());

for (const [size, viewport] of [["phone", PHONE], ["TV", TV]]) {
  test(`the pages without JavaScript can be used by everybody, on a ${size}`, async () => {
    const view = await wiidia.open({ viewport, expected: /404/ });
    for (const address of ["/plain/", "/plain/Films", "/plain/Pictures", "/plain/?q=test", "/plain/nothing"]) {
      await view.page.goto(wiidia.base + address);
      assert.deepEqual(await view.axe(), [], address);
      const [needed, there] = await view.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(needed <= there, `${address} is ${needed} px wide on ${there}`);
    }
    assert.deepEqual(view.complaints, []);
    await view.close();
  });
}
