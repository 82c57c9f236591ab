// Where there are no Media Source Extensions (iPhones before iOS 17.1, some televisions): the browser's own HLS, then MP4 as it comes.

import { type Choice, fmp4Address, hlsAddress } from "../api.ts";
import { strings } from "../language/index.ts";
import type { Engine, Failure } from "./engine.ts";

const HLS = "application/vnd.apple.mpegurl";

/** What this browser may play of `path` by itself, the best first. */
export function plainAddresses(path: string, choice: Choice): string[] {
  return addressesFor(hlsAddress(path, choice), fmp4Address(path, choice, 0));
}

/** Those of the two that this browser says it knows. */
export function addressesFor(hls: string, mp4: string): string[] {
  const probe = document.createElement("video");
  const found: string[] = [];
  if (probe.canPlayType(HLS)) found.push(hls);
  if (probe.canPlayType("video/mp4")) found.push(mp4);
  return found;
}

/** Plays the first of `addresses` that plays. `startAt` in seconds. */
export function startPlainEngine(
  video: HTMLVideoElement,
  addresses: string[],
  startAt: number,
  failed: (failure: Failure) => void,
): Engine {
  let at = 0;
  const begin = (): void => {
    video.src = addresses[at] ?? "";
    video.load();
    // Refused without a gesture; the large button then plays.
    const playing: Promise<void> | undefined = video.play();
    playing?.catch(() => undefined);
  };
  const onMetadata = (): void => {
    if (startAt > 0 && video.currentTime < startAt) video.currentTime = startAt;
  };
  const onError = (): void => {
    at += 1;
    if (at < addresses.length) return begin();
    const { decode, decodeDetail } = strings.player;
    failed({ title: decode, detail: decodeDetail, retry: true, elsewhere: true });
  };
  video.addEventListener("loadedmetadata", onMetadata);
  video.addEventListener("error", onError);
  begin();
  return {
    setDuration: () => undefined,
    destroy() {
      video.removeEventListener("loadedmetadata", onMetadata);
      video.removeEventListener("error", onError);
      video.removeAttribute("src");
      video.load();
    },
  };
}
