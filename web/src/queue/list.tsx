// The list itself. A row is moved by its handle: dragged with a mouse or a finger; or picked up by OK or Enter, carried by the arrow
// keys or by two buttons, and put down by OK or Back.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock, formatHash, Icon, type IconName, isBackKey, type Queued, strings, takeKeys } from "../shell.ts";
import { givesWay, moved } from "./order.ts";

// Of a long list, what is behind these is not drawn: nobody walks there.
const MOST_SHOWN = 300;
// A dragged row this near the screen's edge scrolls the list, so far a frame.
const EDGE = 70;
const SCROLL = 12;
const STILL = 6;

/** What is dragged: from which place, to which, and how far the pointer is from where it took hold. */
interface Drag {
  from: number;
  to: number;
  by: number;
}

/** The list; `at` is the place of what plays, -1 if that is not in it. */
export function QueueList({ items, at, onChange }: { items: Queued[]; at: number; onChange: (items: Queued[]) => void }) {
  const list = useRef<HTMLOListElement>(null);
  const [carried, setCarried] = useState<string | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const [said, setSaid] = useState("");
  const dragged = useRef(false);
  const words = strings.queue;
  const shown = items.slice(0, MOST_SHOWN);

  const put = (from: number, to: number): void => {
    const place = Math.min(Math.max(0, to), shown.length - 1);
    const item = shown[from];
    if (!item) return;
    setSaid(words.movedTo(item.name, place + 1, items.length));
    if (place !== from) onChange(moved(items, from, place));
  };
  const latest = useRef({ put, items: shown });
  latest.current = { put, items: shown };

  useLayoutEffect(() => {
    if (carried === null) return undefined;
    return takeKeys((event) => {
      const by = ({ ArrowUp: -1, ArrowDown: 1 } as Record<string, number>)[event.key];
      if (by !== undefined) {
        const from = latest.current.items.map(({ path }) => path).indexOf(carried);
        latest.current.put(from, from + by);
        return true;
      }
      // Its own button puts it down.
      if (event.key === "Enter" || event.key === " ") return false;
      setCarried(null);
      return isBackKey(event);
    });
  }, [carried]);
  // A row that moves in the document loses the focus.
  useLayoutEffect(() => {
    const handle = list.current?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (document.activeElement !== document.body) return;
    handle?.focus({ preventScroll: true });
    handle?.scrollIntoView({ block: "nearest" });
  }, [items]);

  const take = (event: PointerEvent, from: number): void => {
    const rows = list.current;
    if (!rows || event.button !== 0) return;
    dragged.current = false;
    const top = (): number => rows.getBoundingClientRect().top;
    const row = rows.offsetHeight / shown.length;
    const hold = event.clientY - top();
    let pointer = event.clientY;
    let now: Drag = { from, to: from, by: 0 };
    const follow = (): void => {
      const by = pointer - top() - hold;
      const to = Math.min(Math.max(0, from + Math.round(by / row)), shown.length - 1);
      now = { from, to, by };
      // A press of a hand that trembles is no drag.
      if (Math.abs(by) > STILL) dragged.current = true;
      if (dragged.current) setDrag(now);
    };
    const scroll = setInterval(() => {
      const way = pointer < EDGE ? -SCROLL : pointer > window.innerHeight - EDGE ? SCROLL : 0;
      if (!way || now.by === 0) return;
      window.scrollBy(0, way);
      follow();
    }, 16);
    const move = (moving: PointerEvent): void => {
      pointer = moving.clientY;
      follow();
    };
    const end = (ending: PointerEvent): void => {
      clearInterval(scroll);
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      setDrag(null);
      if (dragged.current) setCarried(null);
      if (ending.type === "pointerup" && now.to !== from) latest.current.put(from, now.to);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  };

  return (
    <>
      <ol class={drag ? "queue queue-dragged" : "queue"} ref={list}>
        {shown.map((item, i) => (
          <li key={item.path} class={drag?.from === i || carried === item.path ? "held" : undefined} style={shiftOf(drag, i)}>
            <a
              class="file file-list"
              href={formatHash({ view: "play", path: item.path })}
              data-first={i === Math.max(0, at) ? "" : undefined}
              aria-current={i === at ? "true" : undefined}
            >
              <span class={"still still-" + item.kind}>
                <Icon name={item.kind} />
                {item.poster && <img src={item.poster} alt="" onError={(event) => event.currentTarget.classList.add("gone")} />}
              </span>
              <span class="about">
                <span class="name">{item.name}</span>
                <span class="facts">
                  {[i === at ? words.now : "", item.duration === null ? "" : clock(item.duration)].filter(Boolean).join(" · ")}
                </span>
              </span>
            </a>
            {carried === item.path && (
              <>
                <Step icon="up" label={words.up} onPress={() => put(i, i - 1)} />
                <Step icon="down" label={words.down} onPress={() => put(i, i + 1)} />
              </>
            )}
            {items.length > 1 && (
              <button
                type="button"
                class="round handle"
                aria-label={words.moveFile(item.name)}
                title={words.move}
                aria-pressed={carried === item.path}
                onPointerDown={(event) => take(event, i)}
                onClick={() => {
                  // The end of a drag is a click as well.
                  if (dragged.current) return;
                  setSaid(carried === item.path ? words.movedTo(item.name, i + 1, items.length) : words.carried);
                  setCarried(carried === item.path ? null : item.path);
                }}
              >
                <Icon name="move" />
              </button>
            )}
            <button
              type="button"
              class="round"
              aria-label={words.removeFile(item.name)}
              title={strings.remove}
              onClick={() => onChange(items.filter((other) => other !== item))}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ol>
      <p class="unseen" role="status">
        {said}
      </p>
    </>
  );
}

// For those who can neither drag nor press arrow keys.
function Step({ icon, label, onPress }: { icon: IconName; label: string; onPress: () => void }) {
  return (
    <button type="button" class="round" aria-label={label} title={label} onClick={onPress}>
      <Icon name={icon} />
    </button>
  );
}

// Where a row is drawn while another one, or it itself, is dragged.
function shiftOf(drag: Drag | null, i: number): { transform: string } | undefined {
  if (!drag) return undefined;
  if (i === drag.from) return { transform: "translateY(" + drag.by + "px)" };
  const way = givesWay(i, drag.from, drag.to);
  return way ? { transform: "translateY(" + way * 100 + "%)" } : undefined;
}
