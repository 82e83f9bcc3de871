import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';

function written(options: LoggerOptions = {}) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ ...options, destination: { write: (line) => void lines.push(line) } }) };
}

describe('the logger', () => {
  it('writes one JSON object a line, with level and time as text', () => {
    const { lines, logger } = written({ bindings: { part: 'processor' } });
    logger.info({ workspace: 'main' }, 'started');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      part: 'processor',
      workspace: 'main',
      msg: 'started',
      time: expect.stringMatching(/Z$/),
    });
  });

  it('writes no secret, up to three levels deep', () => {
    const { lines, logger } = written();
    logger.warn({ password: 'p1', config: { token: 'p2', http: { authorization: 'p3' } } }, 'source failed');
    expect(lines.join('')).not.toMatch(/p1|p2|p3/);
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(3);
  });

  it('keeps the cause of an error', () => {
    const { lines, logger } = written();
    logger.error({ err: new Error('no broker', { cause: new Error('refused') }) }, 'append failed');
    expect(lines[0]).toContain('refused');
  });

  it('writes for people when asked', () => {
    const { lines, logger } = written({ format: 'text', bindings: { part: 'query' } });
    logger.warn({ workspace: 'main', err: new Error('gone') }, 'engine is away');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}query: engine is away workspace=main cause="gone"\n$/);
  });

  it('writes nothing below its level', () => {
    const { lines, logger } = written({ level: 'warn' });
    logger.info('quiet');
    expect(lines).toEqual([]);
  });
});
