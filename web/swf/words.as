// What is written on the screen, in the language of the player.

function words(english, german) {
  return System.capabilities.language == "de" ? german : english;
}

var SAYS = {
  top: words("Library", "Bibliothek"),
  up: words("Up", "Zurück"),
  more: words("More", "Weiter"),
  less: words("Back", "Vorige"),
  playAll: words("Play all", "Alles spielen"),
  show: words("Slideshow", "Diaschau"),
  queue: words("Queue", "Liste"),
  clear: words("Clear", "Leeren"),
  add: "+",
  list: words("List", "Liste"),
  pause: words("Pause", "Pause"),
  play: words("Play", "Weiter"),
  next: words("Next", "Nächster"),
  previous: words("Previous", "Voriger"),
  loading: words("One moment …", "Einen Moment …"),
  empty: words("Nothing in this folder", "In diesem Ordner ist nichts"),
  noFolder: words("This folder can't be read. Is the server on?", "Dieser Ordner ist nicht lesbar. Läuft der Server?"),
  ready: words("Ready in ", "Bereit in "),
  soon: words("Being converted …", "Wird umgewandelt …"),
  cannot: words("This can't be played: ", "Das lässt sich nicht abspielen: "),
  ended: words("That was all", "Das war alles")
};

// Seconds as 1:02:03.
function clock(seconds) {
  if (!(seconds > 0)) {
    seconds = 0;
  }
  var whole = int(seconds);
  var rest = whole % 60;
  var minutes = int(whole / 60);
  var hours = int(minutes / 60);
  var text = (minutes % 60) + ":" + (rest < 10 ? "0" : "") + rest;
  if (hours > 0) {
    text = hours + ":" + (minutes % 60 < 10 ? "0" : "") + text;
  }
  return text;
}
