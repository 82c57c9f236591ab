// The part "live": the channels, and watching one.

import "./live.css";
import { decodeSegment, type PartScreenProps, register } from "../shell.ts";
import { LiveScreen } from "./screen.tsx";
import { WatchScreen } from "./watch.tsx";

register("live", function Live({ route, from }: PartScreenProps) {
  return route.view === "watch" ? (
    <WatchScreen key={route.path} name={decodeSegment(route.path)} />
  ) : (
    <LiveScreen from={from} />
  );
});
