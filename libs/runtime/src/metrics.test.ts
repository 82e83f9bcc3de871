import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

it('shows everything under one prefix, with its labels', async () => {
  const metrics = createMetrics({ defaults: false });
  metrics.deadLetters.inc({ code: 'invalid_fact' });
  metrics.logLag.set({ workspace: 'main' }, 7);
  const text = await metrics.registry.metrics();
  expect(text).toContain('paceline_dead_letters_total{code="invalid_fact"} 1');
  expect(text).toContain('paceline_log_lag_records{workspace="main"} 7');
  expect(text.match(/^# TYPE (?!paceline_)/gm)).toBeNull();
});

it('keeps registries of two processes in one test apart', async () => {
  const one = createMetrics({ defaults: false });
  const two = createMetrics({ defaults: false });
  one.ticks.inc({ workspace: 'main' });
  expect(await two.registry.metrics()).not.toContain('paceline_processor_ticks_total{');
});
