// How the machine is: one line that says whether all is well, graphs of the last hour, the log.

import type { Curve, Health, Log, LogLine } from "../api-types.ts";
import { fileSize, getJson, Icon, useEffect, useState } from "../shell.ts";
import { Field, Form, Text } from "./form.tsx";
import { words } from "./words.ts";

const REFRESH_MS = 10_000;

/** The health now, and again while it is shown. */
export function useHealth(): Health | null {
  const [health, setHealth] = useState<Health | null>(null);
  useEffect(() => {
    const load = (): void => void getJson<Health>("/api/v1/health").then(setHealth, () => undefined);
    load();
    const timer = window.setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return health;
}

/** The one line: all is well, or the gravest of what is not. */
export function Verdict({ health }: { health: Health }) {
  const text = words().health;
  const first = health.findings[0];
  return (
    <p class={"verdict" + (health.well ? "" : " wrong")} role="status">
      <Icon name={health.well ? "settings" : "warning"} />
      <span>{!first ? text.well : [text.findings[first.code] ?? first.text, first.about].filter(Boolean).join(" – ")}</span>
    </p>
  );
}

const WIDTH = 360;
const HEIGHT = 60;

// A small graph; `most` is its top unless more was seen.
function Graph(props: { title: string; curve: Curve; most: number; say: (value: number) => string }) {
  const { curve } = props;
  const seen = curve.filter((value): value is number => value !== null);
  if (!seen.length) return null;
  const top = Math.max(props.most, ...seen);
  const last = curve[curve.length - 1];
  let path = "";
  curve.forEach((value, at) => {
    if (value === null) return;
    const x = WIDTH - (curve.length - 1 - at);
    const joined = at > 0 && curve[at - 1] !== null;
    path += (joined ? "L" : "M") + x + " " + (HEIGHT - (value / top) * (HEIGHT - 2) - 1).toFixed(1);
  });
  const now = last === null || last === undefined ? "–" : props.say(last);
  return (
    <figure class="graph">
      <figcaption>
        {props.title}: <b>{now}</b>
      </figcaption>
      <svg viewBox={"0 0 " + WIDTH + " " + HEIGHT} role="img" aria-label={props.title + ": " + now + ", ≤ " + props.say(Math.max(...seen))} preserveAspectRatio="none">
        <path d={path} />
      </svg>
    </figure>
  );
}

/** The whole page. */
export function HealthPage() {
  const text = words().health;
  const health = useHealth();
  const [lines, setLines] = useState<LogLine[]>([]);
  const [level, setLevel] = useState("info");
  const [sought, setSought] = useState("");
  const search = (): Promise<void> =>
    getJson<Log>("/api/v1/log?level=" + level + "&words=" + encodeURIComponent(sought)).then((found) => setLines(found.lines));
  useEffect(() => void search().catch(() => undefined), [level]);
  if (!health) return null;
  const { machine, history } = health;
  const share = (value: number): string => Math.round(value * 100) + " %";
  const whole = (value: number): string => String(Math.round(value));
  return (
    <div class="settings">
      <Verdict health={health} />
      {health.findings.length > 1 && (
        <ul class="rows">
          {health.findings.slice(1).map((finding) => (
            <li key={finding.code + finding.about}>{[text.findings[finding.code] ?? finding.text, finding.about].filter(Boolean).join(" – ")}</li>
          ))}
        </ul>
      )}
      <section class="setting">
        <h2>{text.graphs}</h2>
        <div class="graphs">
          <Graph title={text.processor} curve={history.processor} most={1} say={share} />
          <Graph title={text.memory} curve={history.memory} most={1} say={share} />
          <Graph title={text.temperature} curve={history.temperature} most={90} say={(value) => Math.round(value) + " °C"} />
          <Graph title={text.conversions} curve={history.conversions} most={2} say={whole} />
          <Graph title={text.viewers} curve={history.viewers} most={4} say={whole} />
          {Object.keys(history.streams).map((name) => (
            <Graph key={name} title={text.stream(name)} curve={history.streams[name]?.bits_in ?? []} most={1e6} say={(value) => (value / 1e6).toFixed(1) + " Mbit/s"} />
          ))}
        </div>
      </section>
      <section class="setting">
        <h2>{text.disks}</h2>
        <ul class="rows">
          {machine.disks.map((disk) => (
            <li key={disk.folder}>
              {disk.folder}: {disk.missing ? text.findings["disk_missing"] : text.free(fileSize(disk.free), fileSize(disk.total))}
            </li>
          ))}
        </ul>
        {machine.links.length > 0 && <h2>{text.network}</h2>}
        <ul class="rows">
          {machine.links.map((link) => (
            <li key={link.name}>
              {link.name}: {link.up ? text.up + (link.speed ? ", " + link.speed + " Mbit/s" : "") : text.down}
            </li>
          ))}
        </ul>
      </section>
      <Form title={text.log} action={text.show} act={search}>
        <Field name="level" label={text.level}>
          {(ids) => (
            <select {...ids} value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
              {Object.keys(text.levels).map((name) => (
                <option key={name} value={name}>
                  {text.levels[name]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Text name="words" label={text.words} value={sought} onInput={setSought} />
      </Form>
      <ol class="log" tabIndex={0} aria-label={text.log}>
        {lines.length ? (
          lines
            .slice()
            .reverse()
            .map((line) => (
              <li key={line.number} class={line.level}>
                <time>{new Date(line.time).toLocaleString()}</time> {line.text}
              </li>
            ))
        ) : (
          <li>{text.none}</li>
        )}
      </ol>
      <p>
        <a class="tool" href="/api/v1/support" download="wiidia-support.json">
          {text.support}
        </a>{" "}
        {text.supportDetail}
      </p>
    </div>
  );
}
