export { changeKeys, KEYS_MAX, readKeys } from './file.ts';
export { type GuardedRoute, guardedRoutes, type RouteScope, requireScope, workspaceOf } from './guard.ts';
export {
  EVERY_WORKSPACE,
  type Identity,
  isInForce,
  isWorkspaceBinding,
  mayName,
  mintKey,
  type NewKey,
  OWNER,
  SCOPES,
  type Scope,
  type StoredKey,
} from './key.ts';
export { KeyRing, type KeyRingOptions, readUsed } from './ring.ts';
