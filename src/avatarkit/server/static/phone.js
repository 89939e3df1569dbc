// The page that a phone opens by the link of a hand-over, in the phone's language.

import { LANGUAGES, direction } from "./element.js";

const tag = navigator.languages.map((name) => name.split("-")[0]).find((name) => name in LANGUAGES) ?? "en";
document.documentElement.lang = tag;
document.documentElement.dir = direction(tag);
await import("./avatar-phone.js");
