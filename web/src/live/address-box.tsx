// A box for an address: of a camera, a radio station, a channel. Watched as it is, or kept as a channel.

import { useRef, useState } from "preact/hooks";
import type { WebAddress } from "../api-types.ts";
import { asProblem, clock, formatHash, goTo, Icon, strings } from "../shell.ts";
import { addSource, resolveAddress } from "./channels.ts";

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
  const [found, setFound] = useState<WebAddress | null>(null);
  const show = (web: WebAddress): void => {
    if (web.entries.length > 1) setFound(web);
    else if (web.kind === "stream" && web.live) goTo({ view: "watch", path: encodeURIComponent(web.live) });
    else goTo({ view: "play", path: web.path });
  };
  const words = strings.channels;
  const add = (watch: boolean): void => {
    const address = field.current?.value.trim() ?? "";
    if (!/^[a-z][a-z0-9+.-]*:\/\/.+/i.test(address)) {
      setError(words.wrongAddress);
      field.current?.focus();
      return;
    }
    setBusy(true);
    setError("");
    setFound(null);
    const done = (going: Promise<unknown>): void =>
      void going.then(
        () => setBusy(false),
        (thrown: unknown) => {
          setBusy(false);
          setError(asProblem(thrown).detail);
        },
      );
    // What the web has is watched as it is, films with their whole length; everything else becomes a channel.
    if (watch && /^https?:/i.test(address)) return done(resolveAddress(address).then(show));
    const name = nameFor(address);
    done(
      addSource(name, address).then(() => {
        if (field.current) field.current.value = "";
        onChanged();
        if (watch) goTo({ view: "watch", path: encodeURIComponent(name) });
      }),
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
      {busy && <p role="status">{strings.loading}</p>}
      {found && (
        <section class="recordings" aria-label={found.title}>
          <h2>{found.title}</h2>
          {found.notice && <p class="facts reason">{found.notice}</p>}
          <ul>
            {found.entries.map(({ title, path, duration }) => (
              <li key={path}>
                <a class="file file-list" href={formatHash({ view: "play", path })}>
                  <span class="still still-video">
                    <Icon name="video" />
                    {duration != null && <span class="length">{clock(duration)}</span>}
                  </span>
                  <span class="about">
                    <span class="name">{title}</span>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {error && (
        <p class="error" id="address-error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
