import { mkdir } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { focused, type Look, launch, type Opened, open, seriousFaults } from './browser.ts';
import { lineTo } from './line.ts';
import { openWorld, type World } from './world.ts';

let world: World;
let browser: Browser;
let opened: Opened | undefined;

beforeAll(async () => {
  [world, browser] = [await openWorld(), await launch()];
});

afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

afterEach(async () => {
  await opened?.page.close();
  opened = undefined;
});

async function show(path = '', look: Look = {}): Promise<Page> {
  opened = await open(browser, world.url, path, look);
  return opened.page;
}

function rowOf(page: Page, title: string) {
  return page.locator('[role=row]', { has: page.locator('.title', { hasText: new RegExp(`^${title}$`) }) });
}

async function waitForRows(page: Page): Promise<void> {
  await page.locator('[role=row][data-index="1"]').waitFor();
}

describe('the table', () => {
  it('shows units with their objectives, key results and KPIs, and how they add up', async () => {
    const page = await show();
    await waitForRows(page);
    const titles = await page.locator('.title').allTextContents();
    expect(titles.slice(0, 6)).toEqual([
      'Nordlicht',
      'Become the first choice of mid-sized firms',
      'Customers recommend us',
      'Cash at hand',
      'Gross margin',
      'Product',
    ]);
    expect(await rowOf(page, 'New teams see value in their first week').textContent()).toContain('weakest of 2');
    expect(await rowOf(page, 'Win the mid-market in EMEA').textContent()).toContain('mean of 2, by weight');
    expect(await rowOf(page, 'Recurring revenue in EMEA').textContent()).toContain('weight 2 · 67 %');
  });

  it('shows of a KPI its owner, value and target, verdict, change and the age of its data', async () => {
    const page = await show();
    const row = rowOf(page, 'New revenue this quarter');
    await row.locator('.spark').waitFor();
    const text = await row.textContent();
    expect(text).toContain('Ada Brandt');
    expect(text).toContain('681,905');
    expect(text).toContain('1,300,000');
    expect(text).toContain('on track');
    expect(text).toContain('since 20 Nov');
    expect(text).toContain('fresh');
    expect(text).toMatch(/as of \d+ Nov/);
  });

  it('draws a course with its pace line, and says it in words', async () => {
    const page = await show();
    const spark = rowOf(page, 'New revenue this quarter').locator('.spark');
    await spark.waitFor();
    expect(await spark.locator('.spark-pace').getAttribute('d')).toMatch(/^M[\d.]+ [\d.]+L/);
    expect(await spark.getAttribute('aria-label')).toMatch(/^from .* to 681,905 on 2026-11-2[12], .* expected$/);
  });

  it('never shows green what is stale', async () => {
    const page = await show();
    const row = rowOf(page, 'Cash at hand');
    await row.locator('.chip').waitFor();
    expect(await row.locator('.chip').getAttribute('class')).toContain('tone-gray');
    expect(await row.locator('.fresh').textContent()).toBe('stale');
  });

  it('lists the alerts that are open and leads to what they are about', async () => {
    const page = await show();
    const alerts = page.locator('.alerts');
    await alerts.waitFor();
    expect(await alerts.textContent()).toContain('2 alerts are open');
    await alerts.getByRole('button', { name: 'Open tickets' }).click();
    await page.getByRole('heading', { name: 'Open tickets' }).waitFor();
  });

  it('is led by the address: filters, subject and all', async () => {
    const page = await show('?verdict=off_track#kpi/backlog');
    await page.getByRole('heading', { name: 'Open tickets' }).waitFor();
    const pressed = page.locator('.count[aria-pressed=true]');
    expect(await pressed.textContent()).toContain('off track');
    const shown = await page.locator('[role=row]:not(.is-context) .chip').allTextContents();
    expect(new Set(shown)).toEqual(new Set(['off track']));
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(new URL(page.url()).search).toBe('');
  });

  it('finds rows by words and says when there are none, and what to do', async () => {
    const page = await show();
    await waitForRows(page);
    await page.getByRole('searchbox').fill('ada quarter');
    await page.getByText('1 of 20 rows').waitFor();
    await page.getByRole('searchbox').fill('nothing of the kind');
    await page.getByText('No row matches the filters').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await waitForRows(page);
  });
});

