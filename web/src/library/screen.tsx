// A folder, or what was found in it: what can be done with it, folders as tiles, files as pictures or rows.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Entry } from "../api.ts";
import { useComeBack } from "../come-back.ts";
import { Icon } from "../icons.tsx";
import { strings } from "../language/index.ts";
import { replaceWith } from "../navigate.ts";
import { crumbs, folderHash, isWithin, lastName, parentPath, type Query } from "../route.ts";
import { Page, Panel } from "../screen.tsx";
import { type Entries, type FolderState, useFolder } from "./folder.ts";
import { begun, GoOn } from "./go-on.tsx";
import { Grid } from "./grid.tsx";
import type { Look } from "./layout.ts";
import { EntryMenu } from "./entry-menu.tsx";
import { isPlayable } from "./order.ts";
import { loadOrder, saneOrder, saveOrder } from "./preferences.ts";
import { fetchMarks } from "./positions.ts";
import { type Mark, marks } from "./resume.ts";
import { Tile } from "./tile.tsx";
import { Tools } from "./tools.tsx";

// Where the focus was in the folders one came through, for the way back.
const places: Record<string, number> = {};

/** The screen of one folder. `from` is the path one comes from: its entry gets the focus. */
export function BrowseScreen({ path, query, from }: { path: string; query: Query; from: string }) {
  const [order, setOrder] = useState(() => (query.sort ? saneOrder(query.sort) : loadOrder()));
  const q = query.q ?? "";
  const place = path + "?" + order + q;
  const returning = from !== path && isWithin(from, path);
  const { state, see, reload } = useFolder(path, order, q, returning ? (places[place] ?? 0) : 0);
  const [drawn, setDrawn] = useState("");
  const [menu, setMenu] = useState<Entry | null>(null);
  const [known, setKnown] = useState(marks);
  useEffect(() => void fetchMarks().then(() => setKnown(marks())), []);
  const title = path ? lastName(path) : strings.library;

  const changeOrder = (wanted: string): void => {
    saveOrder(wanted);
    setOrder(wanted);
  };
  const draw = (from: number, to: number): void => {
    see(from, to);
    setDrawn(place);
  };
  const search = (words: string): void => replaceWith({ view: "browse", path, query: { q: words } });
  // Where the server does not answer, no film goes on.
  const goesOn = !path && !q && state.phase !== "failed" && begun(known).length > 0;
  const summary =
    state.phase !== "ready" ? " " : q ? strings.folder.found(state.total, q) : strings.counts(state.folders, state.total - state.folders);

  return (
    <Page
      state={path + " " + state.phase + " " + q + (state.phase === "ready" && (state.total ? drawn === place : "empty")) + goesOn}
      title={title}
      top={path && <Breadcrumbs path={path} />}
      summary={summary}
      beside={<Tools path={path} title={title} state={state} order={order} q={q} onOrder={changeOrder} onSearch={search} onChanged={reload} />}
    >
      {goesOn && <GoOn marks={known} first={!returning} onForget={() => setKnown(marks())} />}
      <Contents
        state={state}
        path={path}
        q={q}
        from={from}
        start={returning ? (places[place] ?? null) : null}
        marks={known}
        place={place}
        onSee={draw}
        onMenu={setMenu}
        onReload={reload}
      />
      {menu && (
        <EntryMenu
          entry={menu}
          order={order}
          onClose={() => {
            setMenu(null);
            setKnown(marks());
          }}
        />
      )}
    </Page>
  );
}

