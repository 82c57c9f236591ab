// The page: one screen at a time, chosen by the address.

import { options, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { BrowseScreen } from "./browse.tsx";
import { listenForKeys } from "./dpad.ts";
import { currentRoute, goUp, onRouteChange } from "./navigate.ts";
import { PlayerScreen } from "./player/screen.tsx";

function App() {
  const [place, setPlace] = useState({ route: currentRoute(), from: "" });
  useEffect(() => onRouteChange((route, from) => setPlace({ route, from: from.path })), []);
  const { route, from } = place;
  return route.view === "play" ? (
    <PlayerScreen key={route.path} path={route.path} />
  ) : (
    <BrowseScreen key={route.path} path={route.path} from={from} />
  );
}

// Televisions from before 2019 (Chromium 70 and older) have no queueMicrotask, which Preact wants.
if (!window.queueMicrotask) options.debounceRendering = (task) => void Promise.resolve().then(task);

listenForKeys(goUp);
const host = document.getElementById("app");
if (host) render(<App />, host);
