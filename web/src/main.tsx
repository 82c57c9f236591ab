// The page: one screen at a time, chosen by the address.

import { options, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { listenForKeys } from "./dpad.ts";
import { onLanguage, strings, useLanguage } from "./language/index.ts";
import { BrowseScreen } from "./library/screen.tsx";
import { currentRoute, goUp, onRouteChange } from "./navigate.ts";
import { PartScreen } from "./part-screen.tsx";
import { PlayerScreen } from "./player/screen.tsx";
import type { Route } from "./route.ts";
import * as shell from "./shell.ts";
import { applyTheme } from "./theme.ts";
import { Toast } from "./toast.tsx";

declare global {
  interface Window {
    /** What the parts of the page import; see shell.ts. */
    wiidia: typeof shell;
  }
}

function App() {
  const [place, setPlace] = useState({ route: currentRoute(), from: "" });
  // Another language: everything is drawn anew.
  const [language, setLanguage] = useState(strings.language);
  useEffect(() => onRouteChange((route, from) => setPlace({ route, from: from.path })), []);
  useEffect(() => onLanguage(() => setLanguage(strings.language)), []);
  return (
    <div class="app" key={language}>
      {screenOf(place.route, place.from)}
      <Toast />
    </div>
  );
}

function screenOf(route: Route, from: string) {
  const { view, path, query } = route;
  const part = (name: string, title: string) => <PartScreen key={name} name={name} title={title} route={route} from={from} />;
  switch (view) {
    case "play":
      return <PlayerScreen key={path} path={path} fromStart={query?.start === "0"} />;
    case "show":
      return part("pictures", strings.folder.slideshow);
    case "live":
    case "watch":
      return part("live", strings.live);
    case "setup":
      return part("setup", strings.look.setUp);
    case "next":
      return part("queue", strings.upNext);
    case "look":
      return part("settings", strings.look.title);
    case "browse":
      return <BrowseScreen key={path} path={path} query={query ?? {}} from={from} />;
  }
}

// Televisions from before 2019 (Chromium 70 and older) have no queueMicrotask, which Preact wants.
if (!window.queueMicrotask) options.debounceRendering = (task) => void Promise.resolve().then(task);

window.wiidia = shell;
applyTheme();
listenForKeys(goUp);
const host = document.getElementById("app");
if (host) void useLanguage().then(() => render(<App />, host));
