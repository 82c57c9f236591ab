// Numbers as people read them. Pure: no clock, no document.

/** Seconds as `0:07`, `12:34` or `1:02:03`. Negative or unknown values read `0:00`. */
export function clock(seconds: number): string {
  const whole = Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : 0;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const tail = pad(whole % 60);
  return hours ? hours + ":" + pad(minutes) + ":" + tail : minutes + ":" + tail;
}

/** Bytes with a decimal unit (as on a disk's box): `512 B`, `1.4 MB`, `23 GB`. */
export function fileSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return value.toFixed(digits) + " " + (units[unit] ?? "");
}

/**
 * A waiting time in steps that do not pretend to be exact: seconds up to 20, then steps of 5 s, then minutes
 * from 90 s on. Never 0: who still waits is not there yet.
 */
export function roughWait(seconds: number): { value: number; unit: "s" | "min" } {
  if (seconds >= 90) return { value: Math.round(seconds / 60), unit: "min" };
  if (seconds > 20) return { value: Math.round(seconds / 5) * 5, unit: "s" };
  return { value: Math.max(1, Math.round(seconds)), unit: "s" };
}

function pad(value: number): string {
  return value < 10 ? "0" + value : String(value);
}
