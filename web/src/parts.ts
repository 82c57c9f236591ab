// Parts of the page that are fetched when they are wanted: each language but English, and the set-up page. A part is a script of
// its own (scripts/build.mjs), which says that it is there by `register`. It takes what it shares with the page from `shell.ts`.

/** Where the parts are: made by the build, name by name: a script, and a style sheet if the part has one. */
declare const __PARTS__: Record<string, [script: string, style?: string]>;

type Waiting = { done: (part: unknown) => void };

const loaded: Record<string, unknown> = {};
const waiting: Record<string, Waiting | undefined> = {};
const loading: Record<string, Promise<unknown> | undefined> = {};

/** The names of all parts. */
export function partNames(): string[] {
  return Object.keys(__PARTS__);
}

/** Called by a part: it is there. */
export function register(name: string, part: unknown): void {
  loaded[name] = part;
  waiting[name]?.done(part);
}

/** Fetches a part; rejects when it does not come. Asking again tries again. */
export function loadPart(name: string): Promise<unknown> {
  if (name in loaded) return Promise.resolve(loaded[name]);
  const running = loading[name];
  if (running) return running;
  const [address, style] = __PARTS__[name] ?? [];
  if (!address) return Promise.reject(new Error("there is no part " + name));
  const attempt = new Promise<unknown>((done, failed) => {
    waiting[name] = { done };
    const script = document.createElement("script");
    // Vite's own server hands out modules, the build classic scripts.
    if (/\.tsx?$/.test(address)) script.type = "module";
    script.src = address;
    script.onerror = () => {
      script.remove();
      delete loading[name];
      failed(new Error("the part " + name + " did not come"));
    };
    document.head.appendChild(script);
    if (style && !document.querySelector('link[href="' + style + '"]')) {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = style;
      document.head.appendChild(link);
    }
  });
  loading[name] = attempt;
  return attempt;
}
