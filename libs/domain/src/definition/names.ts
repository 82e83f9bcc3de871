/** Names of documents, key results and milestones (SURFACE, Definition documents). */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
