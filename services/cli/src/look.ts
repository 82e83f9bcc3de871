export { freshnessNow, percent, VERDICT_LOOK } from '@paceline/domain/look';

/** `1234567.891` → `1,234,567.891`; long fractions are cut to three digits for reading. */
export function readable(decimal: string | null): string {
  if (decimal === null) return '';
  const [whole = '', fraction = ''] = decimal.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const shown = fraction.slice(0, 3).replace(/0+$/, '');
  return shown === '' ? grouped : `${grouped}.${shown}`;
}
