// A list of things to do or to choose, in front of the screen: what a right click, a long press or the button with the dots opens.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusFirst, isBackKey, takeKeys } from "./dpad.ts";
import { strings } from "./language/index.ts";
import { openInFront } from "./navigate.ts";

/** One line: something to do, or with `on`, something that is or is not so. With `href` it is a link. */
export interface MenuItem {
  label: string;
  on?: boolean;
  href?: string;
  onChoose?: () => void;
}

/** A panel that keeps the focus to itself until Back, a click beside it, or `onClose`; then the focus goes back. */
export function Modal(props: { title: string; class?: string; onClose: () => void; children: ComponentChildren }) {
  const root = useRef<HTMLDivElement>(null);
  const close = useRef(props.onClose);
  close.current = props.onClose;
  useLayoutEffect(() => {
    const before = document.activeElement;
    const checked = root.current?.querySelector<HTMLElement>("[aria-checked=true]");
    if (checked) checked.focus({ preventScroll: true });
    else focusFirst(root.current);
    return () => {
      if (before instanceof HTMLElement && document.contains(before)) before.focus({ preventScroll: true });
    };
  }, []);
  useLayoutEffect(() => openInFront(() => close.current()), []);
  useLayoutEffect(
    () =>
      takeKeys((event) => {
        if (isBackKey(event)) {
          close.current();
          return true;
        }
        if (event.key === "Tab") return keepTab(root.current, event.shiftKey);
        return false;
      }),
    [],
  );
  return (
    <div class="veil" data-modal onClick={(event) => event.target === event.currentTarget && props.onClose()}>
      <div class={"modal " + (props.class ?? "")} role="dialog" aria-modal="true" aria-label={props.title} ref={root}>
        <div class="modal-head">
          <h2>{props.title}</h2>
          <button type="button" class="quiet" onClick={props.onClose}>
            {strings.close}
          </button>
        </div>
        {props.children}
      </div>
    </div>
  );
}

/** A menu. Choosing closes it. */
export function Menu(props: { title: string; items: MenuItem[]; onClose: () => void }) {
  return (
    <Modal title={props.title} class="menu" onClose={props.onClose}>
      <ul>
        {props.items.map(({ label, on, href, onChoose }, i) => {
          const choose = (): void => {
            props.onClose();
            onChoose?.();
          };
          return (
            <li key={label}>
              {href !== undefined ? (
                <a class="option" href={href} data-first={i === 0 ? "" : undefined} onClick={choose}>
                  {label}
                </a>
              ) : (
                <button
                  type="button"
                  class="option"
                  role={on === undefined ? undefined : "radio"}
                  aria-checked={on}
                  data-first={i === 0 ? "" : undefined}
                  onClick={choose}
                >
                  {label}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </Modal>
  );
}

// Tab goes round within.
function keepTab(root: HTMLElement | null, back: boolean): boolean {
  const targets = Array.from(root?.querySelectorAll<HTMLElement>("a[href],button,input,select,textarea") ?? []);
  const last = targets[back ? 0 : targets.length - 1];
  const next = targets[back ? targets.length - 1 : 0];
  if (document.activeElement !== last || !next) return false;
  next.focus();
  return true;
}
