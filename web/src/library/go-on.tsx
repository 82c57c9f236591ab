// Films that were begun and not finished, on the library's first screen: one press goes on.

import { useEffect, useState } from "preact/hooks";
import { fetchInfo } from "../api.ts";
import { Icon } from "../icons.tsx";
import { strings } from "../language/index.ts";
import { Menu } from "../menu.tsx";
import { pressFor } from "../press.ts";
import { formatHash } from "../route.ts";
import { dropMark } from "./positions.ts";
import { type Mark, watched } from "./resume.ts";

// One row of a television.
const MOST = 4;

/** Those of `marks` that stand in the row. */
export function begun(marks: Mark[]): Mark[] {
  return marks.filter((mark) => mark.kind === "video" && watched(mark) > 0 && watched(mark) < 1).slice(0, MOST);
}

/** The row. `first`: the screen's focus begins here. */
export function GoOn({ marks, first, onForget }: { marks: Mark[]; first: boolean; onForget: () => void }) {
  const [menu, setMenu] = useState<Mark | null>(null);
  const words = strings.folder;
  return (
    <section class="go-on" aria-label={words.goOn}>
      <h2>{words.goOn}</h2>
      <ul>
        {begun(marks).map((mark, i) => (
          <li key={mark.path}>
            <a
              class="file file-list"
              href={formatHash({ view: "play", path: mark.path })}
              data-first={first && i === 0 ? "" : undefined}
              {...pressFor<HTMLAnchorElement>(() => setMenu(mark))}
            >
              <span class="still still-video">
                <Icon name="play" />
                <Poster mark={mark} />
                <span class="watched">
                  <span style={{ transform: "scaleX(" + watched(mark) + ")" }} />
                </span>
              </span>
              <span class="about">
                <span class="name">{mark.name}</span>
                <span class="facts">{mark.duration !== null && words.left(mark.duration - mark.at)}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
      {menu && (
        <Menu
          title={menu.name}
          onClose={() => setMenu(null)}
          items={[
            { label: words.play, href: formatHash({ view: "play", path: menu.path }) },
            { label: words.fromStart, href: formatHash({ view: "play", path: menu.path, query: { start: "0" } }) },
            {
              label: words.forget,
              onChoose: () => {
                dropMark(menu.path);
                onForget();
              },
            },
          ]}
        />
      )}
    </section>
  );
}

// What another device left has no picture here yet.
function Poster({ mark }: { mark: Mark }) {
  const [poster, setPoster] = useState(mark.poster);
  useEffect(() => {
    if (!poster) fetchInfo(mark.path).then((info) => setPoster(info.poster), () => undefined);
  }, []);
  return poster ? <img src={poster} alt="" onError={(event) => event.currentTarget.classList.add("gone")} /> : null;
}
