/**
 * ClickHouse's Kafka table engine with one view into a MergeTree on the same topics: nothing checked, nothing
 * deduplicated, nothing evaluated, nothing told to the disk at once. From creation until every point is in the table.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asChild } from '../children.ts';

export interface KafkaEngineOrder {
  readonly brokers: string;
  readonly group: string;
  readonly topics: readonly string[];
  readonly points: number;
}

export interface KafkaEngineDone {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly rows: number;
  readonly memoryMiBMax: number;
}

const WAIT_MS_MAX = 240_000;
const POLL_MS = 20;

const queue = ({ brokers, topics, group }: KafkaEngineOrder): string => `CREATE TABLE queue
(
    metric String,
    feeder String,
    points Array(Tuple(period String, value Decimal(38, 9), dimensions Tuple(region String)))
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${brokers}', kafka_topic_list = '${topics.join()}', kafka_group_name = '${group}',
    kafka_format = 'JSONEachRow', kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_skip_broken_messages = 10, kafka_flush_interval_ms = 500`;

const TARGET = `CREATE TABLE points
(
    metric LowCardinality(String),
    region LowCardinality(String),
    day Date,
    value Decimal(38, 9)
)
ENGINE = MergeTree
ORDER BY (metric, region, day)`;

const VIEW = `CREATE MATERIALIZED VIEW points_view TO points AS
SELECT metric, point.dimensions.region AS region, toDate(point.period) AS day, point.value AS value
FROM queue ARRAY JOIN points AS point`;

asChild(async (order: KafkaEngineOrder): Promise<KafkaEngineDone> => {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-engine-'));
  const { createChdbConnection }: typeof import('chdb/connection') = createRequire(
    join(import.meta.dirname, '../../libs/store/src/embedded.ts'),
  )('chdb/connection');
  const connection = createChdbConnection({ path: dir });
  const run = async (sql: string): Promise<string> =>
    (await connection.chdb.queryAsync(sql, { format: 'TSV' })).text().trim();
  try {
    await run(TARGET);
    const cpu = process.cpuUsage();
    const began = performance.now();
    await run(queue(order));
    await run(VIEW);
    let rows = 0;
    while (rows < order.points) {
      if (performance.now() - began > WAIT_MS_MAX)
        throw new Error(`the Kafka engine wrote ${rows} of ${order.points} points in ${WAIT_MS_MAX} ms`);
      await sleep(POLL_MS);
      rows = Number(await run('SELECT count() FROM points'));
    }
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    await run('DROP TABLE points_view');
    await run('DROP TABLE queue');
    return {
      ms,
      cpuSeconds: (user + system) / 1e6,
      rows,
      memoryMiBMax: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    await connection.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
