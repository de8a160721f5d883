// Figures as a person reads them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 1500 → "1.5 kB". */
export function formatBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power && value < 100 ? 1 : 0)} ${UNITS[power]}`;
}

/** Bytes per second as a line is sold: "93.1 Mbit/s". */
export function formatRate(bytesPerSecond: number): string {
  const megabits = (bytesPerSecond * 8) / 1e6;
  return `${megabits.toFixed(megabits < 100 ? 1 : 0)} Mbit/s`;
}

/** 75 → "1 min 15 s". */
export function formatSeconds(seconds: number, digits = 1): string {
  if (seconds < 10) return `${seconds.toFixed(digits)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
