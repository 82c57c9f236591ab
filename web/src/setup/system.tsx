// The box: network, clock, updates, power. On any other machine each part says that it is not there.

import type { Problem as Said, System as Box, WantedNetwork, WantedPower, WantedTrialEnd, WantedUpdate } from "../api-types.ts";
import { getJson, Problem, say, send, useEffect, useRef, useState } from "../shell.ts";
import { Field, Form, Sure, Text } from "./form.tsx";
import { words } from "./words.ts";

const ADDRESS = "/api/v1/system";

// An update as a file, with how far it has come. fetch() does not say.
function Upload({ onDone }: { onDone: () => void }) {
  const text = words().system;
  const [sent, setSent] = useState<number | null>(null);
  const file = useRef<HTMLInputElement>(null);
  const act = (): Promise<void> =>
    new Promise((done, failed) => {
      const chosen = file.current?.files?.[0];
      if (!chosen) return failed(new Problem(400, "", text.noFile));
      const request = new XMLHttpRequest();
      request.upload.onprogress = ({ loaded, total }) => setSent(total ? loaded / total : 0);
      request.onerror = () => failed(new Problem(0, "", text.brokeOff));
      request.onload = () => {
        if (request.status === 202) return done();
        const said = parsed(request.responseText);
        failed(new Problem(request.status, "", said.detail ?? text.brokeOff));
      };
      request.onloadend = () => {
        setSent(null);
        onDone();
      };
      request.open("PUT", ADDRESS + "/update");
      request.send(chosen);
    });
  return (
    <Form title={text.upload} detail={text.uploadDetail} action={text.send} act={act}>
      <Field name="bundle" label={text.file}>
        {(ids) => <input {...ids} type="file" ref={file} accept=".raucb" />}
      </Field>
      {sent !== null && (
        <p role="status">
          <progress value={sent} max={1} /> {Math.round(sent * 100)} %
        </p>
      )}
    </Form>
  );
}

function parsed(text: string): Partial<Said> {
  try {
    return JSON.parse(text) as Partial<Said>;
  } catch {
    return {};
  }
}

/** The page. */
export function System() {
  const text = words().system;
  const [system, setSystem] = useState<Box | null>(null);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const entry = (name: string): string => typed[name] ?? "";
  const type = (name: string) => (value: string): void => setTyped({ ...typed, [name]: value });
  const load = (): void => void getJson<Box>(ADDRESS).then(setSystem, () => undefined);
  useEffect(() => {
    load();
    // A trial counts down, an update goes on.
    const timer = window.setInterval(load, 5000);
    return () => clearInterval(timer);
  }, []);
  if (!system) return null;
  if (!system.here) return <p class="hint">{text.notHere}</p>;
  const ask = (method: string, part: string, body: unknown): Promise<unknown> => send(method, ADDRESS + part, body).then(load);
  const press = (part: string, body: WantedPower | WantedTrialEnd | WantedUpdate): void => void ask("POST", part, body).catch((thrown: { detail: string }) => say(thrown.detail));
  const sockets = (system.interfaces ?? []).filter(({ kind }) => kind === "ether" || kind === "wlan");
  const fixed = entry("mode") === "static";
  const socket = entry("interface") || (sockets[0]?.name ?? "");
  const network: WantedNetwork = fixed
    ? {
        interface: socket,
        mode: "static",
        address: entry("address").trim(),
        gateway: entry("gateway").trim() || null,
        dns: entry("dns").split(/[\s,]+/).filter(Boolean),
      }
    : { interface: socket, mode: "dhcp" };
  return (
    <div class="settings">
      {system.trial !== null && (
        <section class="setting" role="alert">
          <p>{text.waiting(system.trial)}</p>
          <div class="steps">
            <button type="button" class="tool primary" onClick={() => press("/network", { trial: "keep" })}>
              {text.confirm}
            </button>
            <button type="button" class="tool" onClick={() => press("/network", { trial: "revert" })}>
              {text.revert}
            </button>
          </div>
        </section>
      )}
      <Form title={text.network} detail={text.trialWarning} action={text.trial} act={() => ask("PUT", "/network", network)}>
        <ul class="rows">
          {sockets.map(({ name, state, addresses }) => (
            <li key={name}>
              {name}: {state}, {addresses.join(", ") || "–"}
            </li>
          ))}
        </ul>
        <Field name="interface" label={text.interface}>
          {(ids) => (
            <select {...ids} value={network.interface} onChange={(event) => type("interface")(event.currentTarget.value)}>
              {sockets.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field name="mode" label={text.address.split(/,/)[0] ?? ""}>
          {(ids) => (
            <select {...ids} value={network.mode} onChange={(event) => type("mode")(event.currentTarget.value)}>
              <option value="dhcp">{text.dhcp}</option>
              <option value="static">{text.static}</option>
            </select>
          )}
        </Field>
        {fixed && (
          <>
            <Text name="address" label={text.address} value={entry("address")} onInput={type("address")} />
            <Text name="gateway" label={text.gateway} value={entry("gateway")} onInput={type("gateway")} />
            <Text name="dns" label={text.dns} value={entry("dns")} onInput={type("dns")} />
          </>
        )}
      </Form>
      {system.clock && (
        <section class="setting">
          <h2>{text.clock}</h2>
          <p>
            {text.time(new Date(system.clock.time * 1000).toLocaleString())} {system.clock.zone}. {system.clock.synchronized ? text.synced : text.notSynced}
          </p>
        </section>
      )}
      {system.update && <Upload onDone={load} />}
      {system.update && (
        <Form title={text.update} action={text.install} act={() => ask("POST", "/update", { url: entry("url").trim() } satisfies WantedUpdate)}>
          {system.update.booted && (
            <p>
              {text.running(system.update.booted.slot, system.update.booted.version)} {system.update.booted.trial && text.onTrial}
            </p>
          )}
          {system.update.booted?.failed && <p class="wrong">{text.takenBack(system.update.booted.failed.slot, system.update.booted.failed.reason)}</p>}
          {system.update.operation !== "idle" && (
            <p role="status">
              <progress value={system.update.percent} max={100} /> {system.update.step}
            </p>
          )}
          {system.update.last_error && <p class="wrong">{system.update.last_error}</p>}
          <Text name="url" type="url" label={text.url} value={entry("url")} onInput={type("url")} />
          <Sure label={text.previous} sure={text.sure} act={() => press("/update", { boot: "other" })} />
        </Form>
      )}
      <Form title={text.ssh} detail={text.sshDetail} action={words().save} act={() => ask("PUT", "/ssh", { keys: entry("keys").split("\n").filter((key) => key.trim()) }).then(() => say(words().saved))}>
        <Field name="keys" label={text.keys} hint={text.keysHint}>
          {(ids) => <textarea {...ids} rows={3} value={entry("keys")} onInput={(event) => type("keys")(event.currentTarget.value)} />}
        </Field>
      </Form>
      <section class="setting">
        <h2>{text.power}</h2>
        <div class="steps">
          <Sure label={text.reboot} sure={text.sure} act={() => press("/power", { action: "reboot" })} />
          <Sure label={text.off} sure={text.sure} act={() => press("/power", { action: "off" })} />
        </div>
      </section>
    </div>
  );
}
