// Where live pictures come from: capture devices with their controls beside the picture, and addresses of the network, tried first.

import type { CaptureDevice, DeviceControl, Devices, Source, Sources, WrittenSource } from "../api-types.ts";
import { formatHash, getJson, type Problem, say, send, useEffect, useRef, useState } from "../shell.ts";
import { Field, Form, Sure, Text } from "./form.tsx";
import { words } from "./words.ts";

const ADDRESS = "/api/v1/sources";
const REFRESH_MS = 2500;
// A slider that is drawn sends where it is so often.
const SLIDE_MS = 150;

/** The page. */
export function SourcesPage() {
  const text = words().sources;
  const [sources, setSources] = useState<Source[]>([]);
  const [devices, setDevices] = useState<CaptureDevice[]>([]);
  const [shown, setShown] = useState("");
  const load = (): void => {
    void getJson<Sources>(ADDRESS).then((all) => setSources(all.sources), () => undefined);
    void getJson<Devices>("/api/v1/devices").then((all) => setDevices(all.devices), () => undefined);
  };
  useEffect(() => {
    load();
    const timer = window.setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const failed = (thrown: Problem): void => say(thrown.detail);
  const remove = (name: string): void => void send("DELETE", ADDRESS + "/" + encodeURIComponent(name)).then(load, failed);
  const use = (device: CaptureDevice): void => {
    const name = device.name.replace(/[^\w .-]+/g, " ").trim().slice(0, 40) || device.id;
    const wanted: WrittenSource = { name, device: device.id, mode: "on_demand" };
    void send("POST", ADDRESS, wanted).then(() => {
      load();
      setShown(name);
    }, failed);
  };
  const open = sources.filter(({ name }) => name === shown)[0];
  return (
    <div class="settings">
      <section class="setting">
        <h2>{text.present}</h2>
        {!sources.length && <p class="hint">{text.none}</p>}
        <ul class="rows">
          {sources.map((source) => (
            <li key={source.name}>
              <div>
                <b>{source.name}</b> {source.url ?? source.device} · {text.states[source.state]}
                {source.reason && <p class="wrong">{source.reason}</p>}
              </div>
              <div class="steps">
                <button type="button" class="tool" aria-expanded={shown === source.name} onClick={() => setShown(shown === source.name ? "" : source.name)}>
                  {text.look}
                </button>
                {source.origin === "api" && <Sure label={text.remove} sure={words().system.sure} act={() => remove(source.name)} />}
              </div>
            </li>
          ))}
        </ul>
        {open && <Opened key={open.name} source={open} device={devices.filter(({ id }) => id === open.captured?.id || id === open.device)[0]} onChanged={load} />}
      </section>
      <section class="setting">
        <h2>{text.devices}</h2>
        {!devices.length && <p class="hint">{text.noDevices}</p>}
        <ul class="rows">
          {devices.map((device) => (
            <li key={device.id}>
              <div>
                <b>{device.name}</b> {device.node}
                {device.problem && <p class="wrong">{device.problem}</p>}
              </div>
              {!sources.some(({ device: used, captured }) => used === device.id || captured?.id === device.id) && (
                <button type="button" class="tool" onClick={() => use(device)}>
                  {text.use}
                </button>
              )}
            </li>
          ))}
        </ul>
      </section>
      <Try
        onTried={(name) => {
          load();
          setShown(name);
        }}
      />
    </div>
  );
}

// An address becomes a source that is looked at; who does not like it removes it again.
function Try({ onTried }: { onTried: (name: string) => void }) {
  const text = words().sources;
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [mode, setMode] = useState("on_demand");
  const act = (): Promise<unknown> =>
    send("POST", ADDRESS, { name: name.trim(), url: url.trim(), mode } satisfies WrittenSource).then(() => {
      setName("");
      setUrl("");
      onTried(name.trim());
    });
  return (
    <Form title={text.add} detail={text.addDetail} action={text.try} act={act}>
      <Text name="source-name" label={text.name} value={name} onInput={setName} />
      <Text name="source-url" type="url" label={text.url} hint={text.urlHint} value={url} onInput={setUrl} />
      <Field name="source-mode" label={text.mode}>
        {(ids) => (
          <select {...ids} value={mode} onChange={(event) => setMode(event.currentTarget.value)}>
            <option value="on_demand">{text.onDemand}</option>
            <option value="always">{text.always}</option>
          </select>
        )}
      </Field>
    </Form>
  );
}

// A source while it is looked at: its picture, or why there is none; beside it what its device can be set to.
function Opened({ source, device, onChanged }: { source: Source; device: CaptureDevice | undefined; onChanged: () => void }) {
  const text = words().sources;
  return (
    <div class="source">
      <div>
        <Picture name={source.name} />
        <p role="status">
          {text.states[source.state]}
          {source.video && " · " + source.video.codec + (source.video.width ? " " + source.video.width + " × " + source.video.height : "")}
          {source.audio && " · " + source.audio.codec}
        </p>
        {source.warnings.map((warning) => (
          <p class="hint" key={warning}>
            {warning}
          </p>
        ))}
        <p>
          <a class="tool" href={formatHash({ view: "watch", path: encodeURIComponent(source.name) })}>
            {text.watch}
          </a>
        </p>
      </div>
      {device && (
        <div>
          {source.origin === "api" && <Capture source={source} device={device} onChanged={onChanged} />}
          {(device.controls ?? []).map((control) => (
            <Control key={control.name} device={device.id} control={control} />
          ))}
        </div>
      )}
    </div>
  );
}

// Watching is what starts a source; when it breaks off, it is tried again.
function Picture({ name }: { name: string }) {
  const [turn, setTurn] = useState(0);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const again = (): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setTurn((n) => n + 1), REFRESH_MS);
  };
  return <video key={turn} src={"/live/" + encodeURIComponent(name) + ".mp4"} autoplay muted playsInline aria-label={name} onError={again} onEnded={again} />;
}

