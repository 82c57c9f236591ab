// A file with everything that was set, and back; and forgetting it.

import type { Backup as Archive, SentBackup, WantedBackup, WantedReset } from "../api-types.ts";
import { problemOf, say, send, useRef, useState } from "../shell.ts";
import { Field, Form, Sure, Text } from "./form.tsx";
import { words } from "./words.ts";

/** The page. `onForgotten`: there is no owner any more. */
export function Backup({ onForgotten }: { onForgotten: () => void }) {
  const text = words().backup;
  const [passphrase, setPassphrase] = useState("");
  const [theirs, setTheirs] = useState("");
  const file = useRef<HTMLInputElement>(null);

  const download = async (): Promise<void> => {
    const response = await fetch("/api/v1/backup", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ passphrase } satisfies WantedBackup),
    });
    if (!response.ok) throw await problemOf(response);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = "wiidia-backup.json";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const restore = async (): Promise<void> => {
    const chosen = file.current?.files?.[0];
    // Whether it is one is the server's to say.
    const archive = (chosen ? JSON.parse(await read(chosen)) : null) as Archive;
    await send("POST", "/api/v1/restore", { passphrase: theirs, archive } satisfies SentBackup);
    say(text.restored);
  };
  const forget = (what: WantedReset["what"]): void =>
    void send("POST", "/api/v1/reset", { what } satisfies WantedReset).then(onForgotten, (thrown: { detail: string }) => say(thrown.detail));

  return (
    <div class="settings">
      <Form title={text.make} detail={text.makeDetail} action={text.download} act={download}>
        <Text name="passphrase" type="password" complete="new-password" label={text.passphrase} hint={words().welcome.passwordHint} value={passphrase} onInput={setPassphrase} />
      </Form>
      <Form title={text.restore} action={text.restoreGo} act={restore}>
        <Field name="file" label={text.file}>
          {(ids) => <input {...ids} type="file" ref={file} accept=".json,application/json" />}
        </Field>
        <Text name="theirs" type="password" label={text.passphrase} value={theirs} onInput={setTheirs} />
      </Form>
      <section class="setting">
        <h2>{text.reset}</h2>
        <p class="hint">{text.resetDetail}</p>
        <div class="steps">
          <Sure label={text.resetSettings} sure={text.sure} act={() => forget("settings")} />
          <Sure label={text.resetAll} sure={text.sure} act={() => forget("everything")} />
        </div>
      </section>
    </div>
  );
}

// Blob.text() is younger than the televisions this has to work on.
function read(file: File): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error);
    reader.readAsText(file);
  });
}
