// Made by scripts/api-types.mjs from docs/openapi.json: change the server's types instead.

/** This program. */
export interface About {
  /** What others have written, and the program holds. */
  crates: Crate[];
  /** What it converts with, by name and version: "GStreamer 1.22.0". */
  framework: string;
  /** Of the program itself, as SPDX writes it. */
  licence: string;
  name: string;
  /** Since the server began, in seconds. */
  uptime: number;
  version: string;
}

/** What the background does now. */
export type Activity = "off" | "walking" | "looking" | "paused" | "idle";

/** A folder of a NAS that was added, as it is now. */
export interface AddedFolder {
  /** Where its files are. */
  folder: string;
  /** Bytes. */
  free: number | null;
  /** It is there now; if not, it is tried again every minute. */
  mounted: boolean;
  /** What it is called. */
  name: string;
  /** The NAS and the folder there: `//nas/films`, `nas:/films`. */
  source: string;
  /** Bytes. */
  total: number | null;
}

/** How a socket gets its address. */
export type Addressing = {
  mode: "dhcp";
} | {
  /** With its length: `192.168.1.20/24`. */
  address: string;
  /** Name servers. */
  dns?: string[];
  /** The router. */
  gateway: string | null;
  mode: "static";
};

/** The sound as it is sent. */
export type Audio = Fate & {
  codec: string;
};

/** One of the sounds of a file. */
export interface AudioTrack {
  /** Channels; 0 when its headers do not say. */
  channels: number;
  /** This one is converted. */
  chosen: boolean;
  /** The codec in words. */
  codec: string;
  /** This one plays when nobody chooses. */
  default: boolean;
  /** ISO 639, as the file spells it. */
  language: string | null;
  /** The file's own name for it: "Director's commentary". */
  title: string | null;
}

/** A sealed backup. */
export interface Backup {
  /** When, in seconds since 1970. */
  made: number;
  nonce: string;
  salt: string;
  sealed: string;
  /** The server that made it. */
  version: string;
  /** The shape of this; another one is refused. */
  wiidia_backup: number;
}

/** Small pictures for the seek bar, all in one JPEG. */
export interface Bar {
  address: string;
  /** Tiles in a row. */
  columns: number;
  height: number;
  /** What each tile shows, in seconds, row by row. */
  times: number[];
  /** Pixels of one tile. */
  width: number;
}

/** The system that runs, as the boot has written it down. */
export interface BootedSystem {
  failed: TakenBack | null;
  /** `A` or `B`. */
  slot: string;
  /** It has not served for long enough yet to be kept. */
  trial?: boolean;
  /** Its version. */
  version: string;
}

/** Finished conversions. */
export interface Cache {
  added: number;
  /** The one used last comes first; at most [`MAX_LISTED`]. */
  conversions: KeptConversion[];
  free: number | null;
  /** `encoded`, `all` or `nothing`. */
  keep: string;
  keep_free: number;
  kept: CacheSum;
  /** Bytes. */
  limit: number;
  passing: CacheSum;
  /** Since the server began. */
  restored: number;
}

/** How many, and their bytes. */
export interface CacheSum {
  bytes: number;
  count: number;
}

/** A device that pictures can be captured from. */
export interface CaptureDevice {
  /** The sound that comes by the same plug. */
  audio?: DeviceAudio[];
  /** Brightness and the like. */
  controls?: DeviceControl[];
  /** The kernel's driver for it. */
  driver: string;
  /** The codings of pictures that it has. */
  formats?: DeviceFormat[];
  /** What it is called in settings: stays the same when it is plugged in again, and after a restart. */
  id: string;
  /** Its sockets. */
  inputs?: DeviceInput[];
  /** Other stable names: links in `/dev/v4l`. */
  links?: string[];
  /** What it calls itself. */
  name: string;
  /** Its node now; changes with the order in which devices are plugged in. */
  node: string;
  /** Why nothing more is known of it, in words; `None`: all is well. */
  problem: string | null;
}

/** The device that a source captures from. */
export interface Captured {
  /** Its stable name. */
  id: string;
  /** What comes from it. */
  mode: string;
}

/** Whose a certificate is. */
export type CertificateOrigin = "own" | "uploaded";

export interface Chapter {
  start: number;
  title: string;
}

/** What the clock says. */
export interface Clock {
  /** It is to be set by the network. */
  by_network: boolean;
  /** The network has set it. */
  synchronized: boolean;
  /** Seconds since 1970. */
  time: number;
  /** The time zone's name. */
  zone: string;
}

/** How a component is, as `/api/v1/components` shows it. */
export interface Component {
  /** Its name. */
  name: string;
  /** What people ought to know. */
  notice: string;
  /** The version that a rollback goes to. */
  previous: string | null;
  /** The version that is used. */
  version: string | null;
}

