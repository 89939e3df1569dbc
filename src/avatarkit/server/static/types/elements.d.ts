// Tags of the elements, for TypeScript.

import type { AvatarCreate } from "./avatar-create.js";
import type { AvatarData } from "./avatar-data.js";
import type { AvatarDeliveries } from "./avatar-deliveries.js";
import type { AvatarGallery } from "./avatar-gallery.js";
import type { AvatarList } from "./avatar-list.js";
import type { AvatarOperations } from "./avatar-operations.js";
import type { AvatarPhone } from "./avatar-phone.js";
import type { AvatarSpeak } from "./avatar-speak.js";
import type { AvatarTraining } from "./avatar-training.js";
import type { Erasure, RecordAnswer } from "./client.js";

interface Elements {
  "avatar-create": AvatarCreate;
  "avatar-data": AvatarData;
  "avatar-deliveries": AvatarDeliveries;
  "avatar-gallery": AvatarGallery;
  "avatar-list": AvatarList;
  "avatar-operations": AvatarOperations;
  "avatar-phone": AvatarPhone;
  "avatar-speak": AvatarSpeak;
  "avatar-training": AvatarTraining;
}

/** Properties that a tag takes in JSX. */
type Given<E> = Partial<Omit<E, keyof HTMLElement>> & { [attribute: `${string}-${string}`]: unknown; src?: string | null; lang?: string; class?: string };

type Tags = { [Name in keyof Elements]: Given<Elements[Name]> };

declare global {
  interface HTMLElementTagNameMap extends Elements {}
  interface HTMLElementEventMap {
    "avatar-again": CustomEvent<RecordAnswer>;
    "avatar-change": CustomEvent<RecordAnswer>;
    "avatar-created": CustomEvent<RecordAnswer>;
    "avatar-erased": CustomEvent<Erasure>;
    "avatar-gone": CustomEvent<Error>;
    "avatar-handed-over": CustomEvent<null>;
    "avatar-other": CustomEvent<RecordAnswer>;
    "avatar-unauthorized": CustomEvent<Error>;
    "avatar-video": CustomEvent<RecordAnswer>;
  }
  namespace JSX {
    interface IntrinsicElements extends Tags {}
  }
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements extends Tags {}
  }
}
