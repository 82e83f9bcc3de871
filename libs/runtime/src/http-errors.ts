import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod';
import { type ErrorCode, errorsHtml, type Fault, isErrorCode, PacelineError, problemOf } from './errors.ts';

/** Every failure leaves as RFC 9457 problem details with a code of the table, whoever threw it. */
export function answerProblem(app: FastifyInstance): void {
  const methods = methodsByPath(app);
  app.setErrorHandler((thrown, request, reply) => {
    const error = paceline(thrown, request);
    if (error.status >= 500 && error.code !== 'stopping') {
      const level = error.code === 'internal' ? 'error' : 'warn';
      request.log[level](
        { err: thrown, code: error.code, requestId: request.id, url: request.url },
        'a request failed',
      );
    }
    if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds));
    reply
      .code(error.status)
      .header('cache-control', 'no-store')
      .type('application/problem+json')
      .serializer(JSON.stringify);
    return reply.send(problemOf(error, { instance: pathOf(request), requestId: request.id }));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const others = methods.get(path);
    if (others === undefined || others.has(request.method)) {
      throw new PacelineError('not_found', `${request.method} ${path} does not exist`);
    }
    reply.header('allow', [...others].sort().join(', '));
    throw new PacelineError('method_not_allowed', `${path} does not take ${request.method}`);
  });
}

function methodsByPath(app: FastifyInstance): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    for (const each of Array.isArray(method) ? method : [method]) known.add(each);
    methods.set(url, known);
  });
  return methods;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '/';
}

/** Fastify's own failures by their codes; what is not listed is a bug of ours, and its message stays in the log. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_ASYNC_CONSTRAINT: 'invalid_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

function paceline(thrown: unknown, request: FastifyRequest): PacelineError {
  if (thrown instanceof PacelineError) return thrown;
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const context = thrown.validationContext ?? 'body';
    const faults = thrown.validation.flatMap((issue) => faultsOf(issue, context));
    const [first] = faults;
    const message =
      faults.length === 1 && first !== undefined ? first.message : `the request has ${faults.length} faults`;
    return new PacelineError('invalid_request', message, { faults, cause: thrown });
  }
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  // Libraries below may carry codes of the table without knowing this class.
  if (isErrorCode(code)) return new PacelineError(code, message, { cause: thrown });
  const known = FASTIFY_CODES[code];
  if (known !== undefined) return new PacelineError(known, fastifyMessage(known, message, request), { cause: thrown });
  if (code.startsWith('Z_') && request.headers['content-encoding'] !== undefined) {
    return new PacelineError('invalid_encoding', 'the body is no whole gzip data', { cause: thrown });
  }
  if (thrown instanceof SyntaxError && 'statusCode' in thrown && thrown.statusCode === 400) {
    return new PacelineError('invalid_json', message, { cause: thrown });
  }
  return new PacelineError('internal', 'the server failed to answer this request', { cause: thrown });
}

function fastifyMessage(code: ErrorCode, message: string, request: FastifyRequest): string {
  if (code === 'body_too_large') return `the body is larger than ${request.routeOptions.bodyLimit} bytes`;
  if (code === 'unsupported_media_type')
    return `content type ${(request.headers['content-type'] ?? 'none').slice(0, 100)} is not taken here`;
  return message;
}

function faultsOf(issue: ZodFastifySchemaValidationError, context: string): Fault[] {
  const pointer = issue.instancePath === '/' ? '' : issue.instancePath;
  const params: Readonly<Record<string, unknown>> = issue.params;
  const place = (below: string): Pick<Fault, 'pointer' | 'parameter'> =>
    context === 'body' ? { pointer: below } : { parameter: below.slice(1).replaceAll('/', '.') };
  if (issue.keyword === 'unrecognized_keys' && Array.isArray(params.keys)) {
    return params.keys.map((key: unknown) => ({
      code: 'unknown_key' as const,
      message: `${String(key)} is not known here`,
      ...place(`${pointer}/${escapePointer(String(key))}`),
    }));
  }
  const absent = issue.keyword === 'invalid_type' && (issue.message ?? '').endsWith('received undefined');
  const code: ErrorCode = absent ? 'missing_key' : issue.keyword === 'invalid_type' ? 'invalid_type' : 'invalid_value';
  return [{ code, message: `${nameOf(pointer, context)}: ${issue.message ?? 'is not valid'}`, ...place(pointer) }];
}

function nameOf(pointer: string, context: string): string {
  return pointer === '' ? context : pointer.slice(1).replaceAll('/', '.');
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function rateLimitOptions(requestsPerMinuteMax: number): RateLimitPluginOptions {
  return {
    max: requestsPerMinuteMax,
    timeWindow: 60_000,
    // Clients remembered at once; beyond it the longest unseen one begins anew.
    cache: 10_000,
    errorResponseBuilder: (_request, { ttl }) =>
      new PacelineError('rate_limited', `more than ${requestsPerMinuteMax} requests in a minute`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  };
}

/** The address that `type` of every problem points to. */
export function documentErrors(app: FastifyInstance): void {
  const page = errorsHtml();
  app.get('/docs/errors', { schema: { hide: true }, config: { scope: 'open' } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  );
}