/** What to install. */
export interface ComponentOrder {
  /** Which; the newest when it is not said. */
  version?: string | null;
}

/** Programs that are not part of this one. */
export interface Components {
  components: Component[];
}

/** What can be chosen in a file, and what it says of itself. */
export interface Contents {
  audio: Track[];
  chapters: Chapter[];
  subtitles: Track[];
  tags: Record<string, string>;
  /** What is missing, and why. */
  warnings: string[];
}

/** A part of the program that others have written. */
export interface Crate {
  /** As SPDX writes it. */
  licence: string;
  name: string;
  version: string;
}

/** Numbers of one kind over time, the latest last; null where there was none. */
export type Curve = (number | null)[];

/** A sound device that records. */
export interface DeviceAudio {
  /** Card and device now. */
  card: number;
  /** See `card`. */
  device: number;
  /** ALSA's name for it by the card's own name, which stays: `hw:CARD=MS2109,DEV=0`. */
  id: string;
  /** What it calls itself. */
  name: string;
}

/** A choice of a menu. */
export interface DeviceChoice {
  /** What it is. */
  label: string;
  /** What to set. */
  value: number;
}

/** Something to turn. */
export interface DeviceControl {
  /** The choices of a menu. */
  choices?: DeviceChoice[];
  /** What it is from the factory. */
  default: number;
  /** It has no effect now: another control has to be changed first. */
  inactive: boolean;
  /** What values it takes. */
  kind: DeviceControlKind;
  /** Its name for people, in the driver's words. */
  label: string;
  /** Greatest value. */
  maximum: number;
  /** Least value. */
  minimum: number;
  /** Its name in settings: `white_balance_automatic`. */
  name: string;
  /** It cannot be set. */
  read_only: boolean;
  /** Distance of values. */
  step: number;
  /** What it is now; `None` where that cannot be told. */
  value: number | null;
}

/** What values a control takes. */
export type DeviceControlKind = "number" | "switch" | "menu" | "button";

/** A coding of pictures. */
export interface DeviceFormat {
  /** In the driver's words. */
  description: string;
  /** Four letters, as the kernel has them. */
  fourcc: string;
  /** The sizes in which it comes. */
  sizes: DeviceSize[];
}

/** A socket of a device. */
export interface DeviceInput {
  /** What the driver calls it. */
  name: string;
  /** Nothing is plugged into it, as far as the driver can tell. */
  no_signal: boolean;
  /** It is the one in use. */
  selected: boolean;
  /** Television standards that it can be set to. */
  standards?: string[];
}

/** A size, or all sizes between two. */
export interface DeviceSize {
  /** Pixels; the largest where it is a range. */
  height: number;
  /** The smallest and the step of a range: width, height, width step, height step. */
  range_from: number[] | null;
  /** Pictures a second, from most to fewest; empty when the driver does not say. */
  rates?: (number[])[];
  /** Pixels; the largest where it is a range. */
  width: number;
}

/** Capture devices. */
export interface Devices {
  devices: CaptureDevice[];
}

/** A disk that is plugged in, or a partition of one. */
export interface Disk {
  /** As the kernel calls it: `sdb1`. */
  device: string;
  /** `exfat`, `ntfs`, `vfat`, `ext4` … */
  filesystem: string;
  /** Where its files are; none when it can't be read. */
  folder: string | null;
  /** Bytes. */
  free: number | null;
  /** What it calls itself. */
  label: string;
  /** Why it is not as it was wanted; none when it is. */
  reason: string | null;
  /** Bytes. */
  total: number | null;
  /** The owner wants it to be written to. */
  wanted_writable: boolean;
  /** It may be written to. */
  writable: boolean;
}

/** What can be done with a disk. */
export type DiskDeed = "release" | "repair" | "allow_writing" | "forbid_writing";

/** It is done, or has begun; there is nothing more to say. */
export type Done = Record<string, unknown>;

/** A folder or file in a listing. */
export interface Entry {
  /** The same of the first sound. */
  audio: string | null;
  /** Seconds; null until it was found out. */
  duration: number | null;
  kind: Kind;
  /** When it was changed, in seconds since 1970; null for folders. */
  modified: number | null;
  /** For people. */
  name: string;
  path: string;
  /** The address of a picture that stands for it; null while there is none. */
  poster: string | null;
  /** Bytes; null for folders. */
  size: number | null;
  /** The codec of the picture in words; null until it was found out. */
  video: string | null;
}

/** A picture or a sound, and what becomes of it. */
export interface Fate {
  /** It is not encoded. */
  passes: boolean;
  /** The file's codec in words. */
  source: string;
}

/** A field that was refused. */
export interface FieldProblem {
  /** Which. */
  field: string;
  /** Why, and what to do. */
  message: string;
}

