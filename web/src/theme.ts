// Light or dark: as the device says, unless somebody chose. The colours are in styles/tokens.css.

import { recall, remember } from "./memory.ts";

/** What can be chosen. */
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "theme";

/** What was chosen. */
export function theme(): Theme {
  const stored = recall(STORED);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

/** Chooses. */
export function setTheme(chosen: Theme): void {
  remember(STORED, chosen === "auto" ? undefined : chosen);
  applyTheme();
}

/** Makes the page look as chosen. */
export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", chosen);
}
