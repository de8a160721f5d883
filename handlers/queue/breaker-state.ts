// The circuit of a queue's consumption, as a pure state machine.
//
// closed --alarm--> open (mapping disabled) --cooldown--> half-open (mapping enabled, smallest concurrency)
//   ^                 ^                                     |
//   |                 +---- alarm, or alarm still on -------+
//   +------------------------- probe time without alarm ----+
//
// While people have paused the queue the circuit is closed, so that no probe enables the mapping. The alarm is noted all the same, and
// opens the circuit when they resume.
import { PROBE_CONCURRENCY } from "./contract";

/** The circuit. */
export interface Circuit {
  readonly phase: "closed" | "open" | "half-open";
  /** When the phase began, in milliseconds since the epoch. */
  readonly since: number;
  /** Whether the downstream's alarm is on. */
  readonly inAlarm: boolean;
  /** Time of the alarm's last change that we know of. */
  readonly alarmChangedAt: number;
  /** Whether the mapping has been set as the phase asks. */
  readonly applied: boolean;
}

/** State of the downstream's alarm. */
export interface AlarmLevel {
  readonly inAlarm: boolean;
  /** In milliseconds since the epoch. */
  readonly changedAt: number;
}

/** What happened. A tick brings the alarm as it is now, if it could be read: an event of it may have been lost. */
export type CircuitEvent =
  { readonly kind: "tick"; readonly alarm?: AlarmLevel } | ({ readonly kind: "alarm" } & AlarmLevel);

/** What the breaker has to know. */
export interface CircuitSettings {
  readonly cooldownMs: number;
  readonly probeMs: number;
  /** To restore when the circuit closes. Without it the mapping has no maximum. */
  readonly maximumConcurrency?: number;
  /** People have paused the queue: nothing is enabled, whatever the alarm does. */
  readonly paused?: boolean;
}

/** How the mapping shall be. */
export interface MappingSetting {
  /** Left out: as it is. */
  readonly enabled?: boolean;
  /** null: no maximum; left out: as it is. */
  readonly maximumConcurrency?: number | null;
}

/** Before anything happened. */
export const CLOSED: Circuit = { phase: "closed", since: 0, inAlarm: false, alarmChangedAt: 0, applied: true };

/**
 * The circuit after an event. @param mappingEnabled whether the mapping is enabled now: one that is disabled while the circuit is
 * closed has been paused by an operator, and stays so.
 */
export function advance(
  circuit: Circuit,
  event: CircuitEvent,
  mappingEnabled: boolean,
  settings: CircuitSettings,
  now: number,
): Circuit {
  const known = noteAlarm(circuit, event);
  const become = (phase: Circuit["phase"]): Circuit => ({ ...known, phase, since: now, applied: false });
  if (settings.paused === true) return known.phase === "closed" ? known : become("closed");
  switch (known.phase) {
    case "closed":
      return known.inAlarm && mappingEnabled ? become("open") : known;
    case "open":
      if (now - known.since >= settings.cooldownMs && event.kind === "tick") return become("half-open");
      // Somebody enabled it, or an earlier change was lost.
      return mappingEnabled ? { ...known, applied: false } : known;
    case "half-open":
      return advanceProbe(known, event, mappingEnabled, settings, now, become);
  }
}

/** How the mapping has to be set for a circuit; undefined when it is right already. */
export function settingOf(circuit: Circuit, settings: CircuitSettings): MappingSetting | undefined {
  if (circuit.applied) return undefined;
  if (circuit.phase === "open") return { enabled: false };
  if (circuit.phase === "half-open") return { enabled: true, maximumConcurrency: PROBE_CONCURRENCY };
  // It was enabled for the probe; who paused it since then meant it. A probe that began during the pause's own update ends here.
  const enabled = settings.paused === true ? { enabled: false } : {};
  return { ...enabled, maximumConcurrency: settings.maximumConcurrency ?? null };
}

/** Events can come late, twice or in the wrong order: only a newer change counts. What a tick has read is newer than all of them. */
function noteAlarm(circuit: Circuit, event: CircuitEvent): Circuit {
  const alarmChangedAt = Math.max(circuit.alarmChangedAt, levelIn(event)?.changedAt ?? 0);
  if (event.kind === "tick")
    return event.alarm ? { ...circuit, inAlarm: event.alarm.inAlarm, alarmChangedAt } : circuit;
  return event.changedAt < circuit.alarmChangedAt ? circuit : { ...circuit, inAlarm: event.inAlarm, alarmChangedAt };
}

function levelIn(event: CircuitEvent): AlarmLevel | undefined {
  return event.kind === "tick" ? event.alarm : event;
}

function advanceProbe(
  circuit: Circuit,
  event: CircuitEvent,
  mappingEnabled: boolean,
  { probeMs }: CircuitSettings,
  now: number,
  become: (phase: Circuit["phase"]) => Circuit,
): Circuit {
  const changedAt = levelIn(event)?.changedAt ?? 0;
  if (circuit.inAlarm && changedAt >= circuit.since) return become("open");
  if (!circuit.applied) return circuit;
  // An operator paused the probe: it begins anew when the pause ends.
  if (!mappingEnabled) return { ...circuit, since: now };
  if (now - circuit.since < probeMs) return circuit;
  return become(circuit.inAlarm ? "open" : "closed");
}
