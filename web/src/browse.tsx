// A folder: breadcrumbs, sub-folders as tiles, files as rows.

import { useEffect } from "preact/hooks";
import type { Entry } from "./api.ts";
import { clock, fileSize } from "./format.ts";
import { Icon, KindTile, Mark } from "./icons.tsx";
import { isPlayable, type ListingState, useListing } from "./listing.ts";
import { crumbs, folderHash, formatHash, isWithin, lastName, parentPath } from "./route.ts";
import { Panel, useScreenFocus } from "./screen.tsx";
import { strings } from "./strings.ts";

/** The screen of one folder. `from` is the path one comes from: its entry gets the focus. */
export function BrowseScreen({ path, from }: { path: string; from: string }) {
  const [state, reload] = useListing(path);
  const root = useScreenFocus<HTMLDivElement>(path + " " + state.phase);
  const title = path ? lastName(path) : strings.library;

  useEffect(() => {
    document.title = path ? title + " – " + strings.appName : strings.appName;
  }, [path]);

  return (
    <div class="browse" ref={root}>
      <header class="top">
        <a class="brand" href={folderHash("")} aria-label={strings.appName}>
          <Mark />
          <span>wiidia</span>
        </a>
        {path && <Breadcrumbs path={path} />}
      </header>
      <main>
        <div class="heading">
          <h1>{title}</h1>
          <Summary state={state} />
        </div>
        <Contents state={state} path={path} from={from} reload={reload} />
      </main>
    </div>
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

function Summary({ state }: { state: ListingState }) {
  if (state.phase !== "ready") return null;
  const folders = state.entries.filter((entry) => entry.kind === "folder").length;
  return <p class="summary">{strings.counts(folders, state.entries.length - folders)}</p>;
}

function Contents(props: { state: ListingState; path: string; from: string; reload: () => void }) {
  const { state, path, from, reload } = props;
  if (state.phase === "loading") {
    return (
      <Panel icon="replay" title={strings.loading} quiet>
        <button type="button" data-first onClick={reload}>
          {strings.tryAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  if (state.phase === "failed") {
    return (
      <Panel icon="warning" title={state.problem.title} detail={state.problem.detail} alert>
        <button type="button" class="primary" data-first onClick={reload}>
          {strings.tryAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  if (state.entries.length === 0) {
    return (
      <Panel icon="folder" title={strings.emptyTitle} detail={path ? strings.emptyFolder : strings.emptyRoot}>
        <button type="button" data-first onClick={reload}>
          {strings.lookAgain}
        </button>
        <UpLink path={path} />
      </Panel>
    );
  }
  const folders = state.entries.filter((entry) => entry.kind === "folder");
  const files = state.entries.filter((entry) => entry.kind !== "folder");
  const first = firstEntry(state.entries, from);
  return (
    <>
      {folders.length > 0 && (
        <ul class="folders" aria-label={strings.folders}>
          {folders.map((entry) => (
            <li key={entry.path}>
              <a class="folder" href={folderHash(entry.path)} data-first={entry.path === first ? "" : undefined}>
                <KindTile kind="folder" />
                <span class="name">{entry.name}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {files.length > 0 && (
        <ul class="files" aria-label={strings.files}>
          {files.map((entry) => (
            <li key={entry.path}>
              <File entry={entry} first={entry.path === first} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function File({ entry, first }: { entry: Entry; first: boolean }) {
  const playable = isPlayable(entry);
  const facts = [
    strings.kinds[entry.kind],
    entry.size === null ? "" : fileSize(entry.size),
    playable ? "" : strings.notPlayable,
  ].filter(Boolean);
  const inside = (
    <>
      {entry.poster ? <img class="poster" src={entry.poster} alt="" loading="lazy" /> : <KindTile kind={entry.kind} />}
      <span class="about">
        <span class="name">{entry.name}</span>
        <span class="facts">{facts.join(" · ")}</span>
      </span>
      {playable && <Length seconds={entry.duration} />}
    </>
  );
  // Pictures and unknown files are listed but lead nowhere yet, so they are no targets for the D-pad either.
  if (!playable) return <div class="file file-dim">{inside}</div>;
  return (
    <a class="file" href={formatHash({ view: "play", path: entry.path })} data-first={first ? "" : undefined}>
      {inside}
    </a>
  );
}

function Length({ seconds }: { seconds: number | null }) {
  if (seconds !== null) return <span class="length">{clock(seconds)}</span>;
  return (
    <span class="length length-unknown">
      <span class="unseen">{strings.durationUnknown}</span>
      <span aria-hidden="true">–:––</span>
    </span>
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

// Coming back from a file or a sub-folder, one finds oneself where one left.
function firstEntry(entries: Entry[], from: string): string | undefined {
  const left = entries.filter((entry) => isWithin(from, entry.path))[0];
  const usable = entries.filter((entry) => entry.kind === "folder" || isPlayable(entry))[0];
  return (left ?? usable)?.path;
}
