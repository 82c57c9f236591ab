// What the screens share: the frame with the ways to all of them, focusing the right thing whenever a screen changes state, and
// the panel that says what is going on and what to do next.

import type { ComponentChildren, RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { focusFirst } from "./dpad.ts";
import { Icon, type IconName, Mark } from "./icons.tsx";
import { strings } from "./language/index.ts";
import { currentRoute } from "./navigate.ts";
import { folderHash, formatHash, type View } from "./route.ts";

/**
 * A ref for a screen's root. Each time `state` changes, the screen's first target gets the focus, unless the
 * person has moved it elsewhere within the screen: a remote control without a focused element is stuck.
 */
export function useScreenFocus<T extends HTMLElement>(state: string): RefObject<T | null> {
  const root = useRef<T>(null);
  const given = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const active = document.activeElement;
    const chosen = active !== given.current && active !== document.body && root.current?.contains(active);
    if (chosen) return;
    focusFirst(root.current);
    given.current = document.activeElement;
  }, [state]);
  return root;
}

/**
 * A screen in the page's frame. `state` says when its first target ([data-first], else any) gets the focus anew. `title` is the
 * heading and the window's title; `beside` stands beside it, `summary` below.
 */
export function Page(props: {
  state: string;
  title: string;
  top?: VNode | false | null | "";
  beside?: ComponentChildren;
  summary?: ComponentChildren;
  children?: ComponentChildren;
}) {
  const root = useScreenFocus<HTMLDivElement>(props.state);
  useTitle(props.title);
  return (
    <div class="page" ref={root}>
      <header class="top">
        <a class="brand" href={folderHash("")} aria-label={strings.appName}>
          <Mark />
          <span>wiidia</span>
        </a>
        <Ways />
      </header>
      <main>
        {props.top}
        <div class="heading">
          <div class="heading-words">
            <h1>{props.title}</h1>
            {props.summary !== undefined && <p class="summary">{props.summary}</p>}
          </div>
          {props.beside}
        </div>
        {props.children}
      </main>
    </div>
  );
}

/** Gives the window a title while the screen is there. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title + " – " + strings.appName;
  }, [title]);
}

// The ways to the other screens; where one is stands out.
function Ways() {
  const here = currentRoute().view;
  const way = (icon: IconName, word: string, view: View, also?: View) => {
    const current = here === view || here === also;
    return (
      <li key={view}>
        <a href={formatHash({ view, path: "" })} aria-current={current ? "page" : undefined} aria-label={word} title={word}>
          <Icon name={icon} />
          <span aria-hidden="true">{word}</span>
        </a>
      </li>
    );
  };
  return (
    <nav class="ways" aria-label={strings.pages}>
      <ul>
        {way("library", strings.library, "browse")}
        {way("live", strings.live, "live")}
        {way("queue", strings.upNext, "next")}
        {way("settings", strings.settings, "look", "setup")}
      </ul>
    </nav>
  );
}

/** A message in the middle of a screen, with the next steps as its children. */
export function Panel(props: {
  icon: IconName;
  title: string;
  detail?: string;
  quiet?: boolean;
  alert?: boolean;
  /** The server wants to know who it is. */
  signIn?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <section class={"panel" + (props.quiet ? " panel-quiet" : "")} role={props.alert ? "alert" : undefined}>
      <span class="panel-icon">
        <Icon name={props.icon} />
      </span>
      <h2 class="panel-title">{props.title}</h2>
      {props.detail && <p class="panel-detail">{props.detail}</p>}
      <div class="panel-steps">
        {props.children}
        {props.signIn && (
          <a class="button" href={formatHash({ view: "setup", path: "" })}>
            {strings.signIn}
          </a>
        )}
      </div>
    </section>
  );
}
