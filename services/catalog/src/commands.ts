import {
  type CheckInFact,
  type DefinitionFold,
  type DefinitionsFact,
  type Instant,
  type OverrideFact,
  type Position,
  position,
  type WorkspaceDefaults,
} from '@paceline/domain';
import { suggest } from '@paceline/domain/metric/suggest';
import type { DocumentFault } from '@paceline/events';
import { type Clock, PacelineError } from '@paceline/runtime';
import { type CheckedIn, type CheckInRequest, checkIn } from './check-in.ts';
import { type Given, type Plan, type Planned, planDefinitions } from './plan.ts';
import type { Workspace, Workspaces } from './workspaces.ts';

export interface ApplyRequest {
  /** The command's id: sending it again changes nothing and answers the same. */
  readonly command: string;
  /** What the change was planned against; absent: the definitions as they are now. */
  readonly expects?: Position | null;
  readonly given: readonly Given[];
  readonly prune: boolean;
  /** What the workspace's defaults are to be; absent: as they are. */
  readonly defaults?: WorkspaceDefaults | undefined;
  readonly actor?: string;
}

export interface Outcome {
  readonly command: string;
  /** `pending`: in the log, and its outcome not known yet; ask for it by the command's id. */
  readonly outcome: 'accepted' | 'conflict' | 'pending' | 'unchanged';
  /** Of the command's record; of `unchanged` that of the definitions, `null` while there are none. */
  readonly position: Position | null;
}

export type Applied =
  | { readonly ok: true; readonly outcome: Outcome; readonly plan: Plan | null }
  | { readonly ok: false; readonly reason: 'invalid'; readonly faults: readonly DocumentFault[] }
  | {
      readonly ok: false;
      readonly reason: 'conflict';
      readonly expects: Position | null;
      /** The accepted command that came in between. */
      readonly competing: { readonly command: string | null; readonly position: Position | null };
    };

export interface OverrideRequest {
  readonly command: string;
  readonly source: string;
  readonly until?: Instant;
  readonly actor?: string;
}

const DAY_MS = 86_400_000;
const OVERRIDE_MS_MAX = 30 * DAY_MS;

export class Commands {
  readonly #workspaces: Workspaces;
  readonly #clock: Clock;
  readonly #limits: { readonly documentsMax?: number };

  constructor(workspaces: Workspaces, clock: Clock, limits: { readonly documentsMax?: number } = {}) {
    this.#workspaces = workspaces;
    this.#clock = clock;
    this.#limits = limits;
  }

  plan(
    fold: DefinitionFold,
    given: readonly Given[],
    wanted: { readonly prune: boolean; readonly defaults?: WorkspaceDefaults | undefined },
  ): Planned {
    return planDefinitions(fold, given, { ...wanted, ...this.#limits });
  }

  /**
   * Validates against the definitions at exactly `expects`, appends the normalised change, and waits a while for the fold's
   * word. The fold alone decides: another apply may come in between.
   */
  async apply(workspace: Workspace, request: ApplyRequest): Promise<Applied> {
    const { fold } = workspace;
    const { command, given, actor } = request;
    const known = outcomeOf(workspace, command);
    if (known !== undefined) return this.#settled(workspace, known, request.expects ?? null, null);
    const expects = request.expects === undefined ? fold.definitions.position : request.expects;
    if (expects !== fold.definitions.position) return conflict(workspace, expects);
    const planned = this.plan(fold, given, request);
    if (!planned.ok) return { ok: false, reason: 'invalid', faults: planned.faults };
    const { plan } = planned;
    if (plan.changes.length === 0) {
      return { ok: true, outcome: { command, outcome: 'unchanged', position: expects }, plan };
    }
    const fact: DefinitionsFact = {
      type: 'definitions',
      command,
      expects,
      put: plan.put,
      remove: plan.remove,
      ...(plan.defaults === null ? {} : { defaults: plan.defaults }),
      ...(actor === undefined ? {} : { actor }),
    };
    const at = position(await this.#append(workspace, fact));
    await this.#workspaces.settle(workspace, at);
    const outcome = outcomeOf(workspace, command) ?? { command, outcome: 'pending', position: at };
    return this.#settled(workspace, outcome, expects, plan);
  }

  /** The fact's position, or why it was refused. */
  async checkIn(
    workspace: Workspace,
    request: CheckInRequest,
    id: string,
  ): Promise<
    Exclude<CheckedIn, { ok: true }> | { readonly ok: true; readonly fact: CheckInFact; readonly position: Position }
  > {
    const { fold } = workspace;
    const checked = checkIn(fold.catalog, request, this.#now(workspace));
    if (!checked.ok) return checked;
    const offset = await this.#workspaces.append(workspace, checked.fact, id);
    return { ok: true, fact: checked.fact, position: position(offset) };
  }

  /** Lets a source retract in mass once it was looked at: until `until`, a day by default. */
  async override(workspace: Workspace, request: OverrideRequest): Promise<Outcome> {
    const { command, source, actor } = request;
    const known = outcomeOf(workspace, command);
    if (known !== undefined) return known;
    const names = [...workspace.fold.documents.values()].flatMap(({ document }) =>
      document.kind === 'Source' ? [document.metadata.name] : [],
    );
    if (!names.includes(source)) {
      const near = suggest(source, names);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      throw new PacelineError('unknown_source', `there is no source ${source.slice(0, 80)}${hint}`);
    }
    const now = this.#now(workspace);
    const until = request.until ?? now + DAY_MS;
    if (until <= now || until > now + OVERRIDE_MS_MAX) {
      throw new PacelineError('invalid_value', 'until must lie in the future, at most 30 days ahead');
    }
    const fact: OverrideFact = {
      type: 'override',
      command,
      source,
      allow: 'mass_retraction',
      until,
      ...(actor === undefined ? {} : { actor }),
    };
    const at = position(await this.#workspaces.append(workspace, fact, command));
    await this.#workspaces.settle(workspace, at);
    return outcomeOf(workspace, command) ?? { command, outcome: 'pending', position: at };
  }

  /** What became of a command; `undefined` when its record was not folded yet, or never was. */
  outcome(workspace: Workspace, command: string): Outcome | undefined {
    return outcomeOf(workspace, command);
  }

  #settled(workspace: Workspace, outcome: Outcome, expects: Position | null, plan: Plan | null): Applied {
    return outcome.outcome === 'conflict' ? conflict(workspace, expects) : { ok: true, outcome, plan };
  }

  async #append(workspace: Workspace, fact: DefinitionsFact): Promise<number> {
    try {
      return await this.#workspaces.append(workspace, fact, fact.command);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new PacelineError('too_many_documents', `one apply cannot hold so many changes: ${cause.message}`, {
        cause,
      });
    }
  }

  /** The log's time may be ahead of this machine's, never behind what is recorded. */
  #now({ fold }: Workspace): Instant {
    return Math.max(this.#clock.now(), fold.recordedAt);
  }
}

function outcomeOf({ fold }: Workspace, command: string): Outcome | undefined {
  const known = fold.definitions.outcome(command);
  if (known === undefined) return undefined;
  return { command, outcome: known.accepted ? 'accepted' : 'conflict', position: known.position };
}

function conflict({ fold }: Workspace, expects: Position | null): Applied {
  const { position: at } = fold.definitions;
  const { commands } = fold.definitions.snapshot();
  const competing = commands.find(([, settledAt, accepted]) => accepted && settledAt === at)?.[0] ?? null;
  return { ok: false, reason: 'conflict', expects, competing: { command: competing, position: at } };
}
