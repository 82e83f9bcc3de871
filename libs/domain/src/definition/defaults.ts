import type { WorkspaceDefaults } from '../catalog.ts';
import { DEFAULT_POLICY } from '../policy/policy.ts';

/** Stands for the workspace's defaults where documents are named by their ids. No document can have it: no kind is called so. */
export const DEFAULTS_ID = 'workspace/defaults';

/** What holds for subjects that name no policy and no pace: what is said, else `paceline` and `linear`. */
export function resolvedDefaults({ policy, pace }: WorkspaceDefaults): Required<WorkspaceDefaults> {
  return { policy: policy ?? DEFAULT_POLICY, pace: pace ?? 'linear' };
}
