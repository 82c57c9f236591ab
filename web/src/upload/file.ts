// One file on its way to the server. By XMLHttpRequest: only that tells how much has been sent.

import { strings } from "../shell.ts";

/** Uploads `file` into folder `path`. `done` resolves to null, or to why it failed; it never rejects. */
export function uploadFile(
  path: string,
  file: File,
  onProgress: (sent: number) => void,
): { done: Promise<string | null>; stop: () => void } {
  const request = new XMLHttpRequest();
  const done = new Promise<string | null>((resolve) => {
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => resolve(request.status < 300 ? null : reasonIn(request));
    request.onerror = () => resolve(strings.problem.offlineDetail);
    request.onabort = () => resolve(strings.cancel);
  });
  const folder = path ? path + "/" : "";
  request.open("PUT", "/api/v1/upload/" + folder + encodeURIComponent(file.name) + "?size=" + file.size);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
  return { done, stop: () => request.abort() };
}

function reasonIn({ responseText, status }: XMLHttpRequest): string {
  try {
    return String((JSON.parse(responseText) as { detail?: unknown }).detail || strings.problem.status(status));
  } catch {
    return strings.problem.status(status);
  }
}