/** What is to be done with a file or folder: one of these. */
export type FileChange = {
  /** It gets this path, percent-encoded. */
  move_to: string;
} | {
  /** A folder is made here. */
  make_folder: boolean;
};

/** The picture of a file. */
export interface Film {
  /** The codec in words. */
  codec: string;
  /** Likewise. */
  height: number;
  /** Pixels, before it is turned. */
  width: number;
}

/** Something that the owner should know. */
export interface Finding {
  /** What it is about: a disk, for example. */
  about: string | null;
  /** A name for it, by which the page has words in the owner's language. */
  code: string;
  /** How grave it is. */
  grave: Grave;
  /** In English: what is, and what to do. */
  text: string;
}

/** The first password. */
export interface FirstPassword {
  /** What the screen at the box shows, where it shows a code. */
  code?: string | null;
  /** At least eight characters. */
  password: string;
}

/** A folder of the library, or a part of it. */
export interface Folder {
  /** Folders first. */
  entries: Entry[];
  /** How many of them come before these. */
  offset: number;
  /** Percent-encoded, as every `path` in this interface: append it to any address as it is. */
  path: string;
  /** How many entries there are, of which this may be a part. */
  total: number;
}

/** What to forget. */
export type Forgotten = "settings" | "everything";

/** What was chosen, as it came out. */
export interface Form {
  /** Numbers of tracks. */
  audio: number | null;
  profile: Profile;
  subtitles: number | null;
}

/** What a search found, or a part of it. */
export interface Found {
  entries: Entry[];
  /** How many of them come before these. */
  offset: number;
  /** How many there are, of which this may be a part. */
  total: number;
}

/** How grave something is. */
export type Grave = "broken" | "warning" | "note";

/** How the server and its machine are. */
export interface Health {
  /** Films that are being converted. */
  conversions: number;
  /** … and how many may be at the same time. */
  encodings: number;
  /** What the owner should know, the gravest first. */
  findings: Finding[];
  history: History;
  machine: Machine;
  /** Since the server began, in seconds. */
  uptime: number;
  version: string;
  /** Nothing is wrong, or will be soon. */
  well: boolean;
}

/** The last hour. */
export interface History {
  /** Conversions that run. */
  conversions: Curve;
  /** Share of the memory in use, 0 to 1. */
  memory: Curve;
  /** Share of the processors in use, 0 to 1. */
  processor: Curve;
  /** Seconds between two numbers. */
  step: number;
  /** Each live stream. */
  streams: Record<string, StreamCurves>;
  /** Degrees Celsius. */
  temperature: Curve;
  /** Viewers of files and streams. */
  viewers: Curve;
}

/** What the box is called. */
export interface Host {
  /** In the network. */
  name: string;
}

/** How the server speaks HTTPS. */
export interface Https {
  /** The configuration names the files, so nothing can be changed here. */
  by_file: boolean;
  certificate: CertificateOrigin | null;
  /** By which one would call the server. */
  names: string[];
  port: number;
}

/** A file that could not be looked at. */
export interface IndexFailure {
  attempts: number;
  /** Seconds since 1970. */
  next_try: number;
  path: string;
  reason: string;
}

/** How far the background is that finds out what is in files. */
export interface IndexProgress {
  /** Files that somebody waits for. */
  asked: number;
  failed: number;
  /** The first of those that failed. */
  failures: IndexFailure[];
  /** Files whose content is known. */
  known: number;
  /** Files looked at since the start. */
  looked: number;
  /** Files that are known and not there now. */
  missing: number;
  picture_bytes: number;
  picture_limit: number;
  state: Activity;
  /** Files that the background is still to look at. */
  waiting: number;
}

/** What is known of a file. */
export interface Info {
  audio: AudioTrack[];
  bar: Bar | null;
  chapters: Chapter[];
  /** Seconds. */
  duration: number | null;
  /** Why nothing is known, or why there are no pictures. */
  error: string | null;
  name: string;
  path: string;
  /** The address of the picture that stands for it. */
  poster: string | null;
  /** Bytes. */
  size: number;
  state: InfoState;
  subtitles: InfoSubtitles[];
  /** What the file says of itself: `title`, `artist`, `date`. */
  tags: Record<string, string>;
  video: Film | null;
}

/** How much is known of a file. */
export type InfoState = "known" | "waiting" | "failed";

/** Subtitles of a film, and where those of text are as WebVTT. */
export type InfoSubtitles = SubtitleTrack & {
  address: string | null;
};

/** A socket of the network, as it is. */
export interface Interface {
  /** Its addresses with their length. */
  addresses: string[];
  /** `ether`, `wlan` … */
  kind: string;
  /** As the kernel names it. */
  name: string;
  /** `routable`, `degraded`, `no-carrier`, `off` … */
  state: string;
}

