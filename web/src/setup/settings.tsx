// A section of the settings as a form, made of what the server says its fields can be.

import type { ComponentChildren } from "preact";
import type { FieldProblem, Setting, SettingKind, Settings, SettingsSection, StaleSettings, UnfitSettings } from "../api-types.ts";
import { getJson, Problem, say, useState } from "../shell.ts";
import { Field, Form, type Messages } from "./form.tsx";
import { words } from "./words.ts";

export type { SettingsSection } from "../api-types.ts";

/** Changes some fields; rejects with the server's answer in full. */
export async function change(section: string, tag: string, values: Record<string, unknown>): Promise<SettingsSection> {
  const response = await fetch("/api/v1/settings/" + section, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", "If-Match": '"' + tag + '"' },
    body: JSON.stringify(values),
  });
  const said: unknown = await response.json().catch(() => ({}));
  if (response.ok) return said as SettingsSection;
  const refused = said as Partial<StaleSettings & UnfitSettings>;
  const problem = new Problem(response.status, "", refused.detail ?? String(response.status));
  throw Object.assign(problem, { present: refused.present, wrong: refused.fields ?? [] });
}

const INPUTS: Record<string, string> = { number: "number", secret: "password" };

interface Rejected extends Problem {
  present?: SettingsSection;
  wrong: FieldProblem[];
}

/** What a value looks like in its field. */
function written(setting: Setting): string {
  const { value, kind } = setting;
  if (kind.type === "secret") return "";
  if (Array.isArray(value)) return value.join(kind.type === "languages" ? ", " : "\n");
  return String(value);
}

/** … and what is sent of it. */
function read(text: string, kind: SettingKind): unknown {
  switch (kind.type) {
    case "number":
      return text.trim() === "" ? null : Number(text);
    case "flag":
      return text === "true";
    case "languages":
      return text.split(/[\s,;]+/).filter(Boolean);
    case "lines":
      return text.split("\n").filter((line) => line.trim());
    case "text":
      // An empty folder is none: the default again.
      return text.trim() === "" ? null : text;
    default:
      return text;
  }
}

/** What a person reads of a value. */
function shown(setting: Setting): string {
  const { value, kind } = setting;
  if (kind.type === "flag" || kind.type === "secret") return value ? words().yes : words().no;
  return words().choices[String(value)] ?? (written(setting) || words().nothing);
}

