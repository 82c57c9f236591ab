// Films and songs: a playlist, its controls, and the way to a place that is not converted yet.
//
// Flash devices get RTMP, as in 2007. Where that does not connect (Ruffle knows no RTMP) films come by HTTP, and a seek
// is another request; each play has a stream of its own there, because an old answer that still arrives would be mixed
// into the new one.

var playlist = [];
var current = 0;
var connection = undefined;
var stream = undefined;
// "rtmp", "http", or undefined before it is known; the page may say so.
var way = VIA;
var waitsForRtmp = 0;
// Seconds.
var total = 0;
var available = 0;
var startedAt = 0;
var pausedAt = undefined;
// Where a seek wants to be, and how long it takes; undefined when none waits.
var target = undefined;
var eta = undefined;
var trouble = undefined;
// Where the keys are about to go, and when they have rested for long enough (milliseconds of the movie).
var aim = undefined;
var settlesAt = 0;
var asked = 0;
var running = false;
var BAR = { x: 20, y: HEIGHT - 84, w: WIDTH - 40, h: 20 };

function playFrom(paths, at) {
  playlist = paths;
  current = at;
  view = "play";
  begin(0);
}

function path() {
  return playlist[current];
}

// Plays the present file from a time on.
function begin(from) {
  endStream();
  aim = undefined;
  total = 0;
  available = 0;
  target = from > 0 ? from : undefined;
  eta = undefined;
  trouble = undefined;
  pausedAt = undefined;
  // The button that pauses.
  focus = 2;
  drawPlayer();
  if (way == undefined) {
    connectByRtmp(from);
  } else if (way == "rtmp") {
    if (connection != undefined && connection.isConnected) {
      stream = streamOf(connection);
      stream.play("/" + path());
    } else {
      connectByRtmp(from);
    }
  } else {
    beginByHttp(from);
  }
}

function connectByRtmp(from) {
  connection = new NetConnection();
  waitsForRtmp = getTimer() + 4000;
  connection.onStatus = function (info) {
    if (info.code == "NetConnection.Connect.Success") {
      waitsForRtmp = 0;
      way = "rtmp";
      trace("connected by RTMP");
      stream = streamOf(connection);
      stream.play("/" + path());
    } else if (way == undefined) {
      useHttp(from);
    } else if (view == "play") {
      fail(info.code);
    }
  };
  connection.connect(RTMP);
}

function useHttp(from) {
  waitsForRtmp = 0;
  way = "http";
  trace("no RTMP; films come by HTTP");
  beginByHttp(from);
}

function beginByHttp(from) {
  startedAt = from;
  connection = new NetConnection();
  connection.connect(null);
  stream = streamOf(connection);
  var address = BASE + "/flv" + encoded(path()) + "?profile=flash";
  stream.play(from > 0 ? address + "&start=" + int(from) : address);
}

function streamOf(connection) {
  var made = new NetStream(connection);
  made.setBufferTime(2);
  var flushed = false;
  var placed = false;
  made.onStatus = function (info) {
    if (made != stream) {
      return;
    }
    var code = info.code;
    if (code == "Server.Media.Info") {
      told(info);
      return;
    }
    trace("status " + code);
    if (code == "NetStream.Play.Start") {
      flushed = false;
      running = true;
    } else if (code == "NetStream.Seek.Notify") {
      target = undefined;
      eta = undefined;
    } else if (code == "NetStream.Buffer.Full") {
      flushed = false;
      target = undefined;
      eta = undefined;
      if (way == "http" && !placed && made.time + 1 < startedAt) {
        // What comes has the film's own times, and Ruffle counts from zero: it would wait for them.
        made.seek(startedAt);
      }
      placed = true;
      trace("playing " + path());
    } else if (code == "NetStream.Buffer.Flush") {
      flushed = true;
    } else if (code == "NetStream.Play.Stop" || (code == "NetStream.Buffer.Empty" && flushed && way == "rtmp")) {
      // Over RTMP the last seconds are still in the buffer when the server has sent all.
      if (way == "http" || code == "NetStream.Buffer.Empty") {
        ended();
      } else {
        flushed = true;
      }
    } else if (info.level == "error") {
      fail(code);
    }
  };
  made.onMetaData = function (info) {
    if (info.duration > 0) {
      total = info.duration;
      trace("duration " + total);
    }
  };
  made.onSeekPending = function (info) {
    told(info);
  };
  _root.video.attachVideo(made);
  return made;
}

// What the server says of itself while it sends, or has nothing to send yet.
function told(info) {
  if (info.totallength > 0) {
    total = info.totallength;
  }
  available = info.availablelength;
  if (info.target != undefined && info.target != null) {
    target = info.target;
    eta = info.eta == null ? undefined : info.eta;
  }
}

function endStream() {
  running = false;
  if (stream != undefined) {
    stream.onStatus = undefined;
    stream.close();
    stream = undefined;
  }
  _root.video.clear();
}