/** A finished conversion that is kept. */
export interface KeptConversion {
  bytes: number;
  path: string;
  playing: boolean;
  profile: string;
  /** Seconds since 1970. */
  used: number;
}

/** What a listing says of an entry. */
export type Kind = "folder" | "video" | "audio" | "picture";

/** How far viewers are behind the live edge, in seconds. */
export interface Lag {
  median: number;
  most: number;
}

/** What has changed in the library: the data of an event `library`. */
export interface LibraryEvent {
  /** Paths of the folders that are worth listing again; null: any may be. */
  folders: string[] | null;
}

/** A network socket. */
export interface Link {
  /** As the kernel names it. */
  name: string;
  /** Megabits a second, of a cable. */
  speed: number | null;
  /** Something is at the other end. */
  up: boolean;
  /** It is a radio. */
  wireless: boolean;
}

/** What has happened. */
export interface Log {
  /** The latest last. */
  lines: LogLine[];
}

/** A line of the log. */
export interface LogLine {
  /** `error`, `warn`, `info`, `debug` or `trace`. */
  level: string;
  /** Counts from the start on. */
  number: number;
  /** What happened, and its circumstances as `name=value`. */
  text: string;
  /** Milliseconds since 1970, as far as the clock was set. */
  time: number;
}

/** The machine at a moment. What it does not have is `None`. */
export interface Machine {
  /** The clock is set by the network; `None` when nobody knows. */
  clock_set: boolean | null;
  /** Mistakes that ext4 has found on disks of this machine, ever. */
  disk_errors: number;
  /** The disks of the library and of the data folder, each once. */
  disks: UsedDisk[];
  /** The network's sockets. */
  links: Link[];
  /** Bytes that programs can still have. */
  memory_available: number | null;
  /** Bytes. */
  memory_total: number | null;
  /** What its maker calls it. */
  model: string | null;
  processor: Processor | null;
  /** Degrees Celsius, of the hottest part. */
  temperature: number | null;
  throttled: Throttled | null;
  /** Seconds since the machine was started. */
  uptime: number | null;
}

/** A token as it was made. */
export type MadeToken = Token & {
  /** Itself. It is not shown again. */
  token: string;
};

/** A file that can be played, once its streams are known. */
export interface Media {
  audio: Audio | null;
  /** Seconds that can be played by now, from the beginning. */
  available: number;
  complete: boolean;
  contents: Contents;
  /** Seconds; null when nobody knows yet. */
  duration: number | null;
  form: Form;
  /** For Media Source Extensions. */
  mime: string;
  name: string;
  path: string;
  profiles: ProfileEntry[];
  /** All stretches that exist: start and end in seconds. */
  ranges: [number, number][];
  video: Video | null;
}

/** How far a conversion is: the data of an event `media`. */
export interface MediaEvent {
  available: number;
  complete: boolean;
  /** As in `Media`, like the next three. */
  duration: number | null;
  /** Why the conversion failed. */
  error: string | null;
  /** Seconds until the target can be played; null when nobody knows. */
  eta: number | null;
  ranges: [number, number][];
  /** Seconds; null when it can be played. */
  target: number | null;
}

/** What a file's folder has before and behind it. */
export interface Neighbours {
  next: Entry | null;
  /** Its place among what is counted, from 0; null when it is not listed. */
  place: number | null;
  previous: Entry | null;
  /** How many are counted: for what plays, what plays; for a picture, pictures. */
  total: number;
}

/** A folder of a NAS, as the owner wants it. */
export interface NetworkFolder {
  /** The NAS's name or address. */
  host: string;
  /** By which protocol. */
  kind: Protocol;
  /** What it is called here: its folder below `/media`. */
  name: string;
  /** … and how one proves it. */
  password?: string | null;
  /** The folder there: a share's name for SMB, a path for NFS. */
  path: string;
  /** Who one is there, for SMB; none is a guest. */
  user?: string | null;
  /** It may be written to. */
  writable?: boolean;
}

/** Which slot. */
export type OtherSlot = "other";

/** Another password for the owner. */
export interface PasswordChange {
  /** At least eight characters. */
  new: string;
  /** That which holds now. */
  present: string;
}

/** A password. */
export interface PasswordEntry {
  password: string;
}

/** Where a viewer left a file. */
export interface Position {
  /** When it was left there: seconds since 1970. */
  at: number;
  /** Seconds, as the viewer's player knew it. */
  duration: number | null;
  /** For people. */
  name: string;
  path: string;
  /** Seconds. */
  position: number;
}

/** A viewer's positions, the latest first. */
export interface Positions {
  positions: Position[];
}

/** What to do. */
export type Power = "reboot" | "off";

