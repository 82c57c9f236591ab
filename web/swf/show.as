// Pictures: one after the other, each loaded before it is shown.

var HOLD = 6000;
var shown = [];
var place = 0;
var goesOn = true;
var due = 0;
var showButtons = true;
var front = undefined;
var behind = undefined;
var holders = 0;
var loader = new MovieClipLoader();

function showFrom(paths, first) {
  view = "show";
  shown = paths;
  place = 0;
  for (var i = 0; i < paths.length; i++) {
    if (paths[i] == first) {
      place = i;
    }
  }
  goesOn = first == undefined;
  showButtons = true;
  drawShow();
  load();
}

function load() {
  due = 0;
  behind.removeMovieClip();
  holders = (holders + 1) % 2;
  behind = _root.createEmptyMovieClip("picture" + holders, PICTURES + holders);
  behind._visible = false;
  var holder = behind.createEmptyMovieClip("holder", 1);
  loader.loadClip(BASE + "/picture" + encoded(shown[place]) + "?w=" + WIDTH + "&h=" + HEIGHT, holder);
}

var watch = new Object();
watch.onLoadInit = function (holder) {
  if (view != "show") {
    behind.removeMovieClip();
    return;
  }
  holder._x = (WIDTH - holder._width) / 2;
  holder._y = (HEIGHT - holder._height) / 2;
  front.removeMovieClip();
  front = behind;
  behind = undefined;
  front._visible = true;
  due = getTimer() + HOLD;
  trace("picture " + shown[place] + " " + int(holder._width) + "x" + int(holder._height));
  drawShow();
};
watch.onLoadError = function () {
  report("no picture: " + shown[place]);
  due = getTimer() + 1000;
};
loader.addListener(watch);

function turn(by) {
  place = (place + by + shown.length) % shown.length;
  load();
}

function leaveShow() {
  front.removeMovieClip();
  behind.removeMovieClip();
  front = undefined;
  behind = undefined;
  drawFolder();
}

function toggleShowButtons() {
  showButtons = !showButtons;
  drawShow();
}

function drawShow() {
  clear(true);
  back = leaveShow;
  if (front == undefined) {
    fill(surface, 0, 0, WIDTH, HEIGHT, PAPER, 100);
    write(SAYS.loading, 40, 190, WIDTH - 80, 24, DIM, "center");
  }
  if (showButtons) {
    var y = HEIGHT - 54;
    button(0, y, 130, 54, SAYS.list, leaveShow);
    button(200, y, 130, 54, SAYS.previous, function () {
      turn(-1);
    });
    button(335, y, 130, 54, goesOn ? SAYS.pause : SAYS.play, function () {
      goesOn = !goesOn;
      due = getTimer() + HOLD;
      drawShow();
    });
    button(470, y, 130, 54, SAYS.next, function () {
      turn(1);
    });
  }
  look(showButtons ? 2 : -1);
}

function tickShow() {
  if (goesOn && due > 0 && getTimer() > due) {
    turn(1);
  }
}
