// Figures as people read them.
export const count = (value: number): string => Math.round(value).toLocaleString(document.documentElement.lang);

export function seconds(milliseconds: number): string {
  if (milliseconds < 950) return `${Math.round(milliseconds)} ms`;
  const value = milliseconds / 1000;
  if (value >= 90) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} s`;
}

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

export function rate(value: number): string {
  return value < 10 ? value.toFixed(1) : count(value);
}
