// Uploading files into a folder, one after the other, with their progress.

import { useEffect, useRef, useState } from "preact/hooks";
import { fileSize, Icon, Modal, strings, type UploadPanelProps } from "../shell.ts";
import { uploadFile } from "./file.ts";

interface Item {
  file: File;
  state: "waiting" | "running" | "done" | "failed" | "stopped";
  sent: number;
  reason: string;
}

/** The panel over the library. */
export function UploadPanel(props: UploadPanelProps) {
  const [items, setItems] = useState<Item[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const running = useRef<{ file: File; stop: () => void } | null>(null);
  const gone = useRef(false);
  const words = strings.upload;

  const change = (file: File, by: Partial<Item>): void =>
    setItems((before) => before.map((item) => (item.file === file ? { ...item, ...by } : item)));
  const add = (files: FileList | null | undefined): void => {
    const added = Array.from(files ?? []).map((file): Item => ({ file, state: "waiting", sent: 0, reason: "" }));
    setItems((before) => before.concat(added));
  };
  const stop = ({ file, state }: Item): void => {
    if (state === "running") running.current?.stop();
    change(file, { state: "stopped" });
  };

  useEffect(() => {
    const next = items.filter((item) => item.state === "waiting")[0];
    if (!next || running.current) return;
    const { file } = next;
    change(file, { state: "running" });
    const upload = uploadFile(props.path, file, (sent) => !gone.current && change(file, { sent }));
    running.current = { file, stop: upload.stop };
    upload.done.then((reason) => {
      running.current = null;
      if (gone.current) return;
      if (reason === null) props.onDone();
      setItems((before) =>
        before.map((item) => {
          if (item.file !== file || item.state === "stopped") return item;
          return reason === null ? { ...item, state: "done", sent: file.size } : { ...item, state: "failed", reason };
        }),
      );
    });
  }, [items]);
  useEffect(
    () => () => {
      gone.current = true;
      running.current?.stop();
    },
    [],
  );

  return (
    <Modal title={words.title(props.title)} onClose={props.onClose}>
      <div
        class="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          add(event.dataTransfer?.files);
        }}
      >
        <input
          class="unseen"
          type="file"
          multiple
          tabIndex={-1}
          aria-hidden="true"
          data-skip
          ref={picker}
          onChange={() => add(picker.current?.files)}
        />
        <button type="button" class="tool primary" data-first onClick={() => picker.current?.click()}>
          <Icon name="upload" />
          <span>{words.choose}</span>
        </button>
        <p>{words.drop}</p>
      </div>
      <ul class="uploads" role="status">
        {items.map((item) => (
          <li key={item.file.name + item.file.lastModified}>
            <span class="name">{item.file.name}</span>
            <progress max={Math.max(1, item.file.size)} value={item.sent} aria-label={item.file.name} />
            <span class="facts">{stateOf(item)}</span>
            {(item.state === "waiting" || item.state === "running") && (
              <button type="button" class="quiet" onClick={() => stop(item)} aria-label={words.stop(item.file.name)}>
                {strings.cancel}
              </button>
            )}
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function stateOf({ state, file, sent, reason }: Item): string {
  const words = strings.upload;
  if (state === "running") return words.state(fileSize(sent), fileSize(file.size));
  if (state === "done") return words.done;
  if (state === "failed") return words.failed(reason);
  return state === "stopped" ? strings.cancel : words.waiting;
}
