// Keeps the screen lit during a slideshow, where the browser lets pages do so: only over HTTPS or on the box itself. Elsewhere
// the device's own setting holds.

import { useEffect } from "preact/hooks";

/** Keeps the screen lit while `on`. */
export function useWakeLock(on: boolean): void {
  useEffect(() => {
    const { wakeLock } = navigator as Navigator & { wakeLock?: WakeLock };
    if (!on || !wakeLock) return undefined;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = (): void => {
      if (document.hidden || over) return;
      wakeLock.request("screen").then(
        (taken) => {
          if (over) void taken.release();
          else lock = taken;
        },
        // Low battery, or forbidden.
        () => undefined,
      );
    };
    take();
    // A hidden page loses it.
    document.addEventListener("visibilitychange", take);
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", take);
      if (lock) void lock.release();
    };
  }, [on]);
}
