// What the compiler needs where a browser of 2016 lacks something, in the place of its own helpers (scripts/compile.mjs): those keep
// getters and symbols, of which the page has none, and would be in each of its parts.

/** `{ ...a }`. */
export const spread = Object.assign;

/** `const { a, ...rest } = b`: a copy without these. */
export function without(from: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const rest = Object.assign({}, from);
  names.forEach((name) => delete rest[name]);
  return rest;
}

type Step = "next" | "throw";

/** `async`: runs a generator to its end, waiting for what it yields. */
export function walk(make: (...given: unknown[]) => Generator): (...given: unknown[]) => Promise<unknown> {
  return function (this: unknown, ...given) {
    return new Promise((done, failed) => {
      const run = make.apply(this, given);
      const step = (how: Step) => (value: unknown): void => {
        try {
          const next = run[how](value);
          if (next.done) done(next.value);
          else Promise.resolve(next.value).then(step("next"), step("throw"));
        } catch (thrown) {
          failed(thrown);
        }
      };
      step("next")(undefined);
    });
  };
}