/** What went wrong (RFC 9457). */
export interface Problem {
  /** A sentence for the person at the screen: what happened, and what to do next. */
  detail: string;
  /** What was asked for. */
  instance: string;
  /** The status of the answer. */
  status: number;
  /** The kind in words. */
  title: string;
  /** The kind of problem: an address below `/problems/`, which explains it. Kinds stay; new ones come. */
  type: string;
}

/** How busy the processors are. */
export interface Processor {
  /** Share of their time in use since the last look, 0 to 1. */
  busy: number;
  /** How many there are. */
  count: number;
}

/** What the result of a conversion is made of. */
export type Profile = "tv" | "small" | "flash" | "audio";

/** One of the profiles there are. */
export interface ProfileEntry {
  /** The page can play it. */
  browser: boolean;
  height: number | null;
  name: Profile;
  width: number | null;
}

/** By which a folder of a NAS is reached. */
export type Protocol = "smb" | "nfs";

/** Files that are left alone because they kill their converter. */
export interface Quarantine {
  files: Quarantined[];
}

/** A file that is left alone. */
export interface Quarantined {
  path: string;
  reason: string;
  /** Seconds since 1970. */
  since: number;
  times: number;
  until: number;
}

/** What there is to say of a recording. */
export interface Recording {
  /** Who wanted it. */
  by: RecordingBy;
  /** Its size. */
  bytes: number;
  /** Its length in seconds. */
  duration: number;
  /** Why it failed, for people. */
  error: string | null;
  /** How many files the recording has. */
  files: number;
  /** Frames that the disk was too slow for. */
  lost: number;
  /** Its name. */
  name: string | null;
  /** The file written to, or written last, as an address of the library; `None` before the first frame. */
  path: string | null;
  /** Where it is. */
  state: RecordingState;
  /** The stream's name. */
  stream: string;
}

/** Who wanted a recording. */
export type RecordingBy = "config" | "api" | "publisher";

/** Where a recording is. */
export type RecordingState = "recording" | "finishing" | "ended" | "failed";

/** Recordings at work, and those that ended lately. */
export interface Recordings {
  /** Where recordings are; null when nothing is recorded. */
  folder: string | null;
  recordings: Recording[];
}

/** A relay's figures, as `/api/v1/relays` shows them. */
export interface Relay {
  /** Bytes of media that went through. */
  bytes: number;
  /** Which way the media go. */
  direction: RelayDirection;
  /** Attempts and connections that failed. */
  failures: number;
  /** Records that a push lost because the way to the server is slow. */
  lost_records: number;
  /** Seconds until the next attempt. */
  next_try_seconds: number | null;
  /** A pull that waits for viewers. */
  on_demand: boolean;
  /** Why it failed last, if it did not run since. */
  reason: string | null;
  /**
   * Its place among the rules of that direction in the configuration, from 1: tells two pushes of one
   * stream to one server apart, whose keys are not shown.
   */
  rule: number;
  /** What it does. */
  state: RelayState;
  /** For so many seconds. */
  state_seconds: number;
  /** The live stream here; a pattern for a push that has none yet. */
  stream: string;
  /** The other server, without the stream's name, which may be a secret. */
  url: string;
}

/** The direction of a relay. */
export type RelayDirection = "pull" | "push";

/** What a relay does. */
export type RelayState = "idle" | "connecting" | "connected" | "running" | "waiting";

/** Streams from and to other servers. */
export interface Relays {
  relays: Relay[];
}

/** What somebody may do. */
export type Role = "viewer" | "owner";

/** A network in reach. */
export interface SeenNetwork {
  /** Its name. */
  name: string;
  /** What it asks for. */
  security: WifiSecurity;
  /** How strong it is, in percent. */
  signal: number;
}

/** A backup, and what it was sealed by. */
export interface SentBackup {
  archive: Backup;
  passphrase: string;
}

/** A certificate of the owner's, as PEM. */
export interface SentCertificate {
  /** With those that it was signed with. */
  certificate: string;
  key: string;
}

/** A browser that somebody has signed in with. */
export interface Session {
  /** From where it was made. */
  address: string;
  /** What the browser calls itself. */
  agent: string;
  id: string;
  /** Seconds since it was used, while the server ran. */
  idle: number;
  /** Seconds since 1970, by the clock of that moment. */
  made: number;
  role: Role;
  /** It is the one that asks. */
  this: boolean;
}

/** What this browser may do. */
export interface SessionState {
  /** Whether somebody has chosen the first password. */
  claimed: boolean;
  /** Goes behind addresses for players as `?token=`, while viewers need a password. */
  link_token: string | null;
  /** Changes need the owner (`owner`), or everybody may do everything (`open`). */
  mode: string;
  role: Role | null;
  /** Whether viewers need a password. */
  viewers_need_password: boolean;
}

