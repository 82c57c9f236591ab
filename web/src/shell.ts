// What the page shares with its parts (parts.ts): languages, live pictures, slideshows, the set-up page. In a part, everything that is
// imported from here, and from preact, is the page's own, so it is there once. See web/README.md.

export { Fragment, h } from "preact";
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { asProblem, fetchMedia, getJson, pictureAddress, Problem, problemOf, send } from "./api.ts";
export { focusFirst, isBackKey, takeKeys } from "./dpad.ts";
export { clock, fileSize, roughWait } from "./format.ts";
export { Icon } from "./icons.tsx";
export { chooseLanguage, chosenLanguage, languageName, languages, speaks, strings } from "./language/index.ts";
export { fetchAll } from "./library/folder.ts";
export { setViewer, viewer } from "./library/positions.ts";
export { Modal } from "./menu.tsx";
export { currentRoute, goTo, goUp, replaceWith } from "./navigate.ts";
export { Options } from "./options.tsx";
export { loadPart, register } from "./parts.ts";
export { retryDelay } from "./player/buffer.ts";
export { startEngine, unsupported } from "./player/engine.ts";
export { Frame, Round, TopBar, Waiting } from "./player/frame.tsx";
export { spread, walk, without } from "./lowered.ts";
export { leaveFullScreen, toggleFullScreen, useFullScreen } from "./player/full-screen.ts";
export { useMediaSession } from "./player/media-session.ts";
export { addressesFor, startPlainEngine } from "./player/plain-engine.ts";
export { usePlayback } from "./player/playback.ts";
export { autoplay, currentlyPlaying, loadChoice, loadVolume, setAutoplay } from "./player/preferences.ts";
export { INTERVALS, loadShow, saveShow, TRANSITIONS } from "./show-preferences.ts";
export { useFrame } from "./player/use-frame.ts";
export { queue, setQueue } from "./queue-list.ts";
export { shuffled } from "./shuffled.ts";
export { setTheme, theme, THEMES } from "./theme.ts";
export { decodeSegment, folderHash, formatHash, lastName } from "./route.ts";
export { Page, Panel, useScreenFocus, useTitle } from "./screen.tsx";
export { say } from "./toast.tsx";

export type { Entry } from "./api.ts";
export type { Option } from "./options.tsx";
export type { Queued } from "./queue-list.ts";
export type { Theme } from "./theme.ts";
export type { UploadPanelProps } from "./library/tools.tsx";
export type { IconName } from "./icons.tsx";
export type { Strings } from "./language/index.ts";
export type { PartScreenProps } from "./part-screen.tsx";
export type { Engine, Failure } from "./player/engine.ts";
export type { Route } from "./route.ts";
export type { ShowPreferences } from "./show-preferences.ts";
