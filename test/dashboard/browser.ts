import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM_FLAGS, chromiumProgram } from '../../infra/local/chromium.ts';

export async function launch(): Promise<Browser> {
  const program = chromiumProgram();
  if (program === undefined) throw new Error('Chromium is not installed');
  return chromium.launch({ executablePath: program, args: [...CHROMIUM_FLAGS, '--disable-lcd-text'] });
}

export interface Opened {
  readonly page: Page;
  /** Errors of scripts, what the page's own policy kept back, and requests to anybody but the server. */
  readonly troubles: readonly string[];
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly calm?: boolean;
}

/** A fresh window on the dashboard, once its rows are there. */
export async function open(browser: Browser, url: string, path = '', look: Look = {}): Promise<Opened> {
  const { width = 1440, height = 900, scheme = 'light', calm = false } = look;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: calm ? 'reduce' : 'no-preference',
    timezoneId: 'Europe/Berlin',
  });
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    // Of a bare picture the browser wants an icon by itself.
    const isIcon = message.location().url.endsWith('/favicon.ico');
    if (message.type() === 'error' && !isIcon) troubles.push(message.text());
  });
  page.on('request', (request) => {
    const target = request.url();
    if (!target.startsWith(`${url}/`) && !target.startsWith('data:')) troubles.push(`asks ${target}`);
  });
  await page.goto(`${url}/${path}`);
  return { page, troubles };
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** What axe finds serious or critical, as text. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate<readonly Violation[]>(
    'axe.run(document).then(({ violations }) => violations)',
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`),
    );
}

/** The title of the row that has the focus, or of the row whose cell has it with the cell's column. */
export async function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    const row = element?.closest('[role=row]');
    const title = row?.querySelector('.title')?.textContent ?? element?.tagName ?? '';
    return element === row ? title : title + ' / ' + (element?.getAttribute('data-column') ?? element?.textContent);
  })()`);
}
