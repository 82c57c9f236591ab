// What the screens share: focusing the right thing whenever a screen changes state, and the panel that says
// what is going on and what to do next.

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusFirst } from "./dpad.ts";
import { Icon, type IconName } from "./icons.tsx";

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

/** A message in the middle of a screen, with the next steps as its children. */
export function Panel(props: {
  icon: IconName;
  title: string;
  detail?: string;
  quiet?: boolean;
  alert?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <section class={"panel" + (props.quiet ? " panel-quiet" : "")} role={props.alert ? "alert" : undefined}>
      <span class="panel-icon">
        <Icon name={props.icon} />
      </span>
      <h2 class="panel-title">{props.title}</h2>
      {props.detail && <p class="panel-detail">{props.detail}</p>}
      <div class="panel-steps">{props.children}</div>
    </section>
  );
}
