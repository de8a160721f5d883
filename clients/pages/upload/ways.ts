// The comparison's arithmetic: the four ways, their order, medians and spread. Pure.

import { S3_LIMITS } from "../../../handlers/upload/contract";
import type { UploadOptions } from "../../upload";

/** One way to send a file. */
export interface Way {
  readonly name: string;
  readonly multipart: boolean;
  readonly accelerated: boolean;
}

/** The first is the baseline. */
export const WAYS: readonly Way[] = [
  { name: "Single, direct", multipart: false, accelerated: false },
  { name: "Single, accelerated", multipart: false, accelerated: true },
  { name: "Multipart, direct", multipart: true, accelerated: false },
  { name: "Multipart, accelerated", multipart: true, accelerated: true },
];

/** Options that make an upload go one way. "Single" is one part of the whole file, up to 5 GiB. */
export function optionsFor(way: Way, size: number): UploadOptions {
  const whole = Math.min(S3_LIMITS.maximumPartBytes, Math.max(S3_LIMITS.minimumPartBytes, size));
  return {
    resume: false,
    acceleration: way.accelerated ? "on" : "off",
    ...(!way.multipart && { partSize: whole, parallel: 1 }),
  };
}

/** Ways in the order of running: round by round, each starting with another way, so that a drifting line favours none. */
export function orderRuns<T>(ways: readonly T[], rounds: number): T[] {
  return Array.from({ length: rounds * ways.length }, (_, index) => {
    const round = Math.floor(index / ways.length);
    return ways[(index + round) % ways.length]!;
  });
}

/** Median, fastest and slowest of some runs. */
export interface Summary {
  readonly runs: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Sums up run times; undefined when there are none. */
export function summarize(seconds: readonly number[]): Summary | undefined {
  const sorted = [...seconds].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { runs: sorted.length, median, least, most };
}

/** A kind of file that can be made up: media type, extension, first bytes. */
export interface Sample {
  readonly type: string;
  readonly extension: string;
  readonly head: readonly number[];
}

/** First bytes stand where a server compares them with the media type. */
const SAMPLES: readonly Sample[] = [
  { type: "application/octet-stream", extension: "bin", head: [] },
  { type: "video/mp4", extension: "mp4", head: [0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70, 0x69, 0x73, 0x6f, 0x6d] },
  { type: "image/png", extension: "png", head: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { type: "image/jpeg", extension: "jpg", head: [0xff, 0xd8, 0xff, 0xe0] },
  { type: "application/pdf", extension: "pdf", head: [0x25, 0x50, 0x44, 0x46, 0x2d, 0x31, 0x2e, 0x37] },
  { type: "application/zip", extension: "zip", head: [0x50, 0x4b, 3, 4] },
];

/** A kind of file that the component accepts. */
export function chooseSample(allowedContentTypes: readonly string[]): Sample {
  const allowed = ({ type }: Sample): boolean =>
    allowedContentTypes.some((entry) => entry === "*/*" || entry === type || entry === `${type.split("/")[0]}/*`);
  return SAMPLES.find(allowed) ?? SAMPLES[0]!;
}
