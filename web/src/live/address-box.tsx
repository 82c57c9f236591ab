// A box for an address: of a camera, a radio station, a channel. Watched as it is, or kept as a channel.

import { useRef, useState } from "preact/hooks";
import { asProblem, goTo, Icon, strings } from "../shell.ts";
import { addSource } from "./channels.ts";

// What addresses of channels are named by default: the host and the last part of the path.
function nameFor(address: string): string {
  const match = /^[a-z0-9+.-]+:\/\/(?:[^@/]*@)?([^/:?#]+)[^?#]*?([^/?#]*)\/?(?:[?#]|$)/i.exec(address);
  const host = (match?.[1] ?? "channel").replace(/^www\./, "");
  const last = (match?.[2] ?? "").replace(/\.[a-z0-9]{1,5}$/i, "");
  return (last ? host + " " + last : host).replace(/[^\w .-]+/g, " ").trim().slice(0, 60);
}

/** The box. `onChanged`: there is one more channel. */
export function AddressBox({ onChanged }: { onChanged: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const words = strings.channels;
  const add = (watch: boolean): void => {
    const address = field.current?.value.trim() ?? "";
    if (!/^[a-z][a-z0-9+.-]*:\/\/.+/i.test(address)) {
      setError(words.wrongAddress);
      field.current?.focus();
      return;
    }
    const name = nameFor(address);
    setBusy(true);
    setError("");
    addSource(name, address).then(
      () => {
        setBusy(false);
        if (field.current) field.current.value = "";
        onChanged();
        if (watch) goTo({ view: "watch", path: encodeURIComponent(name) });
      },
      (thrown: unknown) => {
        setBusy(false);
        setError(asProblem(thrown).detail);
      },
    );
  };
  return (
    <form
      class="address-box"
      onSubmit={(event) => {
        event.preventDefault();
        add(true);
      }}
    >
      <label for="address">{words.address}</label>
      <div class="address-row">
        <input
          id="address"
          ref={field}
          type="url"
          inputmode="url"
          autocomplete="off"
          placeholder={words.addressHint}
          aria-invalid={error !== ""}
          aria-describedby={error ? "address-error" : undefined}
        />
        <button type="submit" class="tool primary" disabled={busy}>
          <Icon name="play" />
          <span>{words.open}</span>
        </button>
        <button type="button" class="tool" disabled={busy} onClick={() => add(false)}>
          <span>{words.add}</span>
        </button>
      </div>
      {error && (
        <p class="error" id="address-error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
