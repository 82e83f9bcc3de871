/** Where `${env:NAME}` is looked up: the process's environment, handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface SubstitutionFault {
  readonly code: 'undefined_secret' | 'invalid_value';
  readonly message: string;
  readonly remedy: string;
}

export type Substituted =
  | { readonly ok: true; readonly text: string; readonly secrets: boolean }
  | { readonly ok: false; readonly faults: readonly SubstitutionFault[] };

/** `${word:…}` or, with a second dollar, the same text left alone. Anything else with a dollar is the text's own business. */
const REFERENCE = /\$(\$?)\{([A-Za-z_]+):([^{}]*)\}/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
const SECRET = /^[A-Za-z0-9_][A-Za-z0-9_.-]*#[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Puts the environment into one scalar: `${env:NAME}`, or `${env:NAME:-default}` for when NAME is unset or empty.
 * `${secret:NAME#key}` stays a reference, so that no secret reaches a plan, the log or an error; `$${env:NAME}` is literal.
 */
export function substitute(text: string, env: Environment): Substituted {
  if (!text.includes('${')) return { ok: true, text, secrets: false };
  const faults: SubstitutionFault[] = [];
  let secrets = false;
  const made = text.replace(REFERENCE, (whole: string, escaped: string, word: string, inside: string) => {
    if (escaped !== '') return whole.slice(1);
    if (word === 'secret') {
      secrets = true;
      if (!SECRET.test(inside)) faults.push(invalid(whole, 'write ${secret:NAME#key}'));
      return whole;
    }
    const variable = word === 'env' ? VARIABLE.exec(inside) : null;
    if (variable === null) {
      faults.push(invalid(whole, 'write ${env:NAME}, ${env:NAME:-default} or ${secret:NAME#key}'));
      return whole;
    }
    return lookUp(variable[1]!, variable[2], env, faults);
  });
  return faults.length === 0 ? { ok: true, text: made, secrets } : { ok: false, faults };
}

function lookUp(name: string, fallback: string | undefined, env: Environment, faults: SubstitutionFault[]): string {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
  if (value !== undefined) return value;
  faults.push({
    code: 'undefined_secret',
    message: `the environment has no ${name}`,
    remedy: `set ${name}, or give a default: \${env:${name}:-…}`,
  });
  return '';
}

function invalid(reference: string, remedy: string): SubstitutionFault {
  return { code: 'invalid_value', message: `"${reference.slice(0, 80)}" is no reference`, remedy };
}
