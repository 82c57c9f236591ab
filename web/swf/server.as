// The server: where it is, and what it says of folders and films.

// The page names them; a movie that is opened by itself asks where it came from.
var BASE = SERVER == undefined ? "" : "http://" + SERVER + (PORT == undefined ? "" : ":" + PORT);
var RTMP = "rtmp://" + (SERVER == undefined ? "localhost" : SERVER) + ":" + (RTMPPORT == undefined ? 1935 : RTMPPORT) + "/flash";

// A path's names one by one, so that its slashes stay.
function encoded(path) {
  var names = path.split("/");
  var out = "";
  for (var i = 0; i < names.length; i++) {
    if (names[i] != "") {
      out += "/" + escape(names[i]);
    }
  }
  return out;
}

// The strings of a list in a JSON text: {"aDir":["a","b"]}. Names have few escapes, so what lies between two quotes is
// taken in one go; letter by letter a large folder would take a minute.
function strings(text, key) {
  var found = [];
  var mark = "\"" + key + "\":[";
  var at = text.indexOf(mark);
  if (at < 0) {
    return found;
  }
  at += mark.length;
  var back = text.indexOf("\\", at);
  while (text.charAt(at) == "\"") {
    var start = at + 1;
    var end = start;
    var plain = true;
    while (true) {
      var quote = text.indexOf("\"", end);
      if (quote < 0) {
        return found;
      }
      if (back >= 0 && back < end) {
        back = text.indexOf("\\", end);
      }
      if (back >= 0 && back < quote) {
        plain = false;
        end = back + 2;
        continue;
      }
      end = quote;
      break;
    }
    var name = text.substring(start, end);
    found.push(plain ? name : unescaped(name));
    at = end + 1;
    if (text.charAt(at) == ",") {
      at++;
    }
  }
  return found;
}

function unescaped(text) {
  var out = "";
  var i = 0;
  while (i < text.length) {
    var letter = text.charAt(i);
    if (letter == "\\") {
      i++;
      letter = text.charAt(i);
      if (letter == "u") {
        out += String.fromCharCode(parseInt(text.substr(i + 1, 4), 16));
        i += 5;
        continue;
      }
      if (letter == "n" || letter == "r" || letter == "t") {
        letter = " ";
      }
    }
    out += letter;
    i++;
  }
  return out;
}

// Asks for a folder; `then` gets its folders and files, or undefined when it cannot be read.
function list(path, then) {
  var answer = new LoadVars();
  answer.onLoad = function (good) {
    if (good && answer.result != undefined) {
      then(strings(answer.result, "aDir"), strings(answer.result, "aFile"));
    } else {
      then(undefined, undefined);
    }
  };
  answer.load(BASE + "/getdir" + (path == "" ? "/" : encoded(path)));
}

// Asks how long a film is, how much of it is there, and how long a place of it takes to come.
function ask(path, target, then) {
  var answer = new LoadVars();
  answer.onLoad = function (good) {
    if (good && answer.totallength != undefined) {
      then(Number(answer.totallength), Number(answer.availablelength), answer.eta == undefined || answer.eta == "" ? undefined : Number(answer.eta));
    }
  };
  answer.load(BASE + "/getinfo" + encoded(path) + (target == undefined ? "" : "?target=" + int(target)));
}

// For the server's log.
function report(text) {
  trace(text);
  var message = new LoadVars();
  message.load(BASE + "/feedback/" + escape(text));
}

var KINDS = {
  jpg: "picture", jpeg: "picture", png: "picture", gif: "picture", webp: "picture", bmp: "picture", tif: "picture", tiff: "picture"
};

function isPicture(name) {
  var dot = name.lastIndexOf(".");
  return dot > 0 && KINDS[name.substr(dot + 1).toLowerCase()] == "picture";
}
