/** Ids of conversations. Anything else (`../../x`, `-- -x`) is no id. Apart from the schemas, which a worker does without. */

export const CONVERSATION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
