// The screen of a part that is fetched when somebody goes there.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { strings } from "./language/index.ts";
import { loadPart, partNames } from "./parts.ts";
import { above, formatHash, type Route } from "./route.ts";
import { Page, Panel } from "./screen.tsx";

/** Where the part is shown: the route and its path; and the path one comes from. */
export interface PartScreenProps {
  route: Route;
  path: string;
  from: string;
}

/** What a part of this kind registers: a screen. */
export type PartScreenOf = ComponentType<PartScreenProps>;

/** Shows part `name`, or that it is on its way, or why it is not there. */
export function PartScreen({ name, title, route, from }: { name: string; title: string; route: Route; from: string }) {
  const [Screen, setScreen] = useState<PartScreenOf | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const exists = partNames().indexOf(name) >= 0;

  useEffect(() => {
    if (!exists) return;
    setFailed(false);
    loadPart(name).then(
      (part) => setScreen(() => part as PartScreenOf),
      () => setFailed(true),
    );
  }, [attempt]);

  if (Screen) return <Screen route={route} path={route.path} from={from} />;
  const words = strings.parts;
  const back = (
    <a class="button" href={formatHash(above(route) ?? route)} data-first={exists ? undefined : ""}>
      {strings.back}
    </a>
  );
  return (
    <Page state={String(failed)} title={title}>
      {!exists ? (
        <Panel icon="settings" title={words.none} detail={words.noneDetail}>
          {back}
        </Panel>
      ) : (
        <Panel
          icon={failed ? "warning" : "replay"}
          title={failed ? words.failed : strings.loading}
          detail={failed ? words.failedDetail : undefined}
          alert={failed}
          quiet={!failed}
        >
          <button type="button" class="primary" data-first onClick={() => setAttempt((n) => n + 1)}>
            {strings.tryAgain}
          </button>
          {back}
        </Panel>
      )}
    </Page>
  );
}
