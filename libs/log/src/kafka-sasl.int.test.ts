import { type Kafka as LocalKafka, startKafka } from '@paceline/local-servers/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodies, message } from './contract.ts';
import { openKafkaLog } from './kafka.ts';

let broker: LocalKafka;
beforeAll(async () => {
  broker = await startKafka({
    properties: {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="paceline" password="right" user_paceline="right";',
    },
  });
});
afterAll(() => broker?.stop());

test('a user and password open the log; a wrong password is told at once, not retried for ever', async () => {
  const open = (password: string) =>
    openKafkaLog({ brokers: [broker.brokers], sasl: { mechanism: 'plain', username: 'paceline', password } });
  await expect(open('wrong')).rejects.toThrow(/authentication/i);
  const log = await open('right');
  await log.ensureTopic('facts.a');
  await log.append('facts.a', [message('0')]);
  const seen: string[] = [];
  for await (const batch of log.read('facts.a', { from: 0 })) seen.push(...bodies(batch));
  expect(seen).toEqual(['0']);
  const delivered = Promise.withResolvers<string[]>();
  const subscription = await log.subscribe({
    group: 'g',
    prefix: 'facts.',
    batch: async (records) => delivered.resolve(bodies(records)),
  });
  expect(await delivered.promise).toEqual(['0']);
  await subscription.stop();
  await log.close();
});

test('a broker that is not there is told', async () => {
  await expect(openKafkaLog({ brokers: ['127.0.0.1:1'], connectionTimeoutMs: 500 })).rejects.toThrow(
    /127.0.0.1:1|connect/i,
  );
});