// How a device is used: holds when the source starts again, which saving lets it do.
function Capture({ source, device, onChanged }: { source: Source; device: CaptureDevice; onChanged: () => void }) {
  const text = words().sources;
  const now = source.settings;
  const [wanted, setWanted] = useState<Record<string, string>>({});
  const value = (name: "size" | "rate" | "input" | "format" | "audio"): string => wanted[name] ?? String(now?.[name] ?? "");
  const sizes: string[] = [];
  const rates: string[] = [];
  (device.formats ?? []).forEach((format) =>
    format.sizes.forEach(({ width, height, rates: each }) => {
      const size = width + "x" + height;
      if (sizes.indexOf(size) < 0) sizes.push(size);
      (each ?? []).forEach(([top, bottom]) => {
        const rate = String(Math.round((top ?? 0) / (bottom || 1)));
        if (rates.indexOf(rate) < 0) rates.push(rate);
      });
    }),
  );
  const offered: ["size" | "rate" | "input" | "format" | "audio", string[]][] = [
    ["size", sizes],
    ["rate", rates],
    ["input", (device.inputs ?? []).map((input) => input.name)],
    ["format", (device.formats ?? []).map((format) => format.fourcc.toLowerCase())],
    ["audio", ["none"].concat((device.audio ?? []).map((audio) => audio.id))],
  ];
  const save = (): Promise<unknown> => {
    const changed: WrittenSource = {
      ...(now ?? { name: source.name, device: device.id }),
      size: value("size") || null,
      rate: value("rate") ? Number(value("rate")) : null,
      input: value("input") || null,
      format: value("format") || null,
      audio: value("audio") || null,
    };
    return send("PUT", ADDRESS + "/" + encodeURIComponent(source.name), changed).then(() => {
      setWanted({});
      say(words().saved);
      onChanged();
    });
  };
  return (
    <Form title={text.capture} action={words().save} act={save}>
      {offered
        .filter(([, choices]) => choices.length > 0)
        .map(([name, choices]) => (
          <Field key={name} name={"capture-" + name} label={text.parts[name] ?? name}>
            {(ids) => (
              <select {...ids} value={value(name)} onChange={(event) => setWanted({ ...wanted, [name]: event.currentTarget.value })}>
                <option value="">{text.auto}</option>
                {choices.map((choice) => (
                  <option key={choice} value={choice}>
                    {choice}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ))}
    </Form>
  );
}

// One thing that can be turned at the device; it holds at once, and is seen in the picture.
function Control({ device, control }: { device: string; control: DeviceControl }) {
  const [value, setValue] = useState(control.value ?? control.default);
  const timer = useRef(0);
  useEffect(() => setValue(control.value ?? control.default), [control.value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const turn = (to: number): void => {
    setValue(to);
    clearTimeout(timer.current);
    const sent = control.kind === "switch" ? to !== 0 : to;
    timer.current = window.setTimeout(
      () => void send("PUT", "/api/v1/devices/" + encodeURIComponent(device) + "/controls", { [control.name]: sent }).catch((thrown: Problem) => say(thrown.detail)),
      SLIDE_MS,
    );
  };
  const off = control.inactive || control.read_only;
  if (control.kind === "button")
    return (
      <button type="button" class="tool" disabled={off} onClick={() => turn(1)}>
        {control.label}
      </button>
    );
  return (
    <Field name={"control-" + control.name} label={control.label + (control.kind === "number" ? ": " + value : "")}>
      {(ids) =>
        control.kind === "number" ? (
          <input
            {...ids}
            type="range"
            min={control.minimum}
            max={control.maximum}
            step={control.step || 1}
            value={value}
            disabled={off}
            onInput={(event) => turn(Number(event.currentTarget.value))}
          />
        ) : (
          <select {...ids} value={String(value)} disabled={off} onChange={(event) => turn(Number(event.currentTarget.value))}>
            {(control.kind === "menu" ? (control.choices ?? []) : [0, 1].map((flag) => ({ value: flag, label: flag ? words().yes : words().no }))).map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.label}
              </option>
            ))}
          </select>
        )
      }
    </Field>
  );
}