describe('the detail', () => {
  it('shows the course as a chart and the same numbers as a table', async () => {
    const page = await show('#kpi/new-revenue');
    await page.locator('.chart canvas').waitFor();
    expect(await page.locator('.chart-box').getAttribute('aria-label')).toContain('The numbers follow as a table.');
    expect(await page.locator('.legend').textContent()).toContain('definitions changed');
    await page.getByText(/^Numbers \(\d+\)$/).click();
    const first = page.locator('.scroll tbody tr').first();
    expect(await first.locator('th').textContent()).toBe('2026-11-21');
    expect(await first.locator('td').first().textContent()).toBe('681,905');
  });

  it('marks when alerts opened', async () => {
    await (await show('#kpi/backlog')).locator('.legend').getByText('alert opened').waitFor();
  });

  it('tells why something is not green, down to its members', async () => {
    const page = await show('#objective/activation');
    await page.getByRole('heading', { name: 'Why not green' }).waitFor();
    expect(await page.locator('.explain').textContent()).toMatch(/0\.5\d* is not at least 0\.7, which at risk needs/);
    const members = page.locator('.members li');
    expect(await members.first().textContent()).toContain('Teams active after seven days');
    await members.first().getByRole('button').click();
    await page.getByRole('heading', { name: 'Teams active after seven days' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'New teams see value in their first week' }).waitFor();
  });

  it('says of stale data since when nothing was seen, and shades the time since', async () => {
    const page = await show('#kpi/cash');
    await page
      .locator('.explain')
      .getByText(/Nothing newer than 9 Nov 2026, 23:00 UTC was seen/)
      .waitFor();
    await page.locator('.legend').getByText('data overdue').waitFor();
  });

  it('says so of a subject that does not exist, with the nearest one', async () => {
    const page = await show('#kpi/new-revenu');
    await page.getByText(/there is no subject kpi\/new-revenu.*new-revenue/).waitFor();
  });
});

describe('by keyboard alone', () => {
  it('the tree is one stop of the tab key, and arrows walk, open and close it', async () => {
    const page = await show();
    await waitForRows(page);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('Nordlicht');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('Become the first choice of mid-sized firms');
    await page.keyboard.press('ArrowLeft');
    expect(await rowOf(page, 'Become the first choice of mid-sized firms').getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('Cash at hand');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('Customers recommend us');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await focused(page)).toBe('Customers recommend us / 1');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('Cash at hand / 1');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect(await focused(page)).toBe('Nordlicht');
    await page.keyboard.press('End');
    expect(await focused(page)).not.toBe('Nordlicht');
  });

  it('a subject is opened by Enter, and Escape leads back to its row', async () => {
    const page = await show();
    await rowOf(page, 'Gross margin').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Gross margin' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toBe('Gross margin');
  });

  it('the focus is always seen', async () => {
    const page = await show();
    await rowOf(page, 'Gross margin').focus();
    await page.keyboard.press('ArrowDown');
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });
});

describe('for everybody', () => {
  for (const scheme of ['light', 'dark'] as const) {
    it(`axe finds nothing serious in ${scheme}: table, detail, picker of the moment`, async () => {
      const page = await show('#objective/activation', { scheme });
      await page.locator('.members li').first().waitFor();
      await page.locator('.spark').first().waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      for (const summary of await page.locator('.detail summary, .alerts summary').all()) await summary.click();
      await page.getByRole('button', { name: 'As of now' }).click();
      expect(await seriousFaults(page)).toEqual([]);
      expect(opened?.troubles).toEqual([]);
    });
  }

  it('at 400 % zoom everything is there without scrolling sideways', async () => {
    const page = await show('', { width: 320, height: 640 });
    await waitForRows(page);
    await rowOf(page, 'New revenue this quarter').locator('.spark').waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden must not count here.
    const text = await rowOf(page, 'New revenue this quarter').innerText();
    for (const part of ['Ada Brandt', '681,905', 'on track', 'since 20 Nov', 'fresh']) expect(text).toContain(part);
    expect(await seriousFaults(page)).toEqual([]);
    await rowOf(page, 'New revenue this quarter').click();
    await page.locator('.chart canvas').waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
  });

  it('nothing moves for those who asked for calm', async () => {
    const page = await show('', { calm: true });
    await waitForRows(page);
    const durations = await page.evaluate<string[]>(
      "[...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration)",
    );
    expect(new Set(durations)).toEqual(new Set(['0s']));
  });
});

describe('another moment', () => {
  it('is picked by its date, stands in the address, and leads back to now', async () => {
    const page = await show();
    await waitForRows(page);
    await page.getByRole('button', { name: 'As of now' }).click();
    await page.getByLabel('As of').fill('2026-10-20T08:00');
    await page.getByLabel(/by now: with later values/).check();
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('As of 20 Oct 2026, 06:00 UTC').waitFor();
    expect(new URL(page.url()).searchParams.get('as_of')).toBe('2026-10-20T06:00:00Z');
    await expect.poll(() => rowOf(page, 'New revenue this quarter').textContent()).toContain('1,200,000');
    await page.getByRole('button', { name: 'Back to now' }).click();
    await expect.poll(() => rowOf(page, 'New revenue this quarter').textContent()).toContain('1,300,000');
  });

  it('is stepped through', async () => {
    const page = await show('?as_of=2026-11-01T06:00:00Z');
    await page.getByText('As of 1 Nov 2026, 06:00 UTC').waitFor();
    await page.getByRole('button', { name: 'Another moment' }).click();
    await page.getByRole('button', { name: '−1 week' }).click();
    await page.getByText('As of 25 Oct 2026, 06:00 UTC').waitFor();
  });

  it('before anything was defined shows the next step', async () => {
    const page = await show('?known_at=2026-01-01T00:00:00Z');
    await page.getByText('Nothing is judged yet').waitFor();
    expect(await page.locator('.notice').textContent()).toContain('paceline apply');
  });
});

