// The part "upload": a panel in front of a folder.

import "./upload.css";
import { register } from "../shell.ts";
import { UploadPanel } from "./panel.tsx";

register("upload", UploadPanel);