function Breadcrumbs({ path }: { path: string }) {
  // The folder itself is the heading below; only the way back is needed here.
  const steps = [{ name: strings.library, path: "" }].concat(crumbs(parentPath(path)));
  return (
    <nav class="crumbs" aria-label={strings.breadcrumbs}>
      <ol>
        {steps.map((step) => (
          <li key={step.path}>
            <a href={folderHash(step.path)}>{step.name}</a>
            <Icon name="chevron" />
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Contents(props: {
  state: FolderState;
  path: string;
  q: string;
  from: string;
  start: number | null;
  marks: Mark[];
  place: string;
  onSee: (from: number, to: number) => void;
  onMenu: (entry: Entry) => void;
  onReload: () => void;
}) {
  const { state, path, q, onReload } = props;
  useComeBack(state.phase === "failed" && !state.problem.status, onReload);
  if (state.phase === "loading") {
    return (
      <Panel icon="replay" title={strings.loading} quiet>
        <button type="button" data-first onClick={onReload}>
          {strings.tryAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  if (state.phase === "failed") {
    return (
      <Panel icon="warning" title={state.problem.title} detail={state.problem.detail} signIn={state.problem.status === 401} alert>
        <button type="button" class="primary" data-first onClick={onReload}>
          {strings.tryAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  if (state.total === 0 && q) {
    return (
      <Panel icon="search" title={strings.folder.foundNone} detail={strings.folder.foundNoneDetail}>
        <a class="button" href={folderHash(path)} data-first>
          {strings.folder.endSearch}
        </a>
      </Panel>
    );
  }
  if (state.total === 0) {
    return (
      <Panel icon="folder" title={strings.emptyTitle} detail={path ? strings.emptyFolder : strings.emptyRoot}>
        <button type="button" data-first onClick={onReload}>
          {strings.lookAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  return <Listed {...props} state={state} />;
}

// The entries. Remembers where the focus is, for those who come back.
function Listed(props: {
  state: Entries & { phase: "ready" };
  from: string;
  start: number | null;
  marks: Mark[];
  place: string;
  onSee: (from: number, to: number) => void;
  onMenu: (entry: Entry) => void;
}) {
  const { state, place } = props;
  const root = useRef<HTMLDivElement>(null);
  const focused = useRef<string | null>(null);
  const look = useLook(state);
  const byPath = new Map(props.marks.map((mark) => [mark.path, mark]));
  const first = props.start ?? firstEntry(state, props.from);

  useEffect(() => {
    const element = root.current;
    const note = ({ target }: FocusEvent): void => {
      const cell = target instanceof Element ? target.closest("[aria-posinset]") : null;
      if (!cell || !(target instanceof Element)) return;
      places[place] = Number(cell.getAttribute("aria-posinset")) - 1;
      focused.current = target.getAttribute("href");
    };
    element?.addEventListener("focusin", note);
    return () => element?.removeEventListener("focusin", note);
  }, [place]);

  // Another entry has taken this one's place: OK must not open what one has not looked at. Or it has gone, and nothing has come.
  useLayoutEffect(() => {
    const links = Array.from(root.current?.querySelectorAll<HTMLElement>("a") ?? []);
    const is = (link: HTMLElement): boolean => link.getAttribute("href") === focused.current;
    const active = links.filter((link) => link === document.activeElement)[0];
    if (active && !is(active)) links.filter(is)[0]?.focus({ preventScroll: true });
    else if (focused.current !== null && document.activeElement === document.body) links[links.length - 1]?.focus({ preventScroll: true });
  }, [state]);

  return (
    <div ref={root}>
      <Grid
        key={place}
        total={state.total}
        folders={state.folders}
        look={look}
        start={first}
        onSee={props.onSee}
        item={(index) => {
          const entry = state.at(index);
          return entry ? (
            <Tile entry={entry} look={look} mark={byPath.get(entry.path)} first={index === first} onMenu={props.onMenu} />
          ) : null;
        }}
      />
    </div>
  );
}

function UpLink({ path }: { path: string }) {
  if (!path) return null;
  return (
    <a class="button" href={folderHash(parentPath(path))}>
      {strings.up}
    </a>
  );
}

// Narrow screens and music are lists: names matter more than pictures there.
function useLook(state: Entries): Look {
  const [narrow, setNarrow] = useState(window.innerWidth < 560);
  useEffect(() => {
    const look = (): void => setNarrow(window.innerWidth < 560);
    window.addEventListener("resize", look);
    return () => window.removeEventListener("resize", look);
  }, []);
  let pictures = 0;
  let sounds = 0;
  for (let i = state.folders; i < Math.min(state.total, state.folders + 60); i += 1) {
    const entry = state.at(i);
    if (entry && entry.kind === "audio" && !entry.poster) sounds += 1;
    else if (entry) pictures += 1;
  }
  return narrow || sounds > pictures ? "list" : "grid";
}

// Coming back from a file or a sub-folder, one finds oneself where one left.
function firstEntry(state: Entries, from: string): number {
  let usable = -1;
  for (let i = 0; i < state.total; i += 1) {
    const entry = state.at(i);
    if (!entry) continue;
    if (from && isWithin(from, entry.path)) return i;
    if (usable < 0 && (entry.kind === "folder" || entry.kind === "picture" || isPlayable(entry))) usable = i;
  }
  return Math.max(0, usable);
}
