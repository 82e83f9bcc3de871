import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openapiText } from './openapi.ts';

let text: string;
beforeAll(async () => {
  text = await openapiText();
});

describe('the description of the API', () => {
  it('is the committed one (npm run docs)', () => {
    expect(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')).toBe(text);
  });

  it('is OpenAPI 3.1 and says of every operation what it does and how it fails', () => {
    const { openapi, paths } = JSON.parse(text) as {
      openapi: string;
      paths: Record<string, Record<string, { summary?: string; responses: Record<string, unknown> }>>;
    };
    expect(openapi).toBe('3.1.0');
    for (const path of ['/v1/status', '/v1/trend', '/v1/tree', '/v1/observations', '/v1/definitions/apply']) {
      expect(Object.keys(paths)).toContain(path);
    }
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
    );
    const silent = operations.filter(({ summary, responses }) => summary === undefined || !('default' in responses));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('refers to nothing that it does not hold, and declares every parameter of its paths', () => {
    const { paths, components } = JSON.parse(text) as {
      paths: Record<string, Record<string, { parameters?: { in: string; name: string }[] }>>;
      components: { schemas: Record<string, unknown> };
    };
    const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(references.filter((name) => !Object.hasOwn(components.schemas, name))).toEqual([]);
    const undeclared = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { parameters = [] }]) => {
        const declared = new Set(parameters.filter((each) => each.in === 'path').map(({ name }) => name));
        const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? '');
        return named.filter((name) => !declared.has(name)).map((name) => `${method} ${path}: ${name}`);
      }),
    );
    expect(undeclared).toEqual([]);
  });
});
