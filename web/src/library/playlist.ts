// Playlists for players outside the browser.

/** The address of an M3U of a folder, or of what is found in it. */
export function m3uAddress(path: string, q = ""): string {
  return "/m3u/" + path + ".m3u8" + (q ? "?q=" + encodeURIComponent(q) : "");
}
