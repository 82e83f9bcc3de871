import type { AcknowledgementFact, CheckInFact, Recorded, SilenceFact, SnoozeFact } from '../fact.ts';
import type { Instant } from '../instant.ts';
import type { Position } from '../position.ts';
import type { CheckIn } from '../view.ts';

/** What people said of key results: of each (subject, time) the latest statement. */
export class CheckIns {
  readonly #bySubject = new Map<string, CheckIn[]>();

  /** Ascending by time. */
  of(subject: string): readonly CheckIn[] {
    return this.#bySubject.get(subject) ?? [];
  }

  subjects(): IterableIterator<string> {
    return this.#bySubject.keys();
  }

  apply(record: Recorded<CheckInFact>): void {
    const { type: _, subject, ...body } = record.fact;
    // The list is replaced, never changed: an evaluation that runs meanwhile keeps reading the one it was given.
    const others = this.of(subject).filter((checkIn) => checkIn.time !== body.time);
    const at = others.findIndex((checkIn) => checkIn.time > body.time);
    const place = at < 0 ? others.length : at;
    this.#bySubject.set(subject, others.toSpliced(place, 0, { ...body, recordedAt: record.recordedAt }));
  }

  snapshot(): readonly (readonly [subject: string, checkIns: readonly CheckIn[]])[] {
    return [...this.#bySubject];
  }

  restore(snapshot: ReturnType<CheckIns['snapshot']>): void {
    this.#bySubject.clear();
    for (const [subject, checkIns] of snapshot) this.#bySubject.set(subject, [...checkIns]);
  }
}

export interface Acknowledgement {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly actor?: string;
  readonly note?: string;
}
export interface Snooze extends Acknowledgement {
  readonly until: Instant;
}
export interface Silence {
  readonly id: string;
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly until: Instant;
  readonly matchers: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly actor?: string;
}

export interface SuppressionSnapshot {
  readonly acknowledgements: readonly (readonly [alert: string, Acknowledgement])[];
  readonly snoozes: readonly (readonly [alert: string, Snooze])[];
  readonly silences: readonly Silence[];
}

/** What people did about alerts. An alert is named by its id, with or without `:EPISODE`. */
export class Suppression {
  readonly #acknowledgements = new Map<string, Acknowledgement>();
  readonly #snoozes = new Map<string, Snooze>();
  readonly #silences = new Map<string, Silence>();

  acknowledgement(alert: string): Acknowledgement | undefined {
    return this.#acknowledgements.get(alert);
  }

  snooze(alert: string): Snooze | undefined {
    return this.#snoozes.get(alert);
  }

  silences(): IterableIterator<Silence> {
    return this.#silences.values();
  }

  /** The ends of snoozes and silences after `after`: instants at which something may become due again. */
  *ends(after: Instant): Generator<Instant> {
    for (const { until } of this.#snoozes.values()) if (until > after) yield until;
    for (const { until } of this.#silences.values()) if (until > after) yield until;
  }

  acknowledge({ position, recordedAt, fact }: Recorded<AcknowledgementFact>): void {
    const { type: _, alert, ...said } = fact;
    this.#acknowledgements.set(alert, { position, recordedAt, ...said });
  }

  snoozed({ position, recordedAt, fact }: Recorded<SnoozeFact>): void {
    const { type: _, alert, ...said } = fact;
    this.#snoozes.set(alert, { position, recordedAt, ...said });
  }

  silenced({ position, recordedAt, fact }: Recorded<SilenceFact>): void {
    const { type: _, ...said } = fact;
    this.#silences.set(said.id, { position, recordedAt, ...said });
  }

  snapshot(): SuppressionSnapshot {
    return {
      acknowledgements: [...this.#acknowledgements],
      snoozes: [...this.#snoozes],
      silences: [...this.#silences.values()],
    };
  }

  restore(snapshot: SuppressionSnapshot): void {
    this.#acknowledgements.clear();
    this.#snoozes.clear();
    this.#silences.clear();
    for (const [alert, said] of snapshot.acknowledgements) this.#acknowledgements.set(alert, said);
    for (const [alert, said] of snapshot.snoozes) this.#snoozes.set(alert, said);
    for (const silence of snapshot.silences) this.#silences.set(silence.id, silence);
  }
}