/** Who is signed in. */
export interface Sessions {
  sessions: Session[];
}

/** A field as it is now. */
export interface Setting {
  /** When a change holds. */
  applies: SettingApplies;
  /** What holds without any choice. */
  default: SettingValue;
  /** What it can be. */
  kind: SettingKind;
  /** Where it was decided by hand, so that the page can't change it. */
  locked: string | null;
  /** Its name in the section. */
  name: string;
  /** What holds; of a secret, whether there is one. */
  value: SettingValue;
}

/** When a change holds. */
export type SettingApplies = "now" | "at_restart";

/** What a text has to look like. */
export type SettingForm = "host_name" | "page_language" | "time_zone" | "folder" | "stream_names";

/** The values that a field takes. The page makes its form of this. */
export type SettingKind = {
  type: "flag";
} | {
  /** The largest. */
  max: number;
  /** The smallest. */
  min: number;
  type: "number";
  /** What it counts. */
  unit: string;
} | {
  /** All of them. */
  of: string[];
  type: "choice";
} | {
  /** What it has to look like. */
  form: SettingForm;
  type: "text";
} | {
  /** Characters at least. */
  min: number;
  type: "secret";
} | {
  type: "languages";
} | {
  /** What each has to look like. */
  form: SettingForm;
  type: "lines";
};

/** What a field can be set to, by its kind. */
export type SettingValue = boolean | number | string | string[];

/** All that the owner can change. */
export interface Settings {
  /** What is wrong with what was kept. */
  notice: string | null;
  sections: SettingsSection[];
  /** A change waits for the next start. */
  wants_restart: boolean;
}

/** A section, for the page. */
export interface SettingsSection {
  /** Its fields. */
  fields: Setting[];
  /** Its name. */
  name: string;
  /** Changes whenever one of its values does: `If-Match`. */
  tag: string;
}

/** What the page has to know before anybody has signed in. */
export interface Setup {
  /** The screen at the box shows a code, which claiming needs. */
  asks_code: boolean;
  /** Whether somebody has chosen the first password. */
  claimed: boolean;
  /** Whether the owner has been through the first visit, or has left it. */
  greeted: boolean;
  /** The language that the owner has chosen for the page; empty for the browser's. */
  language: string;
  /** Changes need the owner (`owner`), or everybody may do everything (`open`). */
  mode: string;
  version: string;
}

/** A source's figures, as `/api/v1/sources` shows them. */
export type Source = SourceMedia & {
  /** Bytes of media received. */
  bytes: number;
  /** The device that it came from last. */
  captured?: Captured;
  /** The device that it shall come from, as it was written; not for an address. */
  device?: string;
  /** Attempts that failed and runs that broke. */
  failures: number;
  /** How it is received. */
  kind: SourceWay;
  /** "on_demand" or "always". */
  mode: string;
  /** Its name, and its stream's. */
  name: string;
  /** Seconds until the next attempt. */
  next_try_seconds: number | null;
  /** Where it is configured. */
  origin: SourceOrigin;
  /** Why it failed last, if it was not on air since. */
  reason: string | null;
  /** Starts after the first one. */
  restarts: number;
  /** All settings of a device, as they were written. */
  settings?: WrittenSource;
  /** Such a picture is on air now. */
  shows_slate: boolean;
  /** Viewers see a picture that says so while nothing comes. */
  slate: boolean;
  /** Longest wait of a viewer for the first picture, in seconds. */
  start_timeout_seconds: number;
  /** What it does. */
  state: SourceState;
  /** For so many seconds. */
  state_seconds: number;
  /** It goes on so many seconds after its last viewer. */
  stop_delay_seconds: number;
  /** Its address without user, password and query; not for a device. */
  url?: string;
  /** Viewers now. */
  viewers: number;
};

/** The word for it. */
export type SourceDevice = "capture";

/** How a source is received. */
export type SourceKind = "http" | "rtsp" | "udp" | "rtp" | "srt" | "rtmp";

export interface SourceLane {
  codec: string;
  height?: number;
  passthrough: boolean;
  width?: number;
}

/** What comes from a source. */
export interface SourceMedia {
  audio: SourceLane | null;
  /** What it says it is called. */
  station: string | null;
  /** What a radio says is played now. */
  title: string | null;
  video: SourceLane | null;
  /** What is missing, and why. */
  warnings: string[];
}

/** Who said that there is this source. */
export type SourceOrigin = "file" | "api" | "viewer";

/** What a source does. */
export type SourceState = "idle" | "starting" | "on_air" | "waiting";

/** How a source's pictures come. */
export type SourceWay = SourceKind | SourceDevice;

/** The live sources. */
export interface Sources {
  sources: Source[];
}

/** Settings that were not changed, because somebody else was faster. */
export type StaleSettings = Problem & {
  /** As they are now. */
  present: SettingsSection;
};