describe('while one looks', () => {
  it('a pushed value shows by itself', async () => {
    const page = await show('#kpi/margin');
    await page.getByText('live', { exact: true }).waitFor();
    const row = rowOf(page, 'Gross margin');
    await expect.poll(() => row.textContent()).toContain('on track');
    await world.push([{ metric: 'margin', period: '2026-11-22', value: '61.4' }]);
    await expect.poll(() => row.textContent(), { timeout: 15_000 }).toContain('61.4');
    expect(await row.textContent()).toContain('off track');
    await expect.poll(() => page.locator('.detail .sentence').textContent()).toContain('61.4');
    expect(opened?.troubles).toEqual([]);
  });

  it('a server that does not answer is told, the numbers stay, and all goes on by itself', async () => {
    const line = await lineTo(world.url);
    try {
      opened = await open(browser, line.url);
      const { page } = opened;
      await page.getByText('live', { exact: true }).waitFor();
      line.cut();
      await page.getByText('no answer', { exact: true }).waitFor({ timeout: 60_000 });
      expect(await page.getByRole('alert').textContent()).toContain('The server does not answer.');
      expect(await rowOf(page, 'Gross margin').count()).toBe(1);
      line.mend();
      await page.getByText('live', { exact: true }).waitFor({ timeout: 60_000 });
      await expect.poll(() => page.getByRole('alert').count(), { timeout: 30_000 }).toBe(0);
    } finally {
      await line.stop();
    }
  });
});

it('a trend as a picture is a picture', async () => {
  const page = await show('v1/trend?subject=kpi/new-revenue&format=svg&from=2026-10-01', { width: 640, height: 260 });
  expect(await page.evaluate<string>('document.documentElement.nodeName')).toBe('svg');
  expect(await page.evaluate<string>('document.documentElement.textContent')).toContain('New revenue this quarter');
  expect(opened?.troubles).toEqual([]);
});

/** Pictures of the documentation; made anew by `PACELINE_SCREENSHOTS=1 npm test -- dashboard.chromium`, then `pngquant --ext .png --force 128`. */
const PICTURES: readonly { readonly name: string; readonly path: string; readonly look: Look }[] =
  process.env.PACELINE_SCREENSHOTS === '1'
    ? [
        { name: 'dashboard', path: '', look: { width: 1280, height: 760 } },
        { name: 'dashboard-detail', path: '#kpi/new-revenue', look: { width: 1440, height: 860 } },
        { name: 'dashboard-dark', path: '#objective/activation', look: { width: 1440, height: 860, scheme: 'dark' } },
      ]
    : [];
for (const { name, path, look } of PICTURES) {
  it(`docs/images/${name}.png is taken`, async () => {
    const folder = new URL('../../docs/images/', import.meta.url).pathname;
    await mkdir(folder, { recursive: true });
    const page = await show(path, look);
    await page.locator('.spark').nth(6).waitFor();
    if (path !== '') await page.locator('.chart canvas').waitFor();
    if (path.startsWith('#objective')) await page.locator('.members li').first().waitFor();
    await page.waitForTimeout(1_000);
    const picture = await page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled' });
    expect(picture.length).toBeGreaterThan(20_000);
  });
}

describe('with two thousand KPIs', () => {
  beforeAll(async () => {
    await world.addKpis(2_000);
  });

  it('only what is near the window is drawn, and the last row is one key away', async () => {
    const page = await show();
    await page.getByText('2021 rows').waitFor();
    const drawn = await page.locator('[role=row][data-index]').count();
    expect(drawn).toBeLessThan(200);
    expect(Number(await page.locator('[role=treegrid]').getAttribute('aria-rowcount'))).toBeGreaterThan(2_000);
    await page.locator('[role=row][data-index="0"]').focus();
    await page.keyboard.press('End');
    await expect.poll(() => focused(page)).toBe('KPI 1999');
    expect(await page.locator('[role=row][data-index]').count()).toBeLessThan(300);
    expect(opened?.troubles).toEqual([]);
  });
});

it('where keys are needed it asks for one once, and keeps the cookie of the server instead', async () => {
  const { reader, pusher } = world.needKeys();
  const page = await show();
  await page.getByText('this needs a key').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await page.getByLabel('Key with the scope read').fill(pusher);
  await page.getByRole('button', { name: 'Show the numbers' }).click();
  await page.getByText(/may push, not read/).waitFor();
  await page.getByLabel('Key with the scope read').fill(reader);
  await page.getByRole('button', { name: 'Show the numbers' }).click();
  await waitForRows(page);
  await page.getByText('live', { exact: true }).waitFor();
  expect(await page.evaluate<number>('localStorage.length + sessionStorage.length')).toBe(0);
  await page.reload();
  await waitForRows(page);
  expect(await page.getByLabel('Key with the scope read').count()).toBe(0);
});
