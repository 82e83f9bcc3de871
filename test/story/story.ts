/**
 * The story as data: what the world and people do, and when. It says nothing of how Paceline is put together, so that every form
 * of it (one process on embedded parts, processes on Kafka, ClickHouse and Redis) plays the same story.
 */
export type Act =
  /** The billing system's export, whole, as it stands from now on. */
  | { readonly act: 'billing'; readonly rows: readonly BillingRow[] }
  /** Samples that the monitoring answers from now on, besides earlier ones; one of the same id replaces it. */
  | { readonly act: 'samples'; readonly samples: readonly Sample[] }
  | { readonly act: 'monitor'; readonly up: boolean }
  /** Rows of the CRM's table; one of the same day and region is updated. */
  | { readonly act: 'crm'; readonly rows: readonly BillingRow[] }
  | { readonly act: 'run'; readonly source: string; readonly fails?: string }
  | {
      readonly act: 'push';
      readonly lines: readonly unknown[];
      readonly key?: string;
      readonly rejects?: readonly string[];
    }
  | { readonly act: 'covered'; readonly metric: string; readonly to: string }
  | { readonly act: 'check-in'; readonly checkIn: Readonly<Record<string, unknown>> }
  | { readonly act: 'apply'; readonly file: string }
  /** Two records that no writer of ours would write. */
  | { readonly act: 'poison' }
  | { readonly act: 'tick' };

export interface Step {
  readonly at: string;
  readonly acts: readonly Act[];
}

/** day, region, amount */
export type BillingRow = readonly [day: string, region: string, amount: number];

export interface Sample {
  readonly id: string;
  readonly at: string;
  readonly host: string;
  readonly ms: number;
}

export const BEGINNING = '2026-10-18T10:00:00Z';
const DAYS = [...range(19, 31).map((day) => `2026-10-${day}`), '2026-11-01'];
const SOURCES = ['billing', 'monitor', 'crm'] as const;

/** What each day brought in, as it was known on the morning after; what came later stands in `CHANGES`. */
const USUAL: readonly [emea: number, apac: number] = [600, 400];
const REVENUE: Readonly<Record<string, readonly [emea: number | null, apac: number | null]>> = {
  '2026-10-22': [300, 100],
  '2026-10-23': [200, 100],
  '2026-10-24': [null, 400],
  '2026-10-30': [1600, 400],
};
/** By the morning on which the billing system says otherwise: a correction, a late value, one taken back, and one that returns. */
const CHANGES: Readonly<Record<string, readonly (readonly [day: string, region: string, amount: number | null])[]>> = {
  '2026-10-25': [['2026-10-21', 'emea', 900]],
  '2026-10-26': [['2026-10-24', 'emea', 600]],
  '2026-10-29': [['2026-10-27', 'apac', null]],
  '2026-10-30': [['2026-10-27', 'apac', 450]],
};

/** Two samples a day, of two hosts; slow days by their mean. */
const SLOW: Readonly<Record<string, readonly [morning: number, afternoon: number]>> = {
  '2026-10-23': [180, 420],
  '2026-10-24': [300, 500],
  '2026-10-27': [200, 900],
};

