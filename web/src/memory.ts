// What the page remembers on this device. Storage may be missing, full or refused (private windows, some televisions): then it is
// remembered until the page is left.

const PREFIX = "wiidia.";
const unsaved: Record<string, string> = {};

/** What was remembered under `name`, as JSON gave it; undefined if nothing was, or what was is no JSON. */
export function recall(name: string): unknown {
  try {
    return JSON.parse(unsaved[name] ?? String(localStorage.getItem(PREFIX + name))) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remembers `value`, which must survive JSON; undefined forgets. */
export function remember(name: string, value: unknown): void {
  try {
    delete unsaved[name];
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    if (value !== undefined) unsaved[name] = JSON.stringify(value);
  }
}