/** Where media are, on the box. */
export interface Storage {
  disks: Disk[];
  folders: AddedFolder[];
  /** Whether this is a box. */
  here: boolean;
}

/** A live stream. Times are seconds. */
export interface Stream {
  bytes_in: number;
  bytes_out: number;
  lag: Lag;
  lost_gops: number;
  lost_records: number;
  mended_times: number;
  name: string;
  on_air: boolean;
  /** Since its present publisher began; null while nobody publishes. */
  on_air_for: number | null;
  /** Those it has had. */
  publishers: number;
  /** Since it was first published. */
  uptime: number;
  viewers: number;
  viewers_by_protocol: Record<string, number>;
}

/** What is remembered of a stream. */
export interface StreamCurves {
  /** Bits a second from its publisher. */
  bits_in: Curve;
  /** Bits a second to its viewers. */
  bits_out: Curve;
  /** Who watches. */
  viewers: Curve;
}

/** The live streams. */
export interface Streams {
  streams: Stream[];
}

/** One of the subtitles of a film. */
export interface SubtitleTrack {
  /** This one is drawn into the picture. */
  chosen: boolean;
  /** The format in words. */
  codec: string;
  /** The file marks it as one to be shown when nobody chooses. */
  default: boolean;
  /** It is in a file of its own beside the film. */
  external?: boolean;
  /** Only for what has to be read by those who understand the film. */
  forced?: boolean;
  /** ISO 639, as the file spells it. */
  language: string | null;
  /** Made of text; otherwise of pictures. */
  text: boolean;
  /** The file's own name for it. */
  title: string | null;
}

/** What somebody who helps has to know. */
export interface Support {
  claimed: boolean;
  health: Health;
  kernel: string;
  log: LogLine[];
  settings: SettingsSection[];
  sources: Source[];
  /** How many live streams there are. */
  streams: number;
  /** What this file is. */
  what: string;
}

/** What there is of a box here. A part that does not answer is null, and its reason stands in `reasons`. */
export interface System {
  clock: Clock | null;
  /** Whether this is a box. */
  here: boolean;
  host: Host | null;
  interfaces: Interface[] | null;
  /** By part, why it does not answer. */
  reasons: Record<string, string>;
  /** Seconds that a new address of the network is still on trial. */
  trial: number | null;
  update: Update | null;
}

/** An update that was taken back. */
export interface TakenBack {
  /** Why. */
  reason: string;
  /** Where it was. */
  slot: string;
}

/** As `vcgencmd get_throttled` has it. */
export interface Throttled {
  /** It is slowed down, now. */
  slowed: boolean;
  /** The supply gives too little, now. */
  under_voltage: boolean;
  /** It was slowed down at some time since the start. */
  was_slowed: boolean;
  /** The supply gave too little at some time since the start. */
  was_under_voltage: boolean;
}

/** A token, by which a program comes in. */
export interface Token {
  id: string;
  /** Seconds since 1970, by the clock of that moment. */
  made: number;
  /** What it is for. */
  name: string;
  role: Role;
}

/** The tokens that were made and not taken away. */
export interface Tokens {
  tokens: Token[];
}

/** A sound, or subtitles. */
export interface Track {
  /** Where subtitles of text are as WebVTT. */
  address: string | null;
  channels?: number;
  chosen: boolean;
  codec: string;
  default: boolean;
  /** Subtitles in a file of their own. */
  external: boolean | null;
  /** Subtitles only for what those who understand the film have to read. */
  forced: boolean | null;
  language: string | null;
  /** Subtitles made of text; otherwise of pictures. */
  text?: boolean;
  title: string | null;
}

/** What becomes of a trial. */
export type TrialEnd = "keep" | "revert";

/** Settings that were not changed, because some of them do not fit. */
export type UnfitSettings = Problem & {
  /** Which, and why. Missing when the request itself can't be read. */
  fields?: FieldProblem[];
};

/** How far an update is, and which system runs. */
export interface Update {
  booted: BootedSystem | null;
  /** Why the last one failed; empty. */
  last_error: string;
  /** `idle` or `installing`. */
  operation: string;
  /** Percent of the present one. */
  percent: number;
  /** What it does. */
  step: string;
}

/** How much of a file has come. */
export interface UploadProgress {
  path: string;
  /** Bytes. */
  received: number;
}

/** Where files may come to. */
export interface Uploads {
  /** Paths of folders; none when this server takes no files. */
  folders: string[];
  /** Bytes of the largest file. */
  largest: number;
}

/** A disk. */
export interface UsedDisk {
  /** A folder of ours that is on it. */
  folder: string;
  /** Bytes that we may still use. */
  free: number;
  /** It does not answer, or is not there. */
  missing: boolean;
  /** Nothing can be written to it. */
  read_only: boolean;
  /** Bytes. */
  total: number;
}

