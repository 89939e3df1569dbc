// All elements, and the client of the API.

export { ApiError, Client } from "./client.js";
export { LANGUAGES, STRINGS } from "./element.js";
export { AvatarCreate } from "./avatar-create.js";
export { AvatarData } from "./avatar-data.js";
export { AvatarDeliveries } from "./avatar-deliveries.js";
export { AvatarGallery } from "./avatar-gallery.js";
export { AvatarList } from "./avatar-list.js";
export { AvatarOperations } from "./avatar-operations.js";
export { AvatarPhone } from "./avatar-phone.js";
export { AvatarSpeak } from "./avatar-speak.js";
export { AvatarTraining } from "./avatar-training.js";
