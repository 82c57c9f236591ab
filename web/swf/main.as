// The beginning, and what is done with every frame.

Stage.scaleMode = "showAll";
_root.video._x = 0;
_root.video._y = 0;
_root.video._width = WIDTH;
_root.video._height = HEIGHT;
_root.onEnterFrame = function () {
  if (view == "play") {
    tickPlayer();
  } else if (view == "show") {
    tickShow();
  }
};
trace("wiidiaplayer " + BASE);
open("");
