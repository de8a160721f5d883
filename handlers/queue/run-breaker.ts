// One run of the circuit breaker: note what happened, then set the mapping. Safe to repeat and to run twice at once: the circuit is
// replaced by version, and a setting that was lost on the way is made up for at the next tick.
import type { Log } from "../shared/log";
import type { AlarmReader, CircuitStore, Mapping, MappingState } from "./breaker-ports";
import { advance, settingOf, type Circuit, type CircuitEvent, type CircuitSettings } from "./breaker-state";

/** What a run needs. */
export interface BreakerDependencies {
  readonly store: Pick<CircuitStore, "read" | "write">;
  readonly mapping: Mapping;
  readonly alarm: AlarmReader;
  readonly settings: CircuitSettings;
  readonly now: () => number;
  readonly log: Log;
}

/** Runs that got in between before this one gives up; the next tick goes on. */
const ATTEMPTS = 4;

/** Runs the breaker for one event. Returns the circuit. Throws when the mapping could not be set. */
export async function runBreaker(dependencies: BreakerDependencies, event: CircuitEvent): Promise<Circuit> {
  const { store, mapping, settings, now } = dependencies;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { circuit, version } = await store.read();
    const state = await mapping.read();
    // A probe begins when the mapping polls, not when Lambda was asked to enable it.
    const polls = state.enabled && !(circuit.phase === "half-open" && state.changing);
    const next = advance(circuit, await withLevel(dependencies, event), polls, settings, now());
    if (!isSame(circuit, next) && !(await store.write(next, version))) continue;
    logChange(dependencies, circuit, next);
    return applySetting(dependencies, next, isSame(circuit, next) ? version : version + 1, state);
  }
  throw new Error("the circuit changes faster than it can be read");
}

/** A tick with the alarm's state, read after the circuit, so that it is newer. */
async function withLevel({ alarm, log }: BreakerDependencies, event: CircuitEvent): Promise<CircuitEvent> {
  if (event.kind === "alarm") return event;
  try {
    const level = await alarm.read();
    return level ? { ...event, alarm: level } : event;
  } catch (error) {
    // The alarm's events still come.
    log.error("the alarm could not be read", error);
    return event;
  }
}

async function applySetting(
  { store, mapping, settings, log }: BreakerDependencies,
  circuit: Circuit,
  version: number,
  state: MappingState,
): Promise<Circuit> {
  const setting = settingOf(circuit, settings);
  if (!setting) return circuit;
  if (state.changing) {
    log.info("mapping is changing, to be set at the next tick", { phase: circuit.phase });
    return circuit;
  }
  // Provisioned pollers exclude a maximum concurrency.
  if (!state.provisioned) await mapping.set(setting);
  else if (setting.enabled !== undefined) await mapping.set({ enabled: setting.enabled });
  const applied = { ...circuit, applied: true };
  // Lost to another run: that run read the mapping after us and decides.
  await store.write(applied, version);
  return applied;
}

function logChange({ log }: BreakerDependencies, from: Circuit, to: Circuit): void {
  if (from.phase !== to.phase) log.info(`circuit ${to.phase}`, { from: from.phase, inAlarm: to.inAlarm });
}

function isSame(one: Circuit, other: Circuit): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
