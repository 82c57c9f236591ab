// Which words the page speaks. English is part of the page; every other file of this folder is a part of its own, fetched when it is
// wanted. To add a language, copy de.ts: see web/README.md.

import { recall, remember } from "../memory.ts";
import { loadPart, partNames, register } from "../parts.ts";
import { en } from "./en.ts";

/** The shape of a language: a file that lacks a word does not build. */
export type Strings = typeof en;

const PART = "language-";
const STORED = "language";

/** The words in use. Read them when they are needed: another language replaces them. */
export let strings: Strings = en;

/** Called by a language's file. */
export function speaks(words: Strings): void {
  register(PART + words.language, words);
}

/** Codes of the languages there are, English first. */
export function languages(): string[] {
  const others = partNames().filter((name) => name.indexOf(PART) === 0);
  return [en.language].concat(others.map((name) => name.slice(PART.length)));
}

/** A language's name in that language, as far as the browser knows it. */
export function languageName(code: string, inLanguage = code): string {
  try {
    return new Intl.DisplayNames([inLanguage], { type: "language" }).of(code) ?? code;
  } catch {
    // Televisions from before 2021.
    return code.toUpperCase();
  }
}

/** The language that was chosen on this device; undefined: as the browser is set. */
export function chosenLanguage(): string | undefined {
  const stored = recall(STORED);
  return typeof stored === "string" && languages().indexOf(stored) >= 0 ? stored : undefined;
}

let heard: () => void = () => undefined;

/** Calls `changed` whenever another language is spoken. */
export function onLanguage(changed: () => void): void {
  heard = changed;
}

/** Chooses a language for this device; undefined follows the browser again. */
export function chooseLanguage(code: string | undefined): void {
  remember(STORED, code);
  void useLanguage();
}

/** The first of `wanted` (codes such as "de-AT") that there is, English without one. Pure. */
export function bestLanguage(wanted: readonly string[], available: readonly string[]): string {
  for (const want of wanted) {
    const code = want.toLowerCase().split("-")[0] ?? "";
    if (available.indexOf(code) >= 0) return code;
  }
  return "en";
}

/** Speaks the language chosen, or the browser's. English stays if another one does not come. */
export function useLanguage(): Promise<void> {
  const browser = navigator.languages ?? [navigator.language];
  const code = chosenLanguage() ?? bestLanguage(browser, languages());
  const words = code === en.language ? Promise.resolve(en) : (loadPart(PART + code) as Promise<Strings>);
  return words.then(speak, () => speak(en));
}

function speak(words: Strings): void {
  strings = words;
  document.documentElement.lang = words.language;
  heard();
}
