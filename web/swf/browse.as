// Folders: rows to be opened, played, or put into the queue.

var ROWS = 6;
var ROW = 54;
var TOP = 56;

var view = "browse";
var folder = "";
var folders = [];
var files = [];
var page = 0;
var queue = [];

function parent(path) {
  var slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.substring(0, slash);
}

function below(name) {
  return folder == "" ? name : folder + "/" + name;
}

function open(path) {
  view = "browse";
  folder = path;
  page = 0;
  folders = [];
  files = [];
  message(SAYS.loading);
  list(path, function (foundFolders, foundFiles) {
    if (view != "browse" || folder != path) {
      return;
    }
    if (foundFolders == undefined) {
      message(SAYS.noFolder);
      report("cannot list " + path);
      return;
    }
    folders = foundFolders;
    files = foundFiles;
    trace("folder " + path + ": " + folders.length + " folders, " + files.length + " files");
    // The first row, whatever had it before.
    focus = -1;
    drawFolder();
  });
}

function message(text) {
  clear(false);
  heading();
  write(text, 40, 190, WIDTH - 80, 24, DIM, "center");
  look(0);
}

function heading() {
  back = function () {
    if (folder != "") {
      open(parent(folder));
    }
  };
  if (folder != "") {
    button(0, 0, 140, TOP, SAYS.up, back);
  } else {
    button(0, 0, 140, TOP, SAYS.top, function () {
      open("");
    });
  }
  write(folder, 156, 14, WIDTH - 172, 20, INK, "left");
}

// The files of the folder that play, from one on.
function mediaFrom(name) {
  var found = [];
  var begun = name == undefined;
  for (var i = 0; i < files.length; i++) {
    begun = begun || files[i] == name;
    if (begun && !isPicture(files[i])) {
      found.push(below(files[i]));
    }
  }
  return found;
}

function pictures() {
  var found = [];
  for (var i = 0; i < files.length; i++) {
    if (isPicture(files[i])) {
      found.push(below(files[i]));
    }
  }
  return found;
}

function rowOf(at, y) {
  var count = folders.length;
  if (at < count) {
    var name = folders[at];
    button(0, y, WIDTH, ROW, name + " /", function () {
      open(below(name));
    });
    return;
  }
  var file = files[at - count];
  var path = below(file);
  if (isPicture(file)) {
    button(0, y, WIDTH, ROW, file, function () {
      showFrom(pictures(), path);
    });
    return;
  }
  button(0, y, WIDTH - 90, ROW, file, function () {
    playFrom(mediaFrom(file), 0);
  });
  button(WIDTH - 90, y, 90, ROW, SAYS.add, function () {
    queue.push(path);
    drawFolder();
  });
}

function drawFolder() {
  view = "browse";
  var kept = focus;
  clear(false);
  heading();
  var count = folders.length + files.length;
  if (count == 0) {
    write(SAYS.empty, 40, 190, WIDTH - 80, 24, DIM, "center");
  }
  for (var i = 0; i < ROWS && page * ROWS + i < count; i++) {
    rowOf(page * ROWS + i, TOP + i * ROW);
  }
  var y = TOP + ROWS * ROW + 6;
  var h = HEIGHT - y;
  if (page > 0) {
    button(0, y, 130, h, SAYS.less, function () {
      page--;
      drawFolder();
    });
  }
  if ((page + 1) * ROWS < count) {
    button(WIDTH - 130, y, 130, h, SAYS.more, function () {
      page++;
      drawFolder();
    });
  }
  if (mediaFrom(undefined).length > 0) {
    button(135, y, 190, h, SAYS.playAll, function () {
      playFrom(mediaFrom(undefined), 0);
    });
  }
  if (pictures().length > 0) {
    button(330, y, 180, h, SAYS.show, function () {
      showFrom(pictures(), undefined);
    });
  }
  if (queue.length > 0) {
    button(515, y, 150, h, SAYS.queue + " " + queue.length, function () {
      playFrom(queue, 0);
    });
  }
  look(kept >= 0 && kept < buttons.length ? kept : (buttons.length > 1 ? 1 : 0));
}
