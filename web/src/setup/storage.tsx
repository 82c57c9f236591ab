// Disks that are plugged in, and folders of a NAS. On any other machine: its own system looks after them.

import type { AddedFolder, Disk, DiskDeed, NetworkFolder, Storage as State } from "../api-types.ts";
import { fileSize, getJson, type Problem, say, send, useEffect, useState } from "../shell.ts";
import { Field, Form, Sure, Text } from "./form.tsx";
import { change, fetchSettings } from "./settings.tsx";
import { words } from "./words.ts";

const ADDRESS = "/api/v1/system/";
const REFRESH_MS = 5000;
const EMPTY = { name: "", kind: "smb", host: "", path: "", user: "", password: "", writable: "false" };

/** The page. `onChanged`: a change waits for the next start. */
export function Storage({ onChanged }: { onChanged: () => void }) {
  const text = words().storage;
  const [state, setState] = useState<State | null>(null);
  const [here, setHere] = useState(true);
  const [typed, setTyped] = useState(EMPTY);
  const type = (name: keyof typeof EMPTY) => (value: string): void => setTyped({ ...typed, [name]: value });
  const load = (): void => void getJson<State>(ADDRESS + "storage").then(setState, () => undefined);
  useEffect(() => {
    let timer = 0;
    void getJson<State>(ADDRESS + "storage").then(
      (now) => {
        setHere(now.here);
        if (!now.here) return;
        setState(now);
        timer = window.setInterval(load, REFRESH_MS);
      },
      () => undefined,
    );
    return () => clearInterval(timer);
  }, []);
  if (!here) return <p class="hint">{words().system.notHere}</p>;
  if (!state) return null;
  const failed = (thrown: Problem): void => say(thrown.detail);
  const act = (disk: Disk, deed: DiskDeed): void =>
    void send<State>("POST", ADDRESS + "disks/" + disk.device, { do: deed }).then((now) => {
      setState(now);
      say(deed === "release" ? text.released : deed === "repair" ? text.checking : words().saved);
    }, failed);
  const remove = (folder: AddedFolder): void => void send<State>("DELETE", ADDRESS + "folders/" + folder.name).then(setState, failed);
  // Adds the folder to the library's.
  const use = (folder: string): void =>
    void fetchSettings()
      .then((all) => {
        const section = all.sections.filter(({ name }) => name === "library")[0];
        const now = section?.fields.filter(({ name }) => name === "folders")[0]?.value;
        const folders = Array.isArray(now) ? now : [];
        if (!section || folders.indexOf(folder) >= 0) return say(text.inLibrary);
        return change("library", section.tag, { folders: folders.concat(folder) }).then(() => {
          say(words().saved);
          onChanged();
        });
      })
      .catch(failed);
  const room = (of: { total: number | null; free: number | null }): string =>
    of.total === null ? "" : words().health.free(fileSize(of.free ?? 0), fileSize(of.total));
  const add = (): Promise<unknown> =>
    send<State>("POST", ADDRESS + "storage", {
      name: typed.name.trim(),
      kind: typed.kind === "nfs" ? "nfs" : "smb",
      host: typed.host.trim(),
      path: typed.path.trim(),
      user: typed.user.trim() || null,
      password: typed.password || null,
      writable: typed.writable === "true",
    } satisfies NetworkFolder).then((now) => {
      setState(now);
      setTyped(EMPTY);
      say(words().saved);
    });
  return (
    <div class="settings">
      <section class="setting">
        <h2>{text.disks}</h2>
        {!state.disks.length && <p class="hint">{text.noDisks}</p>}
        <ul class="rows">
          {state.disks.map((disk) => (
            <li key={disk.device}>
              <div>
                <b>{disk.label}</b> {disk.filesystem} · {[disk.folder, room(disk), disk.folder && (disk.writable ? text.writable : text.readOnly)].filter(Boolean).join(" · ")}
                {disk.reason && <p class="wrong">{text.because(disk.reason)}</p>}
              </div>
              <div class="steps">
                {disk.folder && (
                  <button type="button" class="tool" onClick={() => use(disk.folder ?? "")}>
                    {text.use}
                  </button>
                )}
                {disk.folder && (
                  <button type="button" class="tool" onClick={() => act(disk, disk.wanted_writable ? "forbid_writing" : "allow_writing")}>
                    {disk.wanted_writable ? text.forbid : text.allow}
                  </button>
                )}
                {disk.wanted_writable && !disk.writable && <Sure label={text.repair} sure={words().system.sure} act={() => act(disk, "repair")} />}
                <button type="button" class="tool" onClick={() => act(disk, "release")}>
                  {text.release}
                </button>
              </div>
            </li>
          ))}
        </ul>
      </section>
      <section class="setting">
        <h2>{text.folders}</h2>
        {!state.folders.length && <p class="hint">{text.noFolders}</p>}
        <ul class="rows">
          {state.folders.map((folder) => (
            <li key={folder.name}>
              <div>
                <b>{folder.name}</b> {folder.source} · {folder.mounted ? [folder.folder, room(folder)].filter(Boolean).join(" · ") : text.away}
              </div>
              <div class="steps">
                <button type="button" class="tool" onClick={() => use(folder.folder)}>
                  {text.use}
                </button>
                <Sure label={text.remove} sure={words().system.sure} act={() => remove(folder)} />
              </div>
            </li>
          ))}
        </ul>
      </section>
      <Form title={text.add} detail={text.addDetail} action={text.addGo} act={add}>
        <Field name="kind" label={text.kind}>
          {(ids) => (
            <select {...ids} value={typed.kind} onChange={(event) => type("kind")(event.currentTarget.value)}>
              <option value="smb">SMB (Windows)</option>
              <option value="nfs">NFS</option>
            </select>
          )}
        </Field>
        <Text name="host" label={text.host} value={typed.host} onInput={type("host")} />
        <Text name="path" label={typed.kind === "smb" ? text.share : text.path} value={typed.path} onInput={type("path")} />
        {typed.kind === "smb" && (
          <>
            <Text name="user" label={text.user} hint={text.guest} value={typed.user} onInput={type("user")} />
            <Text name="nas-password" type="password" complete="new-password" label={text.password} value={typed.password} onInput={type("password")} />
          </>
        )}
        <Text name="name" label={text.name} hint={text.nameHint} value={typed.name} onInput={type("name")} />
        <Field name="writable" label={text.write}>
          {(ids) => (
            <select {...ids} value={typed.writable} onChange={(event) => type("writable")(event.currentTarget.value)}>
              <option value="false">{words().no}</option>
              <option value="true">{words().yes}</option>
            </select>
          )}
        </Field>
      </Form>
    </div>
  );
}
