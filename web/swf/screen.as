// The screen: buttons that are large enough for a pointer held in the air, and that arrow keys can reach.

var WIDTH = 800;
var HEIGHT = 448;
var INK = 0xf2f0e9;
var DIM = 0x9a978c;
var PAPER = 0x14161a;
var PANEL = 0x23262c;
var ACCENT = 0xe8a33d;

// Depths: the video is below everything that is made here.
var PICTURES = 10;
var PAINT = 100;
var FRAME = 9000;

var buttons = [];
var focus = -1;
var nextDepth = PAINT;
var surface = _root.createEmptyMovieClip("surface", PAINT);
var frame = _root.createEmptyMovieClip("frame", FRAME);

function fill(clip, x, y, w, h, color, alpha) {
  clip.beginFill(color, alpha);
  clip.moveTo(x, y);
  clip.lineTo(x + w, y);
  clip.lineTo(x + w, y + h);
  clip.lineTo(x, y + h);
  clip.lineTo(x, y);
  clip.endFill();
}

// An empty screen. With `see` what is behind it is seen.
function clear(see) {
  surface.removeMovieClip();
  surface = _root.createEmptyMovieClip("surface", PAINT);
  nextDepth = 1;
  buttons = [];
  if (!see) {
    fill(surface, 0, 0, WIDTH, HEIGHT, PAPER, 100);
  }
}

// Text in a field of its own, which is returned. `align` is left, center or right.
function write(text, x, y, w, size, color, align) {
  var name = "t" + nextDepth;
  surface.createTextField(name, nextDepth++, x, y, w, size * 1.5);
  var field = surface[name];
  field.selectable = false;
  var format = new TextFormat("_sans", size, color);
  format.align = align;
  field.setNewTextFormat(format);
  field.text = text;
  return field;
}

function button(x, y, w, h, text, act) {
  fill(surface, x + 2, y + 2, w - 4, h - 4, PANEL, 100);
  var size = 20;
  var field = write(text, x + 12, y + (h - size * 1.4) / 2, w - 24, size, INK, w > 200 ? "left" : "center");
  buttons.push({ x: x, y: y, w: w, h: h, act: act, field: field });
  return field;
}

// Puts the frame around a button.
function look(at) {
  focus = at;
  frame.clear();
  var it = buttons[at];
  if (it == undefined) {
    return;
  }
  trace("focus " + at + " " + it.field.text);
  frame.lineStyle(4, ACCENT, 100);
  frame.moveTo(it.x + 3, it.y + 3);
  frame.lineTo(it.x + it.w - 3, it.y + 3);
  frame.lineTo(it.x + it.w - 3, it.y + it.h - 3);
  frame.lineTo(it.x + 3, it.y + it.h - 3);
  frame.lineTo(it.x + 3, it.y + 3);
}

function under(x, y) {
  for (var i = 0; i < buttons.length; i++) {
    var it = buttons[i];
    if (x >= it.x && x < it.x + it.w && y >= it.y && y < it.y + it.h) {
      return i;
    }
  }
  return -1;
}

// The nearest button in a direction: the way to it counts, and twice what it lies aside. Left and right may belong to a
// button itself.
function step(dx, dy) {
  var from = buttons[focus];
  if (from == undefined) {
    look(0);
    return;
  }
  if (dx != 0 && from.along != undefined) {
    from.along(dx);
    return;
  }
  var best = -1;
  var least = 100000;
  for (var i = 0; i < buttons.length; i++) {
    var it = buttons[i];
    var x = it.x + it.w / 2 - from.x - from.w / 2;
    var y = it.y + it.h / 2 - from.y - from.h / 2;
    var ahead = dx != 0 ? x * dx : y * dy;
    var aside = Math.abs(dx != 0 ? y : x);
    if (i != focus && ahead > 1 && ahead + 2 * aside < least) {
      least = ahead + 2 * aside;
      best = i;
    }
  }
  if (best >= 0) {
    look(best);
  }
}

// Presses a button with the pointer.
function press(at) {
  var it = buttons[at];
  if (it != undefined) {
    it.act(_xmouse - it.x);
  }
}

// The same by key: where the pointer is means nothing then.
function enter(at) {
  var it = buttons[at];
  if (it != undefined && it.byKey != undefined) {
    it.byKey();
  } else if (it != undefined) {
    it.act(0);
  }
}

// What a screen does when the way back is wanted; each sets its own.
var back = undefined;

var hand = new Object();
hand.onMouseMove = function () {
  var at = under(_xmouse, _ymouse);
  if (at >= 0 && at != focus) {
    look(at);
  }
};
hand.onMouseDown = function () {
  var at = under(_xmouse, _ymouse);
  if (at >= 0) {
    look(at);
    press(at);
  } else {
    outside();
  }
};
hand.onKeyDown = function () {
  var code = Key.getCode();
  if (code == 37) {
    step(-1, 0);
  } else if (code == 38) {
    step(0, -1);
  } else if (code == 39) {
    step(1, 0);
  } else if (code == 40) {
    step(0, 1);
  } else if (code == 13 || code == 32) {
    enter(focus);
  } else if (code == 8 || code == 27) {
    if (back != undefined) {
      back();
    }
  }
};
Mouse.addListener(hand);
Key.addListener(hand);

// A press beside all buttons; screens that hide theirs show them then.
function outside() {
  if (view == "show") {
    toggleShowButtons();
  }
}