function now() {
  if (aim != undefined) {
    return aim;
  }
  if (target != undefined) {
    return target;
  }
  var time = stream.time;
  // A player may count from the start of what it was sent.
  return way == "http" && time + 1 < startedAt ? startedAt + time : time;
}

function seekTo(seconds) {
  aim = undefined;
  seconds = Math.max(0, total > 0 ? Math.min(seconds, total - 1) : seconds);
  trace("seek " + int(seconds));
  target = seconds;
  eta = undefined;
  asked = 0;
  if (way == "rtmp") {
    stream.seek(seconds);
  } else {
    endStream();
    beginByHttp(seconds);
  }
  pausedAt = undefined;
  drawPlayer();
}

function pause() {
  stream.pause();
  pausedAt = pausedAt == undefined ? now() : undefined;
  trace(pausedAt == undefined ? "goes on" : "paused");
  drawPlayer();
}

function fail(why) {
  trouble = SAYS.cannot + why;
  report(path() + ": " + why);
  // The next one, when this was read.
  failedAt = getTimer();
  drawPlayer();
}
var failedAt = 0;

function ended() {
  trace("ended " + path());
  if (current + 1 < playlist.length) {
    skip(1);
  } else {
    leave();
  }
}

function skip(by) {
  var to = current + by;
  if (to >= 0 && to < playlist.length) {
    current = to;
    begin(0);
  }
}

function leave() {
  endStream();
  if (playlist == queue) {
    queue = [];
  }
  drawFolder();
}

var timeField = undefined;
var noteField = undefined;
var bar = undefined;

function drawPlayer() {
  clear(true);
  back = leave;
  fill(surface, 0, HEIGHT - 100, WIDTH, 100, PAPER, 90);
  var name = path();
  write(name.substr(name.lastIndexOf("/") + 1), 20, 8, WIDTH - 40, 20, INK, "left");
  timeField = write("", 20, HEIGHT - 112, WIDTH - 40, 16, INK, "right");
  noteField = write("", 40, 180, WIDTH - 80, 26, INK, "center");
  var y = HEIGHT - 54;
  button(0, y, 130, 54, SAYS.list, leave);
  button(200, y, 130, 54, SAYS.previous, function () {
    if (now() > 5 || current == 0) {
      seekTo(0);
    } else {
      skip(-1);
    }
  });
  button(335, y, 130, 54, pausedAt == undefined ? SAYS.pause : SAYS.play, pause);
  button(470, y, 130, 54, SAYS.next, function () {
    skip(1);
  });
  bar = surface.createEmptyMovieClip("bar", nextDepth++);
  // The bar is a button: where it is pressed says where to go. By keys, left and right go there step by step.
  buttons.push({ x: BAR.x, y: BAR.y - 14, w: BAR.w, h: BAR.h + 28, field: { text: "bar" }, act: function (x) {
    if (total > 0) {
      seekTo(total * Math.max(0, Math.min(1, x / BAR.w)));
    }
  }, byKey: pause, along: function (way) {
    if (total > 0) {
      aim = Math.max(0, Math.min(total - 1, now() + way * Math.max(10, total / 20)));
      settlesAt = getTimer() + 700;
    }
  } });
  look(focus);
}

function drawBar() {
  bar.clear();
  fill(bar, BAR.x, BAR.y, BAR.w, BAR.h, PANEL, 100);
  if (total > 0) {
    fill(bar, BAR.x, BAR.y, BAR.w * Math.min(1, available / total), BAR.h, DIM, 100);
    fill(bar, BAR.x, BAR.y, BAR.w * Math.min(1, now() / total), BAR.h, ACCENT, 100);
  }
  timeField.text = clock(now()) + " / " + clock(total);
  var note = "";
  if (trouble != undefined) {
    note = trouble;
  } else if (target != undefined) {
    note = eta == undefined ? SAYS.soon : SAYS.ready + Math.max(1, Math.ceil(eta)) + " s";
  } else if (!running) {
    note = SAYS.loading;
  }
  if (noteField.text != note) {
    noteField.text = note;
    if (note != "") {
      trace("note " + note);
    }
  }
}

function tickPlayer() {
  if (aim != undefined && getTimer() > settlesAt) {
    seekTo(aim);
  }
  if (waitsForRtmp > 0 && getTimer() > waitsForRtmp) {
    useHttp(target == undefined ? 0 : target);
  }
  if (trouble != undefined && getTimer() > failedAt + 4000) {
    ended();
    return;
  }
  if (way == "http" && getTimer() > asked + 1000) {
    asked = getTimer();
    var about = path();
    ask(about, target, function (totalNow, availableNow, etaNow) {
      if (view == "play" && path() == about) {
        total = totalNow > 0 ? totalNow : total;
        available = availableNow;
        eta = etaNow;
      }
    });
  }
  drawBar();
}