/** The picture as it is sent. */
export type Video = Fate & {
  codec: string;
  height: number;
  width: number;
};

/** What viewers need. */
export interface Viewers {
  /** Watching needs a password. */
  need_password: boolean;
}

/** What a backup is sealed by. */
export interface WantedBackup {
  /** At least eight characters. */
  passphrase: string;
}

/** Names that a certificate is to be good for. */
export interface WantedCertificate {
  names: string[];
}

/** What to do with a disk. */
export interface WantedDisk {
  do: DiskDeed;
}

/** Who may log in by SSH. */
export interface WantedKeys {
  /** Public keys; none switches SSH off. */
  keys: string[];
}

/** What somebody wants a socket to be. */
export type WantedNetwork = Addressing & {
  /** Which. */
  interface: string;
};

/** Where a viewer is now. */
export interface WantedPosition {
  /** Seconds; null when nobody knows. */
  duration?: number | null;
  /** Seconds. */
  position: number;
}

/** How to start anew. */
export interface WantedPower {
  action: Power;
}

/** What is wanted to be recorded. */
export interface WantedRecording {
  /** A live stream's name. */
  stream: string;
}

/** What to forget. */
export interface WantedReset {
  what: Forgotten;
}

/** What the clock is to say. */
export interface WantedTime {
  /** Seconds since 1970. */
  time: number;
}

/** A token that is wanted. */
export interface WantedToken {
  /** What it is for. */
  name: string;
  role: Role;
}

/** What becomes of a trial. */
export interface WantedTrialEnd {
  trial: TrialEnd;
}

/** Another version of the system. */
export type WantedUpdate = {
  /** A bundle at this address of the web. */
  url: string;
} | {
  /** That of the other slot, which is started at once. */
  boot: OtherSlot;
};

/** What viewers are to need. */
export interface WantedViewers {
  /** Their password; null for none. */
  password: string | null;
}

/** What an address of the web means. */
export interface WebAddress {
  /** Without user, password and query. */
  address: string;
  /** Who found it. */
  by: string;
  /** What else there is, what is played first among them. */
  entries: WebEntry[];
  /** "film" or "stream". */
  kind: string;
  /** A stream's name: `rtmp://box/live/<name>`, `/live/<name>.flv`. */
  live: string | null;
  /** What people ought to know where yt-dlp found it. */
  notice: string | null;
  /** For all addresses that take a path of the library. */
  path: string;
  title: string;
}

/** One of several. */
export interface WebEntry {
  address: string;
  duration: number | null;
  path: string;
  title: string;
}

/** What the box's radio is doing, and what it hears. */
export interface Wifi {
  /** Whose rules for radios hold; two letters. */
  country: string | null;
  /** The radio, as the kernel calls it; none when the box has none. */
  interface: string | null;
  /** The network that the box is in. */
  joined: string | null;
  /** What is in reach, the strongest first. */
  networks: SeenNetwork[];
  /** What it does, in words of wpa_supplicant: `completed` (joined), `scanning`, `associating`, `disconnected` … */
  state: string;
}

/** A Wi-Fi that somebody wants to join. */
export interface WifiNetwork {
  /** ISO 3166, two letters: what the radio may do there. */
  country?: string | null;
  /** It does not say its name by itself. */
  hidden?: boolean;
  /** Its name (SSID). */
  name: string;
  /** Without one it is open. */
  password?: string | null;
}

/** What a network asks for. */
export type WifiSecurity = "open" | "wpa2" | "wpa3" | "other";

/** A source as it is written: in JSON by the interface, and in the file that keeps those. */
export interface WrittenSource {
  /** Of a device: "auto", "none" or a sound card. */
  audio?: string | null;
  /** Of a device: what its controls are set to. */
  controls?: Record<string, unknown>;
  /** The capture device that it comes from: its name, or "auto". */
  device?: string | null;
  /** Of a device: "h264", "mjpeg", "raw", or four letters. */
  format?: string | null;
  /** Of a device: its socket. */
  input?: string | null;
  /** "on_demand" or "always". */
  mode?: string | null;
  /** What the stream is called. */
  name: string;
  /** Of a device: pictures a second. */
  rate?: number | null;
  /** Of a device: width and height, "1280x720". */
  size?: string | null;
  /** Viewers see a picture that says so while nothing comes. */
  slate?: boolean | null;
  /** Of a device: a television standard. */
  standard?: string | null;
  /** Longest wait of a viewer, in seconds. */
  start_timeout_seconds?: number | null;
  /** Seconds that it goes on after the last viewer. */
  stop_delay_seconds?: number | null;
  /** Where it comes from, secrets included; or `device`. */
  url?: string | null;
}
