// The entries of a folder, of which only those near the screen exist: 20,000 are as fast as 20.

import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { strings } from "../language/index.ts";
import { between, boxOf, layOut, type Layout, type Look } from "./layout.ts";

/** Draws `total` entries, the first `folders` of which are folders; `item` draws one, or null when it is not there yet. */
export function Grid(props: {
  total: number;
  folders: number;
  look: Look;
  /** Scrolled to when the grid appears. */
  start: number | null;
  item: (index: number) => VNode | null;
  onSee: (from: number, to: number) => void;
}) {
  const root = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [range, setRange] = useState<[number, number]>([0, -1]);
  const rem = fontSize();
  const layout: Layout | null = width ? layOut(width, rem, props.total, props.folders, props.look) : null;
  const latest = useRef(layout);
  latest.current = layout;

  const look = (): void => {
    const element = root.current;
    const laid = latest.current;
    if (!element || !laid) return;
    const top = -element.getBoundingClientRect().top;
    const screen = window.innerHeight;
    // One screen more each way: a held arrow key never gets to the edge of what exists.
    const [from, to] = between(laid, top - screen, top + 2 * screen);
    setRange((before) => (before[0] === from && before[1] === to ? before : [from, to]));
  };

  useLayoutEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    const measure = (): void => {
      setWidth(element.clientWidth);
      look();
    };
    measure();
    window.addEventListener("resize", measure);
    window.addEventListener("scroll", look, { passive: true });
    return () => {
      window.removeEventListener("resize", measure);
      window.removeEventListener("scroll", look);
    };
  }, []);
  useLayoutEffect(() => {
    if (width && props.start !== null && root.current && latest.current) {
      const box = boxOf(latest.current, props.start);
      const top = root.current.getBoundingClientRect().top + window.pageYOffset + box.top;
      // What fits without scrolling stays unscrolled: the heading belongs to it.
      if (top + box.height > window.innerHeight) window.scrollTo(0, top - window.innerHeight / 3);
    }
  }, [width > 0]);
  useLayoutEffect(look, [width, props.total, props.folders, props.look]);
  useEffect(() => {
    if (range[1] >= range[0]) props.onSee(range[0], range[1]);
  }, [range]);

  const shown: VNode[] = [];
  for (let index = range[0]; layout && index <= Math.min(range[1], props.total - 1); index += 1) {
    const { left, top, width: wide, height } = boxOf(layout, index);
    const style = { transform: "translate(" + left + "px," + top + "px)", width: wide + "px", height: height + "px" };
    shown.push(
      <li class="cell" key={index} style={style} aria-setsize={props.total} aria-posinset={index + 1}>
        {props.item(index) ?? <span class="file file-waiting" aria-hidden="true" />}
      </li>,
    );
  }
  return (
    <ul class="grid" aria-label={strings.files} ref={root} style={{ height: (layout ? layout.height : 0) + "px" }}>
      {shown}
    </ul>
  );
}

function fontSize(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}