/** The form. `only`: just these fields. `preset`: what stands in empty fields at first. */
export function SectionForm(props: {
  section: SettingsSection;
  only?: string[];
  preset?: Record<string, string>;
  title?: string;
  action?: string;
  /** Beside the button. */
  more?: ComponentChildren;
  onSaved: (section: SettingsSection) => void;
}) {
  const text = words();
  const [base, setBase] = useState(props.section);
  const [typed, setTyped] = useState<Record<string, string>>(props.preset ?? {});
  const [wrong, setWrong] = useState<Messages>({});
  const [meanwhile, setMeanwhile] = useState<SettingsSection | null>(null);
  const [before, setBefore] = useState<Record<string, unknown> | null>(null);
  const fields = base.fields.filter(({ name }) => (props.only ? props.only.indexOf(name) >= 0 : name !== "greeted"));

  const save = async (values: Record<string, unknown>, undo: Record<string, unknown> | null): Promise<void> => {
    try {
      const saved = await change(base.name, base.tag, values);
      setBase(saved);
      setTyped({});
      setWrong({});
      setMeanwhile(null);
      setBefore(undo);
      say(undo ? text.saved : text.undone);
      props.onSaved(saved);
    } catch (thrown) {
      const { present, wrong: messages } = thrown as Rejected;
      if (present) {
        // Their tag, our entries: saving again keeps ours, and nobody has lost anything unseen.
        setBase({ ...base, tag: present.tag });
        setMeanwhile(present);
        throw new Problem(412, "", text.conflict);
      }
      const found: Messages = {};
      (messages ?? []).forEach(({ field, message }) => (found[base.name + "." + field] = message));
      setWrong(found);
      throw thrown;
    }
  };

  const act = (): Promise<void> => {
    const values: Record<string, unknown> = {};
    const undo: Record<string, unknown> = {};
    fields.forEach((setting) => {
      const entry = typed[setting.name];
      if (entry === undefined || (entry === written(setting) && setting.kind.type !== "secret")) return;
      values[setting.name] = read(entry, setting.kind);
      if (setting.kind.type !== "secret") undo[setting.name] = setting.value === setting.default ? null : setting.value;
    });
    return Object.keys(values).length ? save(values, undo) : Promise.resolve(props.onSaved(base));
  };

  return (
    <Form
      title={props.title ?? (text.pages[base.name] ?? [""])[0]}
      action={props.action ?? text.save}
      act={act}
      wrong={wrong}
      more={
        props.more ??
        (before && Object.keys(before).length > 0 && (
          <button type="button" class="tool" onClick={() => void save(before, null).catch((thrown: Problem) => say(thrown.detail))}>
            {text.undo}
          </button>
        ))
      }
    >
      {fields.map((setting) => {
        const key = base.name + "." + setting.name;
        const [label, about] = text.fields[key] ?? [setting.name, ""];
        const { kind } = setting;
        const theirs = meanwhile?.fields.filter(({ name }) => name === setting.name)[0];
        const notes = [
          about,
          setting.locked && text.locked(setting.locked),
          kind.type === "secret" && setting.value && text.secretSet,
          setting.applies === "at_restart" && text.afterRestart,
          theirs && shown(theirs) !== shown(setting) && text.now(shown(theirs)),
        ];
        const hint = notes.filter(Boolean).join(" ");
        const value = typed[setting.name] ?? written(setting);
        const input = (entry: string): void => setTyped({ ...typed, [setting.name]: entry });
        return (
          <Field key={key} name={key} label={kind.type === "number" ? label + " (" + kind.unit + ")" : label} hint={hint} message={wrong[key]}>
            {(ids) =>
              setting.locked ? (
                <output {...ids}>{shown(setting)}</output>
              ) : kind.type === "choice" || kind.type === "flag" || (kind.type === "text" && kind.form === "page_language") ? (
                <select {...ids} value={value} onChange={(event) => input(event.currentTarget.value)}>
                  {(kind.type === "flag" ? ["false", "true"] : kind.type === "choice" ? kind.of : ["", "en", "de"]).map((one) => (
                    <option key={one} value={one}>
                      {text.choices[one] ?? one}
                    </option>
                  ))}
                </select>
              ) : kind.type === "lines" ? (
                <textarea {...ids} rows={3} value={value} onInput={(event) => input(event.currentTarget.value)} />
              ) : (
                <input
                  {...(Object.assign({ type: INPUTS[kind.type] ?? "text" }, kind.type === "number" && { min: kind.min, max: kind.max }, ids) as object)}
                  autocomplete={kind.type === "secret" ? "new-password" : "off"}
                  value={value}
                  onInput={(event) => input(event.currentTarget.value)}
                />
              )
            }
          </Field>
        );
      })}
    </Form>
  );
}

/** A secret is taken away by a button: an empty field leaves it as it is. */
export function RemoveSecret({ section, onSaved }: { section: SettingsSection; onSaved: (section: SettingsSection) => void }) {
  const secret = section.fields.filter(({ kind, value, locked }) => kind.type === "secret" && value && !locked)[0];
  if (!secret) return null;
  const act = (): void =>
    void change(section.name, section.tag, { [secret.name]: null }).then(onSaved, (thrown: Problem) => say(thrown.detail));
  return (
    <button type="button" class="tool" onClick={act}>
      {words().removeSecret}
    </button>
  );
}

/** All sections, as they are now. */
export function fetchSettings(): Promise<Settings> {
  return getJson("/api/v1/settings");
}
