// Full screen in the dialects browsers have for it. The whole page goes full screen, not the picture, so that
// it stays so from one file to the next.

import { useEffect, useState } from "preact/hooks";

// Safari and older televisions know only the prefixed names; iPhones only let the picture itself go.
interface Prefixed {
  webkitFullscreenElement?: Element | null;
  webkitExitFullscreen?: () => void;
  webkitRequestFullscreen?: () => void;
  webkitEnterFullscreen?: () => void;
}

const page: Document & Prefixed = document;

/** Goes full screen, or leaves it. */
export function toggleFullScreen(video: (HTMLVideoElement & Prefixed) | null): void {
  const root: HTMLElement & Prefixed = document.documentElement;
  if (isFullScreen()) return leaveFullScreen();
  if (root.requestFullscreen) void root.requestFullscreen().catch(ignore);
  else if (root.webkitRequestFullscreen) root.webkitRequestFullscreen();
  else if (video && video.webkitEnterFullscreen) video.webkitEnterFullscreen();
}

/** Leaves full screen if it is on. */
export function leaveFullScreen(): void {
  if (!isFullScreen()) return;
  if (page.exitFullscreen) void page.exitFullscreen().catch(ignore);
  else if (page.webkitExitFullscreen) page.webkitExitFullscreen();
}

/** Whether the page is full screen, as state. */
export function useFullScreen(): boolean {
  const [on, setOn] = useState(isFullScreen);
  useEffect(() => {
    const look = (): void => setOn(isFullScreen());
    // Either way in and out changes the size of the page, and every browser tells of that.
    window.addEventListener("resize", look);
    return () => window.removeEventListener("resize", look);
  }, []);
  return on;
}

function isFullScreen(): boolean {
  return Boolean(page.fullscreenElement || page.webkitFullscreenElement);
}

// Refused (no gesture, or forbidden by the device): the page stays as it is.
function ignore(): void {}