function morningAfter(day: string): string {
  return `${nextDay(day)}T06:30:00Z`;
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function samplesOf(day: string): Sample[] {
  const [morning, afternoon] = SLOW[day] ?? [180, 220];
  const samples = [
    { id: `${day}-a`, at: `${day}T08:15:00Z`, host: 'a', ms: morning },
    { id: `${day}-b`, at: `${day}T15:45:00.250Z`, host: 'b', ms: afternoon },
  ];
  // Both hours called 2 o'clock in the night on which clocks go back.
  if (day === '2026-10-25') {
    samples.push({ id: 'first-two', at: '2026-10-25T00:30:00Z', host: 'a', ms: 190 });
    samples.push({ id: 'second-two', at: '2026-10-25T01:30:00Z', host: 'a', ms: 210 });
  }
  return samples;
}

function crmOf(day: string): BillingRow[] {
  const since = (Date.parse(day) - Date.parse('2026-10-18')) / 86_400_000;
  return [
    [day, 'emea', 800 + 30 * since],
    [day, 'apac', 400 + 10 * since],
  ];
}

/** Ten orders a day, each with the shop's own number. */
function ordersOf(day: string): Readonly<Record<string, unknown>>[] {
  return range(0, 9).map((n) => ({
    metric: 'orders',
    time: `${day}T${String(8 + n).padStart(2, '0')}:00:00+0${day < '2026-10-25' ? 2 : 1}:00`,
    value: 1,
    id: `${day}/${n}`,
  }));
}

/** Lines that are refused, each for its own reason, beside one that is taken. */
const MIXED = {
  lines: [
    { metric: 'orders', time: '2026-10-22T18:00:00Z', value: 1, id: '2026-10-22/late' },
    { metric: 'orders', time: '2026-10-22T18:00:00Z', value: 'NaN', id: 'x' },
    { metric: 'orders', time: '2026-10-22T18:00:00Z', value: 1 },
    { metric: 'ordres', time: '2026-10-22T18:00:00Z', value: 1, id: 'x' },
    { metric: 'orders', period: '2026-10-22', value: 1, id: 'x' },
    { metric: 'orders', time: '2026-12-24T18:00:00Z', value: 1, id: 'x' },
    { metric: 'orders', time: '2026-10-22T18:00:00Z', value: `1${'0'.repeat(40)}`, id: 'x' },
    { metric: 'orders', time: '2026-10-22T18:00:00Z', value: 1, id: 'x', dimensions: { colour: 'red' } },
  ],
  rejects: [
    'not_a_number',
    'missing_id',
    'unknown_metric',
    'wrong_grain',
    'in_future',
    'too_many_digits',
    'unknown_dimension',
  ],
} as const;

const billing = new Map<string, BillingRow>();

function billingOn(day: string): BillingRow[] {
  const put = (of: string, region: string, amount: number | null): void => {
    if (amount === null) billing.delete(`${of} ${region}`);
    else billing.set(`${of} ${region}`, [of, region, amount]);
  };
  const [emea, apac] = REVENUE[day] ?? USUAL;
  put(day, 'emea', emea);
  put(day, 'apac', apac);
  for (const [of, region, amount] of CHANGES[nextDay(day)] ?? []) put(of, region, amount);
  return [...billing.values()];
}

function usualDay(day: string): Act[] {
  return [
    { act: 'billing', rows: billingOn(day) },
    { act: 'samples', samples: samplesOf(day) },
    { act: 'crm', rows: crmOf(day) },
    ...(day === '2026-10-30' ? [{ act: 'monitor', up: false } as const] : []),
    ...(day === '2026-10-31' ? [{ act: 'monitor', up: true } as const] : []),
    ...SOURCES.map((source): Act => {
      const isDown = day === '2026-10-30' && source === 'monitor';
      return isDown ? { act: 'run', source, fails: 'unreachable' } : { act: 'run', source };
    }),
    { act: 'push', lines: ordersOf(day), key: `orders-${day}` },
    ...special(day),
  ];
}

/** What happens on the morning after a day besides the usual. */
function special(day: string): Act[] {
  switch (day) {
    case '2026-10-21':
      // Twice under its key, as a client does that lost the answer, and once more without, as one does that was restarted.
      return [
        { act: 'push', lines: ordersOf(day), key: `orders-${day}` },
        { act: 'push', lines: ordersOf(day) },
        { act: 'check-in', checkIn: { subject: 'key_result/grow/nps', time: '2026-10-22T05:00:00Z', value: '26' } },
      ];
    case '2026-10-22':
      return [
        { act: 'poison' },
        { act: 'push', ...MIXED },
        { act: 'covered', metric: 'orders', to: '2026-10-23T00:00:00+02:00' },
      ];
    case '2026-10-23':
      return [
        { act: 'crm', rows: [['2026-10-22', 'apac', 500]] },
        { act: 'run', source: 'crm' },
      ];
    case '2026-10-26':
      return [{ act: 'apply', file: 'later.yaml' }];
    case '2026-10-27':
      return [
        {
          act: 'check-in',
          checkIn: { subject: 'key_result/reliable/launch', time: '2026-10-27T12:00:00Z', milestones: { beta: true } },
        },
      ];
    case '2026-10-28':
      return [
        { act: 'check-in', checkIn: { subject: 'key_result/grow/nps', time: '2026-10-29T05:00:00Z', value: 41 } },
        // The monitoring found that one sample was wrong.
        { act: 'samples', samples: [{ id: '2026-10-27-b', at: '2026-10-27T15:45:00.250Z', host: 'b', ms: 210 }] },
        { act: 'run', source: 'monitor' },
      ];
    default:
      return [];
  }
}

const coveredTo = (to: string): Act => ({ act: 'covered', metric: 'orders', to });

/** Every day is told on its morning after; the last two are told together, after the cycle has ended. */
export const STORY: readonly Step[] = [
  {
    at: '2026-10-18T12:00:00Z',
    acts: [
      { act: 'apply', file: 'definitions.yaml' },
      { act: 'crm', rows: crmOf('2026-10-18') },
    ],
  },
  ...DAYS.slice(0, -2).map(
    (day): Step => ({
      at: morningAfter(day),
      acts: [
        ...usualDay(day),
        ...(day > '2026-10-22'
          ? [coveredTo(`${nextDay(day)}T00:00:00+0${nextDay(day) < '2026-10-26' ? 2 : 1}:00`)]
          : []),
        { act: 'tick' },
      ],
    }),
  ),
  { at: '2026-11-01T20:00:00Z', acts: usualDay('2026-10-31') },
  // One tick over the cycle's end: nothing ran between.
  {
    at: '2026-11-02T06:30:00Z',
    acts: [...usualDay('2026-11-01'), coveredTo('2026-11-02T00:00:00+01:00'), { act: 'tick' }],
  },
  { at: '2026-11-04T08:00:00Z', acts: [{ act: 'tick' }] },
  // After the close the books are corrected: what was said is said anew.
  {
    at: '2026-11-05T08:00:00Z',
    acts: [
      { act: 'billing', rows: [...billing.values()].map(corrected) },
      { act: 'run', source: 'billing' },
      { act: 'tick' },
    ],
  },
];

function corrected([day, region, amount]: BillingRow): BillingRow {
  return [day, region, day === '2026-10-20' && region === 'emea' ? 400 : amount];
}
