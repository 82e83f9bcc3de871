import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';

const faultSchema = z.object({
  code: z.string(),
  message: z.string(),
  pointer: z.string().optional().describe('JSON Pointer into the body.'),
  parameter: z.string().optional().describe('Name of the parameter.'),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
});

/** The shape of every refusal, referred to by every operation of the description. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Address that explains the code.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened to what, this time.'),
    instance: z.string(),
    code: z.string().describe('A code of the closed table in docs/errors.md.'),
    remedy: z.string(),
    requestId: z.string().optional(),
    errors: z.array(faultSchema).optional(),
  })
  .describe('RFC 9457 problem details.')
  .register(z.globalRegistry, { id: 'Problem', description: 'RFC 9457 problem details.' });

const PROBLEM_RESPONSE = {
  description: 'The request was refused or failed.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** OpenAPI 3.1 from the zod schemas of all routes registered afterwards, at `/openapi.json`, and for people at `/docs`. */
export async function documentApi(
  app: FastifyInstance,
  options: { readonly title: string; readonly version: string; readonly page: boolean },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: options.title,
        version: options.version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withProblems(jsonSchemaTransformObject(document)),
  });
  if (options.page) await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { schema: { hide: true }, config: { scope: 'open' } }, async () => app.swagger());
}

type Documented = ReturnType<typeof jsonSchemaTransformObject>;

function withProblems(document: Documented): Documented {
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => {
    const withDefault = Object.entries(operations ?? {}).map(([method, operation]) => {
      if (typeof operation !== 'object' || operation === null || !('responses' in operation))
        return [method, operation];
      return [
        method,
        { ...operation, responses: Object.assign({}, operation.responses, { default: PROBLEM_RESPONSE }) },
      ];
    });
    return [path, Object.fromEntries(withDefault)];
  });
  return { ...document, paths: Object.fromEntries(paths) };
}
