// The part "pictures": one by one, and as a slideshow.

import "./pictures.css";
import { type PartScreenProps, register } from "../shell.ts";
import { ShowScreen } from "./screen.tsx";

register("pictures", function Pictures({ route }: PartScreenProps) {
  return <ShowScreen key={route.path} path={route.path} at={route.query?.at ?? ""} />;
});
