// The part "settings": of this device.

import "./settings.css";
import { register } from "../shell.ts";
import { LookScreen } from "./screen.tsx";

register("settings", LookScreen);
