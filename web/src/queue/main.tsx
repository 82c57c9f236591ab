// The part "queue": the list of what is up next.

import "./queue.css";
import { register } from "../shell.ts";
import { QueueScreen } from "./screen.tsx";

register("queue", QueueScreen);
